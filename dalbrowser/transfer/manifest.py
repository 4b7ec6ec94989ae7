"""A list of what a batch moved, to keep and to check against later.

Invariant: a digest in a manifest was computed from local bytes that still have the size
that was transferred; what could not be read is listed with a reason and without one.
Checking reads, and never writes; no name leads outside the folder that is checked.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from dalbrowser.transfer.integrity import file_sha256
from dalbrowser.transfer.model import Direction, JobState
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from dalbrowser.transfer.journal import JobRow

    Told = Callable[[int, int], None]
    """Told of files done, and how many there are; what it raises ends the work."""

_DIGITS = 64
SUMS_SUFFIX = ".sha256"
JSON_SUFFIX = ".json"


@record()
class ManifestLine:
    """One file that arrived.

    ``name`` is its path below the manifest's folder, with ``/``. ``sha256`` is empty when
    ``problem`` says why.
    """

    name: str
    key: str
    local_path: str
    size: int
    sha256: str
    integrity: str
    problem: str = ""


@record()
class Difference:
    """A file that is not what the manifest says, and how it differs."""

    name: str
    problem: str


@record()
class Manifest:
    """The files of one batch, in the order in which they were asked for, below ``folder``."""

    lines: tuple[ManifestLine, ...]
    folder: str = ""

    @property
    def proven(self) -> int:
        """How many files have a digest."""
        return sum(1 for line in self.lines if line.sha256)

    def to_sums(self) -> str:
        """Return the lines as ``sha256sum -c`` reads them in the folder, names escaped so."""
        return "".join(_sum_line(line) for line in self.lines if line.sha256)

    def to_json(self) -> str:
        """Return everything as JSON."""
        files = [asdict(line) for line in self.lines]
        return json.dumps({"version": 1, "folder": self.folder, "files": files}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read what ``to_json`` wrote; ``ValueError`` when it is something else."""
        try:
            found = json.loads(text)
            lines = tuple(ManifestLine(**line) for line in found["files"])
            return cls(lines, str(found["folder"]))
        except (TypeError, KeyError) as error:
            message = "this is not a manifest"
            raise ValueError(message) from error

    @classmethod
    def from_sums(cls, text: str) -> Manifest:
        """Read lines as ``sha256sum`` writes them; ``ValueError`` when one is something else."""
        return cls(tuple(_from_sum_line(line) for line in text.split("\n") if line))

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Read a manifest of either form; its folder is its own where it names none. Blocks.

        Raises ``OSError``, or ``ValueError`` when it is neither.
        """
        text = path.read_bytes().decode("utf-8", "surrogateescape")
        if text.lstrip().startswith("{"):
            return cls.from_json(text)
        return cls(cls.from_sums(text).lines, str(path.parent.absolute()))

    def write(self, path: Path) -> tuple[Path, Path]:
        """Write both forms beside each other, ``path`` with ``.sha256`` and ``.json``; blocks."""
        sums = path.with_name(path.name + SUMS_SUFFIX)
        facts = path.with_name(path.name + JSON_SUFFIX)
        for target, text in ((sums, self.to_sums()), (facts, self.to_json() + "\n")):
            half = target.with_name(f".{target.name}.dalpart")
            half.write_bytes(text.encode("utf-8", "surrogateescape"))
            half.replace(target)
        return sums, facts

    def verify(self, folder: Path | None = None, told: Told | None = None) -> list[Difference]:
        """Hash the files below ``folder`` (else where they were) and return what differs; blocks.

        A file without a digest in the manifest is left out: there is nothing to compare.
        """
        known = [line for line in self.lines if line.sha256]
        base = folder if folder is not None else Path(self.folder)
        wrong: list[Difference] = []
        for number, line in enumerate(known, 1):
            problem = _problem(base, line)
            if problem:
                wrong.append(Difference(line.name, problem))
            if told is not None:
                told(number, len(known))
        return wrong


def build_manifest(rows: Sequence[JobRow], told: Told | None = None) -> Manifest:
    """Hash the local side of every finished file among the rows of a batch; blocks."""
    done = [row for row in rows if row.state is JobState.DONE and not row.is_folder]
    folder = _common_folder(row for row in rows if row.parent is None and row.local_path)
    lines: list[ManifestLine] = []
    for number, row in enumerate(done, 1):
        lines.append(_line(row, folder))
        if told is not None:
            told(number, len(done))
    return Manifest(tuple(lines), folder)


def _common_folder(roots: Iterable[JobRow]) -> str:
    folders = {os.path.dirname(row.local_path.rstrip("/\\")) for row in roots}  # noqa: PTH120
    try:
        return os.path.commonpath(folders) if folders else ""
    except ValueError:
        # Files from different drives have no folder in common.
        return ""


def _line(row: JobRow, folder: str) -> ManifestLine:
    size = row.total or 0
    if row.direction in (Direction.COPY, Direction.MOVE):
        problem = "It was copied between services; there is no local file to hash."
        return ManifestLine(row.key, row.key, "", size, "", row.integrity, problem)
    name = os.path.relpath(row.local_path, folder) if folder else row.local_path
    sha, problem = "", ""
    try:
        if Path(row.local_path).stat().st_size == size:
            sha = file_sha256(row.local_path)
        else:
            problem = "The local file has another size by now."
    except OSError as error:
        problem = f"The local file could not be read ({error.strerror or error})."
    name = name.replace(os.sep, "/")
    return ManifestLine(name, row.key, row.local_path, size, sha, row.integrity, problem)


def _problem(base: Path, line: ManifestLine) -> str:
    path = base / line.name
    if ".." in Path(line.name).parts or (Path(line.name).is_absolute() and str(base) != "."):
        return "The name leads out of the folder; it was not looked at."
    try:
        found = path.stat().st_size
        if line.size >= 0 and found != line.size:
            return f"It has {found:,} bytes, not {line.size:,}."
        return "" if file_sha256(str(path)) == line.sha256 else "It has other bytes."
    except FileNotFoundError:
        return "It is not there."
    except OSError as error:
        return f"It could not be read ({error.strerror or error})."


def _sum_line(line: ManifestLine) -> str:
    name = line.name
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{chr(92) if escaped != name else ''}{line.sha256}  {escaped}\n"


def _from_sum_line(text: str) -> ManifestLine:
    """Read one line; the size of its file is not known (-1)."""
    escaped = text.startswith("\\")
    sha, name = text[escaped : escaped + _DIGITS], text[escaped + _DIGITS :]
    if name[:2] not in ("  ", " *") or not all(char in "0123456789abcdef" for char in sha):
        message = f"this is not a manifest: {text[:80]!r} is no line of SHA256SUMS"
        raise ValueError(message)
    name = name[2:]
    if escaped:
        parts = name.split("\\\\")
        name = "\\".join(part.replace("\\n", "\n").replace("\\r", "\r") for part in parts)
    return ManifestLine(name, "", "", -1, sha, "")
