"""The virtual environment: made, found ready, rebuilt when broken, never at a stranger's cost."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from environment import Environment, choose_folder
from interpreter import Stop


def _checkout(tmp_path: Path) -> Path:
    root = tmp_path / "a checkout"
    root.mkdir()
    (root / "pyproject.toml").write_text("[project]\nname = 'x'\n", "utf-8")
    return root


def _fake_python(folder: Path, script: str) -> None:
    """Put a stand-in interpreter into ``folder`` that answers for 3.11 and then as told."""
    (folder / "bin").mkdir(parents=True)
    python = folder / "bin" / "python"
    python.write_text(f'#!/bin/sh\ncase "$*" in *version_info*) echo 3.11;; *) {script};; esac\n')
    python.chmod(0o755)
    (folder / "pyvenv.cfg").write_text("home = /usr\n", "utf-8")


def test_a_half_made_one_is_rebuilt_and_works(tmp_path: Path) -> None:
    folder = tmp_path / "half made"
    (folder / "bin").mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text("home = /nowhere\n", "utf-8")
    (folder / "bin" / "python").symlink_to("/nowhere/python")
    made = Environment(_checkout(tmp_path), folder)
    made.make(sys.executable)
    subprocess.run([str(made.python), "-m", "pip", "--version"], check=True, capture_output=True)
    before = made.python.lstat().st_mtime_ns
    made.make(sys.executable)
    assert made.python.lstat().st_mtime_ns == before, "a working one was made again"


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "thesis.odt").write_bytes(b"years of work")
    with pytest.raises(Stop, match="not a virtual environment"):
        Environment(_checkout(tmp_path), folder).make(sys.executable)
    assert (folder / "thesis.odt").read_bytes() == b"years of work"


def test_ready_only_for_the_same_project_file_and_the_same_extras(tmp_path: Path) -> None:
    root, folder = _checkout(tmp_path), tmp_path / "venv"
    _fake_python(folder, "exit 0")
    made = Environment(root, folder)
    assert not made.is_ready([])
    made.install(["dev"])
    assert made.is_ready([])
    assert made.is_ready(["dev"])
    assert not made.is_ready(["aws"])
    (root / "pyproject.toml").write_text("[project]\nname = 'y'\n", "utf-8")
    assert not made.is_ready([])


def test_a_checkout_in_a_folder_of_any_name_is_installed(tmp_path: Path) -> None:
    root, folder = _checkout(tmp_path), tmp_path / "venv"
    named = root.rename(tmp_path / "copy [1]")
    _fake_python(folder, f'case "$*" in *install*) pwd; echo "$@";; esac >> {folder}/said')
    Environment(named, folder).install(["dev"])
    said = (folder / "said").read_text().splitlines()
    assert said[0] == str(named)
    assert said[1].endswith(" --editable .[dev]")


def test_two_that_set_up_one_folder_take_turns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = (Environment(tmp_path, tmp_path / "venv") for _ in range(2))
    never, ended = threading.Event(), threading.Event()
    turns: list[str] = []

    def set_up() -> None:
        with second.alone():
            turns.append("second")
        ended.set()

    with first.alone():
        other = threading.Thread(target=set_up)
        other.start()
        while "waiting" not in capsys.readouterr().out:
            never.wait(0.01)
        turns.append("first")
        assert not ended.is_set()
    other.join()
    assert turns == ["first", "second"]


def test_an_installation_that_was_cut_off_is_not_ready(tmp_path: Path) -> None:
    folder = tmp_path / "venv"
    _fake_python(folder, "exit 0")
    made = Environment(_checkout(tmp_path), folder)
    made.install([])
    assert made.is_ready([])
    _fake_pip_fails(folder, "anything")
    with pytest.raises(Stop):
        made.install(["dev"])
    assert not made.is_ready([])


def _fake_pip_fails(folder: Path, said: str) -> None:
    python = folder / "bin" / "python"
    log = folder / "dalbrowser-pip.log"
    python.write_text(
        '#!/bin/sh\ncase "$*" in *version_info*) echo 3.11;;'
        f" *) echo '{said}' > '{log}'; exit 1;; esac\n"
    )


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("Failed to resolve: Temporary failure in name resolution", "could not be reached"),
        ("ProxyError('Cannot connect to proxy.')", "HTTPS_PROXY"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("No matching distribution found", "pip could not install"),
    ],
)
def test_why_pip_failed_is_said(tmp_path: Path, said: str, sentence: str) -> None:
    folder = tmp_path / "venv"
    _fake_python(folder, "exit 0")
    _fake_pip_fails(folder, said)
    with pytest.raises(Stop, match=sentence):
        Environment(_checkout(tmp_path), folder).install([])


def test_a_library_that_does_not_load_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "venv"
    _fake_python(folder, 'case "$*" in *PySide6*) echo "ImportError: libX.so.1" >&2; exit 1;; esac')
    made = Environment(_checkout(tmp_path), folder)
    with pytest.raises(Stop, match=r"does not load(.|\n)*libX\.so\.1"):
        made.install([])
    assert not made.is_ready([])


def test_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DALBROWSER_VENV", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert choose_folder(tmp_path) == tmp_path / ".venv"
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    elsewhere = choose_folder(tmp_path)
    assert elsewhere.parent == tmp_path / "cache" / "dalbrowser"
    assert choose_folder(tmp_path / "another") != elsewhere
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert choose_folder(tmp_path).parent == tmp_path / ".cache" / "dalbrowser"
    monkeypatch.setenv("DALBROWSER_VENV", "relative folder")
    assert choose_folder(tmp_path) == Path.cwd() / "relative folder"


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    with pytest.raises(Stop, match="DALBROWSER_VENV"):
        Environment(_checkout(tmp_path), blocked / "venv").make(sys.executable)
