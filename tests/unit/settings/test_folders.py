"""Where things live follows XDG and HOME, and is readable by this user alone."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

import pytest

from dalbrowser.settings import Folders, home_folder


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


@pytest.mark.parametrize("text", ["", "relative/path"])
def test_a_variable_that_is_no_absolute_path_is_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("CONFIG", "STATE", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", text)
    folders = Folders.located()
    assert folders.config == tmp_path / ".config/dalbrowser"
    assert folders.state == tmp_path / ".local/state/dalbrowser"
    assert folders.data == tmp_path / ".local/share/dalbrowser"
    assert folders.cache == tmp_path / ".cache/dalbrowser"


@pytest.mark.parametrize("text", [None, "", "relative"])
def test_the_home_connection_is_the_home_of_the_folders(
    monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    if text is None:
        monkeypatch.delenv("HOME")
    else:
        monkeypatch.setenv("HOME", text)
    assert home_folder() == Path(pwd.getpwuid(os.getuid()).pw_dir)
    assert Folders.located().data == home_folder() / ".local/share/dalbrowser"


def test_existing_folder_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir(mode=0o755)
    folders = Folders.under(tmp_path)
    assert stat.S_IMODE(folders.config.stat().st_mode) == 0o755


def test_folder_that_cannot_be_made_is_an_oserror(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        Folders.under(tmp_path / "file")
