"""Where things live follows XDG and HOME, and is readable by this user alone."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from dalbrowser.settings import Folders

if TYPE_CHECKING:
    from pathlib import Path


def test_fresh_home_isolates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG_HOME", "STATE_HOME", "DATA_HOME", "CACHE_HOME"):
        monkeypatch.delenv(f"XDG_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    folders = Folders.default()
    assert folders.config == tmp_path / ".config/dalbrowser"
    assert folders.state == tmp_path / ".local/state/dalbrowser"
    assert folders.data == tmp_path / ".local/share/dalbrowser"
    assert folders.cache == tmp_path / ".cache/dalbrowser"
    for folder in (folders.config, folders.state, folders.data, folders.cache):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_xdg_wins_over_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "STATE", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    folders = Folders.default()
    assert folders.config == tmp_path / "config/dalbrowser"
    assert folders.journal_file == tmp_path / "state/dalbrowser/journal.sqlite"


def test_existing_folder_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir(mode=0o755)
    folders = Folders.under(tmp_path)
    assert stat.S_IMODE(folders.config.stat().st_mode) == 0o755


def test_folder_that_cannot_be_made_is_an_oserror(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        Folders.under(tmp_path / "file")
