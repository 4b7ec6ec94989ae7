"""Leaving with an upload under way, over a real server: put down, and offered at the next start."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import credentials
from tests.e2e.link import link
from tests.e2e.test_dal_resume import MIB, OVERHEAD, PART, sha256_of, uploads, write_random
from tests.e2e.test_program import environment
from tests.servers.desktop import desktop, missing
from tests.servers.plugin import leave_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.s3_server import S3Server

ROOT = Path(__file__).resolve().parents[2]
SIZE = 48 * MIB
RATE = 20e6
"""Bytes a second: slow enough that the window is left in the middle."""


@contextlib.contextmanager
def window(
    step: str, around: dict[str, str], server: S3Server, bucket: str, file: Path
) -> Iterator[subprocess.Popen[str]]:
    """Run a step of the story; the process ends with the block at the latest."""
    words = [step, f"s3://{bucket}/", server.endpoint, str(file)]
    process = subprocess.Popen(
        [sys.executable, "-W", "error::RuntimeWarning", "-m", "tests.e2e.closing_story", *words],
        env={**around, **credentials(server)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def heard(process: subprocess.Popen[str]) -> str:
    """Return the next line of what a process tells; what it complained of when there is none."""
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    assert line, f"it ended: {process.stderr.read()}"
    return line


def _bare(home: Path) -> dict[str, str]:
    """An environment without a desktop."""
    return {**environment(home), "QT_QPA_PLATFORM": "offscreen"}


def run(
    step: str, home: Path, server: S3Server, bucket: str, file: Path
) -> tuple[int, dict[str, Any], str]:
    """Run a step to its end; return its exit code, what it told, and stderr."""
    with window(step, _bare(home), server, bucket, file) as process:
        out, complaint = process.communicate(timeout=100)
        told: dict[str, Any] = {}
        for line in out.splitlines():
            if line.startswith("{"):
                told.update(json.loads(line))
        return process.returncode, told, complaint


@pytest.mark.timeout(240)
def test_paused_on_the_way_out_and_offered_again(
    ceph_s3: S3Server, ceph_bucket: str, tmp_path: Path
) -> None:
    file = tmp_path / "film.raw"
    digest = write_random(file, SIZE)
    with link(ceph_s3, rate=RATE) as wire:
        code, first, complaint = run("pause", tmp_path, wire.server, ceph_bucket, file)
        assert code == 0, f"{first} {complaint}"
        assert {"Cancel", "Pause and quit"} <= set(first["buttons"])
        assert "Keep going in the tray" not in first["buttons"], "no tray is there"
        assert "no tray" in first["text"]
        assert len(uploads(ceph_s3, ceph_bucket)) == 1
        before = wire.settle()
        code, second, complaint = run("go-on", tmp_path, wire.server, ceph_bucket, file)
        assert code == 0, f"{second} {complaint}"
        sent = wire.sent - before
    assert "film.raw" in second["offered"]
    assert sent <= SIZE - first["parts"] * PART + OVERHEAD
    assert sha256_of(ceph_s3, ceph_bucket, "film.raw") == digest
    assert uploads(ceph_s3, ceph_bucket) == []


@pytest.mark.timeout(240)
def test_a_signal_does_not_ask_and_loses_nothing(
    ceph_s3: S3Server, ceph_bucket: str, tmp_path: Path
) -> None:
    file = tmp_path / "film.raw"
    digest = write_random(file, SIZE)
    with link(ceph_s3, rate=RATE) as wire:
        with window("wait", _bare(tmp_path), wire.server, ceph_bucket, file) as process:
            assert "uploading" in heard(process)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        assert len(uploads(ceph_s3, ceph_bucket)) == 1
        wire.settle()
        code, second, complaint = run("go-on", tmp_path, wire.server, ceph_bucket, file)
        assert code == 0, f"{second} {complaint}"
    assert sha256_of(ceph_s3, ceph_bucket, "film.raw") == digest


@pytest.mark.timeout(240)
def test_it_goes_on_in_a_real_tray_and_says_when_it_is_done(
    ceph_s3: S3Server, ceph_bucket: str, tmp_path: Path
) -> None:
    if gone := missing():
        leave_out("a desktop's tray", f"no {', '.join(gone)}")
    file = tmp_path / "film.raw"
    digest = write_random(file, SIZE)
    around = {**environment(tmp_path), **credentials(ceph_s3)}
    with (
        link(ceph_s3, rate=RATE) as wire,
        desktop(around) as place,
        window("tray", place.environment, wire.server, ceph_bucket, file) as process,
    ):
        assert "hidden" in heard(process)
        place.wait("items")
        place.wait("messages")
        assert sha256_of(ceph_s3, ceph_bucket, "film.raw") == digest
        place.click()
        assert "verified" in heard(process)
        assert process.wait(30) == 0
    assert place.messages == [("Transfers finished", "1 file uploaded, 48.0 MiB")]


@pytest.mark.parametrize("deep", ["", "so-deep-that-a-socket-has-no-name/" * 3])
def test_a_second_start_shows_the_first_window(tmp_path: Path, deep: str) -> None:
    """And opens the place that it was asked for there."""
    home = tmp_path / deep
    (home / "here").mkdir(parents=True)
    around = {**environment(home), "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-m", "tests.e2e.tell_when_open"]
    first = subprocess.Popen(command, env=around, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with first:
        try:
            assert first.stdout is not None
            assert first.stdout.readline() == "open\n"
            socket = home / ".local/state/dalbrowser/window.socket"
            assert first.stdout.readline() == "started\n"
            assert os.stat(socket.parent).st_mode & 0o077 == 0  # noqa: PTH116
            second = subprocess.run(
                [sys.executable, "-m", "dalbrowser", "--location", "home:here/"],
                env=around,
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert second.returncode == 0, second.stderr
            assert second.stderr == ""
            assert first.stdout.readline() == "at home:here/\n"
        finally:
            first.send_signal(signal.SIGTERM)
        assert first.wait(30) == 0
    assert not socket.exists()
