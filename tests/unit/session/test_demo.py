"""The demo workspace: whole, once, never over what a person did; and an upload to resume."""

from __future__ import annotations

import csv
import gzip
import json
import struct
import zlib
from typing import TYPE_CHECKING

import pytest

from dalbrowser.profiles import (
    Connections,
    ProfileStore,
    SecretStore,
    builtin_profiles,
    demo_folder,
)
from dalbrowser.session import demo, demo_files
from dalbrowser.settings import Folders
from dalbrowser.storage import Operator
from dalbrowser.transfer import EngineOptions, JobState, TransferEngine

if TYPE_CHECKING:
    from pathlib import Path

PART = 8 << 20


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One demo, for the tests that only look."""
    folders = Folders.under(tmp_path_factory.mktemp("looked at"))
    assert demo._build(folders)
    return demo_folder(folders)


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folders:
    """A fresh data folder; the log is small here."""
    real = demo_files.log_blocks
    monkeypatch.setattr(demo_files, "log_blocks", lambda size=1: real(size))
    return Folders.under(tmp_path)


def _profiles(folders: Folders) -> ProfileStore:
    return ProfileStore(folders.profiles_file, builtin_profiles(folders))


def test_the_log_is_large_and_its_lines_differ(built: Path) -> None:
    path = built / "logs" / "server.log"
    assert path.stat().st_size >= 60_000_000
    assert path.stat().st_blocks * 512 >= 60_000_000, "a sparse file is no log"
    with path.open("rb") as file:
        lines = [next(file) for _ in range(50_000)]
    assert len(set(lines)) == len(lines)
    assert [line[:24] for line in lines] == sorted(line[:24] for line in lines)


def test_samples_are_what_their_names_say(built: Path) -> None:
    with (built / "tables" / "orders.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 5000
    assert '5" nail' in {row["item"] for row in rows}
    with (built / "tables" / "events.jsonl").open(encoding="utf-8") as file:
        assert len([json.loads(line) for line in file]) == 2000
    unpacked = gzip.decompress((built / "logs" / "server.log.1.gz").read_bytes())
    assert unpacked.startswith(b"2026-09-01T06:00:00.000Z ")
    assert "ä, ö, ü" in (built / "letter (Latin-1).txt").read_text("latin-1")
    assert (built / "data" / "nothing at all").read_bytes() == b""
    assert (built / "data" / "readings.bin").stat().st_size == 1 << 20
    assert len(list((built / "many").iterdir())) == 500
    assert list((built / "empty folder").iterdir()) == []


def test_the_picture_is_a_whole_png(built: Path) -> None:
    data = (built / "pictures" / "evening.png").read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = {}, 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(kind + body)
        chunks[kind] = body
        at += 12 + length
    width, height = struct.unpack_from(">II", chunks[b"IHDR"])
    assert (width, height) == (960, 600)
    assert len(zlib.decompress(chunks[b"IDAT"])) == height * (1 + width)
    assert len(chunks[b"PLTE"]) == 256 * 3


def test_every_odd_name_is_there_exactly(built: Path) -> None:
    assert sorted(file.name for file in (built / "odd keys").iterdir()) == sorted(
        demo_files.odd_names()
    )


async def test_the_operator_finds_the_odd_names_too(built: Path) -> None:
    async with Operator("fs", root=str(built)) as operator:
        found = {entry.path for entry in await operator.list("odd keys/")} - {"odd keys/"}
        assert found == {f"odd keys/{name}" for name in demo_files.odd_names()}
        for name in demo_files.odd_names():
            content = (await operator.read(f"odd keys/{name}")).decode()
            assert content == f"The name of this file is {name!r}.\n"


async def test_it_is_built_once_and_leaves_alone_what_a_person_did(folders: Folders) -> None:
    assert await demo.build_demo(folders)
    root = demo_folder(folders)
    (root / "Welcome.md").unlink()
    (root / "tables" / "orders.csv").write_bytes(b"mine")
    assert not await demo.build_demo(folders)
    assert not (root / "Welcome.md").exists()
    assert (root / "tables" / "orders.csv").read_bytes() == b"mine"


async def test_a_build_that_was_cut_off_goes_on_and_overwrites_nothing(folders: Folders) -> None:
    root = demo_folder(folders)
    (root / "tables").mkdir(parents=True)
    (root / "tables" / "orders.csv").write_bytes(b"mine")
    assert await demo.build_demo(folders)
    assert (root / "tables" / "orders.csv").read_bytes() == b"mine"
    assert (root / "Welcome.md").exists()
    assert not (demo.source_folder(folders) / "unfinished").exists()


async def test_the_upload_is_interrupted_after_two_parts_and_resumes(folders: Folders) -> None:
    await demo.build_demo(folders)
    profiles = _profiles(folders)
    assert await demo.begin_interrupted_upload(folders, profiles)
    root = demo_folder(folders)
    assert not (root / demo.UPLOAD_KEY).exists()
    connections = Connections(profiles, SecretStore())
    engine = TransferEngine(folders.journal_file, connections, profiles, EngineOptions())
    try:
        (job,) = (await engine.start()).interrupted
        assert job.state is JobState.INTERRUPTED
        assert (job.done, job.total) == (2 * PART, demo.UPLOAD_SIZE)
        operator = await connections.operator("demo")
        (upload,) = [found async for found in operator.list_multiparts("")]
        parts = await operator.into_multipart(demo.UPLOAD_KEY, upload.upload_id).list_parts()
        assert [part.number for part in parts] == [1, 2]
        await engine.resume([job.id])
        (done,) = await engine.wait([job.id])
        assert done.state is JobState.DONE, done.error
        assert done.resent <= PART, "one part was in flight"
        assert [found async for found in operator.list_multiparts("")] == []
    finally:
        await engine.close()
        await connections.aclose()
    source = demo.source_folder(folders) / "survey.raw"
    assert (root / demo.UPLOAD_KEY).read_bytes() == source.read_bytes()


async def test_the_upload_is_begun_once_in_a_life(folders: Folders) -> None:
    await demo.build_demo(folders)
    profiles = _profiles(folders)
    assert await demo.begin_interrupted_upload(folders, profiles)
    assert not await demo.begin_interrupted_upload(folders, profiles)


async def test_a_journal_that_somebody_holds_is_left_alone(folders: Folders) -> None:
    await demo.build_demo(folders)
    profiles = _profiles(folders)
    connections = Connections(profiles, SecretStore())
    holder = TransferEngine(folders.journal_file, connections, profiles, EngineOptions())
    await holder.start()
    try:
        assert not await demo.begin_interrupted_upload(folders, profiles)
        assert holder.jobs() == []
    finally:
        await holder.close()
        await connections.aclose()
    assert await demo.begin_interrupted_upload(folders, profiles), "the next start does it"
