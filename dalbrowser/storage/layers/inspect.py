"""Keeps the last HTTP exchanges of an operator, and hands each on as it ends.

Invariant: secrets are redacted where the exchange is recorded, in the HTTP client; nothing
is kept here that was not redacted there.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from dalbrowser.storage.accessor import Accessor
    from dalbrowser.storage.types import HttpExchange


class InspectLayer:
    """Put it around an operator, then read ``exchanges`` or give a ``sink``."""

    def __init__(
        self, sink: Callable[[HttpExchange], None] | None = None, *, keep: int = 1000
    ) -> None:
        self._sink = sink
        self._kept: deque[HttpExchange] = deque(maxlen=keep)
        self.seen = 0
        """Exchanges seen in all, kept or not."""

    @property
    def exchanges(self) -> list[HttpExchange]:
        """The last exchanges, oldest first."""
        return list(self._kept)

    def clear(self) -> None:
        """Forget what was kept."""
        self._kept.clear()

    def layer(self, inner: Accessor) -> Accessor:
        """Observe ``inner``, which is returned as it is."""
        inner.observe(self._record)
        return inner

    def _record(self, exchange: HttpExchange) -> None:
        self.seen += 1
        self._kept.append(exchange)
        if self._sink is not None:
            self._sink(exchange)
