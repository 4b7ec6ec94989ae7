"""Settings about transfers reach the engine, and the defaults are the engine's own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dalbrowser.settings import Settings
from dalbrowser.transfer import EngineOptions
from dalbrowser.transfer.tuning import options_from

if TYPE_CHECKING:
    from pathlib import Path


def test_defaults_are_the_engines_own(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "settings.json")
    assert options_from(settings, who="me", patience=3) == EngineOptions(who="me", patience=3)


def test_what_is_set_reaches_the_engine(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "settings.json")
    settings.set("transfers.concurrent_parts", 2)
    settings.set("transfers.multipart_threshold", 32 << 20)
    wanted = replace(EngineOptions(who="me"), parts_per_file=2, multipart_above=32 << 20)
    assert options_from(settings, who="me") == wanted
