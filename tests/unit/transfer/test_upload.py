"""Uploads: what is sent, what is proven, and what fails in words."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest

from dalbrowser.storage import CapabilityOverrideLayer, ErrorKind, ErrorStatus, StorageError
from dalbrowser.transfer import ConflictPolicy, JobState
from dalbrowser.transfer.uploading import parts
from tests.faults.rig import MiB, Rig, make_file


async def test_small_file_is_one_request(rig: Rig) -> None:
    sha = make_file(rig.folder / "a.txt", 1000)
    view = await rig.upload(rig.folder / "a.txt", "d/a.txt", ConflictPolicy.OVERWRITE)
    assert view.words == "done (verified (md5))"
    assert [name for name, _, _ in rig.wire.calls] == ["write"]
    assert await rig.sha("d/a.txt") == sha


async def test_object_knows_type_and_time(rig: Rig) -> None:
    make_file(rig.folder / "a.csv", 10)
    os.utime(rig.folder / "a.csv", ns=(0, 1_700_000_000_123_456_789))
    await rig.upload(rig.folder / "a.csv", "a.csv")
    there = await rig.op.stat("a.csv")
    assert there.content_type == "text/csv"
    assert there.user_metadata["mtime"] == "1700000000.123456789"


async def test_empty_file(rig: Rig) -> None:
    make_file(rig.folder / "empty", 0)
    view = await rig.upload(rig.folder / "empty", "empty")
    assert view.words == "done (verified (md5))"
    assert await rig.op.read("empty") == b""


async def test_journal_knows_the_upload_before_a_part_leaves_and_a_part_before_it_counts(
    rig: Rig,
) -> None:
    make_file(rig.folder / "big", 1 * MiB)
    states: list[str] = []

    async def look(name: str, _path: str, args: Any) -> None:
        if name in ("create_multipart", "write_multipart", "complete_multipart"):
            state, upload_id = rig.on_disk("SELECT state, upload_id FROM upload")[0]
            done = rig.on_disk("SELECT count(*) FROM part WHERE done")[0][0]
            states.append(f"{name} {state} {bool(upload_id)} {done}")

    rig.wire.before = look
    await rig.upload(rig.folder / "big", "big", parts_per_file=1)
    assert states == [
        "create_multipart intent False 0",
        "write_multipart begun True 0",
        "write_multipart begun True 1",
        "write_multipart begun True 2",
        "write_multipart begun True 3",
        "complete_multipart completing True 4",
    ]
    assert rig.on_disk("SELECT * FROM upload") == rig.on_disk("SELECT * FROM part") == []


async def test_large_file_in_parts(rig: Rig) -> None:
    sha = make_file(rig.folder / "big", 3 * MiB + 7)
    view = await rig.upload(rig.folder / "big", "big")
    assert view.words == "done (verified (md5))"
    assert (view.parts_done, view.parts_total) == (13, 13)
    assert view.done == view.total == 3 * MiB + 7
    assert rig.wire.count("write_multipart") == 13
    assert await rig.sha("big") == sha
    assert await rig.uploads_left() == []


@pytest.mark.parametrize(("held", "most"), [(100, 1), (600 * 1024, 2), (9 * MiB, 4)])
async def test_no_more_parts_are_in_memory_than_fit(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, held: int, most: int
) -> None:
    monkeypatch.setattr(parts, "HELD", held)
    make_file(rig.folder / "big", 2 * MiB)
    under_way, seen, full = 0, 0, asyncio.Event()

    async def count(name: str, _path: str, _args: Any) -> None:
        nonlocal under_way, seen
        if name == "write_multipart":
            under_way += 1
            seen = max(seen, under_way)
            if seen == most:
                full.set()
            await full.wait()
            under_way -= 1

    rig.wire.before = count
    view = await rig.upload(rig.folder / "big", "big", parts_per_file=4)
    assert view.words == "done (verified (md5))"
    assert seen == most


async def test_source_changed_in_the_middle_completes_nothing(rig: Rig) -> None:
    make_file(rig.folder / "big", 2 * MiB)

    async def change(name: str, _path: str, args: Any) -> None:
        if name == "write_multipart" and args.number == 3:
            make_file(rig.folder / "big", 2 * MiB, seed=2)

    rig.wire.before = change
    view = await rig.upload(rig.folder / "big", "big", parts_per_file=1)
    assert view.state is JobState.SOURCE_CHANGED
    assert rig.wire.count("write_multipart") == 3
    assert rig.wire.count("complete_multipart") == 0
    assert not await rig.op.exists("big")


async def test_source_changed_after_the_last_part_is_not_completed(rig: Rig) -> None:
    make_file(rig.folder / "big", 1 * MiB)

    async def change(name: str, _path: str, args: Any) -> None:
        if name == "write_multipart" and args.number == 4:
            os.utime(rig.folder / "big", ns=(0, 0))

    rig.wire.before = change
    view = await rig.upload(rig.folder / "big", "big", parts_per_file=1)
    assert view.state is JobState.SOURCE_CHANGED
    assert rig.wire.count("complete_multipart") == 0


@pytest.mark.parametrize("size", [2 * MiB, 1000])
async def test_source_truncated_in_the_middle(rig: Rig, size: int) -> None:
    make_file(rig.folder / "big", size)

    async def cut(name: str, _path: str, _args: Any) -> None:
        if name in ("write_multipart", "stat"):
            os.truncate(rig.folder / "big", 10)

    rig.wire.before = cut
    view = await rig.upload(rig.folder / "big", "big", parts_per_file=1)
    assert view.state is JobState.SOURCE_CHANGED
    assert not await rig.op.exists("big")


async def test_source_gone_in_the_middle_goes_on_when_it_is_back(rig: Rig) -> None:
    sha = make_file(rig.folder / "big", 2 * MiB)

    async def move(name: str, _path: str, args: Any) -> None:
        if name == "write_multipart" and args.number == 3:
            (rig.folder / "big").rename(rig.folder / "away")

    rig.wire.before = move
    async with rig.engine(parts_per_file=1) as engine:
        number = await engine.upload_file(rig.folder / "big", rig.at("big"))
        view = (await engine.wait([number]))[0]
        assert view.state is JobState.FAILED
        assert "put it back and resume" in view.error
        (rig.folder / "away").rename(rig.folder / "big")
        rig.wire.before = None
        await engine.resume([number])
        view = (await engine.wait([number]))[0]
    assert view.words == "done (verified (md5))"
    assert rig.wire.count("write_multipart") <= 9
    assert await rig.sha("big") == sha


async def test_temporary_failures_are_tried_again_part_by_part(rig: Rig) -> None:
    sha = make_file(rig.folder / "big", 2 * MiB)
    failed: set[int] = set()

    async def fail(name: str, _path: str, args: Any) -> None:
        if name == "write_multipart" and args.number not in failed:
            failed.add(args.number)
            raise StorageError(ErrorKind.UNEXPECTED, "503.", status=ErrorStatus.TEMPORARY)

    rig.wire.before = fail
    view = await rig.upload(rig.folder / "big", "big")
    assert view.words == "done (verified (md5))"
    assert view.attempts == 8
    assert await rig.sha("big") == sha


async def test_permanent_failure_is_said_and_kept_for_resuming(rig: Rig) -> None:
    sha = make_file(rig.folder / "big", 2 * MiB)

    async def deny(name: str, _path: str, args: Any) -> None:
        if name == "write_multipart" and args.number == 6:
            raise StorageError(ErrorKind.PERMISSION_DENIED, "No right to write; ask the owner.")

    rig.wire.before = deny
    async with rig.engine(parts_per_file=1) as engine:
        number = await engine.upload_file(rig.folder / "big", rig.at("big"))
        view = (await engine.wait([number]))[0]
        assert view.state is JobState.FAILED
        assert view.error == "No right to write; ask the owner."
        rig.wire.before = None
        rig.wire.calls.clear()
        await engine.retry([number])
        view = (await engine.wait([number]))[0]
    assert view.words == "done (verified (md5))"
    assert rig.wire.count("write_multipart") == 3
    assert await rig.sha("big") == sha


async def test_expired_credentials_wait_for_a_person(rig: Rig) -> None:
    make_file(rig.folder / "a", 1000)

    async def expired(_name: str, _path: str, _args: Any) -> None:
        raise StorageError(
            ErrorKind.PERMISSION_DENIED, "Expired.", context={"code": "ExpiredToken"}
        )

    rig.wire.before = expired
    async with rig.engine() as engine:
        number = await engine.upload_file(rig.folder / "a", rig.at("a"))
        view = (await engine.wait([number]))[0]
        assert view.state is JobState.WAITING_CREDENTIALS
        assert view.state.word == "waiting (credentials)"
        rig.wire.before = None
        await engine.resume([number])
        view = (await engine.wait([number]))[0]
    assert view.state is JobState.DONE


async def test_dead_network_fails_in_words_when_patience_ends(rig: Rig) -> None:
    make_file(rig.folder / "a", 1000)

    async def dead(_name: str, _path: str, _args: Any) -> None:
        raise StorageError(ErrorKind.UNEXPECTED, "Nothing answers.", status=ErrorStatus.TEMPORARY)

    rig.wire.before = dead
    view = await rig.upload(rig.folder / "a", "a", patience=0.05)
    assert (view.state, view.error) == (JobState.FAILED, "Nothing answers.")
    states = {v.state for e in rig.events for v in getattr(e, "views", ())}
    assert JobState.WAITING_NETWORK in states


async def test_missing_file_fails_in_words(rig: Rig) -> None:
    view = await rig.upload(rig.folder / "nowhere", "a")
    assert view.state is JobState.FAILED
    assert "is not there any more" in view.error


async def test_target_taken_at_the_very_last_moment_is_not_overwritten(rig: Rig) -> None:
    make_file(rig.folder / "big", 2 * MiB)

    async def take(name: str, _path: str, _args: Any) -> None:
        if name == "complete_multipart":
            await rig.op.write("big", b"theirs")

    rig.wire.before = take
    view = await rig.upload(rig.folder / "big", "big")
    assert view.state is JobState.NEEDS_ANSWER
    assert await rig.op.read("big") == b"theirs"


async def test_target_taken_is_seen_where_the_service_cannot_refuse(rig: Rig) -> None:
    make_file(rig.folder / "big", 2 * MiB)
    rig.op = rig.op.layer(CapabilityOverrideLayer(write_with_if_not_exists=False))

    async def take(name: str, _path: str, args: Any) -> None:
        if name == "write_multipart" and args.number == 8:
            await rig.op.write("big", b"theirs")

    rig.wire.before = take
    view = await rig.upload(rig.folder / "big", "big")
    assert view.state is JobState.NEEDS_ANSWER
    assert await rig.op.read("big") == b"theirs"


async def test_target_taken_meanwhile_is_asked_and_nothing_is_overwritten(rig: Rig) -> None:
    sha = make_file(rig.folder / "big", 2 * MiB)

    async def take(name: str, _path: str, args: Any) -> None:
        if name == "write_multipart" and args.number == 8:
            await rig.op.write("big", b"theirs")

    rig.wire.before = take
    async with rig.engine() as engine:
        number = await engine.upload_file(rig.folder / "big", rig.at("big"))
        view = (await engine.wait([number]))[0]
        assert view.state is JobState.NEEDS_ANSWER
        assert await rig.op.read("big") == b"theirs"
        rig.wire.before = None
        rig.wire.calls.clear()
        await engine.answer(number, ConflictPolicy.OVERWRITE)
        view = (await engine.wait([number]))[0]
    assert view.state is JobState.DONE
    assert rig.wire.count("write_multipart") == 0
    assert await rig.sha("big") == sha
