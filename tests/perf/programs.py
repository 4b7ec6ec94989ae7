"""The contenders that are programs: a command for each operation, timed from start to exit.

Invariant: a command works on files below a folder of the benchmark's own, with the parts,
and the concurrency, that the others have.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.perf.libraries import PART

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Work:
    """One operation. ``local`` is a file (large object) or a folder (small ones)."""

    operation: str
    bucket: str
    key: str
    local: Path
    concurrency: int


def find(name: str) -> str | None:
    """Return a program's path: beside this Python (it came in a wheel), else on PATH."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name)


def dal(work: Work) -> list[str]:
    """This project's command line. Its own settings govern the concurrency."""
    remote = f"s3://{work.bucket}/{work.key}"
    local = str(work.local)
    return {
        "write": ["dal", "cp", local, remote],
        "read": ["dal", "cp", remote, local],
        # A folder keeps its name: the local one is called as the prefix is.
        "put": ["dal", "cp", "-r", local, f"s3://{work.bucket}/"],
        "get": ["dal", "cp", "-r", remote, f"{local}/"],
        "list": ["dal", "ls", "-R", remote],
    }[work.operation]


def s5cmd(work: Work) -> list[str]:
    """s5cmd, with as many workers as it likes for small objects."""
    remote = f"s3://{work.bucket}/{work.key}"
    local = str(work.local)
    parts = ["--concurrency", str(work.concurrency), "--part-size", str(PART >> 20)]
    return {
        "write": ["s5cmd", "cp", *parts, local, remote],
        "read": ["s5cmd", "cp", *parts, remote, local],
        "put": ["s5cmd", "cp", f"{local}/", remote],
        "get": ["s5cmd", "cp", f"{remote}*", f"{local}/"],
        "list": ["s5cmd", "ls", f"{remote}*"],
    }[work.operation]


def rclone(work: Work) -> list[str]:
    """rclone, told not to look for what the others do not look for."""
    remote = f"peer:{work.bucket}/{work.key}"
    local = str(work.local)
    large = [
        f"--s3-upload-concurrency={work.concurrency}",
        f"--s3-chunk-size={PART >> 20}M",
        f"--multi-thread-streams={work.concurrency if work.concurrency > 1 else 0}",
        f"--multi-thread-chunk-size={PART >> 20}M",
        "--multi-thread-cutoff=16M",
        "--ignore-times",
    ]
    small = [f"--transfers={work.concurrency}", "--ignore-times"]
    return {
        "write": ["rclone", "copyto", *large, local, remote],
        "read": ["rclone", "copyto", *large, remote, local],
        "put": ["rclone", "copy", *small, local, remote],
        "get": ["rclone", "copy", *small, remote, local],
        "list": ["rclone", "lsf", "-R", "--files-only", remote],
    }[work.operation]


PROGRAMS = {"dal": dal, "s5cmd": s5cmd, "rclone": rclone}


def run(name: str, work: Work, environ: Mapping[str, str], expected: int) -> dict[str, float]:
    """Run a contender and return what it took; ``SystemExit`` when it did less than asked.

    ``expected`` is in bytes, for a listing in lines.
    """
    program, *words = PROGRAMS[name](work)
    path = find(program)
    if path is None:
        raise SystemExit(f"{program} is not installed; pip install -e '.[bench]'")
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [path, *words],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**os.environ, **environ},
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise SystemExit(last_line(err.read(), process.returncode))
        lines = out.read().count(b"\n")
    moved = lines if work.operation == "list" else _bytes_below(work.local)
    if moved != expected:
        raise SystemExit(f"{name} {work.operation}: moved {moved} of {expected}")
    return {"seconds": seconds, "peak": usage.ru_maxrss * 1024}


def last_line(said: bytes, code: int) -> str:
    """Return the last thing that a contender said, or how it ended."""
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:300] if lines else f"exit code {code}"


def _bytes_below(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
