"""The contenders that are programs: a command for each operation, timed from start to exit.

Invariant: a command works on files below a folder of the benchmark's own, with the parts,
and the concurrency, that the others have.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
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
        "write": ["dal", "cp", "--overwrite", local, remote],
        "read": ["dal", "cp", "--overwrite", remote, local],
        "put": ["dal", "cp", "-r", "--overwrite", f"{local}/", remote],
        "get": ["dal", "cp", "-r", "--overwrite", remote, f"{local}/"],
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
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    begun = time.perf_counter()
    done = subprocess.run(
        [path, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, **environ},
        check=False,
    )
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    if done.returncode:
        raise SystemExit(f"{name} {work.operation} failed: {done.stderr.decode()[-500:]}")
    moved = done.stdout.count(b"\n") if work.operation == "list" else _bytes_below(work.local)
    if moved != expected:
        raise SystemExit(f"{name} {work.operation}: moved {moved} of {expected}")
    return {"seconds": seconds, "peak": peak * 1024 if peak > before else 0}


def _bytes_below(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
