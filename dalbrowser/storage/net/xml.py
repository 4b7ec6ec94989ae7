"""XML from servers: bounded, without entities or DTDs, always read as UTF-8.

Invariant: a document type declaration is refused before the parser sees it, so no entity
can expand and nothing outside the document can be fetched. The encoding is forced, and UTF-16
(which a byte order mark would still switch on) cannot be written without NUL bytes, so the
refusal cannot be dodged by writing the declaration in another encoding.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.utils.yielding import give_way

MAX_DOCUMENT = 16 * 1024 * 1024
"""Bytes of the largest document taken. A page of 1,000 keys of 1,024 bytes, each byte
percent-encoded, is under 4 MB."""

_STEP = 64 * 1024
"""Bytes that the parser takes at once, holding the interpreter: 0.7 ms."""

_CANNOT_HOLD = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""The characters that XML 1.0 has no way to write (its production 2), NUL apart."""
_SUSPECT = re.compile("&#(?:x([0-9a-fA-F]{1,4})|([0-9]{1,5}));|" + _CANNOT_HOLD.pattern)


def parse(data: bytes, what: str) -> ET.Element:
    """Parse a document; raises ``Unexpected``, naming ``what``, when it is not plain XML.

    Whitespace before the document is allowed: S3 keeps a connection alive with it.
    """
    if len(data) > MAX_DOCUMENT:
        raise _bad(what, f"it is longer than {MAX_DOCUMENT} bytes")
    text = data.lstrip()
    if b"\0" in text:
        raise _bad(what, "it is not UTF-8 text")
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise _bad(what, "it declares a document type, which no S3 answer does")
    try:
        return _parsed(text)
    except ET.ParseError as error:
        marked = _marked(text)
        if marked is None:
            raise _bad(what, f"it does not parse ({error})") from error
        return _unmarked(what, *marked)


def _parsed(text: bytes) -> ET.Element:
    parser = ET.XMLParser(encoding="utf-8")  # noqa: S314 - bounded above, declarations refused
    for start in range(0, len(text), _STEP):
        give_way()
        parser.feed(text[start : start + _STEP])
    root: ET.Element = parser.close()
    return root


def _marked(data: bytes) -> tuple[str, str] | None:
    """Return the document with every character that XML cannot hold written as a mark.

    Ceph puts a key's control characters into its answers as they are (``&#x1;``), also where
    it was asked to encode them. ``None`` when there are none: then something else is wrong.
    The second value is the mark, a character that occurs nowhere in the document.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    mark = next(chr(code) for code in range(0xE000, 0xF900) if chr(code) not in text)

    def swap(found: re.Match[str]) -> str:
        if found[1] or found[2]:
            code = int(found[1], 16) if found[1] else int(found[2])
        else:
            code = ord(found[0])
        return f"{mark}{code:x};" if _CANNOT_HOLD.fullmatch(chr(code)) else found[0]

    marked = _SUSPECT.sub(swap, text)
    return None if marked == text else (marked, mark)


def _unmarked(what: str, text: str, mark: str) -> ET.Element:
    try:
        root = _parsed(text.encode())
    except ET.ParseError as error:
        raise _bad(what, f"it does not parse ({error})") from error
    pattern = re.compile(f"{mark}([0-9a-f]+);")
    for item in root.iter():
        if item.text and mark in item.text:
            item.text = pattern.sub(lambda found: chr(int(found[1], 16)), item.text)
    return root


def namespace(root: ET.Element) -> str:
    """Return the ``{...}`` prefix of the root's tag, which S3's documents share throughout."""
    return root.tag[: root.tag.rfind("}") + 1]


def local(tag: str) -> str:
    """Return a tag without its namespace."""
    return tag[tag.rfind("}") + 1 :]


def text_of(root: ET.Element, name: str) -> str | None:
    """Return the text of the direct child ``name``, ``None`` when there is none."""
    found = root.find(namespace(root) + name)
    return None if found is None else found.text or ""


def can_carry(text: str) -> bool:
    """Whether XML 1.0 brings ``text`` over unchanged, whatever the reader trims.

    Excluded are the characters that XML cannot hold, those that parsers normalise
    (line ends, tabs), and leading or trailing white space.
    """
    if text != text.strip():
        return False
    return all(
        " " <= c <= "\ud7ff" and not "\x7f" <= c <= "\x9f" and c != "\u2028"
        if c < "\ue000"
        else c <= "\ufffd" or c >= "\U00010000"
        for c in text
    )


def element(name: str, text: str) -> str:
    """Write one element with its text escaped."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<{name}>{text}</{name}>"


def _bad(what: str, why: str) -> StorageError:
    return StorageError(
        ErrorKind.UNEXPECTED,
        f"{what} cannot be used: {why}. Check that the endpoint is an S3 server and that no"
        " proxy answers in its place.",
    )
