"""``dal cp`` up and down: names, conflicts, folders, bytes equal, nothing left over."""

from __future__ import annotations

import hashlib
import os
import pty
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.e2e.witness import MIB, body_of, objects, put
from tests.servers.raw import RawS3
from tests.trees import found_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Dal
    from tests.servers.s3_server import S3Server


@pytest.mark.parametrize("size", [0, 1, 20 * MIB + 7])
def test_up_and_down_again_is_equal(
    dal: Dal, s3_server: S3Server, s3_bucket: str, work: Path, size: int
) -> None:
    body = body_of(size)
    (work / "a b.bin").write_bytes(body)
    up = dal("cp", "a b.bin", f"s3://{s3_bucket}/dir/é b.bin")
    assert (up.code, up.out, up.err) == (0, b"", "")
    found = objects(s3_server, s3_bucket)
    assert list(found) == ["dir/é b.bin"]
    assert hashlib.sha256(found["dir/é b.bin"]).digest() == hashlib.sha256(body).digest()
    down = dal("cp", "-v", f"s3://{s3_bucket}/dir/é b.bin", "back.bin")
    assert (down.code, down.err) == (0, "")
    assert down.text.startswith("done")
    assert (work / "back.bin").read_bytes() == body
    assert sorted(path.name for path in work.iterdir()) == ["a b.bin", "back.bin"]
    with RawS3(s3_server) as raw:
        assert raw.uploads(s3_bucket) == []
    assert dal("transfers", "list").out == b""
    (line,) = [line for line in dal("transfers", "list", "--all").lines if "\tupload\t" in line]
    assert line.split("\t") == [
        "1",
        "done",
        "upload",
        f"s3://{s3_bucket}/dir/é b.bin",
        f"{size}/{size}",
    ]


def test_names_follow_cp(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    dal, base = dal_on(rclone_s3), f"s3://{rclone_bucket}"
    for name in ("a", "b"):
        (work / name).write_bytes(name.encode())
    assert dal("cp", "a", f"{base}/x/").code == 0
    assert dal("cp", "a", base).code == 0
    assert dal("cp", "a", "b", f"{base}/y/").code == 0
    assert "one name for several" in dal("cp", "a", "b", f"{base}/z").complaint()
    assert set(objects(rclone_s3, rclone_bucket)) == {"a", "x/a", "y/a", "y/b"}
    (work / "in").mkdir()
    assert dal("cp", f"{base}/y/b", "in").code == 0
    assert (work / "in/b").read_bytes() == b"b"
    assert dal("cp", f"{base}/y/a", f"{base}/y/b", "new/").code == 0
    assert sorted(path.name for path in (work / "new").iterdir()) == ["a", "b"]
    assert "both local" in dal("cp", "a", "c").complaint()
    assert not (work / "c").exists()


def test_folders_go_with_r_only_and_under_their_name(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    dal, base = dal_on(rclone_s3), f"s3://{rclone_bucket}"
    tree = {"t/a.txt": b"a", "t/sub/b.bin": body_of(3000), "t/sub/deep/c": b"", "t/é/x y": b"1"}
    for name, body in tree.items():
        path = work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    assert "add -r" in dal("cp", "t", f"{base}/in/").complaint()
    assert dal("cp", "-r", "t", f"{base}/in").code == 0
    assert objects(rclone_s3, rclone_bucket) == {f"in/{k}": v for k, v in tree.items()}
    assert "add -r" in dal("cp", f"{base}/in/t/", "down").complaint()
    assert dal("cp", "-r", f"{base}/in/t", "down").code == 0
    assert found_in(work / "down") == tree
    assert dal("transfers", "list").out == b""


def test_conflicts_up(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    dal, uri = dal_on(rclone_s3), f"s3://{rclone_bucket}/a.txt"
    (work / "new").write_bytes(b"new")
    put(rclone_s3, rclone_bucket, "a.txt", b"old")
    kept = dal("cp", "-n", "new", uri)
    assert kept.code == 0
    assert kept.err.startswith("dal: Skipped the upload")
    assert objects(rclone_s3, rclone_bucket) == {"a.txt": b"old"}
    assert dal("cp", "--keep-both", "new", uri).code == 0
    assert objects(rclone_s3, rclone_bucket) == {"a.txt": b"old", "a (2).txt": b"new"}
    os.utime(work / "new", (1, 1))
    assert dal("cp", "-u", "new", uri).code == 0
    assert objects(rclone_s3, rclone_bucket)["a.txt"] == b"old"
    assert dal("cp", "new", uri).code == 0
    assert objects(rclone_s3, rclone_bucket)["a.txt"] == b"new"


def test_conflicts_down(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    dal, uri = dal_on(rclone_s3), f"s3://{rclone_bucket}/a.txt"
    put(rclone_s3, rclone_bucket, "a.txt", b"remote")
    (work / "a.txt").write_bytes(b"local")
    assert dal("cp", "-n", uri, "a.txt").code == 0
    assert (work / "a.txt").read_bytes() == b"local"
    assert dal("cp", "--keep-both", uri, ".").code == 0
    assert (work / "a (2).txt").read_bytes() == b"remote"
    assert dal("cp", uri, "a.txt").code == 0
    assert (work / "a.txt").read_bytes() == b"remote"


def test_connections_without_buckets(bare_dal: Dal, work: Path) -> None:
    home = work.parent / "home"
    (home / "Documents").mkdir()
    (work / "a").write_bytes(b"a")
    assert bare_dal("cp", "a", "home:Documents").code == 0
    assert (home / "Documents/a").read_bytes() == b"a"
    assert bare_dal("cp", "home:Documents/a", "b").code == 0
    assert (work / "b").read_bytes() == b"a"


def test_progress_is_for_a_terminal(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    (work / "big").write_bytes(body_of(64 * MIB))
    dal = dal_on(rclone_s3)
    terminal, stderr = pty.openpty()
    process = subprocess.Popen(
        dal.command("cp", "big", f"s3://{rclone_bucket}/big"),
        cwd=work, env=dal.environment, stdin=subprocess.DEVNULL, stderr=stderr,
    )  # fmt: skip
    os.close(stderr)
    shown = b""
    try:
        while block := os.read(terminal, 65536):
            shown += block
    except OSError:
        pass  # the terminal's other end is closed: the process has ended
    os.close(terminal)
    assert process.wait(60) == 0
    assert re.search(rb"\d+ %  .*MiB of 64.0 MiB", shown)
    assert shown.endswith(b"\r\x1b[K")


def test_incomplete_uploads_of_others(
    dal_on: Callable[[S3Server], Dal], ceph_s3: S3Server, ceph_bucket: str, work: Path
) -> None:
    dal, base = dal_on(ceph_s3), f"s3://{ceph_bucket}"
    body = body_of(20 * MIB)
    (work / "big").write_bytes(body)
    with RawS3(ceph_s3) as raw:
        ids = []
        for key in ("big", "dir/other"):
            reply = raw.send("POST", ceph_bucket, key, query={"uploads": ""}).body.decode()
            ids.append(re.findall("<UploadId>(.*)</UploadId>", reply)[0])
        sent = raw.send(
            "PUT", ceph_bucket, "big",
            query={"partNumber": "1", "uploadId": ids[0]}, body=body[: 8 * MIB],
        )  # fmt: skip
        assert sent.status == 200
    listed = [line.split("\t") for line in dal("uploads", "list", f"{base}/").lines]
    assert [[*row[2:4], *row[5:]] for row in listed] == [
        ["1", str(8 * MIB), ids[0], "big"],
        ["0", "0", ids[1], "dir/other"],
    ]
    assert all(0 <= int(row[1]) < 600 and 0 <= float(row[4]) < 0.01 for row in listed)
    quick = [line.split("\t")[1:] for line in dal("uploads", "list", "-q", f"{base}/").lines]
    assert quick == [row[5:] for row in listed]
    assert dal("uploads", "abort", f"{base}/", "--older-than", "1d").out == b""
    assert dal("uploads", "abort", f"{base}/dir/other", ids[1]).code == 0
    resumed = dal("uploads", "resume", "big", f"{base}/big", ids[0])
    assert (resumed.code, resumed.err) == (0, "")
    assert objects(ceph_s3, ceph_bucket) == {"big": body}
    assert dal("uploads", "list", base).out == b""


def test_copies_and_moves_between_places(
    dal_on: Callable[[S3Server], Dal], ceph_s3: S3Server, ceph_bucket: str
) -> None:
    dal, base = dal_on(ceph_s3), f"s3://{ceph_bucket}"
    body = body_of(MIB)
    for key in ("a", "t/x", "t/deep/y"):
        put(ceph_s3, ceph_bucket, key, body)
    assert dal("cp", f"{base}/a", f"{base}/b").code == 0
    assert dal("mv", f"{base}/b", f"{base}/c").code == 0
    assert dal("mv", f"{base}/c", f"{base}/in/").code == 0
    assert dal("cp", "-r", f"{base}/t", f"{base}/in/").code == 0
    assert dal("mv", "-r", f"{base}/t/deep", f"{base}/").code == 0
    assert "already" in dal("mv", f"{base}/a", f"{base}/a").complaint()
    assert "local" in dal("mv", "nothing", f"{base}/a").complaint()
    kept = dal("mv", "-n", f"{base}/a", f"{base}/in/c")
    assert "Skipped" in kept.err
    found = objects(ceph_s3, ceph_bucket)
    assert set(found) == {"a", "t/x", "in/c", "in/t/x", "in/t/deep/y", "deep/y"}
    assert set(found.values()) == {body}


def test_the_demo_is_there_without_a_window(bare_dal: Dal) -> None:
    listed = bare_dal("ls", "demo:")
    assert listed.code == 0, listed.err
    assert "Welcome.md" in listed.lines
    assert b"demo" in bare_dal("cat", "demo:Welcome.md").out


def test_tags_that_are_left_behind_are_spoken_of(
    dal_on: Callable[[S3Server], Dal], ceph_s3: S3Server, ceph_bucket: str, work: Path
) -> None:
    (work.parent / "home" / "Documents").mkdir(exist_ok=True)
    with RawS3(ceph_s3) as raw:
        raw.send("PUT", ceph_bucket, "a", headers={"x-amz-tagging": "k=v"}, body=b"a")
    done = dal_on(ceph_s3)("cp", f"s3://{ceph_bucket}/a", "home:Documents/")
    assert (done.code, done.out) == (0, b"")
    assert done.err.startswith("dal: The copy of ")
    assert done.err.endswith(" is done. Its tag was left behind: the service there keeps none.\n")
    assert (work.parent / "home/Documents/a").read_bytes() == b"a"


def test_who_may_read_a_file_may_read_the_one_that_replaces_it(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    dal, base = dal_on(rclone_s3), f"s3://{rclone_bucket}"
    put(rclone_s3, rclone_bucket, "d/secret", b"new")
    put(rclone_s3, rclone_bucket, "d/script", body_of(3 * MIB))
    modes = {"secret": 0o600, "script": 0o755}
    for name, mode in modes.items():
        path = work / "d" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"old")
        path.chmod(mode)
    elsewhere = work / "elsewhere"
    elsewhere.write_bytes(b"kept")
    (work / "d/link").symlink_to(elsewhere)
    put(rclone_s3, rclone_bucket, "d/link", b"a file")
    for command in (("cp", "-r", f"{base}/d", "."), ("cp", f"{base}/d/secret", "d/secret")):
        assert dal(*command).code == 0
        found = {name: (work / "d" / name).stat().st_mode & 0o7777 for name in modes}
        assert found == modes
    assert (work / "d/secret").read_bytes() == b"new"
    assert elsewhere.read_bytes() == b"kept"
