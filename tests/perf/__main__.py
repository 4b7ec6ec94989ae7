"""``python -m tests.perf``: this project against its peers on one server, as ratios.

Tasks: ``large`` (one object up and down, with one part at a time and with four), ``small``
(2,000 objects of 16 KiB) and ``list`` (100,000 keys). Libraries are compared with
libraries, from and to memory; programs with programs, from and to files. ``--quick``
makes 256 MiB and 10,000 keys of it. ``python -m tests.perf transfers`` compares ``dal cp``
with other programs over many shapes of work and links; ``python -m tests.perf.listing_window``
measures the window.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.perf import transfers
from tests.perf.libraries import LIBRARIES, Library
from tests.perf.programs import PROGRAMS, Work, find, last_line, run
from tests.perf.stand import BUCKET, stand
from tests.perf.table import render, take_turns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.perf.place import Place

_SMALL, _SMALL_SIZE, _SMALL_AT_ONCE = 2000, 16 << 10, 16


@dataclass(frozen=True, slots=True)
class Bench:
    """One run: where, how much, how often, by whom."""

    place: Place
    folder: Path
    size: int
    keys: int
    turns: int
    libraries: Sequence[str]
    programs: Sequence[str]

    def environ(self) -> dict[str, str]:
        """Return the environment of every contender; ours keeps its state in the folder."""
        own = {f"XDG_{name}_HOME": str(self.folder / name) for name in ("CONFIG", "STATE", "DATA")}
        return {**self.place.environment(), **own}

    def compare(self, title: str, work: Work, size: int, count: int, unit: str) -> None:
        """Let libraries, then programs, do one task, and print both tables."""
        total = count if work.operation == "list" else size * count
        amount = total if work.operation == "list" else total / 1e6

        def library(name: str) -> dict[str, float]:
            numbers = [str(size), str(count), str(work.concurrency)]
            return self._library([name, work.operation, work.key, *numbers])

        def program(name: str) -> dict[str, float]:
            if work.operation in {"read", "get"}:
                _remove(work.local)
            if work.operation == "get":
                work.local.mkdir()
            return run(name, work, self.environ(), total)

        for kind, contenders, go in (
            ("libraries", self.libraries, library),
            ("programs", self.programs, program),
        ):
            if contenders:
                _say(f"  {title}, {kind}")
                rows = take_turns(contenders, self.turns, go, _say)
                sys.stdout.write("\n" + render(f"{title} ({kind})", rows, amount, unit) + "\n")
                sys.stdout.flush()

    def _library(self, words: Sequence[str]) -> dict[str, float]:
        done = subprocess.run(
            [sys.executable, "-m", "tests.perf.libraries", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**os.environ, **self.environ()},
            check=False,
        )
        if done.returncode:
            raise SystemExit(last_line(done.stderr, done.returncode))
        result: dict[str, float] = json.loads(done.stdout)
        return result


def large(bench: Bench) -> None:
    """One object of many parts, up and down."""
    file = bench.folder / "large"
    _fill(file, bench.size)
    for concurrency in (1, 4):
        name = f"{bench.size >> 20} MiB, {concurrency} at once"
        work = Work("write", BUCKET, "large/object", file, concurrency)
        bench.compare(f"write {name}", work, bench.size, 1, "MB/s")
        work = Work("read", BUCKET, "large/object", bench.folder / "copy", concurrency)
        bench.compare(f"read {name}", work, bench.size, 1, "MB/s")
        _remove(bench.folder / "copy")


def small(bench: Bench) -> None:
    """Many objects of one request each, up and down."""
    folder = bench.folder / "small"
    folder.mkdir()
    for number in range(_SMALL):
        (folder / f"{number:05d}").write_bytes(os.urandom(_SMALL_SIZE))
    name = f"{_SMALL:,} × {_SMALL_SIZE >> 10} KiB, {_SMALL_AT_ONCE} at once"
    work = Work("put", BUCKET, "small/", folder, _SMALL_AT_ONCE)
    bench.compare(f"write {name}", work, _SMALL_SIZE, _SMALL, "MB/s")
    work = Work("get", BUCKET, "small/", bench.folder / "small copy", _SMALL_AT_ONCE)
    bench.compare(f"read {name}", work, _SMALL_SIZE, _SMALL, "MB/s")
    _remove(bench.folder / "small copy")


def listing(bench: Bench) -> None:
    """Every key below a prefix."""
    _say(f"  seeding {bench.keys:,} keys")
    asyncio.run(seed(bench.place, bench.keys))
    work = Work("list", BUCKET, "keys/", bench.folder, 1)
    bench.compare(f"list {bench.keys:,} keys", work, 0, bench.keys, "keys/s")


async def seed(place: Place, count: int) -> None:
    """Put ``count`` empty objects below ``keys/``, by the fastest library at hand."""
    name = "obstore" if "obstore" in available_libraries() else "dalbrowser"
    library: Library = LIBRARIES[name](place)
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            await library.put(f"keys/{number // 1000:04d}-{number:07d}.bin", b"")

    await asyncio.gather(*(work() for _ in range(64)))
    await library.aclose()


def available_libraries() -> list[str]:
    """Return the contenders that are installed."""
    found = []
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):
            __import__(name.partition("-")[0])
            found.append(name)
    return found


TASKS = {"large": large, "small": small, "list": listing}


def main() -> None:
    """Parse the command line, start the server, run the tasks."""
    if sys.argv[1:2] == ["transfers"]:
        transfers.main(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(
        prog="python -m tests.perf",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("task", nargs="*", choices=[*TASKS, []], help="all of them by default")
    parser.add_argument("--server", choices=("ceph", "rclone"), default="ceph")
    parser.add_argument("--quick", action="store_true", help="256 MiB, 10,000 keys")
    parser.add_argument("--turns", type=int, default=5, help="of each contender (default 5)")
    parser.add_argument("--only", help="contenders, with commas between them")
    given = parser.parse_args()
    only = given.only.split(",") if given.only else None

    def wanted(names: Sequence[str]) -> list[str]:
        return [name for name in names if only is None or name in only]

    with (
        tempfile.TemporaryDirectory(prefix="dalbrowser-perf-") as folder,
        stand(given.server) as running,
    ):
        bench = Bench(
            running.place,
            Path(folder),
            (256 if given.quick else 1024) << 20,
            10_000 if given.quick else 100_000,
            given.turns,
            wanted(available_libraries()),
            wanted([name for name in PROGRAMS if find(name)]),
        )
        sys.stdout.write(f"# On {given.server}, {os.cpu_count()} cores, {given.turns} turns\n\n")
        for name in given.task or TASKS:
            TASKS[name](bench)


def _fill(path: Path, size: int) -> None:
    with path.open("wb") as file:
        for _ in range(size >> 20):
            file.write(os.urandom(1 << 20))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    main()
