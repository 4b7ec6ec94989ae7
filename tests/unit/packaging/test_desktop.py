"""What a desktop is told of the program agrees with the program."""

from __future__ import annotations

import configparser
import json
import tomllib
from pathlib import Path
from xml.etree import ElementTree

from dalbrowser import __version__
from dalbrowser.app.arguments import parse
from dalbrowser.settings import DECLARED

ROOT = Path(__file__).parents[3]
RESOURCES = ROOT / "resources"


def _scripts() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {*project["scripts"], *project["gui-scripts"]}


def _desktop() -> configparser.ConfigParser:
    entry = configparser.ConfigParser(interpolation=None)
    entry.optionxform = str  # type: ignore[assignment,method-assign]
    entry.read(RESOURCES / "dalbrowser.desktop", "utf-8")
    return entry


def test_every_command_of_the_entry_is_one_that_we_install_and_understand() -> None:
    entry = _desktop()
    for section in entry.sections():
        program, *words = entry[section]["Exec"].split()
        assert program in _scripts()
        assert not isinstance(parse([word for word in words if word != "%u"]), int)
    actions = [name for name in entry["Desktop Entry"]["Actions"].split(";") if name]
    assert [f"Desktop Action {name}" for name in actions] == entry.sections()[1:]


def test_the_icon_is_there() -> None:
    name = _desktop()["Desktop Entry"]["Icon"]
    assert (RESOURCES / f"{name}.svg").is_file()


def test_the_metainfo_names_this_version_and_the_entry() -> None:
    root = ElementTree.parse(RESOURCES / "io.github.dalbrowser.metainfo.xml").getroot()  # noqa: S314
    assert root.findtext("launchable") == "dalbrowser.desktop"
    assert {node.text for node in root.iter("binary")} == _scripts()
    releases = [node.get("version") for node in root.iter("release")]
    assert releases[0] == __version__


def test_the_changelog_and_the_project_name_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == __version__
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_readme_names_every_setting_with_its_default() -> None:
    told: dict[str, object] = {}
    for line in (ROOT / "README.md").read_text("utf-8").splitlines():
        keys, *rest = (cell.strip() for cell in line.strip("|").split(" | "))
        names = [name for name in keys.split("`") if name in DECLARED]
        told |= {name: json.loads(rest[0].strip("`")) for name in names if len(rest) > 1}
    own = ("window.", "view.")
    defaults = {key: one.default for key, one in DECLARED.items() if not key.startswith(own)}
    assert told == defaults


def test_the_readme_shows_pictures_that_are_there() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    pictures = [piece.split(")")[0] for piece in text.split("](") if ".png" in piece.split(")")[0]]
    assert pictures
    assert [name for name in pictures if not (ROOT / name).is_file()] == []
