"""Where a program under test keeps its things: nowhere near a person's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def live_in(monkeypatch: pytest.MonkeyPatch, home: Path, around: Path) -> Path:
    """Let ``home`` be the person's folder, and ``around`` hold settings, state and caches."""
    monkeypatch.setenv("HOME", str(home))
    for name in ("CONFIG", "STATE", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(around / name.lower()))
    return home
