"""The real window while files are dropped on it: gaps of the loop, the first byte, memory.

``python -m tests.perf.dropped [--files N] [--size BYTES] [--loose]``. Targets (design): 99 %
of the gaps at most 16 ms, the longest 50 ms; the first object is at the server a second
after the drop; 300 MB in all. The server is a sink in a process of its own; the window
runs as the program runs it, its transfers in their thread. ``--loose`` drops the files
themselves and not their folder.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication
from qasync import QEventLoop

from dalbrowser.app.collector import collected_here
from dalbrowser.app.wiring import build_session
from dalbrowser.profiles import parse_location
from dalbrowser.settings import Folders
from dalbrowser.transfer import BatchEnded, ConflictPolicy
from dalbrowser.ui.window import MainWindow
from tests.perf.listing_window import GapWatch, resident

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import IO

    from dalbrowser.session import Session
    from dalbrowser.transfer import Event

_LONGEST = 900.0
_BUCKET = "perf"


@contextlib.contextmanager
def sink() -> Iterator[tuple[str, IO[bytes]]]:
    """Run the server; gives its endpoint, and what it says when the first object came."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.perf.sink"], stdout=subprocess.PIPE, bufsize=0
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}", process.stdout
    finally:
        process.terminate()
        process.wait()


async def watch(paths: Sequence[Path], server: tuple[str, IO[bytes]], folder: Path) -> None:
    """Drop ``paths`` on the window and print what was seen."""
    endpoint, told = server
    session = build_session(asyncio.get_running_loop(), Folders.under(folder))
    window = MainWindow(session)
    window.resize(1280, 800)
    window.show()
    gaps, idle = GapWatch(), GapWatch()
    try:
        await session.transfers.start()
        target = parse_location(f"s3://{_BUCKET}/", session.profiles, endpoint=endpoint, region="x")
        window.open_location(target)
        await asyncio.sleep(1)
        # What the machine itself, busy with others, does to a window at rest.
        idle.start()
        await asyncio.sleep(3)
        idle.stop()
        before = resident()
        gaps.start()
        files, seconds, accepted, begun = await _transferred(session, paths, target)
        gaps.stop()
        first = float(await asyncio.to_thread(told.readline)) - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        sys.stdout.write(
            f"{files:,} files: accepted after {accepted * 1000:.0f} ms, first object after"
            f" {first * 1000:.0f} ms, all after {seconds:.1f} s ({files / seconds:,.0f} files/s)\n"
            f"loop gaps: {gaps.words()} ({len(gaps.gaps):,} turns)\n"
            f"the same at rest, before: {idle.words()}\n"
            f"memory: {resident() / 1e6:.0f} MB at the end, {peak / 1e6:.0f} MB at most,"
            f" {before / 1e6:.0f} MB before\n"
        )
    finally:
        window.allow_close()
        window.hide()
        await session.aclose()
        window.close()
        window.deleteLater()


async def _transferred(
    session: Session, paths: Sequence[Path], target: object
) -> tuple[int, float, float, float]:
    """Upload; returns the files done, seconds, seconds until accepted, the moment of the drop."""
    ended: list[BatchEnded] = []

    def note(event: Event) -> None:
        if isinstance(event, BatchEnded):
            ended.append(event)

    stop = session.transfers.on_event(note)
    moment, begun = time.time(), time.perf_counter()
    await session.transfers.upload(paths, target, ConflictPolicy.OVERWRITE)  # type: ignore[arg-type]
    accepted = time.perf_counter() - begun
    while not ended:
        if time.perf_counter() - begun > _LONGEST:
            raise SystemExit("the transfers do not end")
        await asyncio.sleep(0.02)
    stop()
    if ended[0].failed:
        raise SystemExit(f"{ended[0].failed} files failed")
    return ended[0].done, time.perf_counter() - begun, accepted, moment


def run(paths: Sequence[Path], folder: Path) -> None:
    """Make the program's loop, and measure in it."""
    os.environ.update(AWS_ACCESS_KEY_ID="perf", AWS_SECRET_ACCESS_KEY="perf")
    application = QApplication.instance() or QApplication(sys.argv[:1])
    loop = QEventLoop(application)
    with sink() as server, loop, collected_here():
        loop.run_until_complete(watch(paths, server, folder))


def main() -> None:
    """Make the files, drop them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--loose", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dalbrowser-perf-") as place:
        data = Path(place, "dropped")
        for number in range(given.files):
            file = data / f"{number // 1000:04d}" / f"{number:07d}.bin"
            if not number % 1000:
                file.parent.mkdir(parents=True)
            file.write_bytes(bytes(given.size))
        paths = sorted(data.rglob("*.bin")) if given.loose else [data]
        run(paths, Path(place, "state"))


if __name__ == "__main__":
    main()
