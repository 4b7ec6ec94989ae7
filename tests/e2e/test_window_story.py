"""The main job through the real window: connect, list, preview, drop, die, start, resume.

The window runs as a process of its own, is killed with SIGKILL by itself in the middle of
an upload, and finds its secret again in a real keyring.
"""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.link import link
from tests.e2e.test_dal_resume import MIB, OVERHEAD, PART, sha256_of, uploads, write_random
from tests.servers import keyring as keyring_module
from tests.servers.keyring import secret_service
from tests.servers.plugin import leave_out
from tests.servers.raw import RawS3

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.servers.s3_server import S3Server

ROOT = Path(__file__).resolve().parents[2]
SIZE = 256 * MIB
LOG = 48 * MIB
PARTS_IN_FLIGHT = 4
"""Parts of one file under way at once."""


def run_window(step: str, environment: Mapping[str, str]) -> tuple[int, dict[str, Any], str]:
    """Run one step of the story in a window; return its exit code, what it told, and stderr."""
    process = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-m", "tests.e2e.window_story", step],
        env={**environment, "QT_QPA_PLATFORM": "offscreen"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    told: dict[str, Any] = {}
    for line in process.stdout.splitlines():
        if line.startswith("{"):
            told.update(json.loads(line))
    return process.returncode, told, process.stderr


@pytest.mark.timeout(240)
def test_an_upload_outlives_its_window(s3_server: S3Server, s3_bucket: str, tmp_path: Path) -> None:
    if gone := keyring_module.missing():
        leave_out("window story", f"no {', '.join(gone)}")
    digest = write_random(tmp_path / "film.raw", SIZE)
    body = random.Random(3).randbytes(MIB).replace(b"\0", b" ")
    with RawS3(s3_server) as raw:
        raw.send("PUT", s3_bucket, "large.log", body=(b"one line of a log\n" * 65536)[:MIB] * 48)
        raw.send("PUT", s3_bucket, "folder/inside.txt", body=b"inside")
        raw.send("PUT", s3_bucket, "picture.bin", body=body)
    with link(s3_server, rate=150e6) as wire, secret_service() as session:
        environment = {
            **session,
            "STORY_ENDPOINT": wire.server.endpoint,
            "STORY_KEY": s3_server.access_key,
            "STORY_SECRET": s3_server.secret_key,
            "STORY_BUCKET": s3_bucket,
            "STORY_FILE": str(tmp_path / "film.raw"),
        }
        code, first, complaint = run_window("begin", environment)
        assert code == -signal.SIGKILL, f"{first} {complaint}"
        check_first(first)
        with RawS3(s3_server) as raw:
            assert "film.raw" not in raw.keys(s3_bucket)
        assert len(uploads(s3_server, s3_bucket)) == 1
        for path in Path(session["HOME"]).rglob("*"):
            if path.is_file() and "keyrings" not in path.parts:
                assert s3_server.secret_key.encode() not in path.read_bytes(), path

        before = wire.settle()
        code, second, complaint = run_window("go-on", environment)
        assert code == 0, f"{second} {complaint}"
        sent = wire.sent - before
    assert "film.raw" in second["offered"]
    assert second["done"] == ["Done (verified (md5))"] or "verified" in second["done"][0]
    assert "film.raw" in second["listed"]
    # What was confirmed is not sent again; what was in flight may be.
    assert sent <= SIZE - first["parts_when_killed"] * PART + OVERHEAD
    assert sent >= SIZE - (first["parts_when_killed"] + 2 * PARTS_IN_FLIGHT) * PART - PART
    assert sha256_of(s3_server, s3_bucket, "film.raw") == digest
    assert uploads(s3_server, s3_bucket) == []


def check_first(told: dict[str, Any]) -> None:
    """Look at what the window showed before it died."""
    assert "secret" in told["wrong_secret"].lower()
    assert "works" in told["tested"].lower() or "ok" in told["tested"].lower(), told["tested"]
    assert "keyring" in told["kept"]
    names = [row[0].rstrip("/") for row in told["rows"]]
    assert names == ["folder", "large.log", "picture.bin"]
    size = next(row[1] for row in told["rows"] if row[0] == "large.log")
    assert size == "48.0 MiB"
    assert told["status"].startswith("3 items")
    read = re.search(r"read ([\d.]+) KiB of 48\.0 MiB", told["cost"])
    assert read, told["cost"]
    assert float(read[1]) <= 1024
    assert 3 <= told["parts_when_killed"] < SIZE // PART
