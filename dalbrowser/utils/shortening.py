"""Long names in sentences, titles and buttons: of each the beginning and the end."""

from __future__ import annotations


def shortened(text: str, most: int) -> str:
    """Return ``text`` with its middle left out where it has more than ``most`` characters."""
    half = most // 2
    return text if len(text) <= most else f"{text[:half]}…{text[-half:]}"
