"""What incomplete uploads hold and cost, and that only those that were named are given up."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import ErrorKind, MultipartUpload, Part, StorageError
from dalbrowser.transfer import Direction, JobState, TransferError
from dalbrowser.transfer.journal import JobRow, Journal, UploadRow
from dalbrowser.transfer.uploading import incomplete
from dalbrowser.transfer.uploading.incomplete import (
    AT_ONCE,
    Kept,
    abort_uploads,
    kept_of,
    own_of,
    survey,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.rig import Rig

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
GIB = 1 << 30


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incomplete, "now", lambda: NOON)


def test_cost_is_bytes_by_days(noon: None) -> None:
    del noon
    upload = MultipartUpload("k", "u", NOON - timedelta(days=10))
    parts = [
        Part(1, GIB, "e", last_modified=NOON - timedelta(days=4)),
        Part(2, GIB // 2, "e"),
        Part(3, GIB, "e", last_modified=NOON + timedelta(minutes=3)),  # a clock that is ahead
    ]
    kept = kept_of(upload, parts)
    assert (kept.parts, kept.bytes) == (3, 2 * GIB + GIB // 2)
    assert kept.gib_days == pytest.approx(4 + 5)
    assert kept.latest == NOON + timedelta(minutes=3)
    assert kept_of(MultipartUpload("k", "u"), [Part(1, 7, "e")]) == Kept(1, 7, 0.0, None)
    assert (kept + Kept()) == kept


def test_what_has_no_date_is_never_old(noon: None) -> None:
    del noon
    week = timedelta(days=7)
    assert incomplete.is_older(MultipartUpload("k", "u", NOON - week - timedelta(seconds=1)), week)
    assert not incomplete.is_older(MultipartUpload("k", "u", NOON - week), week)
    assert not incomplete.is_older(MultipartUpload("k", "u"), timedelta())


async def begin(rig: Rig, *keys: str) -> list[MultipartUpload]:
    for key in keys:
        made = await rig.op.create_multipart(key)
        await made.write(1, b"x" * 1000)
    return [upload async for upload in rig.op.list_multiparts()]


async def test_parts_are_asked_for_a_few_at_a_time_and_no_longer_after_the_end(rig: Rig) -> None:
    uploads = await begin(rig, *(f"k{number:02}" for number in range(20)))
    busy, most, gate, full = 0, 0, asyncio.Event(), asyncio.Event()

    async def slow(name: str, _path: str, _args: Any) -> None:
        nonlocal busy, most
        if name == "list_parts":
            busy += 1
            most = max(most, busy)
            if busy == AT_ONCE:
                full.set()
            try:
                await gate.wait()
            finally:
                busy -= 1

    rig.wire.before = slow
    told: dict[MultipartUpload, Kept | StorageError] = {}
    task = asyncio.ensure_future(survey(rig.op, uploads, told.__setitem__))
    await full.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (busy, most, told) == (0, AT_ONCE, {})
    gate.set()
    await survey(rig.op, uploads, told.__setitem__)
    assert [kept.bytes for kept in told.values() if isinstance(kept, Kept)] == [1000] * 20


async def test_a_failure_is_told_and_the_others_go_on(rig: Rig) -> None:
    uploads = await begin(rig, "a", "b", "c")

    async def refuse(name: str, path: str, _args: Any) -> None:
        if name in {"list_parts", "abort_multipart"} and path == "b":
            raise StorageError(ErrorKind.PERMISSION_DENIED, "Not yours.")

    rig.wire.before = refuse
    told: dict[MultipartUpload, Kept | StorageError] = {}
    await survey(rig.op, uploads, told.__setitem__)
    assert [each.path for each, kept in told.items() if isinstance(kept, StorageError)] == ["b"]
    report = await abort_uploads(rig.op, "", "", uploads, rig.journal)
    assert sorted(each.path for each in report.gone) == ["a", "c"]
    assert [(each.path, why) for each, why in report.kept] == [("b", "Not yours.")]


async def test_only_what_was_named_is_aborted(rig: Rig) -> None:
    first = await begin(rig, "a", "b")
    await begin(rig, "a", "c")  # another upload of the same key, begun after the look
    await rig.op.into_multipart("b", next(u.upload_id for u in first if u.path == "b")).abort()
    report = await abort_uploads(rig.op, "", "", first, rig.journal)
    assert [each.path for each in report.gone] == ["a"]
    assert [each.path for each in report.vanished] == ["b"]
    left = [upload async for upload in rig.op.list_multiparts()]
    assert sorted(upload.path for upload in left) == ["a", "c"]
    assert not set(left) & set(first)


def job(key: str, state: JobState) -> JobRow:
    return JobRow(
        direction=Direction.UPLOAD,
        profile='{"id": "p"}',
        bucket="",
        key=key,
        state=state,
        begun=True,
    )


async def journal_with(path: Path, uploads: dict[str, tuple[JobState, str]]) -> Journal:
    journal = Journal(path, "a transfer")
    await journal.open()
    for key, (state, upload_id) in uploads.items():
        row = job(key, state)
        (number,) = await journal.add_jobs([row])
        await journal.save_upload(UploadRow(job=number, state="begun", upload_id=upload_id), row)
    return journal


async def test_what_a_transfer_here_is_sending_is_left_to_it(rig: Rig) -> None:
    uploads = {upload.path: upload for upload in await begin(rig, "run", "rest", "new", "other")}
    states = {
        "run": (JobState.RUNNING, uploads["run"].upload_id),
        "rest": (JobState.PAUSED, uploads["rest"].upload_id),
        "new": (JobState.RUNNING, ""),  # its id has not been heard yet
        "other": (JobState.RUNNING, "another upload of that key"),
    }
    journal = await journal_with(rig.journal, states)
    mine = await own_of(rig.journal, "", uploads.values())
    assert {each.path: (own.job, own.running) for each, own in mine.items()} == {
        "run": (1, True),
        "rest": (2, False),
        "new": (3, True),
    }
    report = await abort_uploads(rig.op, "", "", list(uploads.values()), rig.journal)
    assert sorted(each.path for each in report.gone) == ["other", "rest"]
    assert {each.path for each, _ in report.kept} == {"run", "new"}
    assert (
        "transfer 1 of this machine is sending it"
        in {each.path: why for each, why in report.kept}["run"]
    )
    await journal.close()
    # Nobody is at work on them any more.
    report = await abort_uploads(rig.op, "", "", list(uploads.values()), rig.journal)
    assert sorted(each.path for each in report.gone) == ["new", "run"]


async def test_with_a_journal_that_cannot_be_read_nothing_is_aborted(rig: Rig) -> None:
    uploads = await begin(rig, "a")
    rig.journal.write_bytes(b"not a database, and longer than its head would be" * 30)
    with pytest.raises(TransferError, match="cannot be read"):
        await abort_uploads(rig.op, "", "", uploads, rig.journal)
    assert rig.wire.count("abort_multipart") == 0


async def test_without_a_journal_none_is_ours(rig: Rig, tmp_path: Path) -> None:
    uploads = await begin(rig, "a")
    assert await own_of(tmp_path / "none.sqlite", "", uploads) == {}
