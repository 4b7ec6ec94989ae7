"""What is said of a folder's files once its transfer is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.cli.remarks import remarks
from dalbrowser.profiles import Profile
from dalbrowser.transfer import ConflictPolicy, Direction, JobState
from dalbrowser.transfer.conflicts import skip_reason
from dalbrowser.transfer.journal import JobRow, Journal

if TYPE_CHECKING:
    from pathlib import Path

PROFILE = Profile("p", "p", "fs", {"root": "/"}).to_json()
LINK = "This is a link to a folder; it was left out."


def row(name: str, note: str, state: JobState = JobState.DONE, parent: int | None = None) -> JobRow:
    return JobRow(
        direction=Direction.UPLOAD, state=state, profile=PROFILE, bucket="b", key=name,
        local_path=f"/d/{name}", note=note, parent=parent, is_folder=parent is None,
    )  # fmt: skip


async def journal_with(path: Path, files: list[tuple[str, str, JobState]]) -> int:
    journal = Journal(path, "test")
    await journal.open()
    try:
        (folder,) = await journal.add_jobs([row("d/", "")], [None])
        children = [row(name, note, state, folder) for name, note, state in files]
        await journal.add_jobs(children, [None for _ in children])
    finally:
        await journal.close()
    return folder


async def test_what_is_alike_is_said_once_and_what_was_asked_for_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    files = [(f"l{n}", LINK, JobState.SKIPPED) for n in range(5)]
    files += [("new\nline", "called x (2) there.", JobState.DONE), ("plain", "", JobState.DONE)]
    kept = skip_reason(ConflictPolicy.SKIP)
    files += [(f"k{n}", kept, JobState.SKIPPED) for n in range(2000)]
    folder = await journal_with(path, files)
    assert remarks(path, folder) == [
        f"/d/l0: {LINK}",
        f"/d/l1: {LINK}",
        f"/d/l2 (and 2 more): {LINK}",
        "/d/new\\nline: called x (2) there.",
        "2,005 files were left out; dal transfers list --all --files shows them.",
    ]


async def test_many_different_things_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    files = [(f"f{n}", f"called f{n} (2) there.", JobState.DONE) for n in range(100)]
    lines = remarks(path, await journal_with(path, files))
    assert len(lines) == 21
    assert lines[-1] == "There is something to say of 80 more files."


def test_a_journal_that_cannot_be_read_says_nothing(tmp_path: Path) -> None:
    assert remarks(tmp_path / "none.sqlite", 1) == []
