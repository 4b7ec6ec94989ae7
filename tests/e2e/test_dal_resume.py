"""The promise: killed, stopped or refused in the middle, a transfer goes on and ends equal."""

from __future__ import annotations

import hashlib
import random
import re
import signal
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.e2e.link import link
from tests.servers.raw import RawS3

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Dal
    from tests.servers.s3_server import S3Server

MIB = 1 << 20
PART = 8 * MIB
OVERHEAD = 256 * 1024
"""Room for the headers of all requests; a part is 32 times that."""


def write_random(path: Path, size: int) -> str:
    """Write ``size`` bytes and return their SHA-256."""
    source, digest = random.Random(size), hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(size // MIB):
            block = source.randbytes(MIB)
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def sha256_of(server: S3Server, bucket: str, key: str) -> str:
    with RawS3(server) as raw:
        reply = raw.send("GET", bucket, key)
        assert reply.status == 200
        return hashlib.sha256(reply.body).hexdigest()


def uploads(server: S3Server, bucket: str) -> list[tuple[str, str]]:
    with RawS3(server) as raw:
        return raw.uploads(bucket)


def confirmed(dal: Dal) -> tuple[int, int]:
    """Return how many parts the journal holds as confirmed, and their bytes."""
    journal = dal.folder.parent / "home/.local/state/dalbrowser/journal.sqlite"
    if not journal.exists():
        return 0, 0
    try:
        with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True)) as db:
            count, size = db.execute(
                "SELECT count(*), coalesce(sum(size), 0) FROM part WHERE done"
            ).fetchone()
            return count, size
    except sqlite3.OperationalError:
        return 0, 0  # not created yet


def wait_for_parts(dal: Dal, process: subprocess.Popen[bytes], parts: int) -> None:
    """Return when the journal holds so many confirmed parts, the process still being at work."""
    limit = time.monotonic() + 60
    while confirmed(dal)[0] < parts:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit, "no parts within a minute"
        time.sleep(0.005)
    assert process.poll() is None


def jobs(dal: Dal) -> list[list[str]]:
    return [line.split("\t") for line in dal("transfers", "list").lines]


def test_an_upload_that_was_killed_goes_on(
    dal_on: Callable[[S3Server], Dal], s3_server: S3Server, s3_bucket: str, work: Path
) -> None:
    size = 128 * MIB
    digest = write_random(work / "big.bin", size)
    with link(s3_server, rate=60e6) as wire:
        dal = dal_on(wire.server)
        process = dal.start("cp", "big.bin", f"s3://{s3_bucket}/dir/big.bin")
        try:
            wait_for_parts(dal, process, 3)
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        assert process.returncode == -signal.SIGKILL
        parts, safe = confirmed(dal)
        assert 3 <= parts < size // PART
        with RawS3(s3_server) as raw:
            assert raw.keys(s3_bucket) == []
        ((number, state, direction, place, progress),) = jobs(dal)
        assert (state, direction) == ("interrupted", "upload")
        assert place == f"s3://{s3_bucket}/dir/big.bin"
        assert progress == f"{safe}/{size}"

        before = wire.settle()
        resumed = dal("transfers", "resume", number)
        assert (resumed.code, resumed.err) == (0, "")
        # What was confirmed is not sent again: only missing parts, those in flight among them.
        assert wire.sent - before <= size - safe + OVERHEAD
        assert jobs(dal) == []
    assert sha256_of(s3_server, s3_bucket, "dir/big.bin") == digest
    assert uploads(s3_server, s3_bucket) == []


def test_a_download_that_was_killed_goes_on(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    body = random.Random(2).randbytes(96 * MIB)
    with RawS3(rclone_s3) as raw:
        assert raw.send("PUT", rclone_bucket, "big", body=body).status == 200
    dal = dal_on(rclone_s3)
    process = dal.start("cp", f"s3://{rclone_bucket}/big", "big")
    try:
        wait_until_done_of(dal, process, 16 * MIB)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert not (work / "big").exists()
    ((number, state, direction, _, _),) = jobs(dal)
    assert (state, direction) == ("interrupted", "download")
    assert dal("transfers", "resume", number).code == 0
    assert (work / "big").read_bytes() == body
    assert [path.name for path in work.iterdir()] == ["big"]


def wait_until_done_of(dal: Dal, process: subprocess.Popen[bytes], size: int) -> None:
    """Return when the journal holds so many bytes of completed ranges."""
    journal = dal.folder.parent / "home/.local/state/dalbrowser/journal.sqlite"
    limit = time.monotonic() + 60
    found = 0
    while found < size:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.002)
        try:
            with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True)) as db:
                (found,) = db.execute(
                    "SELECT coalesce(sum(stop - start), 0) FROM interval"
                ).fetchone()
        except sqlite3.OperationalError:
            continue


@pytest.mark.parametrize("stop", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_transfer_says_how_it_goes_on(
    dal_on: Callable[[S3Server], Dal],
    rclone_s3: S3Server,
    rclone_bucket: str,
    work: Path,
    stop: tuple[signal.Signals, int],
) -> None:
    number, code = stop
    digest = write_random(work / "big.bin", 64 * MIB)
    with link(rclone_s3, rate=15e6) as wire:
        dal = dal_on(wire.server)
        process = dal.start("cp", "big.bin", f"s3://{rclone_bucket}/big.bin")
        wait_for_parts(dal, process, 2)
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        assert process.returncode == code
        said = re.fullmatch(r"dal: .*dal transfers resume (\d+)\n", err.decode())
        assert said, err
        assert [row[:2] for row in jobs(dal)] == [[said[1], "interrupted"]]
        wire.rate = None
        assert dal("transfers", "resume", said[1]).code == 0
    assert sha256_of(rclone_s3, rclone_bucket, "big.bin") == digest


def test_who_holds_the_transfers_is_told(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    write_random(work / "big.bin", 64 * MIB)
    with link(rclone_s3, rate=10e6) as wire:
        dal = dal_on(wire.server)
        process = dal.start("cp", "big.bin", f"s3://{rclone_bucket}/big.bin")
        wait_for_parts(dal, process, 1)
        wire.rate = 50e3  # so that it is at work however long the commands below take
        for command in (("transfers", "resume", "1"), ("transfers", "cancel", "1")):
            said = dal(*command).complaint()
            assert f"process {process.pid}" in said
            assert "dal cp" in said
        listed = dal("transfers", "list")
        assert listed.code == 0
        assert listed.lines[0].split("\t")[1] == "running"
        assert f"process {process.pid}" in listed.err
        # What needs no transfer still works meanwhile.
        assert dal("ls", f"s3://{rclone_bucket}/").code == 0
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def test_cancel_leaves_nothing(
    dal_on: Callable[[S3Server], Dal], ceph_s3: S3Server, ceph_bucket: str, work: Path
) -> None:
    write_random(work / "big.bin", 64 * MIB)
    with link(ceph_s3, rate=15e6) as wire:
        dal = dal_on(wire.server)
        process = dal.start("cp", "big.bin", f"s3://{ceph_bucket}/big.bin")
        wait_for_parts(dal, process, 2)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert len(uploads(ceph_s3, ceph_bucket)) == 1
        ((number, *_),) = jobs(dal)
        wire.rate = None
        assert dal("transfers", "cancel", "--all").code == 0
        assert jobs(dal) == []
        assert "already" in dal("transfers", "cancel", number).complaint()
    assert uploads(ceph_s3, ceph_bucket) == []
    with RawS3(ceph_s3) as raw:
        assert raw.keys(ceph_bucket) == []


def test_a_changed_source_is_refused_and_may_start_over(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    write_random(work / "big.bin", 64 * MIB)
    with link(rclone_s3, rate=15e6) as wire:
        dal = dal_on(wire.server)
        process = dal.start("cp", "big.bin", f"s3://{rclone_bucket}/big.bin")
        wait_for_parts(dal, process, 2)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        digest = write_random(work / "big.bin", 65 * MIB)
        ((number, *_),) = jobs(dal)
        before = wire.settle()
        assert "changed" in dal("transfers", "resume", number).complaint()
        assert wire.sent - before < OVERHEAD
        with RawS3(rclone_s3) as raw:
            assert raw.keys(rclone_bucket) == []
        assert dal("transfers", "resume", number, "--start-over").code == 0
    assert sha256_of(rclone_s3, rclone_bucket, "big.bin") == digest
    assert uploads(rclone_s3, rclone_bucket) == []


def test_an_unknown_job_is_said(bare_dal: Dal) -> None:
    assert "no transfer 7" in bare_dal("transfers", "resume", "7").complaint()
    assert "no transfer 7" in bare_dal("transfers", "cancel", "7").complaint()
    assert "--all" in bare_dal("transfers", "resume").complaint()
    assert "--all" in bare_dal("transfers", "cancel").complaint()
    assert bare_dal("transfers", "cancel", "--all").code == 0
    assert bare_dal("transfers", "resume", "--all").code == 0
