"""Settings are typed, survive damage, and never lose what another process wrote."""

from __future__ import annotations

import errno
import json
import stat
import threading
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.settings import DECLARED, SettingError, Settings, jsonfile

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.json"


def test_every_default_is_valid_and_documented() -> None:
    for setting in DECLARED.values():
        assert setting.check(setting.default) is None
        assert setting.doc.endswith((".", "."))


def test_value_is_there_at_once_and_after_a_restart(path: Path) -> None:
    settings = Settings(path)
    assert settings.get("appearance.theme") == "system"
    settings.set("appearance.theme", "dark")
    assert settings.get("appearance.theme") == "dark"
    settings.flush()
    assert Settings(path).get("appearance.theme") == "dark"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("appearance.theme", "pink"),
        ("view.hidden", 1),
        ("transfers.concurrent_files", True),
        ("transfers.concurrent_files", 0),
        ("transfers.concurrent_files", 65),
        ("transfers.concurrent_files", "4"),
        ("keyring.deadline", "soon"),
        ("keyring.deadline", float("nan")),
    ],
)
def test_a_wrong_value_is_refused_by_name(path: Path, key: str, value: object) -> None:
    settings = Settings(path)
    with pytest.raises(SettingError, match=key):
        settings.set(key, value)
    assert settings.get(key) == DECLARED[key].default


def test_an_unknown_key_is_refused(path: Path) -> None:
    with pytest.raises(SettingError, match=r"view\.sort"):
        Settings(path).get("view.sort")


def test_an_int_is_a_float_where_a_float_is_meant(path: Path) -> None:
    settings = Settings(path)
    settings.set("keyring.deadline", 5)
    assert settings.get("keyring.deadline") == 5


def test_a_damaged_file_is_set_aside_not_deleted(path: Path) -> None:
    path.write_text('{"appearance.theme": "dar')
    settings = Settings(path)
    assert settings.note is not None
    assert "settings.json.damaged-1" in settings.note
    assert path.with_name("settings.json.damaged-1").read_text() == '{"appearance.theme": "dar'
    settings.set("appearance.theme", "dark")
    settings.flush()
    assert Settings(path).note is None


def test_a_second_damage_keeps_the_first(path: Path) -> None:
    for number, text in ((1, "one"), (2, "[]")):
        path.write_text(text)
        Settings(path)
        assert path.with_name(f"settings.json.damaged-{number}").read_text() == text


def test_a_wrong_stored_value_gives_the_default_and_a_note(path: Path) -> None:
    path.write_text('{"appearance.theme": "pink"}')
    settings = Settings(path)
    assert settings.get("appearance.theme") == "system"
    assert settings.note is not None
    assert "appearance.theme" in settings.note


def test_every_wrong_value_is_named(path: Path) -> None:
    path.write_text('{"appearance.theme": 5, "transfers.concurrent_files": 0}', "utf-8")
    note = Settings(path).note
    assert note is not None
    assert "appearance.theme" in note
    assert "transfers.concurrent_files" in note


def test_a_disk_without_locks_keeps_settings(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_file: object, _how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    settings = Settings(path)
    settings.set("view.hidden", True)
    settings.flush()
    assert settings.note is None
    assert Settings(path).get("view.hidden") is True


def test_a_write_that_fails_is_told_once_until_one_succeeds(path: Path) -> None:
    settings = Settings(path)
    told: list[str] = []
    settings.on_unwritten(told.append)
    path.mkdir()  # in the way of the file
    for hidden in (True, False):
        settings.set("view.hidden", hidden)
        settings.flush()
    assert len(told) == 1
    assert str(path) in told[0]
    path.rmdir()
    settings.set("view.hidden", True)
    settings.flush()
    assert Settings(path).get("view.hidden") is True
    path.unlink()
    path.mkdir()
    settings.set("view.hidden", False)
    settings.flush()
    assert len(told) == 2


def test_keys_of_others_stay(path: Path) -> None:
    path.write_text('{"from.the.future": [1]}')
    settings = Settings(path)
    other = Settings(path)
    other.set("view.hidden", True)
    other.flush()
    settings.set("appearance.theme", "dark")
    settings.flush()
    stored = json.loads(path.read_text())
    assert stored == {"from.the.future": [1], "view.hidden": True, "appearance.theme": "dark"}


def test_callbacks_hear_changes_until_they_are_forgotten(path: Path) -> None:
    settings = Settings(path)
    heard: list[tuple[str, Any]] = []
    forget = settings.on_change(lambda key, value: heard.append((key, value)))
    settings.set("view.hidden", True)
    settings.set("view.hidden", True)
    forget()
    settings.set("view.hidden", False)
    assert heard == [("view.hidden", True)]


def test_a_returned_value_cannot_change_the_store(path: Path) -> None:
    settings = Settings(path)
    settings.get("view.header")["x"] = 1
    given = {"a": 1}
    settings.set("view.header", given)
    given["b"] = 2
    assert settings.get("view.header") == {"a": 1}
    assert DECLARED["view.header"].default == {}


def test_a_folder_that_cannot_be_written_is_said_and_kept_for_later(path: Path) -> None:
    blocker = path.parent / "blocker"
    blocker.write_text("")
    settings = Settings(blocker / "settings.json")
    settings.set("appearance.theme", "dark")
    settings.flush()
    assert settings.note is not None
    assert "could not be written" in settings.note
    assert settings.get("appearance.theme") == "dark"
    blocker.unlink()
    settings.flush()
    assert Settings(blocker / "settings.json").get("appearance.theme") == "dark"


def test_save_leaves_the_old_file_when_it_fails(path: Path) -> None:
    jsonfile.save(path, {"a": 1})
    with pytest.raises(TypeError):
        jsonfile.save(path, {"a": object()})
    assert jsonfile.load(path) == ({"a": 1}, None)
    assert [p.name for p in path.parent.iterdir()] == ["settings.json"]


def test_a_link_to_the_file_stays_a_link(path: Path, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles" / "settings.json"
    kept.parent.mkdir()
    kept.write_text('{"view.hidden": true}')
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(kept)
    settings = Settings(path)
    settings.set("window.sidebar", False)
    settings.flush()
    assert path.is_symlink()
    assert json.loads(kept.read_text()) == {"view.hidden": True, "window.sidebar": False}


def test_writers_take_turns(path: Path) -> None:
    def add(name: str) -> None:
        for number in range(20):
            with jsonfile.exclusive(path):
                value, _ = jsonfile.load(path)
                jsonfile.save(path, {**value, f"{name}{number}": 1})

    threads = [threading.Thread(target=add, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(jsonfile.load(path)[0]) == 40
