"""A plan on disk: a line a step, in the order of the keys.

Invariant: what a person was shown is what is done. A plan is written whole and brought to the
disk before a job refers to it; from then on nothing changes it, and an offset in bytes says
how far it was taken up. It holds names and sizes, and no secret.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from dalbrowser.transfer.model import TransferError
from dalbrowser.transfer.sync.steps import Do, Step

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

_FIELDS = tuple(item.name for item in fields(Step))
_SUFFIX = ".plan"
_KEPT = 30 * 86_400
"""Seconds; a transfer that rests longer than this is planned anew."""


class PlanFile:
    """A plan that is being written, in ``folder``. Everything here blocks."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = folder / f"{secrets.token_hex(8)}{_SUFFIX}"
        self._file = os.fdopen(
            os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii"
        )

    def add(self, steps: Iterable[Step]) -> None:
        """Write some more steps."""
        for step in steps:
            # Nought bytes are told, what is not known or has its default is left out.
            kept = {name: value for name in _FIELDS if (value := getattr(step, name)) or value == 0}
            if not step.foreign:
                del kept["foreign"]
            kept["do"] = step.do.value
            self._file.write(json.dumps(kept) + "\n")

    def end(self) -> None:
        """Bring all of it to the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def discard(self) -> None:
        """Remove it; safe to call twice, and before ``end``."""
        self._file.close()
        self.path.unlink(missing_ok=True)


def read_steps(
    path: str | Path, offset: int, limit: int, wanted: Container[Do]
) -> tuple[list[Step], int, bool]:
    """Return up to ``limit`` wanted steps from ``offset``, where to go on, and whether at the end.

    Blocks. Raises ``TransferError`` when the plan is gone.
    """
    found: list[Step] = []
    try:
        with Path(path).open("rb") as file:
            file.seek(offset)
            while len(found) < limit:
                line = file.readline()
                if not line:
                    return found, file.tell(), True
                values = json.loads(line)
                do = Do(values.pop("do"))
                if do in wanted:
                    found.append(Step(do=do, **values))
            return found, file.tell(), False
    except FileNotFoundError:
        message = (
            "The plan of this sync is gone, so it cannot go on; cancel it (what was copied stays),"
            " then sync again."
        )
        raise TransferError(message) from None


def tidy(folder: Path) -> None:
    """Remove plans that were left behind long ago; blocks."""
    if not folder.is_dir():
        return
    oldest = time.time() - _KEPT
    for path in folder.glob(f"*{_SUFFIX}"):
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
