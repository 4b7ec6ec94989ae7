"""What holds a transfer at one of its steps or cuts it off there, and files to transfer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.faults.rig import MiB, make_file, sha_of

if TYPE_CHECKING:
    from pathlib import Path

    from dalbrowser.transfer import TransferEngine
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


async def hold_upload(
    rig: Rig,
    engine: TransferEngine,
    operation: str = "write_multipart",
    free: int = 3,
    *,
    after: bool = False,
) -> int:
    """Upload ``big``, a new file of 2 MiB in 8 parts; return its job once a gate holds it."""
    make_file(rig.folder / "big", 2 * MiB)
    gate = Gate(rig, operation, free, after=after)
    number = await engine.upload_file(rig.folder / "big", rig.at("big"))
    await gate.reached.wait()
    return number


async def cut_off_upload(
    rig: Rig, operation: str = "write_multipart", free: int = 3, *, after: bool = False
) -> str:
    """Let the engine die with such an upload held; return the file's SHA-256.

    Parts are sent one by one, so that exactly ``free`` of them were confirmed.
    """
    async with rig.engine(parts_per_file=1) as engine:
        await hold_upload(rig, engine, operation, free, after=after)
    rig.wire.before = rig.wire.after = None
    rig.wire.calls.clear()
    return sha_of(rig.folder / "big")
