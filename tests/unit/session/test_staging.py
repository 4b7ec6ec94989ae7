"""What staging leaves behind, and what it refuses to fetch."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from dalbrowser.session.browse import Measure
from dalbrowser.session.staging import (
    MOST_BYTES,
    MOST_FILES,
    measure_files,
    remove_stale,
    too_large,
)
from dalbrowser.storage import Metadata

if TYPE_CHECKING:
    from pathlib import Path


def test_what_other_runs_left_is_removed_and_what_lives_is_not(tmp_path: Path) -> None:
    own, gone = f"{os.getpid()}-abc", "4194305-abc"
    for name in (own, gone, f"{os.getpid()}-old", "odd"):
        (tmp_path / name / "in").mkdir(parents=True)
        (tmp_path / name / "in" / "file").write_bytes(b"x")
    (tmp_path / "a file").write_bytes(b"x")
    long_ago = time.time() - 25 * 3600
    os.utime(tmp_path / f"{os.getpid()}-old", (long_ago, long_ago))
    remove_stale(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == [own]
    assert (tmp_path / own / "in" / "file").exists()


def test_a_link_is_removed_and_not_followed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_bytes(b"x")
    root = tmp_path / "root"
    root.mkdir()
    (root / "4194305-x").symlink_to(kept)
    remove_stale(root)
    assert (kept / "file").exists()


@pytest.mark.parametrize(
    ("objects", "size", "complete", "large"),
    [
        (MOST_FILES, MOST_BYTES, True, False),
        (MOST_FILES + 1, 1, True, True),
        (1, MOST_BYTES + 1, True, True),
        (1, 1, False, True),
    ],
)
def test_the_limits(objects: int, size: int, complete: bool, large: bool) -> None:
    assert too_large(Measure(objects, size, complete)) is large


def test_a_file_of_unknown_size_counts_as_too_large() -> None:
    known, unknown = Metadata(content_length=3), Metadata()
    assert measure_files([known, known]) == Measure(2, 6, True)
    assert too_large(measure_files([known, unknown]))
