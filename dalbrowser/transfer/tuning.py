"""From the person's settings to the engine's options, the same for window and command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.transfer.model import EngineOptions

if TYPE_CHECKING:
    from dalbrowser.settings import Settings


def options_from(
    settings: Settings, *, who: str, patience: float | None = None, behind_window: bool = False
) -> EngineOptions:
    """Return the options that ``settings`` ask for; the other values are the engine's own.

    ``who``, ``patience`` (seconds) and ``behind_window`` are as in ``EngineOptions``.
    """
    return EngineOptions(
        multipart_above=settings.get("transfers.multipart_threshold"),
        large_files=settings.get("transfers.concurrent_files"),
        parts_per_file=settings.get("transfers.concurrent_parts"),
        parts_total=settings.get("transfers.concurrent_total"),
        history_cap=settings.get("transfers.history_limit"),
        limit_up=settings.get("transfers.limit_up") or None,
        limit_down=settings.get("transfers.limit_down") or None,
        who=who,
        patience=patience,
        behind_window=behind_window,
    )
