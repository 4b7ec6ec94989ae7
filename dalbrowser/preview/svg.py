"""An SVG made safe to draw: no scripts, nothing from outside, no drawing without end.

Invariant: what comes out is a new document written from the elements and attributes that
were let through; no byte of the original that was not understood is in it. Declarations of
entities are refused, references lead into the document itself or to inline pictures, and
the elements that references multiply to stay under ``MOST_DRAWN``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from dalbrowser.preview.errors import NotThisKind, PreviewError

MOST_ELEMENTS = 200_000
MOST_DRAWN = 500_000
DEEPEST = 200

_DROPPED = frozenset({
    "script", "foreignobject", "iframe", "embed", "object", "audio", "video", "handler",
    "listener", "set", "animate", "animatecolor", "animatemotion", "animatetransform", "feimage",
})  # fmt: skip
_INLINE_PICTURE = re.compile(r"data:image/(png|jpe?g|gif|webp);base64,[A-Za-z0-9+/=\s]*\Z")
_URL = re.compile(r"url\(\s*['\"]?\s*([^'\")]*)", re.IGNORECASE)
_ESCAPED_IN_CSS = re.compile(r"\\|@import|expression\(|/\*", re.IGNORECASE)
_MAY_REFER = ("(", "\\", "@", "/*")


@dataclass(slots=True)
class _Node:
    """One element that was let through: what it refers to, and what is in it."""

    name: str
    attributes: list[tuple[str, str]]
    identity: str = ""
    references: list[str] = field(default_factory=list)
    children: list[_Node | str] = field(default_factory=list)


def static_svg(data: bytes) -> bytes:
    """Return the document with everything but its drawing taken out, as UTF-8.

    Raises ``NotThisKind`` when it is not well-formed SVG, and ``PreviewError`` when it is one
    that must not be drawn. Takes time in proportion to its size; belongs in a thread.
    """
    root = _Filter().parse(data)
    if _drawn(root) > MOST_DRAWN:
        raise PreviewError("This SVG multiplies its own elements beyond what is safe to draw.")
    out: list[str] = []
    _write(root, out)
    return "".join(out).encode()


class _Filter:
    """Builds the tree of what is let through, from the events of the parser."""

    def __init__(self) -> None:
        self._root: _Node | None = None
        self._open: list[_Node] = []
        self._skipping = 0
        self._elements = 0

    def parse(self, data: bytes) -> _Node:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.EntityDeclHandler = self._entity
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        try:
            parser.Parse(data, True)
        except expat.ExpatError as error:
            raise NotThisKind(f"not well-formed XML: {error}") from error
        except (LookupError, ValueError) as error:
            # The parser takes single-byte encodings from Python, and stumbles over all others.
            raise NotThisKind(f"the declared encoding cannot be parsed: {error}") from error
        if self._root is None or _local(self._root.name) != "svg":
            raise NotThisKind("the XML is not an SVG")
        return self._root

    def _entity(self, *_declaration: object) -> None:
        raise PreviewError("This SVG declares entities, which a preview does not expand.")

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MOST_ELEMENTS or len(self._open) + self._skipping > DEEPEST:
            raise PreviewError("This SVG has more elements than a preview draws.")
        if self._skipping or _local(name) in _DROPPED:
            self._skipping += 1
            return
        node = _node(name, attributes)
        if self._open:
            self._open[-1].children.append(node)
        elif self._root is None:
            self._root = node
        self._open.append(node)

    def _end(self, _name: str) -> None:
        if self._skipping:
            self._skipping -= 1
        else:
            self._open.pop()

    def _text(self, text: str) -> None:
        if self._skipping or not self._open:
            return
        node = self._open[-1]
        if _local(node.name) == "style" and not _is_local(text, node.references):
            return
        node.children.append(text)


def _local(name: str) -> str:
    return name.rpartition(":")[2].lower()


def _node(name: str, attributes: dict[str, str]) -> _Node:
    node = _Node(name, [], attributes.get("id", ""))
    for key, value in attributes.items():
        local = _local(key)
        if local.startswith("on") or local in {"base", "src"}:
            continue
        if local == "href":
            target = value.strip()
            if target.startswith("#"):
                node.references.append(target[1:])
            elif not _INLINE_PICTURE.match(target):
                continue
        elif not _is_local(value, node.references):
            continue
        node.attributes.append((key, value))
    return node


def _is_local(value: str, references: list[str]) -> bool:
    """Whether a value refers to nothing outside; what it refers to inside is noted."""
    # A path of megabytes is the rule: the expressions hold the interpreter's lock all along it.
    if not any(sign in value for sign in _MAY_REFER) and "url" not in value.lower():
        return True
    targets = [target.strip() for target in _URL.findall(value)]
    if any(not target.startswith("#") for target in targets):
        return False
    if "url" in value.lower() and not targets:
        return False
    if _ESCAPED_IN_CSS.search(value):
        return False
    references.extend(target[1:] for target in targets)
    return True


def _drawn(root: _Node) -> int:
    """Return how many elements drawing comes to, when each reference draws its target again.

    A reference that leads back to itself counts as too many.
    """
    named: dict[str, _Node] = {}
    _name_all(root, named)
    known: dict[int, int] = {}
    under_way: set[int] = set()

    def weigh(node: _Node) -> int:
        identity = id(node)
        if identity in known:
            return known[identity]
        if identity in under_way or len(under_way) > 4 * DEEPEST:
            return MOST_DRAWN + 1
        under_way.add(identity)
        total = 1
        for child in node.children:
            if isinstance(child, _Node):
                total += weigh(child)
        for reference in node.references:
            if reference in named:
                total += weigh(named[reference])
        under_way.discard(identity)
        known[identity] = min(total, MOST_DRAWN + 1)
        return known[identity]

    return weigh(root)


def _name_all(root: _Node, named: dict[str, _Node]) -> None:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.identity:
            named.setdefault(node.identity, node)
        waiting.extend(child for child in node.children if isinstance(child, _Node))


def _write(node: _Node, out: list[str]) -> None:
    out.append(f"<{node.name}")
    out.extend(f" {key}={quoteattr(value)}" for key, value in node.attributes)
    out.append(">")
    for child in node.children:
        if isinstance(child, str):
            out.append(escape(child))
        else:
            _write(child, out)
    out.append(f"</{node.name}>")
