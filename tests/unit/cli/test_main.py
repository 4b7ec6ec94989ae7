"""Exit codes, streams and questions of commands over the home connection."""

from __future__ import annotations

import io
import os
import pty
import pwd
import sys
from typing import TYPE_CHECKING

import keyring
import keyring.backends.fail
import pytest

from dalbrowser.cli import main
from dalbrowser.cli.arguments import parser
from tests.homes import live_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return live_in(monkeypatch, tmp_path, tmp_path / ".xdg")


@pytest.fixture
def tree(home: Path) -> Path:
    for name in ("t/a.txt", "t/sub/b.txt", "keep.txt"):
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return home


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Make stdin a terminal at which a person has typed something."""
    person, terminal = pty.openpty()

    def type_in(text: str) -> None:
        os.write(person, text.encode())

    with os.fdopen(terminal) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield type_in
    os.close(person)


def test_ls_and_stat(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls", "home:t"]) == 0
    assert sorted(capsys.readouterr().out.split()) == ["a.txt", "sub/"]
    assert main(["ls", "-R", "home:t"]) == 0
    assert sorted(capsys.readouterr().out.split()) == ["a.txt", "sub/", "sub/b.txt"]
    assert main(["stat", "home:keep.txt"]) == 0
    assert "size:     8" in capsys.readouterr().out


def test_errors_are_one_line_and_nothing_on_stdout(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (
        ["stat", "home:a\nb"],
        ["ls", "home:none/"],
        ["cat", "home:t/"],
        ["cat", "home:none"],
        ["rm", "home:none"],
        ["mkdir", "home:"],
        ["cp", "home:none", "x"],
        ["uploads", "abort", "home:x"],
        ["connections", "test", "none"],
        ["connections", "remove", "home"],
    ):
        assert main(command) == 1, command
        streams = capsys.readouterr()
        assert streams.out == ""
        assert streams.err.startswith("dal: ")
        assert streams.err.count("\n") == 1, streams.err


@pytest.mark.parametrize(
    ("answer", "gone"),
    [("y\n", True), ("yes\n", True), ("\n", False), ("n\n", False), ("\4", False)],
)
def test_rm_r_asks_a_person(
    tree: Path,
    capsys: pytest.CaptureFixture[str],
    typed: Callable[[str], None],
    answer: str,
    gone: bool,
) -> None:
    typed(answer)
    assert main(["rm", "-r", "home:t"]) == (0 if gone else 1)
    assert "Delete 2 objects" in capsys.readouterr().err
    assert (tree / "t").exists() is not gone
    assert (tree / "keep.txt").exists()


def test_rm_r_without_a_person_needs_yes(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert main(["rm", "-r", "home:t"]) == 1
    assert (tree / "t/a.txt").exists()
    assert main(["rm", "-r", "-y", "home:t/"]) == 0
    assert not (tree / "t").exists()


def test_connections(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "share").mkdir()
    assert main(["connections", "add", "share", "fs", f"root={home / 'share'}"]) == 0
    assert main(["mkdir", "share:new"]) == 0
    assert (home / "share/new").is_dir()
    capsys.readouterr()
    assert main(["connections"]) == 0
    assert f"share: fs root={home / 'share'}" in capsys.readouterr().out
    assert main(["connections", "add", "share", "fs"]) == 1
    assert main(["connections", "add", "leak", "s3", "secret_access_key=hush-hush"]) == 1
    assert "hush-hush" not in capsys.readouterr().err
    assert main(["connections", "add", "x1", "s3", "--ask", "region"]) == 1
    assert main(["connections", "remove", "share"]) == 0
    assert main(["ls", "share:"]) == 1


def test_without_a_keyring_a_connection_without_a_secret_comes_and_goes(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del home
    monkeypatch.setattr(keyring, "get_keyring", keyring.backends.fail.Keyring)
    assert main(["connections", "add", "lab", "s3", "credentials=environment"]) == 0
    assert main(["connections", "remove", "lab"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "argv",
    [
        ["--endpoint", "http://h:1", "--region", "r", "ls", "s3://b"],
        ["ls", "--endpoint", "http://h:1", "--region", "r", "s3://b"],
        ["ls", "s3://b", "--endpoint-url", "http://h:1", "--region", "r"],
    ],
)
def test_the_server_is_named_before_or_after_the_command(argv: list[str]) -> None:
    found = parser().parse_args(argv)
    assert (found.endpoint, found.region, found.uri) == ("http://h:1", "r", "s3://b")
    assert not hasattr(parser().parse_args(["ls"]), "endpoint")


def test_a_defect_is_not_hidden(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("dalbrowser.cli.run.Context.build", broken)
    with pytest.raises(ZeroDivisionError):
        main(["ls"])


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("endpont=http://h", "no setting 'endpont'"),
        ("endpoint", "FIELD=VALUE"),
        ("endpoint=ftp://h", "http://"),
        ("verify_tls=maybe", "must be true or false.\n"),
        ("preset=nope", "must be one of aws, b2,"),
        ("access_key_id=AK", "--ask FIELD"),
    ],
)
def test_a_connection_that_cannot_be_used_is_not_saved(
    home: Path, capsys: pytest.CaptureFixture[str], setting: str, words: str
) -> None:
    given = [setting] if setting.startswith("access") else [setting, "credentials=environment"]
    assert main(["connections", "add", "work", "s3", *given]) == 1
    assert words in capsys.readouterr().err
    assert main(["connections", "add", "work", "s3", "credentials=environment"]) == 0


def test_without_a_home_what_needs_none_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    live_in(monkeypatch, tmp_path, tmp_path / "file/xdg")
    assert main(["cat", "home:file"]) == 0
    assert "in the way" in capsys.readouterr().out
    assert main(["cp", "home:file", str(tmp_path / "copy")]) == 1
    assert "journal.sqlite cannot be opened" in capsys.readouterr().err
    assert not (tmp_path / "copy").exists()


def test_a_user_without_a_home_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("HOME", *(f"XDG_{kind}_HOME" for kind in ("CONFIG", "STATE", "DATA", "CACHE"))):
        monkeypatch.delenv(name, raising=False)

    def nobody(number: int) -> None:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert main(["ls"]) == 1
    assert "set HOME" in capsys.readouterr().err
