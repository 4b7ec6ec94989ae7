"""The bootstrap runs where nothing is installed: old syntax, standard library, no shadow."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import packaging.version
import pytest

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "packaging").glob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.name))
def test_parses_on_python_3_8(path: Path) -> None:
    ast.parse(path.read_text("utf-8"), feature_version=(3, 8))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.name))
def test_imports_the_standard_library_alone(path: Path) -> None:
    own = {file.stem for file in FILES}
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    assert names - own <= set(sys.stdlib_module_names)
    assert not own & set(sys.stdlib_module_names), "a sibling would shadow the standard library"


def test_the_folder_does_not_shadow_the_library_of_that_name() -> None:
    assert not (ROOT / "packaging" / "__init__.py").exists()
    assert packaging.version.__file__ is not None
    assert ROOT / "packaging" not in Path(packaging.version.__file__).parents


def test_ci_runs_the_bootstrap() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "python3 packaging/bootstrap.py test" in script.read_text("utf-8")


def test_help_names_both_commands() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "packaging" / "bootstrap.py"), "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "bootstrap.py run" in done.stdout
    assert "bootstrap.py test" in done.stdout


def test_without_a_display_nothing_is_set_up_and_a_sentence_says_why(tmp_path: Path) -> None:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environ = {name: value for name, value in os.environ.items() if name not in hidden}
    environ["DALBROWSER_VENV"] = str(tmp_path / "venv")
    done = subprocess.run(
        [sys.executable, str(ROOT / "packaging" / "bootstrap.py"), "run"],
        capture_output=True,
        text=True,
        env=environ,
        check=False,
    )
    assert done.returncode == 1
    assert "no display" in done.stderr
    assert "--screenshot out.png" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "venv").exists()
