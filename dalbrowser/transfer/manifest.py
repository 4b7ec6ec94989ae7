"""A list of what a batch moved, to keep and to check against later.

Invariant: a digest in a manifest was computed from local bytes that still have the size
that was transferred; what could not be read is listed with a reason and without one.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dalbrowser.transfer.integrity import file_sha256
from dalbrowser.transfer.model import Direction, JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dalbrowser.transfer.journal import JobRow


@dataclass(frozen=True, slots=True)
class ManifestLine:
    """One file that arrived. ``sha256`` is empty when ``problem`` says why."""

    key: str
    local_path: str
    size: int
    sha256: str
    integrity: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of one batch, in the order in which they were asked for."""

    lines: tuple[ManifestLine, ...]

    def to_sums(self) -> str:
        """Return the lines as ``sha256sum -c`` reads them, names escaped as it does."""
        return "".join(_sum_line(line) for line in self.lines if line.sha256)

    def to_json(self) -> str:
        """Return everything as JSON."""
        return json.dumps({"version": 1, "files": [asdict(line) for line in self.lines]}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read what ``to_json`` wrote; ``ValueError`` when it is something else."""
        try:
            return cls(tuple(ManifestLine(**line) for line in json.loads(text)["files"]))
        except (TypeError, KeyError) as error:
            message = "this is not a manifest"
            raise ValueError(message) from error

    def verify(self) -> list[ManifestLine]:
        """Return the files whose local bytes are not what they were; blocks."""
        wrong: list[ManifestLine] = []
        for line in self.lines:
            try:
                if not line.sha256 or file_sha256(line.local_path) == line.sha256:
                    continue
            except OSError:
                pass
            wrong.append(line)
        return wrong


def build_manifest(rows: Sequence[JobRow]) -> Manifest:
    """Hash the local side of every finished upload and download among ``rows``; blocks."""
    lines = [
        _line(row)
        for row in rows
        if row.state is JobState.DONE
        and not row.is_folder
        and row.direction in (Direction.UPLOAD, Direction.DOWNLOAD)
    ]
    return Manifest(tuple(lines))


def _line(row: JobRow) -> ManifestLine:
    size = row.total or 0
    sha, problem = "", ""
    try:
        if Path(row.local_path).stat().st_size == size:
            sha = file_sha256(row.local_path)
        else:
            problem = "The local file has another size by now."
    except OSError as error:
        problem = f"The local file could not be read ({error.strerror or error})."
    return ManifestLine(row.key, row.local_path, size, sha, row.integrity, problem)


def _sum_line(line: ManifestLine) -> str:
    name = line.local_path
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{chr(92) if escaped != name else ''}{line.sha256}  {escaped}\n"
