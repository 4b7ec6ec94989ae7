"""Several ``dal`` at once, and one beside a window: they take turns, and none is lost."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from dalbrowser.transfer.journal import JournalLock
from dalbrowser.transfer.journal.holder import holder
from tests.e2e.witness import MIB, body_of, objects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.conftest import Dal
    from tests.servers.s3_server import S3Server


@pytest.fixture
def journal(work: Path) -> Path:
    """Where the program keeps its journal; its folder is there."""
    path = work.parent / "home/.local/state/dalbrowser/journal.sqlite"
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def held(journal: Path) -> Iterator[Callable[[str], JournalLock]]:
    """Holds the journal in this process, under a name."""
    locks: list[JournalLock] = []

    def hold(who: str) -> JournalLock:
        lock = JournalLock(journal.with_name(f"{journal.name}.lock"))
        lock.acquire(who)
        locks.append(lock)
        return lock

    yield hold
    for lock in locks:
        lock.release()


def test_the_second_waits_for_the_first(
    dal_on: Callable[[S3Server], Dal],
    rclone_s3: S3Server,
    rclone_bucket: str,
    work: Path,
    journal: Path,
) -> None:
    dal, base = dal_on(rclone_s3), f"s3://{rclone_bucket}/"
    bodies = {"big": body_of(4 * MIB), "small": b"s", "third": b"3"}
    for name, body in bodies.items():
        (work / name).write_bytes(body)
    first = dal.start("cp", "--limit-rate", "4M", "big", base)
    deadline = time.monotonic() + 30
    while holder(journal) is None:
        assert first.poll() is None
        assert time.monotonic() < deadline
    # It is not done before the others are there, however busy the machine is.
    first.send_signal(signal.SIGSTOP)
    others = [
        dal.start("cp", "small", base),
        dal.start("sync", "--yes", "--include", "third", ".", base),
    ]
    for process in others:
        assert process.stderr is not None
        assert process.stderr.readline() == b"dal: Waiting for dal cp (process %d) to end.\n" % (
            first.pid
        )
    first.send_signal(signal.SIGCONT)
    for process in (first, *others):
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert objects(rclone_s3, rclone_bucket) == bodies
    assert dal("transfers").out == b""


def test_a_window_is_not_waited_for(
    dal_on: Callable[[S3Server], Dal],
    rclone_s3: S3Server,
    rclone_bucket: str,
    work: Path,
    held: Callable[[str], JournalLock],
) -> None:
    (work / "a").write_bytes(b"a")
    held("the dalbrowser window")
    done = dal_on(rclone_s3)("cp", "a", f"s3://{rclone_bucket}/")
    assert "in the hands of the dalbrowser window" in done.complaint()
    assert objects(rclone_s3, rclone_bucket) == {}


def test_waiting_ends_with_ctrl_c_and_with_the_other(
    dal_on: Callable[[S3Server], Dal],
    rclone_s3: S3Server,
    rclone_bucket: str,
    work: Path,
    held: Callable[[str], JournalLock],
) -> None:
    dal, base = dal_on(rclone_s3), f"s3://{rclone_bucket}/"
    (work / "a").write_bytes(b"a")
    lock = held("dal sync")
    stopped, patient = (dal.start("cp", "a", base) for _ in range(2))
    for process in (stopped, patient):
        assert process.stderr is not None
        assert process.stderr.readline().startswith(b"dal: Waiting for dal sync (process ")
    stopped.send_signal(signal.SIGINT)
    assert stopped.wait(30) == 130
    assert objects(rclone_s3, rclone_bucket) == {}
    lock.release()
    assert patient.wait(30) == 0
    assert objects(rclone_s3, rclone_bucket) == {"a": b"a"}
