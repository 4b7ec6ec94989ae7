"""The line's end that comes along when a copied line is pasted: Qt keeps it, and nobody sees it.

Invariant: a name that ends in one already keeps it; it can be part of a key.
"""

from __future__ import annotations

_ENDS = "\r\n"


def typed(text: str, before: str = "") -> str:
    """Return what a one-line field holds as it was meant, where it began with ``before``."""
    return text if before.endswith(tuple(_ENDS)) else text.rstrip(_ENDS)
