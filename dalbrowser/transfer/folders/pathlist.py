"""A plan that holds local paths themselves, and not a folder to be read.

Invariant: no path has a NUL, so that a list of them is told from a folder, and taken
apart, without doubt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_MARK = "\0"


def list_source(paths: Sequence[str]) -> str:
    """Return the ``source`` of a plan for exactly these paths."""
    return "".join(f"{_MARK}{path}" for path in paths)


def listed_paths(source: str) -> list[str] | None:
    """Return the paths of a plan; ``None`` when its source is a folder."""
    return source.split(_MARK)[1:] if source.startswith(_MARK) else None
