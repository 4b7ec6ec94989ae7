"""From the person's settings to the engine's options, the same for window and command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.transfer.model import EngineOptions

if TYPE_CHECKING:
    from dalbrowser.settings import Settings


def options_from(settings: Settings, *, who: str, patience: float | None = None) -> EngineOptions:
    """Return the options that ``settings`` ask for; the other values are the engine's own.

    ``who`` and ``patience`` (seconds) are as in ``EngineOptions``.
    """
    return EngineOptions(
        multipart_above=settings.get("transfers.multipart_threshold"),
        large_files=settings.get("transfers.concurrent_files"),
        parts_per_file=settings.get("transfers.concurrent_parts"),
        parts_total=settings.get("transfers.concurrent_total"),
        history_cap=settings.get("transfers.history_limit"),
        who=who,
        patience=patience,
    )
