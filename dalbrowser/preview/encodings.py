"""Guessing whether bytes are text, and in which encoding, from a sample of both ends.

Invariant: a guess never fails; what cannot be text is ``None``, and everything that it
calls text decodes (with replacement characters at worst). ``guess`` may take tens of
milliseconds, so it belongs in a thread.
"""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

from dalbrowser.preview import scripts
from dalbrowser.preview.lines import TextForm

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le", 4),
    (codecs.BOM_UTF32_BE, "utf-32-be", 4),
    (codecs.BOM_UTF8, "utf-8", 1),
    (codecs.BOM_UTF16_LE, "utf-16-le", 2),
    (codecs.BOM_UTF16_BE, "utf-16-be", 2),
)
_TEXT_CONTROLS = frozenset(b"\t\n\r\f\b\x1b\x0b")
_CONTROLS = bytes(code for code in range(32) if code not in _TEXT_CONTROLS) + b"\x7f"
_SAMPLE = 64 * 1024
_SCRIPT_SAMPLE = 4096
_SHORT = 200
"""Bytes of a text too short for its words to tell a language."""
_OTHER_SCRIPTS = ("cp1253", "cp1255", "cp1256", "iso8859_6", "iso8859_7", "iso8859_8")
"""Greek, Hebrew and Arabic, each of which is a Cyrillic text too, by its letters alone."""
_BEYOND_ASCII = re.compile("[^\0-\x7f]+")
_BEYOND_ASCII_BYTES = re.compile(b"[\x80-\xff]")
_BEFORE = 256  # bytes of its line before the first that is not ASCII
_DAMAGED = 10  # whole characters for each broken one, at least
_MOST_CONTROLS = 0.02  # of a text's bytes; compressed data has about 11 %


def guess(head: bytes, tail: bytes = b"") -> TextForm | None:
    """Return how a text is read, or ``None`` when these are not the bytes of one.

    ``head`` is the beginning of the object, ``tail`` its end, where that is at hand.
    """
    for mark, encoding, unit in _MARKS:
        if head.startswith(mark):
            return _form(encoding, unit, head, len(mark))
    wide = _wide(head[:_SAMPLE])
    if wide is None and b"\0" in head:
        wide = scripts.wide(head[:_SCRIPT_SAMPLE])
    if wide is not None:
        return _form(wide, 2, head, 0)
    if b"\0" in head or b"\0" in tail or _controls(head) > _MOST_CONTROLS:
        return None
    if _is_utf8(head, at_end=False) and _is_utf8(tail, at_end=True):
        return _form("utf-8", 1, head, 0)
    if _nearly_utf8(head) and _nearly_utf8(tail):
        return _form("utf-8", 1, head, 0)
    return _form(_legacy(head, tail), 1, head, 0)


def _form(encoding: str, unit: int, head: bytes, bom: int) -> TextForm:
    """Take carriage returns for line ends when the sample has no other (old Macintosh)."""
    newline, carriage = "\n".encode(encoding), "\r".encode(encoding)
    sample = head[: len(head) - len(head) % unit]
    ends = carriage if carriage in sample and newline not in sample else newline
    return TextForm(encoding, unit, ends, bom)


def _controls(data: bytes) -> float:
    """Return the share of control characters that no text has."""
    sample = data[:_SAMPLE]
    return 1 - len(sample.translate(None, _CONTROLS)) / len(sample) if sample else 0.0


def _is_utf8(data: bytes, *, at_end: bool) -> bool:
    """Whether ``data`` is a piece of UTF-8; a character cut at the open end does not matter."""
    if at_end:
        skip = 0
        while skip < min(3, len(data)) and data[skip] & 0xC0 == 0x80:
            skip += 1
        data = data[skip:]
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, final=False)
    except UnicodeDecodeError:
        return False
    return True


def _nearly_utf8(data: bytes) -> bool:
    """Whether this is UTF-8 with damage: far more characters beyond ASCII than broken ones.

    Text of another encoding hardly ever has two bytes in a row that are one character of UTF-8.
    """
    text = data.decode("utf-8", "replace")
    broken = text.count("\N{REPLACEMENT CHARACTER}")
    whole = sum(map(len, _BEYOND_ASCII.findall(text))) - broken
    return broken * _DAMAGED <= whole


def _wide(data: bytes) -> str | None:
    """Recognise UTF-16 without a mark: nearly all zeros at one parity, nearly none at the other.

    Holds for scripts whose characters are below U+0100, which is where it is seen.
    """
    if len(data) < 4:
        return None
    half = len(data) // 2
    even, odd = data[0::2].count(0) / half, data[1::2].count(0) / half
    for encoding, zeros, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros > 0.7 and others < 0.05:
            text = data[: half * 2].decode(encoding, errors="replace")
            strange = sum(1 for char in text if not char.isprintable() and char not in "\t\n\r\f")
            return encoding if strange <= len(text) * _MOST_CONTROLS else None
    return None


def _legacy(head: bytes, tail: bytes) -> str:
    """Guess a one-byte or East Asian encoding; Windows-1252 where nothing speaks for another."""
    telling = _telling(head)
    asian = scripts.east_asian(telling[:_SCRIPT_SAMPLE])
    if asian is not None:
        return asian
    name = _by_language(telling + _telling(tail))
    if len(telling) < _SHORT and not name.startswith(_OTHER_SCRIPTS):
        accents = name.startswith(scripts.ALL_EAST_ASIAN) and not scripts.in_runs(telling, name)
        return scripts.cyrillic(telling) or ("cp1252" if accents else name)
    return name


def _by_language(data: bytes) -> str:
    matches = list(from_bytes(data))
    if not matches:
        return "cp1252"
    best = matches[0]
    for match in matches:
        # Equals come in the order of their names, and French is no Czech.
        even = (match.chaos, match.coherence) == (best.chaos, best.coherence)
        if even and "cp1252" in match.could_be_from_charset:
            return "cp1252"
    name = best.encoding
    unsafe = name.startswith(("utf_16", "utf_32", "utf_7")) or name.startswith("iso2022")
    return "cp1252" if unsafe or name == "ascii" else name


def _telling(data: bytes) -> bytes:
    """Return up to a sample of the lines that are not ASCII; the others say nothing."""
    lines = b"\n".join(line for line in data.split(b"\n") if not line.isascii())
    first = _BEYOND_ASCII_BYTES.search(lines)
    begin = max(0, first.start() - _BEFORE) if first else 0
    return lines[begin : begin + _SAMPLE]
