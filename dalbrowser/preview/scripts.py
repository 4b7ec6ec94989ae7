"""Which East Asian or Cyrillic encoding a short text is in, by how usual its characters are.

Nearly all bytes are some character of each of these encodings; but what was meant consists of
the few thousand that its script lives on, and what was not is full of the rest. Invariant: an
encoding is named only where all of the sample is text in it.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

EAST_ASIAN = ("cp932", "euc_jp", "gb18030", "cp949", "big5")
ALL_EAST_ASIAN = ("big5", "cp932", "cp949", "cp950", "euc_", "gb", "hz", "johab", "shift_")
"""How Python's names of these and of the rarer ones begin."""
_ASCII = bytes([0, 9, 10, 13, *range(32, 127)])
_RUN = re.compile("[^\0-\x7f]+")
_WORD = re.compile(r"[^\W\d_]+")
_CYRILLIC = re.compile("[\u0400-\u042f]?[\u0430-\u045f]+|[\u0400-\u042f]+")
"""A word with its capital, if any, at the front, or all in capitals."""
_USUAL = 0.9
"""Of the characters beyond ASCII, at least."""
_FEWEST_KOREAN = 4
"""Characters below which what is good Chinese and good Korean is taken for Chinese."""
_KANA = 0.3
"""Of a Japanese text, at least; Chinese has none."""


def east_asian(data: bytes) -> str | None:
    """Return the encoding in which nearly all of ``data`` is usual, or ``None``."""
    texts = {name: text for name in EAST_ASIAN if (text := in_runs(data, name))}
    fitting = {name: text for name, text in texts.items() if _share(text, name) >= _USUAL}
    for name in ("cp932", "euc_jp"):
        if name in fitting and _part(fitting[name], _is_kana) >= _KANA:
            return name
    if "cp949" in fitting and len(fitting["cp949"]) >= _FEWEST_KOREAN:
        return "cp949"
    order = ("gb18030", "cp949", "big5", "cp932", "euc_jp")
    best = max(order, key=lambda name: _share(fitting[name], name) if name in fitting else 0.0)
    return best if best in fitting else None


def cyrillic(data: bytes) -> str | None:
    """Return the Cyrillic encoding in which ``data`` has words as they are written, or ``None``.

    KOI8-R and Windows-1251 have each other's small letters where they have their capitals.
    """
    for name in ("cp1251", "koi8_r", "cp866"):
        text = _decoded(data, name)
        words = [word for word in _WORD.findall(text) if not word.isascii()]
        whole = all(_CYRILLIC.fullmatch(word) for word in words)
        letters, strange = sum(map(len, words)), len("".join(_RUN.findall(text)))
        written = any(len(word) > 1 and not word.isupper() for word in words)
        if whole and written and letters >= _USUAL * strange:
            return name
    return None


def wide(data: bytes) -> str | None:
    """Return the byte order of UTF-16 without a mark in one script beyond ASCII, or ``None``.

    Pairs of ASCII letters would be Chinese characters, so bytes that are mostly ASCII are none.
    """
    if len(data.translate(None, _ASCII)) < 0.1 * len(data):
        return None
    for name in ("utf-16-le", "utf-16-be"):
        text = _decoded(data, name)
        groups = Counter(map(_group, text))
        script = max((count for group, count in groups.items() if group > 0), default=0)
        if script > 1 and script + groups[0] >= _USUAL * len(text) and groups[-1] == 0:
            return name
    return None


def _group(char: str) -> int:
    """Return 0 for ASCII, -1 for what no text has, else a number that a script's share."""
    if char in "\t\n\r\f\ufeff" or " " <= char <= "~":
        return 0
    if not char.isprintable():
        return -1
    block = ord(char) >> 8
    if 0x4E <= block <= 0x9F or block in {0x20, 0x30} or _is_punctuation(char):
        return 0x4E
    return 0xAC if 0xAC <= block <= 0xD7 else block


def _decoded(data: bytes, encoding: str) -> str:
    """Return the text; nothing where this is none of that encoding. An end cut off is fine."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeDecodeError:
        return ""


def in_runs(data: bytes, encoding: str) -> str:
    """Return the characters beyond ASCII, if they stand together as in such scripts they do.

    Each by itself among ASCII, they are the accents of another encoding, or its degree sign.
    """
    runs = _RUN.findall(_decoded(data, encoding))
    found = "".join(runs)
    together = sum(len(run) for run in runs if len(run) > 1)
    return found if 2 * together > len(found) else ""


def _part(text: str, belongs: Callable[[str], bool]) -> float:
    return sum(map(belongs, text)) / len(text)


def _share(text: str, encoding: str) -> float:
    return _part(text, lambda char: _is_punctuation(char) or _USUAL_IN[encoding](char))


def _is_punctuation(char: str) -> bool:
    return "\u3000" <= char <= "\u303f" or "\uff01" <= char <= "\uff5e"


def _is_kana(char: str) -> bool:
    return "\u3041" <= char <= "\u30ff"


def _lead(char: str, encoding: str) -> int:
    """Return the first of the two bytes that a character has in an encoding, 0 if it has none."""
    coded = char.encode(encoding, "ignore")
    return coded[0] if len(coded) == 2 else 0


def _is_usual_japanese(char: str) -> bool:
    """Kana, and the kanji of the first level of JIS X 0208."""
    return _is_kana(char) or 0x88 <= _lead(char, "shift_jis") <= 0x97


_USUAL_IN: dict[str, Callable[[str], bool]] = {
    "cp932": _is_usual_japanese,
    "euc_jp": _is_usual_japanese,
    # The first level of GB 2312, all of KS X 1001's Hangul, the first level of Big5.
    "gb18030": lambda char: 0xB0 <= _lead(char, "gb2312") <= 0xD7,
    "cp949": lambda char: 0xB0 <= _lead(char, "euc_kr") <= 0xC8,
    "big5": lambda char: 0xA4 <= _lead(char, "big5") <= 0xC6,
}
