"""Makes calls fail for the moment, at random but reproducibly, to try what stands above.

Invariant: a call that fails here was not made, so the service's state is what it was.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, TypeVar

from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError
from dalbrowser.storage.layers.around import AroundAccessor
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dalbrowser.storage.accessor import Accessor

T = TypeVar("T")


@record(kw_only=True)
class ChaosLayer:
    """``ratio`` of all calls (0 to 1) fail; ``seed`` makes the same ones fail each time.

    Sits inside retry. ``steps`` restricts it to some calls, by the names in ``around``.
    """

    ratio: float
    seed: int = 0
    steps: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.ratio <= 1:
            raise StorageError(
                ErrorKind.CONFIG_INVALID, f"ratio={self.ratio} is not between 0 and 1."
            )

    def layer(self, inner: Accessor) -> Accessor:
        """Return ``inner``, unreliable."""
        return _ChaosAccessor(inner, self)


class _ChaosAccessor(AroundAccessor):
    def __init__(self, inner: Accessor, layer: ChaosLayer) -> None:
        super().__init__(inner)
        self._layer = layer
        self._random = random.Random(layer.seed)  # noqa: S311 - reproducible, no secret
        self._scheme = inner.info().scheme

    async def around(self, step: str, path: str, call: Callable[[], Awaitable[T]]) -> T:
        layer = self._layer
        chosen = layer.steps is None or step in layer.steps
        if chosen and self._random.random() < layer.ratio:
            raise StorageError(
                ErrorKind.UNEXPECTED,
                f"The chaos layer let {step} fail; try again.",
                status=ErrorStatus.TEMPORARY,
                operation=step.partition(".")[0],
                path=path,
                service=self._scheme,
            )
        return await call()
