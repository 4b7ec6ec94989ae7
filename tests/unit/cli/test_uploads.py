"""``dal uploads`` over the home connection, whose uploads are as real, at another time of day."""

from __future__ import annotations

import asyncio
import io
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from dalbrowser.cli import main
from dalbrowser.storage import Operator
from dalbrowser.transfer.uploading import incomplete
from tests.homes import live_in
from tests.unit.transfer.test_incomplete import journal_with

if TYPE_CHECKING:
    from pathlib import Path

from dalbrowser.transfer import JobState

MIB = 1 << 20


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    live_in(monkeypatch, tmp_path, tmp_path / ".xdg")
    monkeypatch.setattr(incomplete, "now", lambda: datetime.now(UTC) + timedelta(days=8))
    return tmp_path


def begin(home: Path, *keys: str) -> dict[str, str]:
    """Begin an upload of a mebibyte to each key; returns their ids."""

    async def work() -> dict[str, str]:
        ids = {}
        async with Operator("fs", root=str(home)) as op:
            for key in keys:
                made = await op.create_multipart(key)
                await made.write(1, b"x" * MIB)
                ids[key] = made.upload_id
        return ids

    return asyncio.run(work())


def left(capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert main(["uploads", "list", "-q", "home:"]) == 0
    return [line.split("\t")[2] for line in capsys.readouterr().out.splitlines()]


def test_list_says_age_parts_bytes_and_cost(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ids = begin(home, "a.bin", "d/b.bin")
    assert main(["uploads", "list", "home:"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[5:] for row in rows] == [[ids["a.bin"], "a.bin"], [ids["d/b.bin"], "d/b.bin"]]
    for row in rows:
        assert row[2:5] == ["1", str(MIB), "0.008"]  # a mebibyte for eight days
        assert 8 * 86_400 <= int(row[1]) < 8 * 86_400 + 600
    assert main(["uploads", "list", "home:d/"]) == 0
    assert capsys.readouterr().out.count("\n") == 1


def test_old_ones_go_only_with_a_yes(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(home, "a.bin", "d/b.bin")
    old = ["uploads", "abort", "home:", "--older-than"]
    assert main([*old, "9d", "--yes"]) == 0
    assert "as old as that" in capsys.readouterr().err
    assert main([*old, "7d", "--dry-run"]) == 0
    assert capsys.readouterr().out.count("\n") == 2
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert main([*old, "7d"]) == 1
    said = capsys.readouterr().err
    assert "Abort 2 uploads (2.0 MiB, 0.02 GiB-days so far)? Not without a yes" in said
    assert left(capsys) == ["a.bin", "d/b.bin"]
    assert main(["uploads", "abort", "home:d/", "--older-than", "1w", "--yes"]) == 0
    assert "Aborted 1 of 1." in capsys.readouterr().err
    assert left(capsys) == ["a.bin"]


def test_what_is_being_sent_here_is_not_aborted(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = begin(home, "a.bin", "b.bin")
    path = home / ".xdg/state/dalbrowser/journal.sqlite"

    async def while_running() -> tuple[int, int]:
        journal = await journal_with(path, {"a.bin": (JobState.RUNNING, ids["a.bin"])})
        one = ["uploads", "abort", "home:a.bin", ids["a.bin"]]
        old = ["uploads", "abort", "home:", "--older-than", "7d", "--yes"]
        codes = await asyncio.to_thread(main, one), await asyncio.to_thread(main, old)
        await journal.close()
        return codes

    assert asyncio.run(while_running()) == (1, 1)
    said = capsys.readouterr().err
    assert said.count("transfer 1 of this machine is sending it") == 2
    assert left(capsys) == ["a.bin"]
    assert main(["uploads", "abort", "home:a.bin", ids["a.bin"]]) == 0
    assert left(capsys) == []


def test_an_upload_that_is_not_there_is_said(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = begin(home, "a.bin")
    (home / "file").write_bytes(b"x" * MIB)
    gone = ids["a.bin"][:-1] + ("0" if ids["a.bin"][-1] != "0" else "1")
    for command in (
        ["abort", "home:a.bin", gone],
        ["abort", "home:b.bin", ids["a.bin"]],
        ["resume", str(home / "file"), "home:a.bin", gone],
    ):
        assert main(["uploads", *command]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert "There is no incomplete upload" in err
        assert err.count("\n") == 1
    assert main(["uploads", "resume", str(home / "none"), "home:a.bin", ids["a.bin"]]) == 1
    assert "No such file" in capsys.readouterr().err
    assert left(capsys) == ["a.bin"]
    assert main(["transfers", "list", "--all"]) == 0
    assert capsys.readouterr().out == ""


def test_an_upload_of_this_machine_goes_on_as_its_transfer(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = begin(home, "a.bin")
    (home / "file").write_bytes(b"x" * MIB)
    path = home / ".xdg/state/dalbrowser/journal.sqlite"

    async def earlier() -> None:
        await (await journal_with(path, {"a.bin": (JobState.RUNNING, ids["a.bin"])})).close()

    asyncio.run(earlier())
    assert main(["uploads", "resume", str(home / "file"), "home:a.bin", ids["a.bin"]]) == 1
    assert "dal transfers resume 1" in capsys.readouterr().err


def test_on_a_terminal_nothing_is_said_to_be_nothing(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a pipe gets nothing at all."""
    commands = {
        ("uploads", "list", "home:"): "There are no incomplete uploads in home:.",
        ("transfers", "list"): "All transfers are done; dal transfers list --all shows them.",
        ("transfers", "list", "--all"): "There have been no transfers yet.",
    }
    for command in commands:
        assert main(list(command)) == 0
        assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    for command, said in commands.items():
        assert main(list(command)) == 0
        assert capsys.readouterr() == ("", f"dal: {said}\n")
    del home
