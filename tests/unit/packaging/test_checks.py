"""Every check runs, each failure counts, and the end says how it went and what was left out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import checks
import pytest
from systems import System

from tests.servers import desktop

if TYPE_CHECKING:
    from pathlib import Path

TOOLS = ("ruff", "mypy", "lint-imports", "python")


def _tools(folder: Path, failing: str) -> Path:
    """Stand-ins that note how they were called, one of which fails."""
    for name in TOOLS:
        path = folder / name
        code = 3 if name == failing else 0
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> "{folder}/calls"\nexit {code}\n')
        path.chmod(0o755)
    return folder


@pytest.mark.parametrize("failing", ["", *TOOLS])
def test_all_run_and_one_failure_fails_the_run(
    failing: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code = checks.run_checks(tmp_path, _tools(tmp_path, failing), ["-k", "some thing"], {})
    assert code == (1 if failing else 0)
    assert (tmp_path / "calls").read_text("utf-8").splitlines() == [
        "ruff check .",
        "ruff format --check .",
        "mypy ",
        "lint-imports --no-cache",
        f"python -m pytest {' '.join(checks.spread())} -k some thing",
    ]
    last = capfd.readouterr().out.splitlines()[-1]
    assert last.startswith("Failed: ") if failing else last == "Everything passed."


def test_a_tool_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    folder = _tools(tmp_path, "")
    (folder / "mypy").unlink()
    assert checks.run_checks(tmp_path, folder, [], {}) == 1


def test_the_last_lines_say_what_was_left_out() -> None:
    results = [checks.Result("mypy", 0, 1.0), checks.Result("pytest", 1, 61.25)]
    text = checks.summary(results, {"Ceph": "no ceph-mon here"})
    lines = text.splitlines()
    assert lines[-1] == "Failed: pytest"
    assert lines[-2] == "  left out: Ceph: no ceph-mon here"
    assert "61.2 s  FAILED (exit code 1)" in text


def test_checks_see_no_credentials_no_proxy_and_no_display(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "mine")
    monkeypatch.setenv("QT_SCALE_FACTOR", "3")
    monkeypatch.setenv("NO_PROXY", "intranet")
    environ = checks.checks_environ(tmp_path, tmp_path)
    assert not any(name.startswith("AWS_") for name in environ)
    assert "QT_SCALE_FACTOR" not in environ
    assert environ["QT_QPA_PLATFORM"] == "offscreen"
    assert environ["NO_PROXY"] == "intranet,127.0.0.1,localhost,.localhost"
    assert "MYPY_CACHE_DIR" not in environ


def test_in_a_read_only_checkout_caches_go_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    environ = checks.checks_environ(tmp_path / "checkout", tmp_path / "scratch")
    for name in ("RUFF_CACHE_DIR", "MYPY_CACHE_DIR", "PYTHONPYCACHEPREFIX"):
        assert environ[name].startswith(str(tmp_path / "scratch"))


def test_a_server_without_its_program_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(checks, "loads", lambda _name: True)
    for server in checks.SERVERS:
        assert server.missing() == list(server.programs)


def test_a_tray_without_the_libraries_of_its_display_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checks, "loads", lambda name: name != "libxcb-cursor.so.0")
    (tray,) = [server for server in checks.SERVERS if "Xvfb" in server.programs]
    assert "libxcb-cursor.so.0" in tray.missing()
    assert "libxcb-cursor0" in System("debian", True).packages(tray.parts())
    assert set(desktop.LIBRARIES) == {component.what for component in tray.libraries}
