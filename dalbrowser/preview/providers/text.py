"""Text of any size: the first screen and the tail at once, the rest when it is scrolled to.

Invariant: opening reads the first block and at most the last 320 KiB, whatever the size.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from dalbrowser.preview.choose import Clues, Fit
from dalbrowser.preview.document import TextDocument
from dalbrowser.preview.encodings import guess
from dalbrowser.preview.errors import NotThisKind
from dalbrowser.preview.source import BLOCK
from dalbrowser.preview.values import TextValue
from dalbrowser.storage.layers.mime_guess import content_type_of

if TYPE_CHECKING:
    from dalbrowser.preview.source import RangeSource

TAIL = 64 * 1024

_TYPES = frozenset({
    "application/json", "application/xml", "application/yaml", "application/x-yaml",
    "application/toml", "application/javascript", "application/ecmascript", "application/sql",
    "application/x-sh", "application/x-ndjson", "application/jsonl", "application/x-httpd-php",
    "application/graphql", "application/rtf", "application/x-python", "application/x-tex",
    "application/x-subrip",
})  # fmt: skip
_LANGUAGES = {
    ".json": "json", ".jsonl": "json", ".ndjson": "json", ".geojson": "json", ".ipynb": "json",
    ".xml": "xml", ".html": "xml", ".htm": "xml", ".xhtml": "xml", ".rss": "xml", ".svg": "xml",
    ".yaml": "yaml", ".yml": "yaml", ".toml": "ini", ".ini": "ini", ".cfg": "ini", ".conf": "ini",
    ".md": "markdown", ".rst": "markdown", ".py": "python", ".csv": "csv", ".tsv": "csv",
    ".log": "log", ".sh": "shell", ".sql": "sql",
}  # fmt: skip
_EXTENSIONS = frozenset(_LANGUAGES) | {
    ".txt", ".text", ".out", ".err", ".env", ".properties", ".js", ".mjs", ".ts", ".tsx", ".jsx",
    ".css", ".scss", ".c", ".h", ".cc", ".cpp", ".hpp", ".java", ".kt", ".go", ".rs", ".rb", ".pl",
    ".php", ".lua", ".r", ".jl", ".swift", ".scala", ".tex", ".bib", ".srt", ".vtt", ".diff",
    ".patch", ".bat", ".ps1", ".cmake", ".proto", ".graphql", ".tf", ".gradle", ".dockerfile",
    ".gitignore", ".asc", ".pem", ".crt", ".csr", ".asm",
}  # fmt: skip


class TextProvider:
    """Text, source code, logs, JSON, XML, YAML, Markdown and whatever else decodes."""

    name: ClassVar[str] = "text"

    def fit(self, clues: Clues) -> Fit:
        """Trust type and name; without either, the bytes decide when opened."""
        kind = clues.content_type
        if kind.startswith("text/") or kind in _TYPES or kind.endswith(("+json", "+xml", "+yaml")):
            return Fit.CONTENT_TYPE
        guessed = content_type_of(clues.name) or ""
        if clues.extension in _EXTENSIONS or guessed.startswith("text/"):
            return Fit.EXTENSION
        return Fit.MAGIC

    async def open(self, source: RangeSource, clues: Clues) -> TextValue:
        """Guess the encoding from both ends, and have the first and the last rows at hand."""
        head = await source.read(0, BLOCK)
        form = await asyncio.to_thread(guess, head)
        if form is None:
            raise NotThisKind("these bytes are not text")
        tail = await source.read(source.total - TAIL, source.total)
        if form.encoding == "utf-8" and len(tail) < source.total:
            form = await asyncio.to_thread(guess, head, tail) or form
        return TextValue(TextDocument(source, form), _LANGUAGES.get(clues.extension, ""))
