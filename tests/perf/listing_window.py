"""The real window while a million rows arrive: gaps of the loop, time, memory.

``python -m tests.perf.listing_window [--rows N]``. Targets (design): 99 % of the gaps at
most 16 ms, the longest 50 ms, at most 250 bytes a row over the empty window, and at least
the rate of ``rclone lsf`` on the same server in the same run. A gap is the time between two
turns of the loop, seen by a timer of one millisecond. The rows come over HTTP from a
server in a process of its own, through the s3 service, as in life.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication
from qasync import QEventLoop

from dalbrowser.app.collector import collected_here
from dalbrowser.app.wiring import build_session
from dalbrowser.profiles import parse_location
from dalbrowser.settings import Folders
from dalbrowser.ui.window import MainWindow
from tests.perf.place import Place
from tests.perf.programs import Work, find, run

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST = 600.0


class GapWatch(QObject):
    """Notes the time between turns of the loop, in milliseconds."""

    def __init__(self) -> None:
        super().__init__()
        self.gaps: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer(self, interval=1, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        """Begin to note."""
        self._last = time.perf_counter()
        self._timer.start()

    def stop(self) -> None:
        """Note no more."""
        self._timer.stop()

    def words(self) -> str:
        """Return p50, p99 and the longest."""
        ordered = sorted(self.gaps)
        middle, high = (ordered[int(len(ordered) * share)] for share in (0.5, 0.99))
        return f"p50 {middle:.1f} ms, p99 {high:.1f} ms, max {ordered[-1]:.1f} ms"

    def _tick(self) -> None:
        now = time.perf_counter()
        self.gaps.append((now - self._last) * 1000)
        self._last = now


def resident() -> int:
    """Return this process's memory in bytes."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def page_server(rows: int) -> Iterator[str]:
    """Run the server of rows and give its endpoint."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.perf.page_server", str(rows)], stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait()


async def watch(rows: int, endpoint: str, folder: Path) -> float:
    """Open the listing in the window, print what was seen, and return its seconds."""
    session = build_session(asyncio.get_running_loop(), Folders.under(folder))
    window = MainWindow(session)
    window.resize(1280, 800)
    window.show()
    gaps = GapWatch()
    try:
        await asyncio.sleep(1)  # an empty window at rest is what memory is compared with
        before = resident()
        target = parse_location("s3://perf/", session.profiles, endpoint=endpoint, region="x")
        gaps.start()
        begun = time.perf_counter()
        window.open_location(target)
        first = await _until(lambda: window.model.rowCount() > 0, begun)
        listed = await _until(lambda: window.navigator.so_far >= rows, begun)
        shown = await _until(lambda: window.model.rowCount() >= rows, begun)
        await _until(lambda: not session.tasks.live, begun)
        gaps.stop()
        size = resident() - before
        sys.stdout.write(
            f"{rows:,} rows: first shown after {first * 1000:.0f} ms, all listed after "
            f"{listed:.1f} s, all shown after {shown:.1f} s ({rows / shown:,.0f} rows/s)\n"
            f"loop gaps: {gaps.words()} ({len(gaps.gaps):,} turns)\n"
            f"memory: {size / (1 << 20):.0f} MiB over the empty window, {size / rows:.0f} bytes a "
            "row\n"
        )
        return shown
    finally:
        window.allow_close()
        window.hide()
        await session.aclose()
        window.close()
        window.deleteLater()


async def _until(ready: object, begun: float) -> float:
    assert callable(ready)
    while not ready():
        if time.perf_counter() - begun > _LONGEST:
            raise SystemExit("the listing does not end")
        await asyncio.sleep(0.02)
    return time.perf_counter() - begun


def main() -> None:
    """Measure the window, then rclone on the same server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows: int = parser.parse_args().rows
    os.environ.update(AWS_ACCESS_KEY_ID="perf", AWS_SECRET_ACCESS_KEY="perf")
    application = QApplication.instance() or QApplication(sys.argv[:1])
    loop = QEventLoop(application)
    with (
        page_server(rows) as endpoint,
        tempfile.TemporaryDirectory(prefix="dalbrowser-perf-") as folder,
        loop,
        collected_here(),
    ):
        shown = loop.run_until_complete(watch(rows, endpoint, Path(folder)))
        if find("rclone"):
            place = Place(endpoint, "perf", "us-east-1", "perf", "perf")
            work = Work("list", "perf", "", Path(folder), 1)
            seconds = run("rclone", work, place.environment(), rows)["seconds"]
            sys.stdout.write(f"rclone lsf: {seconds:.1f} s; ours / rclone {seconds / shown:.2f}\n")


if __name__ == "__main__":
    main()
