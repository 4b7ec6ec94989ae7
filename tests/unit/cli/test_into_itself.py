"""A folder that is to be copied into itself by another name of it is refused before it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dalbrowser.cli import main
from dalbrowser.profiles import Profile, ProfileStore
from dalbrowser.settings import Folders
from tests.homes import live_in
from tests.trees import found_in, plant

if TYPE_CHECKING:
    from pathlib import Path

TREE = {"dir/a": b"a", "dir/in/b": b"b"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a folder, a link to it beside the home, and a connection to that link."""
    home = live_in(monkeypatch, tmp_path / "home", tmp_path / "xdg")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    plant(home, TREE)
    (tmp_path / "work" / "link").symlink_to(home / "dir")
    config = {"root": str(tmp_path / "work" / "link")}
    ProfileStore(Folders.default().profiles_file).save(Profile("two", "two", "fs", config))
    return home


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("cp", "-r", "link", "home:dir/"), "never end"),
        (("cp", "-r", "home:dir", "link/in/"), "never end"),
        (("cp", "-r", "home:dir", "link/new"), "never end"),
        (("cp", "-r", "home:dir", "two:in/"), "never end"),
        (("cp", "-r", "two:in", "home:dir/"), "the very folder"),
        (("cp", "-r", "link/in", "home:dir/"), "the very folder"),
        (("cp", "-r", "two:in", "link/"), "the very folder"),
        (("mv", "-r", "home:dir", "two:in/"), "never end"),
        (("mv", "-r", "two:in", "home:dir/"), "the very folder"),
        (("mv", "-r", "two:", "home:dir/"), "the very folder"),
    ],
)
def test_a_folder_is_not_copied_into_itself_by_another_name(
    home: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...], words: str
) -> None:
    assert main(list(command)) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("dal: ")
    assert err.count("\n") == 1
    assert words in err
    assert found_in(home) == TREE
    assert main(["transfers", "list"]) == 0
    assert capsys.readouterr().out == ""


def test_a_folder_beside_is_copied(home: Path) -> None:
    assert main(["cp", "-r", "link/in", "home:other/"]) == 0
    assert found_in(home) == TREE | {"other/in/b": b"b"}
