"""``dal sync`` as a person runs it: planned first, equal after, and nothing lost on the way."""

from __future__ import annotations

import os
import pty
import re
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.e2e.link import link
from tests.e2e.witness import MIB, body_of, objects, put
from tests.servers.raw import RawS3
from tests.trees import found_in, plant

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Dal
    from tests.servers.s3_server import S3Server

QUIET = 24 * 1024
"""Bytes of two listings and a handshake; far less than the files."""


def sample() -> dict[str, bytes]:
    return {
        "a/b.bin": body_of(70_000),
        "a b/c.txt": b"with space",
        "deep/er/still": b"",
        "z.txt": b"z",
        "é/ü": body_of(300),
    }


def test_up_twice_then_changes_and_deletions(
    dal_on: Callable[[S3Server], Dal], s3_server: S3Server, s3_bucket: str, work: Path
) -> None:
    tree, source = sample(), work / "src"
    plant(source, tree)
    put(s3_server, s3_bucket, "up/old", b"old")
    put(s3_server, s3_bucket, "other", b"other")
    with link(s3_server) as wire:
        dal, uri = dal_on(wire.server), f"s3://{s3_bucket}/up"
        shown = dal("sync", "src", uri)
        assert "add --yes" in shown.err
        assert shown.code == 1
        assert set(objects(s3_server, s3_bucket)) == {"up/old", "other"}
        rows = [line.split("\t") for line in shown.lines[:-1]]
        assert rows == [["copy", str(len(tree[name])), name] for name in sorted(tree)]
        assert "keep 1" in shown.lines[-1]

        first = dal("sync", "src", uri, "--yes")
        assert (first.code, first.err) == (0, "")
        there = {f"up/{name}": body for name, body in tree.items()}
        assert objects(s3_server, s3_bucket) == {**there, "up/old": b"old", "other": b"other"}

        before = wire.settle()
        again = dal("sync", "src", uri, "--yes")
        assert (again.code, again.err) == (0, "")
        assert again.text.startswith("Plan: copy 0, update 0, 0 B in all, keep 1")
        assert wire.settle() - before < QUIET

        plant(source, {"z.txt": b"Z"}, age=-5)  # the same size, and newer
        plant(source, {"a/b.bin": b"shorter"})
        (source / "é/ü").unlink()
        changed = dal("sync", "src", uri, "--delete", "--yes")
        assert (changed.code, changed.err) == (0, "")
        assert "copy 0, update 2" in changed.text
        assert "Deleted 2." in changed.text
    left = {"up/z.txt": b"Z", "up/a/b.bin": b"shorter", "other": b"other"}
    left |= {f"up/{name}": tree[name] for name in ("a b/c.txt", "deep/er/still")}
    assert objects(s3_server, s3_bucket) == left


def test_down_twice_then_changes_and_deletions(
    dal_on: Callable[[S3Server], Dal], ceph_s3: S3Server, ceph_bucket: str, work: Path
) -> None:
    tree = sample()
    for name, body in tree.items():
        put(ceph_s3, ceph_bucket, f"in/{name}", body)
    with link(ceph_s3) as wire:
        dal, uri = dal_on(wire.server), f"s3://{ceph_bucket}/in/"
        first = dal("sync", uri, "down", "--yes")
        assert (first.code, first.err) == (0, "")
        assert found_in(work / "down") == tree
        before = wire.settle()
        again = dal("sync", uri, "down", "--yes", "--delete")
        assert (again.code, again.err) == (0, "")
        assert f"unchanged {len(tree)}" in again.text
        assert wire.settle() - before < QUIET
        plant(work / "down", {"mine/own": b"mine"})
        plant(work / "down", {"z.txt": b"z"}, age=60)  # the new object is to be newer
        put(ceph_s3, ceph_bucket, "in/z.txt", b"Z")
        with RawS3(ceph_s3) as raw:
            assert raw.send("DELETE", ceph_bucket, "in/é/ü").status == 204
        kept = dal("sync", uri, "down", "--yes")
        assert kept.code == 0
        assert found_in(work / "down") == {**tree, "z.txt": b"Z", "mine/own": b"mine"}
        gone = dal("sync", uri, "down", "--yes", "--delete")
        assert (gone.code, gone.err) == (0, "")
    del tree["é/ü"]
    assert found_in(work / "down") == {**tree, "z.txt": b"Z"}
    assert not (work / "down/mine").exists()
    assert not (work / "down/é").exists()


def test_what_was_copied_down_is_not_fetched_once_more(
    dal_on: Callable[[S3Server], Dal], ceph_s3: S3Server, ceph_bucket: str, work: Path
) -> None:
    tree = {**sample(), "big": body_of(17 * MIB)}
    plant(work / "src", tree, age=7200)
    with link(ceph_s3) as wire:
        dal, uri = dal_on(wire.server), f"s3://{ceph_bucket}/src/"
        assert dal("cp", "-r", "src", f"s3://{ceph_bucket}/").code == 0
        assert dal("cp", "-r", uri, "down").code == 0
        times = {path: path.stat().st_mtime_ns for path in (work / "down").rglob("*")}
        assert int((work / "down/src/z.txt").stat().st_mtime) == int(
            (work / "src/z.txt").stat().st_mtime
        )
        before = wire.settle()
        done = dal("sync", uri, "down/src", "--yes")
        assert (done.code, done.err) == (0, "")
        assert f"copy 0, update 0, 0 B in all, unchanged {len(tree)}" in done.text
        assert wire.settle() - before < QUIET
        assert {path: path.stat().st_mtime_ns for path in (work / "down").rglob("*")} == times
        # The same size, an older time, other bytes.
        plant(work / "down/src", {"z.txt": b"Y"}, age=7200)
        assert dal("sync", uri, "down/src", "--yes", "-v").lines[0] == "update\t1\tz.txt"
    assert found_in(work / "down/src") == tree


def test_odd_times_come_back_and_send_nothing_twice(
    dal_on: Callable[[S3Server], Dal], ceph_s3: S3Server, ceph_bucket: str, work: Path
) -> None:
    """Before 1970, 1970 itself, a part of a second, a camera whose clock is far ahead."""
    dal, base = dal_on(ceph_s3), f"s3://{ceph_bucket}"
    times = {"old": -315_619_199.5, "epoch": 0.0, "part": 1_577_836_800.125, "ahead": 5.8e9}
    plant(work / "src", dict.fromkeys(times, b"same"))
    for name, when in times.items():
        os.utime(work / "src" / name, (when, when))
    assert dal("cp", "-r", "src", f"{base}/").code == 0
    assert dal("cp", "-r", f"{base}/src", "down").code == 0
    found = {path.name: path.stat().st_mtime for path in (work / "down/src").iterdir()}
    assert found == times
    assert "copy 0, update 0" in dal("sync", "src", f"{base}/src", "--dry-run").text
    (work / "src/ahead").write_bytes(b"diff")
    os.utime(work / "src/ahead", (5.8e9, 5.8e9))
    changed = dal("sync", "src", f"{base}/src", "--dry-run")
    assert changed.lines[0] == "update\t4\tahead"


def test_between_two_places(
    dal_on: Callable[[S3Server], Dal], ceph_s3: S3Server, ceph_bucket: str
) -> None:
    dal, base = dal_on(ceph_s3), f"s3://{ceph_bucket}"
    for name in ("x", "y/z"):
        put(ceph_s3, ceph_bucket, f"one/{name}", name.encode())
    put(ceph_s3, ceph_bucket, "two/extra", b"extra")
    assert dal("sync", f"{base}/one", f"{base}/two", "--yes", "--delete").code == 0
    assert objects(ceph_s3, ceph_bucket) == {
        "one/x": b"x",
        "one/y/z": b"y/z",
        "two/x": b"x",
        "two/y/z": b"y/z",
    }
    again = dal("sync", f"{base}/one", f"{base}/two", "--yes", "--delete")
    assert "copy 0, update 0, 0 B in all, delete 0 (0 B), unchanged 2" in again.text


def test_what_cannot_take_part_is_said_and_nothing_is_deleted(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    dal, uri = dal_on(rclone_s3), f"s3://{rclone_bucket}/up/"
    plant(work / "src", {"ok": b"ok", "other/x": b"x"})
    (work / "src/link").symlink_to(work / "src/other")
    os.mkfifo(work / "src/fifo")
    (work / "src" / os.fsdecode(b"bad\xff")).write_bytes(b"?")
    for name in ("link/x", "fifo", "extra"):
        put(rclone_s3, rclone_bucket, f"up/{name}", b"there")
    done = dal("sync", "src", uri, "--delete", "--yes")
    assert done.code == 1
    assert "Left out: link/: it is a link to a folder" in done.err
    assert "Left out: fifo: it is not a regular file" in done.err
    assert "Not possible: bad\\udcff: its name is not valid UTF-8" in done.err
    assert "Nothing was deleted" in done.err
    assert set(objects(rclone_s3, rclone_bucket)) == {
        "up/ok", "up/other/x", "up/link/x", "up/fifo", "up/extra"
    }  # fmt: skip
    (work / "src" / os.fsdecode(b"bad\xff")).unlink()
    assert dal("sync", "src", uri, "--delete", "--yes").code == 0
    # What the link hides was never seen to be missing.
    assert set(objects(rclone_s3, rclone_bucket)) == {
        "up/ok", "up/other/x", "up/link/x", "up/fifo"
    }  # fmt: skip


def test_checksum_sees_what_time_and_size_do_not(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    dal, uri = dal_on(rclone_s3), f"s3://{rclone_bucket}/"
    plant(work / "src", {"a": b"one", "b": b"two"})
    assert dal("sync", "src", uri, "--yes").code == 0
    plant(work / "src", {"a": b"eno"}, age=7200)
    plant(work / "src", {"b": b"two"}, age=-3600)
    assert "update 0" in dal("sync", "src", uri, "--dry-run", "--size-only").text
    # A time that lies ahead says nothing; one that has passed would have sent it.
    assert "update 0" in dal("sync", "src", uri, "--dry-run").text
    by_sum = dal("sync", "src", uri, "--checksum", "--yes", "-v").lines
    assert by_sum[0] == "update\t3\ta"
    assert "update 1," in by_sum[1]
    assert objects(rclone_s3, rclone_bucket) == {"a": b"eno", "b": b"two"}


def journal_says(dal: Dal, query: str) -> int:
    journal = dal.folder.parent / "home/.local/state/dalbrowser/journal.sqlite"
    try:
        with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True)) as db:
            (found,) = db.execute(query).fetchone()
            return int(found)
    except sqlite3.OperationalError:
        return 0  # not created yet


def kill_when(dal: Dal, process: subprocess.Popen[bytes], query: str, least: int) -> None:
    """Kill the process once the journal answers the query with at least that."""
    limit = time.monotonic() + 60
    while journal_says(dal, query) < least:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize(
    ("s3_server", "way"), [("ceph", "sync"), ("rclone", "resume")], indirect=["s3_server"]
)
def test_killed_in_the_middle_it_goes_on(
    dal_on: Callable[[S3Server], Dal], s3_server: S3Server, s3_bucket: str, work: Path, way: str
) -> None:
    tree = {f"f{number:03}": body_of(2000, number) for number in range(30)}
    tree["big"] = body_of(32 * MIB, 99)
    plant(work / "src", tree)
    uri = f"s3://{s3_bucket}/up/"
    with link(s3_server, rate=20e6) as wire:
        dal = dal_on(wire.server)
        process = dal.start("sync", "src", uri, "--yes")
        kill_when(dal, process, "SELECT count(*) FROM part WHERE done", 2)
        safe = journal_says(dal, "SELECT coalesce(sum(size), 0) FROM part WHERE done")
        before = wire.settle()
        if way == "sync":
            done = dal("sync", "src", uri, "--yes")
            assert "goes on first" in done.err
        else:
            done = dal("transfers", "resume", "1")
            assert done.err == ""
        assert done.code == 0
        assert wire.settle() - before < sum(map(len, tree.values())) - safe + MIB
        assert dal("transfers", "list").out == b""
        assert "copy 0, update 0" in dal("sync", "src", uri, "--dry-run").text
    assert objects(s3_server, s3_bucket) == {f"up/{name}": body for name, body in tree.items()}
    with RawS3(s3_server) as raw:
        assert raw.uploads(s3_bucket) == []


def test_what_was_cut_off_does_not_go_on_against_what_is_said_now(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    dal, uri = dal_on(rclone_s3), f"s3://{rclone_bucket}/"
    plant(work / "src", {"big": body_of(6 * MIB), "secret": body_of(6 * MIB, 2)})
    process = dal.start("sync", "src", uri, "--yes", "--limit-rate", "1M")
    kill_when(dal, process, "SELECT count(*) FROM job WHERE parent AND state = 'running'", 2)
    assert objects(rclone_s3, rclone_bucket) == {}
    asked = dal("sync", "src", uri, "--exclude", "secret", "--yes")
    assert asked.code == 0
    assert asked.err == (
        "dal: An earlier sync of these by other rules was cut off; it is given up.\n"
    )
    assert set(objects(rclone_s3, rclone_bucket)) == {"big"}
    assert dal("transfers", "list").out == b""


def test_on_a_terminal_it_asks(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    dal = dal_on(rclone_s3)
    plant(work / "src", {"a": b"a"})
    for answer, code in ((b"n\n", 1), (b"yes\n", 0)):
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            dal.command("sync", "src", f"s3://{rclone_bucket}/"),
            cwd=work, env=dal.environment, stdin=theirs,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        dal.started.append(process)
        os.close(theirs)
        os.write(ours, answer)
        out, err = process.communicate(timeout=60)
        os.close(ours)
        assert process.returncode == code
        assert out.startswith(b"copy\t1\ta\nPlan: copy 1")
        assert b"Go on? [y/N]" in err
        assert objects(rclone_s3, rclone_bucket) == ({} if code else {"a": b"a"})


def test_hostile_keys_stay_inside_and_those_that_clash_are_said(
    dal_on: Callable[[S3Server], Dal], ceph_s3: S3Server, ceph_bucket: str, work: Path
) -> None:
    dal, uri = dal_on(ceph_s3), f"s3://{ceph_bucket}/in/"
    keys = [
        "in/../../up",
        "in//root",
        "in/a\x07b",
        "in/plain",
        "in/file",
        "in/file/below",
        "in/%41",
        "in/%0A",
    ]
    for key in keys:
        put(ceph_s3, ceph_bucket, key, key.encode())
    done = dal("sync", uri, "down", "--yes", "--delete")
    assert done.code == 1
    assert "Not possible: file/below: 'file' is a file there" in done.err
    assert found_in(work) == {
        "down/%2E%2E/%2E%2E/up": b"in/../../up",
        "down/%/root": b"in//root",
        "down/a%07b": b"in/a\x07b",
        "down/plain": b"in/plain",
        "down/file": b"in/file",
        "down/%41": b"in/%41",
        "down/%250A": b"in/%0A",
    }
    plant(work / "down", {"%0A": b"no key has this name"})
    with RawS3(ceph_s3) as raw:
        assert raw.send("DELETE", ceph_bucket, "in/file/below").status == 204
    again = dal("sync", uri, "down", "--yes", "--delete")
    assert (again.code, again.err) == (0, "")
    assert "copy 0, update 0, 0 B in all, delete 1 (20 B), unchanged 7" in again.text
    assert not (work / "down/%0A").exists()


def test_after_a_failure_nothing_is_deleted_and_the_next_one_ends_equal(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    dal, uri = dal_on(rclone_s3), f"s3://{rclone_bucket}/"
    put(rclone_s3, rclone_bucket, "a/x", b"x")
    put(rclone_s3, rclone_bucket, "b", b"b")
    plant(work / "down", {"a": b"a file where a folder is needed", "extra": b"extra"})
    failed = dal("sync", uri, "down", "--yes", "--delete")
    assert failed.code == 1
    assert "Nothing was deleted" in failed.err
    assert (work / "down/extra").exists()
    assert (work / "down/b").read_bytes() == b"b"
    assert len(dal("transfers", "list").lines) == 1
    (work / "down/a").unlink()
    again = dal("sync", uri, "down", "--yes", "--delete")
    assert again.code == 0, again.err
    assert found_in(work / "down") == {"a/x": b"x", "b": b"b"}
    assert dal("transfers", "list").out == b""


def test_a_large_file_is_updated_in_parts(
    dal_on: Callable[[S3Server], Dal], ceph_s3: S3Server, ceph_bucket: str, work: Path
) -> None:
    dal, uri = dal_on(ceph_s3), f"s3://{ceph_bucket}/"
    put(ceph_s3, ceph_bucket, "big", b"old")
    plant(work / "src", {"big": body_of(17 * MIB)})
    done = dal("sync", "src", uri, "--yes")
    assert (done.code, done.err) == (0, "")
    again = dal("sync", "src", uri, "--yes", "--checksum")
    assert "unchanged 1" in again.text
    assert objects(ceph_s3, ceph_bucket) == {"big": body_of(17 * MIB)}
    with RawS3(ceph_s3) as raw:
        assert raw.uploads(ceph_bucket) == []


def test_a_stopped_sync_says_how_it_goes_on(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    """Stopped by Ctrl-C under a rate limit; one of its files goes on alone, then all."""
    dal, uri = dal_on(rclone_s3), f"s3://{rclone_bucket}/"
    plant(work / "src", {"big": os.urandom(20 << 20), "small": b"s"})
    # The names of two files at once: the rate is shared, and big needs eight seconds of it.
    process = dal.start("sync", "src", uri, "--yes", "--limit-rate", "2.5M")
    deadline = time.monotonic() + 60
    while "small" not in objects(rclone_s3, rclone_bucket):
        assert time.monotonic() < deadline
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    said = re.fullmatch(r"dal: Stopped; go on with: dal transfers resume (\d+)\n", err.decode())
    assert said, err
    rows = [line.split("\t") for line in dal("transfers", "list", "--files").lines]
    ((file, state),) = [row[:2] for row in rows if row[3] == f"{uri}big"]
    assert state == "interrupted"
    assert dal("transfers", "resume", file).code == 0
    assert dal("transfers", "resume", said[1]).code == 0
    assert objects(rclone_s3, rclone_bucket) == found_in(work / "src")
    assert dal("transfers", "list").out == b""
