"""Stories over a real S3 server: files go up and come down, and the panel says what happens."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QTableView

from dalbrowser.transfer import JobState
from tests.servers.raw import RawS3
from tests.ui.stories.gate import gate

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.s3_server import S3Server
    from tests.ui.stories.person import Person

MIB = 1024 * 1024


@pytest.fixture
def desktop(tmp_path: Path) -> Path:
    """Where the person's own files are."""
    folder = tmp_path / "desktop"
    folder.mkdir()
    return folder


def write(path: Path, size: int, seed: int = 1) -> str:
    """Write a file that no compression or repetition helps with; returns its SHA-256."""
    data = random.Random(seed).randbytes(size)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def stored(raw: RawS3, bucket: str, key: str) -> str:
    """Return the SHA-256 of what the server holds under a key."""
    reply = raw.send("GET", bucket, key)
    assert reply.status == 200
    return hashlib.sha256(reply.body).hexdigest()


async def all_in(person: Person, *states: JobState) -> None:
    """Wait until the panel's rows are in these states."""
    await person.stage.until(
        lambda: [job.state for job in person.jobs()] == list(states),
        f"{states}; they are {[(job.name, job.state, job.error) for job in person.jobs()]}",
    )


def test_a_folder_on_the_tree_and_a_file_on_a_row(
    person: Person, ceph_s3: S3Server, ceph_bucket: str, ceph_raw: RawS3, desktop: Path
) -> None:
    ceph_raw.send("PUT", ceph_bucket, "inbox/old.txt", body=b"old")
    sums = {
        "trip/1.bin": write(desktop / "trip/1.bin", 1000, 1),
        "trip/deep/2.bin": write(desktop / "trip/deep/2.bin", 17 * MIB, 2),
        "inbox/new.bin": write(desktop / "new.bin", 70_000, 3),
    }

    async def story() -> None:
        await person.enter(ceph_s3, ceph_bucket)
        await person.listed("inbox")
        row = person.spot(person.table, person.table.model().index(0, 0))
        assert person.drop(person.table.viewport(), [desktop / "new.bin"], row)
        person.tree.expand(person.node("work"))
        await person.stage.until(
            lambda: person.node("work", ceph_bucket).isValid(), "the bucket in the tree"
        )
        tree = person.tree
        bucket = person.spot(tree, person.node("work", ceph_bucket))
        assert person.drop(tree.viewport(), [desktop / "trip"], bucket)
        await person.stage.until(
            lambda: (
                {"new.bin", "trip/"}
                <= {job.name for job in person.jobs() if job.state is JobState.DONE}
            ),
            "the file and the folder",
        )
        await person.listed("inbox", "trip")
        assert not person.drop(tree.viewport(), [desktop / "trip"], QPoint(20, tree.height() - 4))

    person.stage.run(story())
    assert sorted(ceph_raw.keys(ceph_bucket)) == sorted([*sums, "inbox/old.txt"])
    assert {key: stored(ceph_raw, ceph_bucket, key) for key in sums} == sums


def test_files_chosen_go_up_and_come_down_the_same(
    person: Person, s3_server: S3Server, s3_bucket: str, desktop: Path, tmp_path: Path
) -> None:
    names = ["large.bin", "small.bin"]
    sums = [write(desktop / "large.bin", 17 * MIB, 4), write(desktop / "small.bin", 5, 5)]

    async def story() -> None:
        await person.enter(s3_server, s3_bucket)
        person.do("upload")
        await person.choose([desktop / name for name in names])
        await person.listed(*names)
        await all_in(person, JobState.DONE, JobState.DONE)
        target = tmp_path / "home" / "loads"
        target.mkdir(parents=True)
        person.select(*names)
        person.do("download")
        await person.choose([target])
        await person.stage.until(lambda: len(person.jobs()) == 4, "the downloads")
        await all_in(person, *[JobState.DONE] * 4)
        found = [hashlib.sha256((target / name).read_bytes()).hexdigest() for name in names]
        assert found == sums
        assert sorted(path.name for path in target.iterdir()) == names

    person.stage.run(story())


def test_pause_resume_and_cancel_leave_nothing_on_the_server(
    person: Person, ceph_s3: S3Server, ceph_bucket: str, ceph_raw: RawS3, desktop: Path
) -> None:
    write(desktop / "large.bin", 48 * MIB)

    async def story() -> None:
        async with gate(ceph_s3.endpoint) as narrow:
            await person.enter(ceph_s3, ceph_bucket, narrow.endpoint)
            narrow.close_after(20 * MIB)
            spot = QPoint(40, person.table.viewport().height() - 8)
            assert person.drop(person.table.viewport(), [desktop / "large.bin"], spot)
            await person.stage.until(lambda: person.jobs() and person.jobs()[0].parts_done, "parts")
            person.find(QTableView, "transferView").selectRow(0)
            person.tap("pause_transfer")
            await all_in(person, JobState.PAUSED)
            assert len(ceph_raw.uploads(ceph_bucket)) == 1
            done = person.jobs()[0].parts_done
            # A part and what the kernel still sends of three that were cut, but not the rest.
            narrow.close_after(30 * MIB)
            person.tap("resume_transfer")
            await person.stage.until(lambda: person.jobs()[0].parts_done > done, "more parts")
            person.tap("cancel_transfer")
            narrow.open()
            await all_in(person, JobState.CANCELLED)
            await person.stage.until(lambda: not ceph_raw.uploads(ceph_bucket), "the clean-up")
            assert person.names() == []

    person.stage.run(story())
    assert ceph_raw.keys(ceph_bucket) == []
    assert (desktop / "large.bin").stat().st_size == 48 * MIB


@pytest.mark.parametrize("button", ["conflictSkip", "conflictKeepBoth", "conflictOverwrite"])
def test_an_object_that_exists_is_asked_about(
    person: Person,
    ceph_s3: S3Server,
    ceph_bucket: str,
    desktop: Path,
    button: str,
) -> None:
    with RawS3(ceph_s3) as raw:
        raw.send("PUT", ceph_bucket, "a.txt", body=b"theirs")
    (desktop / "a.txt").write_bytes(b"mine")
    wanted = {
        "conflictSkip": {"a.txt": b"theirs"},
        "conflictKeepBoth": {"a.txt": b"theirs", "a (2).txt": b"mine"},
        "conflictOverwrite": {"a.txt": b"mine"},
    }[button]

    async def story() -> None:
        place = await person.enter(ceph_s3, ceph_bucket)
        await person.listed("a.txt")
        person.window.traffic.upload_to([desktop / "a.txt"], place)
        await person.says("conflictBannerText", "a.txt")
        with RawS3(ceph_s3) as raw:
            assert raw.send("GET", ceph_bucket, "a.txt").body == b"theirs"
        person.press(button)
        await all_in(person, JobState.SKIPPED if button == "conflictSkip" else JobState.DONE)
        await person.listed(*sorted(wanted))

    person.stage.run(story())
    with RawS3(ceph_s3) as raw:
        keys = raw.keys(ceph_bucket)
        assert {key: raw.send("GET", ceph_bucket, key).body for key in keys} == wanted


def test_a_source_that_vanishes_is_said_and_can_be_retried(
    person: Person, ceph_s3: S3Server, ceph_bucket: str, ceph_raw: RawS3, desktop: Path
) -> None:
    source = desktop / "large.bin"
    wanted = write(source, 24 * MIB)

    async def story() -> None:
        async with gate(ceph_s3.endpoint) as narrow:
            place = await person.enter(ceph_s3, ceph_bucket, narrow.endpoint)
            narrow.close_after(12 * MIB)
            person.window.traffic.upload_to([source], place)
            await person.stage.until(lambda: person.jobs() and person.jobs()[0].parts_done, "parts")
            person.find(QTableView, "transferView").selectRow(0)
            person.tap("pause_transfer")
            await all_in(person, JobState.PAUSED)
            source.rename(desktop / "elsewhere")
            narrow.open()
            person.tap("resume_transfer")
            await person.stage.until(
                lambda: person.jobs()[0].state in {JobState.FAILED, JobState.SOURCE_CHANGED},
                "the failure",
            )
            assert "large.bin" in person.row_text(0)
            assert person.jobs()[0].error
            assert ceph_raw.keys(ceph_bucket) == []
            (desktop / "elsewhere").rename(source)
            person.tap("retry_transfer")
            await all_in(person, JobState.DONE)
            await person.listed("large.bin")

    person.stage.run(story())
    assert stored(ceph_raw, ceph_bucket, "large.bin") == wanted
    assert ceph_raw.uploads(ceph_bucket) == []


def test_a_source_that_cannot_be_read_is_said_and_the_others_arrive(
    person: Person, ceph_s3: S3Server, ceph_bucket: str, ceph_raw: RawS3, desktop: Path
) -> None:
    (desktop / "good.txt").write_bytes(b"good")
    # A loop cannot be read by anybody, not even by root.
    (desktop / "loop.txt").symlink_to(desktop / "loop.txt")

    async def story() -> None:
        place = await person.enter(ceph_s3, ceph_bucket)
        person.window.traffic.upload_to([desktop / "loop.txt", desktop / "good.txt"], place)
        await person.listed("good.txt")
        await person.stage.until(
            lambda: (
                {job.name: job.state for job in person.jobs()}
                == {"loop.txt": JobState.FAILED, "good.txt": JobState.DONE}
            ),
            "one failed, one done",
        )
        failed = next(job for job in person.jobs() if job.name == "loop.txt")
        assert len(failed.error) > len("loop.txt")
        row = person.panel.model.row_of(failed.id)
        assert row is not None
        assert failed.error in person.row_text(row)

    person.stage.run(story())
    assert ceph_raw.keys(ceph_bucket) == ["good.txt"]
