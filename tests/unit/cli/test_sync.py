"""``dal sync`` between a folder and a connection: what it refuses, chooses and shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from dalbrowser.cli import main
from dalbrowser.cli.syncing import say_plan
from dalbrowser.transfer.journal import JournalLock
from tests.homes import live_in
from tests.trees import found_in, plant

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = live_in(monkeypatch, tmp_path / "home", tmp_path / "xdg")
    home.mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return home


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("src", "dst", "both local"),
        ("home:dir", "home:dir/", "same place"),
        ("home:dir", "home:dir/in", "inside of the source"),
        ("home:dir/in", "home:dir", "inside of the target"),
        ("../home/dir", "home:dir/in", "inside of the source"),
        ("../work/../home/", "home:", "same place"),
        ("link", "home:dir/new", "inside of the source"),
        ("home:dir/in", "link", "inside of the target"),
        ("home:dir", "link/new", "inside of the source"),
        ("link", "home:dir", "same place"),
        ("home:dir/a", "dst", "is an object"),
        ("home:none", "dst", "nothing in"),
        ("none", "home:x", "No such file"),
        ("src/a", "home:x", "is a file"),
        ("home:dir", "src/a", "is a file"),
    ],
)
def test_what_makes_no_sense_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str], source: str, target: str, words: str
) -> None:
    plant(home / "dir", {"a": b"a", "in/b": b"b"})
    plant(home.parent / "work", {"src/a": b"a"})
    (home.parent / "work/link").symlink_to(home / "dir")
    assert main(["sync", source, target, "--yes"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("dal: ")
    assert err.count("\n") == 1
    assert words in err
    assert found_in(home) == {"dir/a": b"a", "dir/in/b": b"b"}
    (home.parent / "work/link").unlink()
    assert found_in(home.parent / "work") == {"src/a": b"a"}


def test_an_empty_source_deletes_only_when_that_is_meant(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(home, {"up/a": b"a"})
    (home.parent / "work/src").mkdir()
    command = ["sync", "src", "home:up/", "--delete"]
    assert main([*command, "--yes"]) == 1
    assert "--allow-empty-source" in capsys.readouterr().err
    command.append("--allow-empty-source")
    assert main([*command, "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "delete\t1\ta"
    assert main([*command, "--dry-run", "--json"]) == 0
    step, total = map(json.loads, capsys.readouterr().out.splitlines())
    assert step == {"do": "delete", "key": "a", "size": 1}
    assert (total["plan"]["extra"], total["plan"]["bytes_deleted"]) == (1, 1)
    assert found_in(home) == {"up/a": b"a"}
    assert main([*command, "--yes"]) == 0
    assert found_in(home) == {}
    assert list((home.parent / "xdg/state").rglob("*.plan")) == []


def test_globs_choose_and_protect(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = {"a.txt": b"a", "d/b.txt": b"b", "d/c.log": b"c", "tmp/x.txt": b"x"}
    plant(home.parent / "work/src", tree)
    plant(home / "up", {"old.log": b"log", "old.txt": b"txt"})
    chosen = ["--include", "*.txt", "--exclude", "tmp/*"]
    assert main(["sync", "src", "home:up", *chosen, "--delete", "--yes"]) == 0
    assert capsys.readouterr().err == ""
    assert set(found_in(home / "up")) == {"a.txt", "d/b.txt", "old.log"}


def test_a_plan_is_shown_while_others_hold_the_journal(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(home.parent / "work/src", {"a": b"a"})
    lock = home.parent / "xdg/state/dalbrowser/journal.sqlite.lock"
    lock.parent.mkdir(parents=True)
    held = JournalLock(lock)
    held.acquire("the window")
    try:
        assert main(["sync", "src", "home:up", "--dry-run"]) == 0
        assert capsys.readouterr().out.startswith("copy\t1\ta\n")
        assert main(["sync", "src", "home:up", "--yes"]) == 1
        assert "the window" in capsys.readouterr().err
    finally:
        held.release()
    assert found_in(home) == {}


def test_files_that_changed_meanwhile_are_said(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(home.parent / "work/src", {"a": b"aa", "b": b"b"})
    plant(home / "up", {"a": b"a"})

    async def then_write(*given: object, **named: object) -> None:
        await say_plan(*given, **named)  # type: ignore[arg-type]
        plant(home / "up", {"a": b"theirs"}, age=0)

    monkeypatch.setattr("dalbrowser.cli.syncrun.say_plan", then_write)
    assert main(["sync", "src", "home:up", "--yes", "--delete"]) == 1
    said = capsys.readouterr().err
    assert "a changed at the target since it was compared" in said
    assert found_in(home / "up") == {"a": b"theirs", "b": b"b"}
