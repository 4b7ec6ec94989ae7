"""What ``dal`` lists for other programs: a JSON object a line, exact and complete."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.e2e.witness import put
from tests.servers.raw import RawS3

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Dal
    from tests.servers.s3_server import S3Server

ODD = "t/a\nb\té😀"


def rows(dal: Dal, *arguments: str) -> list[dict[str, Any]]:
    """Return the objects that a command writes, one a line, in nothing but ASCII."""
    done = dal(*arguments, "--json")
    assert (done.code, done.err) == (0, "")
    assert done.out.isascii()
    return [json.loads(line) for line in done.lines]


def is_now(text: str) -> bool:
    """Whether a time is in UTC and of this minute, more or less."""
    assert text.endswith("Z"), text
    return abs(datetime.fromisoformat(text) - datetime.now(UTC)) < timedelta(minutes=10)


def test_places(
    dal_on: Callable[[S3Server], Dal], ceph_s3: S3Server, ceph_bucket: str, work: Path
) -> None:
    dal, base = dal_on(ceph_s3), f"s3://{ceph_bucket}/"
    for key, body in (("top", b"12"), (ODD, b"odd"), ("t/sub/x", b"")):
        put(ceph_s3, ceph_bucket, key, body)
    folder, top = rows(dal, "ls", base)
    assert (folder["uri"], folder["kind"], folder["size"]) == (f"{base}t/", "dir", None)
    assert (top["key"], top["kind"], top["size"]) == ("top", "file", 2)
    assert is_now(top["modified"])
    assert [(row["key"], row["name"]) for row in rows(dal, "ls", "-R", f"{base}t")] == [
        (ODD, ODD[2:]), ("t/sub/x", "sub/x")
    ]  # fmt: skip
    (alone,) = rows(dal, "ls", base + ODD)
    assert alone["uri"] == base + ODD
    (facts,) = rows(dal, "stat", base + ODD)
    assert {name: facts[name] for name in ("uri", "size", "etag", "modified")} == {
        name: alone[name] for name in ("uri", "size", "etag", "modified")
    }
    (bucket,) = [row for row in rows(dal, "ls", "s3://") if row["uri"] == base]
    assert (bucket["kind"], is_now(bucket["created"])) == ("bucket", True)
    (work.parent / "home" / os.fsdecode(b"n\xff")).write_bytes(b"1")
    assert "n\udcff" in [row["key"] for row in rows(dal, "ls", "home:")]


def test_connections_without_their_secrets(bare_dal: Dal, work: Path) -> None:
    file = work.parent / "home/.config/dalbrowser/connections.json"
    settings = ("endpoint=http://h:1", "credentials=environment")
    assert bare_dal("connections", "add", "lab", "s3", *settings).code == 0
    text = file.read_text()
    file.write_text(text.replace('"endpoint"', '"session_token": "hush", "endpoint"'))
    for command in (("connections", "list"), ("connections",), ("ls",)):
        found = {row["name"]: row for row in rows(bare_dal, *command)}
        assert found["home"]["uri"] == "home:"
        assert found["home"]["builtin"] is True
        assert (found["lab"]["kind"], found["lab"]["builtin"]) == ("s3", False)
        assert found["lab"]["settings"] == {
            "endpoint": "http://h:1", "credentials": "environment", "session_token": "***"
        }  # fmt: skip


def test_transfers(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    dal, base = dal_on(rclone_s3), f"s3://{rclone_bucket}/"
    (work / "f").mkdir()
    (work / "f/x").write_bytes(b"12")
    assert dal("cp", "-r", "f", base).code == 0
    assert dal("cp", f"{base}f/x", "y").code == 0
    assert dal("cp", f"{base}f/x", f"{base}z").code == 0
    assert dal("cp", f"{base}f/x", "home:z").code == 0
    assert rows(dal, "transfers") == []
    folder, inside, down, copy, across = rows(dal, "transfers", "--all", "--files")
    assert (folder["folder"], folder["parent"], inside["parent"]) == (True, None, folder["id"])
    ends = [(row["source"], row["target"]) for row in (folder, inside, down, copy, across)]
    assert ends == [
        (f"{work}/f", f"{base}f/"),
        (f"{work}/f/x", f"{base}f/x"),
        (f"{base}f/x", f"{work}/y"),
        (f"{base}f/x", f"{base}z"),
        (f"{base}f/x", "home:z"),
    ]
    for row in (inside, down, copy, across):
        assert (row["state"], row["done"], row["total"], row["error"]) == ("done", 2, 2, None)
        assert is_now(row["created"])
        assert is_now(row["finished"])
    assert rows(dal, "transfers", "list", "--all") == [folder, down, copy, across]


def test_uploads(dal_on: Callable[[S3Server], Dal], ceph_s3: S3Server, ceph_bucket: str) -> None:
    dal = dal_on(ceph_s3)
    with RawS3(ceph_s3) as raw:
        assert raw.send("POST", ceph_bucket, ODD, query={"uploads": ""}).status == 200
        ((_, upload),) = raw.uploads(ceph_bucket)
    (row,) = rows(dal, "uploads", "list", f"s3://{ceph_bucket}")
    assert (row["key"], row["upload_id"], row["transfer"]) == (ODD, upload, None)
    assert (row["parts"], row["bytes"], row["gib_days"]) == (0, 0, 0)
    assert is_now(row["begun"])
    assert row["age"] < 600
    (quick,) = rows(dal, "uploads", "list", "-q", f"s3://{ceph_bucket}")
    assert {**row, **quick, "age": 0} == {**row, "age": 0}
    assert dal("uploads", "abort", "--yes", "--older-than", "0m", f"s3://{ceph_bucket}").code == 0
    assert rows(dal, "uploads", "list", f"s3://{ceph_bucket}") == []
