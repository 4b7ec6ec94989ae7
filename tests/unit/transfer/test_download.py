"""Downloads: pinned to one version, whole or not there, and resumable."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import (
    CapabilityOverrideLayer,
    ErrorKind,
    ErrorStatus,
    Metadata,
    StorageError,
)
from dalbrowser.transfer import ConflictPolicy, JobState, JobView
from tests.faults.rig import MiB, Rig, make_file, sha_of
from tests.unit.transfer.gate import Gate

if TYPE_CHECKING:
    from pathlib import Path

RANGE = 256 * 1024
SIZE = 2 * MiB + 5


async def put(rig: Rig, key: str, size: int, seed: int = 1, **options: Any) -> str:
    sha = make_file(rig.folder / "original", size, seed)
    await rig.op.write(key, (rig.folder / "original").read_bytes(), **options)
    return sha


async def fetch(
    rig: Rig, key: str, path: Path, policy: ConflictPolicy = ConflictPolicy.ASK, **options: Any
) -> JobView:
    async with rig.engine(**options) as engine:
        number = await engine.download_file(rig.at(key), path, policy)
        return (await engine.wait([number]))[0]


async def interrupt(rig: Rig, key: str, path: Path, after: int) -> None:
    """Download until some ranges are there, then let the engine die."""
    async with rig.engine(parts_per_file=1) as engine:
        gate = Gate(rig, "read", free=after)
        await engine.download_file(rig.at(key), path)
        await gate.reached.wait()
    rig.wire.before = None
    rig.wire.calls.clear()


async def resumed(rig: Rig) -> JobView:
    async with rig.engine() as engine:
        ids = [view.id for view in rig.report.interrupted]
        assert len(ids) == 1
        await engine.resume(ids)
        return (await engine.wait(ids))[0]


def left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.endswith(".dalpart"))


@pytest.mark.parametrize("size", [0, 1000, SIZE])
async def test_bytes_and_time_arrive(rig: Rig, size: int) -> None:
    sha = await put(rig, "a", size, user_metadata={"mtime": "1700000000.5"})
    view = await fetch(rig, "a", rig.folder / "a")
    assert view.words == "done (verified (md5))"
    assert sha_of(rig.folder / "a") == sha
    assert (rig.folder / "a").stat().st_mtime == 1_700_000_000.5
    assert left_over(rig.folder) == []


async def test_object_known_from_a_listing_is_one_request(rig: Rig) -> None:
    sha = await put(rig, "d/a", 1000, user_metadata={"mtime": "1700000000.5"})
    entry = (await rig.op.list("d/"))[0]
    rig.wire.calls.clear()
    async with rig.engine() as engine:
        ids = await engine.download([(rig.at("d/a"), entry.metadata)], rig.folder)
        view = (await engine.wait(ids))[0]
    assert view.state is JobState.DONE
    assert [name for name, _, _ in rig.wire.calls] == ["read"]
    assert sha_of(rig.folder / "a") == sha
    assert (rig.folder / "a").stat().st_mtime == 1_700_000_000.5


async def test_outdated_listing_is_looked_at_again(rig: Rig) -> None:
    sha = await put(rig, "a", 1000)
    old = Metadata(content_length=500, etag='"0123"')
    async with rig.engine() as engine:
        ids = await engine.download([(rig.at("a"), old)], rig.folder)
        view = (await engine.wait(ids))[0]
    assert view.state is JobState.DONE, view.error
    assert sha_of(rig.folder / "a") == sha


async def test_resume_fetches_only_what_is_missing(rig: Rig) -> None:
    sha = await put(rig, "big", SIZE)
    await interrupt(rig, "big", rig.folder / "big", after=5)
    assert not (rig.folder / "big").exists()
    assert left_over(rig.folder) == [".big.dalpart"]
    view = await resumed(rig)
    assert view.words == "done (verified (md5))"
    assert rig.wire.count("read") == 4
    assert sha_of(rig.folder / "big") == sha
    assert left_over(rig.folder) == []


async def test_damaged_part_file_is_found_and_fetched_again(rig: Rig) -> None:
    sha = await put(rig, "big", SIZE)
    await interrupt(rig, "big", rig.folder / "big", after=5)
    with (rig.folder / ".big.dalpart").open("r+b") as file:
        file.seek(10)
        file.write(b"damage")
    view = await resumed(rig)
    assert view.words == "done (verified (md5))"
    assert sha_of(rig.folder / "big") == sha


async def test_part_file_that_is_gone_is_begun_anew(rig: Rig) -> None:
    sha = await put(rig, "big", SIZE)
    await interrupt(rig, "big", rig.folder / "big", after=5)
    (rig.folder / ".big.dalpart").unlink()
    view = await resumed(rig)
    assert view.words == "done (verified (md5))"
    assert sha_of(rig.folder / "big") == sha


async def test_object_replaced_meanwhile_is_never_mixed(rig: Rig) -> None:
    await put(rig, "big", SIZE)
    await interrupt(rig, "big", rig.folder / "big", after=5)
    sha = await put(rig, "big", SIZE, seed=2)
    view = await resumed(rig)
    assert view.state is JobState.SOURCE_CHANGED
    assert not (rig.folder / "big").exists()
    async with rig.engine() as engine:
        await engine.retry([view.id])
        view = (await engine.wait([view.id]))[0]
    assert view.words == "done (verified (md5))"
    assert sha_of(rig.folder / "big") == sha
    assert left_over(rig.folder) == []


@pytest.mark.parametrize("pinned", [True, False])
async def test_object_replaced_in_the_middle(rig: Rig, pinned: bool) -> None:
    if not pinned:
        rig.op = rig.op.layer(
            CapabilityOverrideLayer(read_with_if_match=False, read_with_version=False)
        )
    await put(rig, "big", SIZE)

    async def replace(name: str, _path: str, args: Any) -> None:
        if name == "read" and args.range.start == 3 * RANGE:
            rig.wire.before = None
            await put(rig, "big", SIZE, seed=2)

    rig.wire.before = replace
    view = await fetch(rig, "big", rig.folder / "big", parts_per_file=1)
    assert view.state is JobState.SOURCE_CHANGED
    assert not (rig.folder / "big").exists()
    pins = {bool(args.if_match) for name, _, args in rig.wire.calls if name == "read"}
    assert pins == {pinned}


async def test_object_deleted_in_the_middle_fails_in_words(rig: Rig) -> None:
    await put(rig, "big", SIZE)

    async def delete(name: str, _path: str, args: Any) -> None:
        if name == "read" and args.range.start == 3 * RANGE:
            await rig.op.delete("big")

    rig.wire.before = delete
    view = await fetch(rig, "big", rig.folder / "big", parts_per_file=1)
    assert view.state in (JobState.FAILED, JobState.SOURCE_CHANGED)
    assert not (rig.folder / "big").exists()


async def test_failed_ranges_go_on_where_they_broke(rig: Rig) -> None:
    sha = await put(rig, "big", SIZE)
    failed: set[int] = set()

    async def fail(name: str, _path: str, args: Any) -> None:
        if name == "read" and args.range.start not in failed:
            failed.add(args.range.start)
            raise StorageError(ErrorKind.UNEXPECTED, "Cut.", status=ErrorStatus.TEMPORARY)

    rig.wire.before = fail
    view = await fetch(rig, "big", rig.folder / "big")
    assert view.words == "done (verified (md5))"
    assert view.attempts == 9
    assert view.done == SIZE
    assert sha_of(rig.folder / "big") == sha


async def test_cut_off_between_renaming_and_its_record_is_done(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = await put(rig, "big", SIZE)
    renamed = asyncio.Event()

    async with rig.engine() as engine:

        async def never(_row: Any) -> None:
            renamed.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(engine._ctx.journal, "finish", never)
        await engine.download_file(rig.at("big"), rig.folder / "big")
        await renamed.wait()
        monkeypatch.undo()
    rig.wire.calls.clear()
    # The first engine believed it done; the journal knows nothing of it.
    view = await resumed(rig)
    assert view.state is JobState.DONE, view.error
    assert rig.wire.count("read") == 0
    assert sha_of(rig.folder / "big") == sha


@pytest.mark.parametrize(
    ("policy", "state", "text"),
    [
        (ConflictPolicy.ASK, JobState.NEEDS_ANSWER, b"mine"),
        (ConflictPolicy.SKIP, JobState.SKIPPED, b"mine"),
        (ConflictPolicy.IF_NEWER, JobState.SKIPPED, b"mine"),
        (ConflictPolicy.OVERWRITE, JobState.DONE, b"theirs"),
        (ConflictPolicy.IF_SIZE_DIFFERS, JobState.DONE, b"theirs"),
        (ConflictPolicy.KEEP_BOTH, JobState.DONE, b"mine"),
    ],
)
async def test_existing_file(
    rig: Rig, policy: ConflictPolicy, state: JobState, text: bytes
) -> None:
    await rig.op.write("a.txt", b"theirs", user_metadata={"mtime": "1000"})
    (rig.folder / "a.txt").write_bytes(b"mine")
    view = await fetch(rig, "a.txt", rig.folder / "a.txt", policy)
    assert view.state is state
    assert (rig.folder / "a.txt").read_bytes() == text
    if policy is ConflictPolicy.KEEP_BOTH:
        assert (rig.folder / "a (2).txt").read_bytes() == b"theirs"


@pytest.mark.parametrize("size", [1000, SIZE])
async def test_name_taken_in_the_middle_is_not_overwritten(rig: Rig, size: int) -> None:
    await put(rig, "a", size)

    async def take(name: str, _path: str, _args: Any) -> None:
        if name == "read":
            (rig.folder / "a").write_bytes(b"mine")

    rig.wire.before = take
    async with rig.engine() as engine:
        number = await engine.download_file(rig.at("a"), rig.folder / "a")
        view = (await engine.wait([number]))[0]
        assert view.state is JobState.NEEDS_ANSWER
        assert (rig.folder / "a").read_bytes() == b"mine"
        await engine.answer(number, ConflictPolicy.SKIP)
        view = (await engine.wait([number]))[0]
    assert view.state is JobState.SKIPPED
    assert (rig.folder / "a").read_bytes() == b"mine"
    assert left_over(rig.folder) == []


async def test_target_folder_that_is_gone(rig: Rig) -> None:
    await put(rig, "a", 1000)
    view = await fetch(rig, "a", rig.folder / "none" / "a")
    assert view.state is JobState.FAILED
    assert "none" in view.error


async def test_target_folder_removed_in_the_middle_then_back(rig: Rig) -> None:
    sha = await put(rig, "big", SIZE)
    (rig.folder / "t").mkdir()
    await interrupt(rig, "big", rig.folder / "t" / "big", after=3)
    (rig.folder / "t" / ".big.dalpart").unlink()
    (rig.folder / "t").rmdir()
    view = await resumed(rig)
    assert view.state is JobState.FAILED
    (rig.folder / "t").mkdir()
    async with rig.engine() as engine:
        await engine.resume([view.id])
        view = (await engine.wait([view.id]))[0]
    assert view.words == "done (verified (md5))"
    assert sha_of(rig.folder / "t" / "big") == sha


async def test_no_room_is_said_before_anything_is_fetched(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(rig, "big", SIZE)
    monkeypatch.setattr(
        "dalbrowser.transfer.disk.localfile.shutil.disk_usage",
        lambda _path: SimpleNamespace(free=1000),
    )
    view = await fetch(rig, "big", rig.folder / "big")
    assert view.state is JobState.FAILED
    assert "make room and resume" in view.error
    assert rig.wire.count("read") == 0


async def test_two_downloads_to_one_name_both_keep_their_bytes(rig: Rig) -> None:
    one, two = await put(rig, "x/a", SIZE), await put(rig, "y/a", SIZE, seed=2)
    async with rig.engine() as engine:
        ids = await engine.download(
            [(rig.at("x/a"), None), (rig.at("y/a"), None)], rig.folder, ConflictPolicy.KEEP_BOTH
        )
        views = await engine.wait(ids)
    assert [view.state for view in views] == [JobState.DONE] * 2
    assert {sha_of(rig.folder / "a"), sha_of(rig.folder / "a (2)")} == {one, two}


HOSTILE = [
    "../../escape",
    "/etc/escape",
    "a/../../escape",
    "a//b",
    "con",
    "nul\x01l",
    "tab\there",
    "%2e%2e/escape",
    "x" * 300,
    "ü" * 200,
]


async def test_hostile_names_stay_inside_the_folder(rig: Rig) -> None:
    inside = rig.folder / "deep" / "chosen"
    inside.mkdir(parents=True)
    outside = {path for path in rig.folder.rglob("*") if inside not in path.parents}
    for number, key in enumerate(HOSTILE):
        await rig.op.write(f"evil/{key}", f"{number}".encode())
    async with rig.engine() as engine:
        ids = await engine.download([(rig.at("evil/"), None)], inside)
        await engine.wait(ids)
        failed = [view for view in engine.jobs() if view.error]
    assert [view.error for view in failed if not view.is_folder] == []
    known = {rig.journal, *rig.folder.glob("journal*"), *rig.folder.glob("*profiles*")}
    after = {path for path in rig.folder.rglob("*") if inside not in path.parents}
    assert after - known == outside - known
    texts = {path.read_text() for path in inside.rglob("*") if path.is_file()}
    assert texts == {str(number) for number in range(len(HOSTILE))}


async def test_link_inside_the_folder_is_not_followed(rig: Rig) -> None:
    (rig.folder / "outside").mkdir()
    (rig.folder / "chosen" / "evil").mkdir(parents=True)
    (rig.folder / "chosen" / "evil" / "link").symlink_to(rig.folder / "outside")
    await rig.op.write("evil/link/file", b"x")
    async with rig.engine() as engine:
        ids = await engine.download([(rig.at("evil/"), None)], rig.folder / "chosen")
        await engine.wait(ids)
        errors = [view.error for view in engine.jobs() if not view.is_folder]
    assert "do not follow links" in errors[0]
    assert list((rig.folder / "outside").iterdir()) == []


async def test_empty_prefix_is_said(rig: Rig) -> None:
    async with rig.engine() as engine:
        ids = await engine.download([(rig.at("nothing/"), None)], rig.folder)
        view = (await engine.wait(ids))[0]
    assert view.state is JobState.FAILED
    assert "nothing below" in view.error


async def test_what_was_looked_at_just_now_is_not_asked_again(rig: Rig) -> None:
    await rig.op.write("file", b"x" * 3_000_000)
    there = await rig.op.stat("file")
    async with rig.engine(ranges_above=1_000_000, range_size=1_000_000) as engine:
        before = rig.wire.count("stat")
        number = await engine.download_file(rig.at("file"), rig.folder / "here", metadata=there)
        await engine.wait([number])
        asked = rig.wire.count("stat") - before
        without = await engine.download_file(rig.at("file"), rig.folder / "again")
        await engine.wait([without])
        assert rig.wire.count("stat") - before > asked
    assert (rig.folder / "here").read_bytes() == b"x" * 3_000_000


async def test_what_was_looked_at_and_replaced_since_is_never_mixed(rig: Rig) -> None:
    await rig.op.write("file", b"x" * 3_000_000)
    there = await rig.op.stat("file")
    await rig.op.write("file", b"y" * 3_000_000)
    async with rig.engine(ranges_above=1_000_000, range_size=1_000_000) as engine:
        number = await engine.download_file(rig.at("file"), rig.folder / "here", metadata=there)
        view = (await engine.wait([number]))[0]
    assert view.state is JobState.SOURCE_CHANGED
    assert not (rig.folder / "here").exists()
