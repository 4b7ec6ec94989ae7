"""The blocks that previews have read, kept by last use within one budget of bytes.

Invariant: the sizes of the blocks held never add up to more than the budget, and a block
is only ever found under the whole identity it was stored with (connection, key, ETag, number).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable

MEBIBYTE = 1024 * 1024
DEFAULT_BUDGET = 64 * MEBIBYTE


class BlockKey(NamedTuple):
    """Which bytes a block holds.

    ``connection`` tells one place from another and ``edition`` one content of the key from
    another: the ETag, or a private token where the service gives none.
    """

    connection: Hashable
    key: str
    edition: Hashable
    number: int


class BlockCache:
    """Blocks by identity, the least recently used dropped first. ``budget`` in bytes."""

    def __init__(self, budget: int = DEFAULT_BUDGET) -> None:
        self.budget = budget
        self.held = 0
        self._blocks: OrderedDict[BlockKey, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._blocks)

    def get(self, key: BlockKey) -> bytes | None:
        """Return the block and mark it as just used, or ``None``."""
        block = self._blocks.get(key)
        if block is not None:
            self._blocks.move_to_end(key)
        return block

    def put(self, key: BlockKey, block: bytes) -> None:
        """Keep a block; one larger than the whole budget is not kept."""
        self._drop(key)
        if len(block) > self.budget:
            return
        self._blocks[key] = block
        self.held += len(block)
        while self.held > self.budget:
            self._drop(next(iter(self._blocks)))

    def clear(self) -> None:
        """Forget every block."""
        self._blocks.clear()
        self.held = 0

    def _drop(self, key: BlockKey) -> None:
        block = self._blocks.pop(key, None)
        if block is not None:
            self.held -= len(block)
