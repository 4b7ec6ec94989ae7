"""What a command loads: ``dal ls`` starts without the engine, and ``dal`` without Qt."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dalbrowser.cli.arguments import COMMANDS, parser

_HEAVY = ("dalbrowser.transfer.engine", "dalbrowser.session.session", "sqlite3", "PySide6")


@pytest.mark.parametrize("argv", [["ls", "s3://b/"], ["--region", "cp", "ls"]])
def test_listing_loads_no_engine(argv: list[str]) -> None:
    code = (
        "import sys; import dalbrowser.cli.run; from dalbrowser.cli.arguments import parser;"
        f"parser({argv!r}).parse_args({argv!r});"
        f"print([name for name in {_HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("argv", [[], ["--help"], ["foo"], ["--endpoint=x"], ["--version"]])
def test_without_a_command_all_of_them_are_known(argv: list[str]) -> None:
    text = parser(argv).format_help()
    assert all(f"\n    {name} " in text for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_found_by_its_name(command: str) -> None:
    text = parser(["--endpoint", "http://h:1", command]).format_help()
    assert f"\n    {command} " in text
