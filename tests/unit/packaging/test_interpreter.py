"""Which Python is taken: this one, else the newest supported one on PATH, else a sentence."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import interpreter
import pytest


def _program(folder: Path, name: str, script: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    path.chmod(0o755)
    return path


def test_supported_versions_are_those_of_the_project() -> None:
    root = Path(__file__).parents[3]
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    newest, oldest = interpreter.SUPPORTED[0], interpreter.SUPPORTED[-1]
    assert project["requires-python"] == f">=3.{oldest[1]},<3.{newest[1] + 1}"


def test_this_python_is_taken_when_it_is_supported() -> None:
    assert interpreter.find_interpreter() == sys.executable


@pytest.mark.parametrize("version", [(3, 8, 18), (3, 14, 0)])
def test_another_on_the_path_is_taken_and_a_dead_shim_is_not(
    version: tuple[int, int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _program(tmp_path, "python3.13", "echo 'not installed' >&2; exit 127")
    _program(tmp_path, "python3.12", "echo 3.9")
    right = _program(tmp_path, "python3.11", "echo 3.11")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "version_info", version)
    assert interpreter.find_interpreter() == str(right)


def test_none_at_all_is_said_with_the_supported_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(interpreter.Stop, match=r"3\.11, 3\.12 or 3\.13\. This is Python 3\.9\.2"):
        interpreter.find_interpreter()


def test_version_of_something_that_is_no_python() -> None:
    assert interpreter.version_of("/bin/false") is None
    assert interpreter.version_of("/nowhere/python") is None
    assert interpreter.version_of(sys.executable) == sys.version_info[:2]


def test_what_bends_another_python_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("LANG", "C.UTF-8")
    environ = interpreter.clean_environ()
    assert "PYTHONWARNINGS" not in environ
    assert "PYTHONPATH" not in environ
    assert "PIP_USER" not in environ
    assert environ["LANG"] == "C.UTF-8"
