"""What a person types wrong ends in one sentence on stderr that says what to check."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.lying import LyingServer, error
from tests.servers.process import free_ports
from tests.servers.raw import RawS3
from tests.trees import found_in, plant

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Dal
    from tests.servers.ceph import Ceph
    from tests.servers.s3_server import S3Server


def test_wrong_secret(dal: Dal, s3_bucket: str, work: Path) -> None:
    wrong = dal.with_environment(AWS_SECRET_ACCESS_KEY="wrong-and-secret")
    (work / "a").write_bytes(b"x")
    for command in (
        ("ls", f"s3://{s3_bucket}/"), ("cat", f"s3://{s3_bucket}/a"), ("cp", "a", f"s3://{s3_bucket}/a"),
        ("stat", f"s3://{s3_bucket}/a"), ("rm", f"s3://{s3_bucket}/a"),
    ):  # fmt: skip
        said = wrong(*command).complaint()
        assert "wrong-and-secret" not in said
        # A HEAD has no body that could tell which of the two it is.
        assert "secret" in said.lower() or "permi" in said.lower(), said


def test_unknown_access_key(dal: Dal, s3_bucket: str) -> None:
    unknown = dal.with_environment(AWS_ACCESS_KEY_ID="nobody")
    assert "access key" in unknown("ls", f"s3://{s3_bucket}/").complaint().lower()


def test_unknown_bucket(dal: Dal, work: Path) -> None:
    (work / "a").write_bytes(b"x")
    for command in (("ls", "s3://no-such-bucket/"), ("cp", "a", "s3://no-such-bucket/a")):
        assert "no-such-bucket" in dal(*command).complaint()


def test_missing_key(dal: Dal, s3_bucket: str, work: Path) -> None:
    for command in ("cat", "stat", "rm"):
        assert "gone.txt" in dal(command, f"s3://{s3_bucket}/gone.txt").complaint()
    assert "gone.txt" in dal("cp", f"s3://{s3_bucket}/gone.txt", "here").complaint()
    assert list(work.iterdir()) == []
    assert dal("transfers", "list").out == b""


def test_dead_endpoint(bare_dal: Dal, work: Path) -> None:
    endpoint = f"http://127.0.0.1:{free_ports(1)[0]}"
    dead = bare_dal.with_environment(
        AWS_ACCESS_KEY_ID="me", AWS_SECRET_ACCESS_KEY="hush", AWS_ENDPOINT_URL=endpoint
    )
    said = dead("ls", "s3://bucket/").complaint()
    assert endpoint.removeprefix("http://") in said


def test_endpoint_without_scheme(bare_dal: Dal) -> None:
    dal = bare_dal.with_environment(AWS_ACCESS_KEY_ID="me", AWS_SECRET_ACCESS_KEY="hush")
    said = dal("ls", "s3://bucket/", "--endpoint", "127.0.0.1:9000").complaint()
    assert "http://" in said


async def test_a_region_that_the_server_corrects(dal_on: Callable[[S3Server], Dal]) -> None:
    wrong = error(400, "AuthorizationHeaderMalformed", "<Region>eu-north-1</Region>")
    async with LyingServer(wrong) as server:
        dal = dal_on(server.s3)
        done = await asyncio.to_thread(dal, "ls", "s3://bucket/", "--region", "us-east-1")
    assert "region" in done.complaint().lower()


async def test_a_clock_that_is_wrong(dal_on: Callable[[S3Server], Dal]) -> None:
    theirs = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
    async with LyingServer(error(403, "RequestTimeTooSkewed", headers={"Date": theirs})) as server:
        done = await asyncio.to_thread(dal_on(server.s3), "ls", "s3://bucket/")
    assert "clock" in done.complaint()
    assert "2 hours behind" in done.complaint()


def test_a_certificate_that_nobody_vouches_for(
    dal_on: Callable[[S3Server], Dal], ceph_s3_tls: S3Server
) -> None:
    dal = dal_on(replace(ceph_s3_tls, ca=""))
    assert "certificate" in dal("ls", "s3://bucket/").complaint().lower()
    trusting = dal.with_environment(AWS_CA_BUNDLE=ceph_s3_tls.ca)
    assert "no bucket" in trusting("ls", "s3://no-such-bucket/").complaint()


def test_no_credentials(bare_dal: Dal) -> None:
    said = bare_dal("ls", "s3://bucket/", "--endpoint", "http://127.0.0.1:9").complaint()
    assert "AWS_ACCESS_KEY_ID" in said


def test_a_certificate_of_a_private_authority(
    dal_on: Callable[[S3Server], Dal], ceph_s3_tls: S3Server
) -> None:
    dal = dal_on(ceph_s3_tls)
    assert "certificate" in dal("ls", "s3://").complaint().lower()
    assert dal.with_environment(AWS_CA_BUNDLE=ceph_s3_tls.ca)("ls", "s3://").code == 0


def test_no_permission_to_list(
    dal_on: Callable[[S3Server], Dal], ceph_cluster: Ceph, ceph_bucket: str, work: Path
) -> None:
    other = ceph_cluster.second_user()
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": [f"arn:aws:s3:::{ceph_bucket}/*"],
            }
        ],
    }
    with RawS3(ceph_cluster.http) as raw:
        sent = raw.send("PUT", ceph_bucket, query={"policy": ""}, body=json.dumps(policy).encode())
        assert sent.status in {200, 204}
        raw.send("PUT", ceph_bucket, "a.txt", body=b"hello")
    dal = dal_on(other)
    assert "permi" in dal("ls", f"s3://{ceph_bucket}/").complaint().lower()
    assert dal("cat", f"s3://{ceph_bucket}/a.txt").out == b"hello"
    (work / "up").write_bytes(b"up")
    assert dal("cp", "up", f"s3://{ceph_bucket}/up").code == 0


def test_a_missing_local_file_begins_nothing(dal: Dal, s3_bucket: str) -> None:
    assert "nowhere.bin" in dal("cp", "nowhere.bin", f"s3://{s3_bucket}/x").complaint()
    assert dal("transfers", "list").out == b""


def test_an_unreadable_local_file(
    dal: Dal, s3_server: S3Server, s3_bucket: str, work: Path
) -> None:
    secret = work / "locked.bin"
    secret.write_bytes(b"x" * 100)
    secret.chmod(0)
    done = subprocess.run(
        dal.command("cp", "locked.bin", f"s3://{s3_bucket}/x"),
        cwd=work, env=dal.environment, capture_output=True, timeout=60, check=False,
        preexec_fn=_without_override,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"locked.bin" in done.stderr
    with RawS3(s3_server) as raw:
        assert raw.keys(s3_bucket) == []
        assert raw.uploads(s3_bucket) == []


def test_state_that_cannot_be_written(bare_dal: Dal, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    blocked = bare_dal.with_environment(XDG_STATE_HOME=str(tmp_path / "file"))
    # Who only looks needs no journal; a transfer without one could not go on.
    assert blocked("ls").code == 0
    (tmp_path / "home/a").write_bytes(b"a")
    assert str(tmp_path / "file") in blocked("cp", "home:a", "b").complaint()
    assert not (blocked.folder / "b").exists()


def test_a_damaged_journal_is_said_and_kept(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    dal = dal_on(rclone_s3)
    state = work.parent / "home/.local/state/dalbrowser"
    state.mkdir(parents=True)
    (state / "journal.sqlite").write_bytes(b"this is no database at all" * 100)
    assert "cannot be read" in dal("transfers", "list").complaint()
    (work / "a").write_bytes(b"x")
    result = dal("cp", "a", f"s3://{rclone_bucket}/a")
    assert result.code == 0
    assert "damaged" in result.err
    assert list(state.glob("journal.sqlite.damaged*"))
    assert dal("transfers", "list").code == 0


def _without_override() -> None:
    """Let root be refused by file modes, as anybody else is (Linux capabilities 1 and 2)."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None)
        for capability in (1, 2):
            libc.prctl(24, capability, 0, 0, 0)


def test_what_was_put_into_the_file_by_hand_is_listed_without_its_secret(bare_dal: Dal) -> None:
    file = Path(bare_dal.environment["HOME"]) / ".config" / "dalbrowser" / "connections.json"
    file.parent.mkdir(parents=True)
    config = {"endpoint": "http://127.0.0.1:9", "secret_access_key": "hush-by-hand"}
    rows = [
        {"id": "1", "name": "work", "scheme": "s3", "config": config},
        {"id": "2", "name": "future", "scheme": "newer", "config": {"token": "hush-by-hand"}},
    ]
    file.write_text(json.dumps({"connections": rows}))
    listed = bare_dal("connections", "list")
    assert listed.code == 0
    assert "work: s3 endpoint=http://127.0.0.1:9 secret_access_key=***" in listed.lines
    assert "future: newer token=***" in listed.lines
    assert b"hush" not in listed.out + listed.err.encode()


def test_a_small_limit_of_open_files_is_raised(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    """Desktops start programs with as few as 256; here it would be too few for ten files."""
    dal, tree = dal_on(rclone_s3), {f"f{number}": b"x" for number in range(100)}
    plant(work / "d", tree)
    for words in (("d", f"s3://{rclone_bucket}/"), (f"s3://{rclone_bucket}/d", "down")):
        done = subprocess.run(
            ["sh", "-c", 'ulimit -Sn 30; exec "$@"', "sh", *dal.command("cp", "-r", *words)],
            cwd=work,
            env=dal.environment,
            capture_output=True,
            timeout=90,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
    assert found_in(work / "down/d") == tree
