"""The real window while large files leave at full speed: gaps of the loop, rate, memory.

``python -m tests.perf.window_load [--files N] [--size BYTES]``: as ``tests.perf.dropped``,
with few files of many parts. Targets: 99 % of the gaps at most 16 ms, the longest 50 ms.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from tests.perf.dropped import run


def main() -> None:
    """Make the files, drop them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=4)
    parser.add_argument("--size", type=int, default=256 << 20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dalbrowser-perf-") as place:
        data = Path(place, "large")
        data.mkdir()
        block = os.urandom(1 << 20)
        for number in range(given.files):
            with (data / f"{number}").open("wb") as file:
                for _ in range(given.size >> 20):
                    file.write(block)
        run([data], Path(place, "state"))


if __name__ == "__main__":
    main()
