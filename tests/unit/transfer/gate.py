"""What holds a transfer at one of its steps, and a tree of small files to transfer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.rig import Rig


def make_tree(folder: Path, count: int) -> None:
    (folder / "sub" / "deep").mkdir(parents=True)
    for number in range(count):
        place = (folder, folder / "sub", folder / "sub" / "deep")[number % 3]
        (place / f"f{number:04}").write_bytes(f"{number}".encode())


class Gate:
    """Holds an operation (any, when ``None``) back until it is opened, ``free`` of them pass.

    ``after`` holds back its answer instead: what was asked for has happened then.
    """

    def __init__(
        self,
        rig: Rig,
        operation: str | None,
        free: int = 0,
        *,
        path: str | None = None,
        after: bool = False,
    ) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()
        self._operation = operation
        self._path = path
        self._free = free
        if after:
            rig.wire.after = self
        else:
            rig.wire.before = self

    async def __call__(self, name: str, path: str, _args: Any) -> None:
        if self._operation in (None, name) and self._path in (None, path):
            self._free -= 1
            if self._free < 0:
                self.reached.set()
                await self.open.wait()
