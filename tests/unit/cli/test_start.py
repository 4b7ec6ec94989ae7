"""What a command loads: ``dal ls`` starts without the engine, and ``dal`` without Qt."""

from __future__ import annotations

import gc
import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from dalbrowser.cli import main
from dalbrowser.cli.arguments import COMMANDS, parser
from dalbrowser.storage import StorageError, paths, registry

if TYPE_CHECKING:
    from pathlib import Path

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


def test_the_services_that_come_along_are_those_that_the_package_names() -> None:
    points = metadata.distribution("dalbrowser").entry_points.select(group="dalbrowser.services")
    assert {point.name: point.value for point in points} == paths.OWN_SERVICES


def test_a_service_of_another_package_is_found_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    brought = metadata.EntryPoint("brought", "dalbrowser.storage.services.memory:Memory", "g")
    stolen = metadata.EntryPoint("s3", "dalbrowser.storage.services.memory:Memory", "g")
    monkeypatch.setattr(metadata, "entry_points", lambda **_: (brought, stolen))
    paths.brought_services.cache_clear()
    registry.service.cache_clear()
    try:
        assert paths.schemes() == ("brought", "fs", "memory", "s3")
        assert registry.service("brought") is registry.service("memory")
        assert registry.service("s3").scheme == "s3"
        with pytest.raises(StorageError, match="brought, fs, memory, s3"):
            registry.service("other")
    finally:
        paths.brought_services.cache_clear()
        registry.service.cache_clear()


def test_the_collector_is_left_alone_in_a_process_of_somebody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    before = gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()
    assert main(["ls", "home:"]) == 0
    assert (gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()) == before
