"""Takes abilities away from a service, or lowers its limits.

Invariant: what is taken away answers ``Unsupported`` before any request, like anything that
a service never had. An ability cannot be given that the layers below would refuse.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

from dalbrowser.storage.capability import Capability
from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.layer import LayeredAccessor
from dalbrowser.storage.layers.correctness import CorrectnessAccessor

if TYPE_CHECKING:
    from dalbrowser.storage.accessor import Accessor
    from dalbrowser.storage.context import AccessorInfo

_NAMES = frozenset(item.name for item in fields(Capability))


class CapabilityOverrideLayer:
    """``CapabilityOverrideLayer(rename=False, write_total_max_size=1000)``."""

    def __init__(self, **changes: bool | int | None) -> None:
        unknown = sorted(set(changes) - _NAMES)
        if unknown:
            raise StorageError(
                ErrorKind.CONFIG_INVALID, f"There is no capability {', '.join(unknown)}."
            )
        self._changes = changes

    def layer(self, inner: Accessor) -> Accessor:
        """Return ``inner`` with less; raise ``ConfigInvalid`` for anything that would be more."""
        info = inner.info()
        for name, value in self._changes.items():
            had = getattr(info.capability, name)
            if value is True and not had:
                raise StorageError(
                    ErrorKind.CONFIG_INVALID,
                    f"{name} cannot be given to the service {info.scheme!r}, which lacks it.",
                )
        capability = replace(info.capability, **self._changes)  # type: ignore[arg-type]
        return CorrectnessAccessor(_Overridden(inner, replace(info, capability=capability)))


class _Overridden(LayeredAccessor):
    def __init__(self, inner: Accessor, info: AccessorInfo) -> None:
        super().__init__(inner)
        self._info = info

    def info(self) -> AccessorInfo:
        return self._info
