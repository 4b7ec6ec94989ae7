"""The shapes of work that transfers are measured with: how many files, how large, over what.

Invariant: a shape's folder holds random bytes, the same for every contender and turn, with
their SHA-256 beside it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MiB = 1 << 20


@dataclass(frozen=True, slots=True)
class Shape:
    """Files of one size over one link. ``round_trip`` is in seconds, ``rate`` in bytes/s.

    ``goals`` names the peers whose fastest must be reached; empty stands for all of them.
    """

    name: str
    count: int
    size: int
    round_trip: float = 0.0
    rate: float | None = None
    goals: tuple[str, ...] = ()

    @property
    def shaped(self) -> bool:
        """Whether it goes over a link that is not the loopback itself."""
        return self.round_trip > 0 or self.rate is not None

    @property
    def many(self) -> bool:
        """Whether the files are small ones, of a request each."""
        return self.size < MiB

    @property
    def title(self) -> str:
        """What heads the table."""
        size = f"{self.size >> 10} KiB" if self.many else f"{self.size >> 20:,} MiB"
        text = f"{self.count:,} × {size}" if self.count > 1 else size
        if self.round_trip:
            text += f", {self.round_trip * 1000:.0f} ms a round trip"
        return text + (f", {self.rate / 1e6:.0f} MB/s" if self.rate else "")

    def quick(self) -> Shape:
        """Return a small one of the same kind, for a look at whether everything works."""
        if self.many:
            return replace(self, count=min(self.count, 200))
        return replace(self, size=min(self.size // 8, 64 * MiB))

    def make(self, folder: Path) -> Path:
        """Write the files to ``folder/NAME`` and their digests beside it; return that file."""
        here = folder / self.name
        here.mkdir(parents=True)
        sums = {}
        for number in range(self.count):
            digest = hashlib.sha256()
            name = self.file or f"{number // 500:03d}/{number:06d}.bin"
            (here / name).parent.mkdir(exist_ok=True)
            with (here / name).open("wb") as file:
                for start in range(0, self.size, MiB):
                    block = os.urandom(min(MiB, self.size - start))
                    digest.update(block)
                    file.write(block)
            sums[name] = digest.hexdigest()
        path = folder / f"{self.name}.json"
        path.write_text(json.dumps(sums))
        return path

    @property
    def file(self) -> str:
        """The one file's name, or nothing."""
        return "one.bin" if self.count == 1 else ""

    def require_room(self, folder: Path, server_too: bool) -> None:
        """Refuse to begin what would fill the disk: a source, a copy, and the server's own."""
        need = self.count * self.size * (3 if server_too else 2) + (1 << 30)
        free = shutil.disk_usage(folder).free
        if free < need:
            raise SystemExit(f"{folder} has {free >> 30} GiB free; {self.title} needs {need >> 30}")


SHAPES = [
    Shape("one-large", 1, 1024 * MiB),
    Shape("four-large", 4, 1024 * MiB),
    Shape("many-small", 10_000, 16 << 10, goals=("rclone",)),
    Shape("slow-large", 1, 1024 * MiB, round_trip=0.05, goals=("rclone",)),
    Shape("slow-many", 10_000, 16 << 10, round_trip=0.05, goals=("rclone",)),
    Shape("slow-small", 500, 16 << 10, round_trip=0.05, goals=("rclone",)),
    Shape("narrow-large", 1, 1024 * MiB, rate=20e6, goals=("rclone",)),
    Shape("narrow-many", 10_000, 16 << 10, rate=20e6, goals=("rclone",)),
    Shape("narrow-small", 500, 16 << 10, rate=20e6, goals=("rclone",)),
]
