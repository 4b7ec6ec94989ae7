"""Saved connections: unique names, no secrets, nothing of others lost."""

from __future__ import annotations

import errno
import json
import stat
from typing import TYPE_CHECKING

import pytest

from dalbrowser.profiles import Profile, ProfileStore, builtin_profiles, check_name
from dalbrowser.session import describe
from dalbrowser.settings import Folders, jsonfile
from dalbrowser.storage import ErrorKind, StorageError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders.under(tmp_path)


@pytest.fixture
def store(folders: Folders) -> ProfileStore:
    return ProfileStore(folders.profiles_file, builtin_profiles(folders))


def profile(name: str = "work", identity: str = "id-1", **config: str) -> Profile:
    return Profile(identity, name, "s3", config)


def test_saved_is_found_by_id_and_name_also_after_a_restart(
    store: ProfileStore, folders: Folders
) -> None:
    store.save(profile(region="eu-west-1"))
    for again in (store, ProfileStore(folders.profiles_file)):
        assert again.get("id-1").config["region"] == "eu-west-1"
        assert again.by_name("work") == again.get("id-1")
    assert stat.S_IMODE(folders.profiles_file.stat().st_mode) == 0o600


def test_the_builtin_ones_come_last_and_are_not_written(
    store: ProfileStore, folders: Folders
) -> None:
    store.save(profile("Zebra", "z"))
    store.save(profile("ape", "a"))
    assert [p.name for p in store.all()] == ["ape", "Zebra", "home", "demo"]
    assert '"home"' not in folders.profiles_file.read_text()
    for builtin in ("home", "demo"):
        with pytest.raises(StorageError, match="comes with the program"):
            store.save(store.get(builtin))
        with pytest.raises(StorageError, match="comes with the program"):
            store.remove(builtin)


@pytest.mark.parametrize("name", ["work", "WORK", "home", "Demo"])
def test_a_taken_name_is_refused(store: ProfileStore, name: str) -> None:
    store.save(profile("work", "id-1"))
    with pytest.raises(StorageError, match="already"):
        store.save(profile(name, "id-2"))
    assert len(store.all()) == 3


def test_a_connection_may_keep_its_own_name(store: ProfileStore) -> None:
    store.save(profile("work", "id-1"))
    store.save(profile("Work", "id-1", region="eu-west-1"))
    assert store.get("id-1").name == "Work"


@pytest.mark.parametrize(
    "name", ["", " a", "a ", "a:b", "a/b", "a\\b", "a\nb", "-a", ".a", "c", "s3", "FS", "file"]
)
def test_a_name_that_cannot_be_written_before_a_colon_is_refused(name: str) -> None:
    with pytest.raises(StorageError) as caught:
        check_name(name)
    assert caught.value.kind is ErrorKind.CONFIG_INVALID


@pytest.mark.parametrize("name", ["work", "my bucket", "été", "a.b", "42"])
def test_a_good_name(name: str) -> None:
    check_name(name)


def test_a_secret_is_never_saved(store: ProfileStore, folders: Folders) -> None:
    with pytest.raises(StorageError, match="secret_access_key"):
        store.save(profile(secret_access_key="hush-hush"))
    assert not folders.profiles_file.exists()


def test_what_another_process_saved_stays(store: ProfileStore, folders: Folders) -> None:
    other = ProfileStore(folders.profiles_file)
    other.save(profile("theirs", "id-2"))
    store.save(profile("ours", "id-1"))
    assert {p.name for p in store.all()} == {"ours", "theirs", "home", "demo"}
    other.remove("id-1")
    assert [p.name for p in other.all()] == ["theirs"]


def test_a_row_that_is_not_understood_stays_in_the_file(folders: Folders) -> None:
    strange = {"id": "x", "name": "future", "scheme": 7}
    folders.profiles_file.write_text(json.dumps({"connections": [strange], "more": 1}))
    store = ProfileStore(folders.profiles_file)
    assert store.note is not None
    store.save(profile())
    stored = json.loads(folders.profiles_file.read_text())
    assert stored["connections"][0] == strange
    assert stored["more"] == 1
    assert stored["connections"][1]["name"] == "work"


@pytest.mark.parametrize(
    "row",
    [
        {"id": "x", "name": "Home", "scheme": "s3"},
        {"id": "home", "name": "x", "scheme": "s3"},
        {"id": "x", "name": "WORK", "scheme": "s3"},
        {"id": "id-1", "name": "x", "scheme": "s3"},
    ],
)
def test_a_row_that_would_stand_for_another_is_left_out(
    store: ProfileStore, folders: Folders, row: dict[str, str]
) -> None:
    store.save(profile())
    stored = json.loads(folders.profiles_file.read_text("utf-8"))
    stored["connections"].append(row)
    folders.profiles_file.write_text(json.dumps(stored), "utf-8")
    again = ProfileStore(folders.profiles_file, builtin_profiles(folders))
    assert [one.id for one in again.all()] == ["id-1", "home", "demo"]
    assert again.get("home").scheme == "fs"
    assert again.note is not None
    assert repr(row["name"]) in again.note
    again.save(profile("renamed"))
    assert row in json.loads(folders.profiles_file.read_text("utf-8"))["connections"]


@pytest.mark.parametrize("text", ["{", "[]", '{"connections": 3}'])
def test_a_damaged_file_is_set_aside(folders: Folders, text: str) -> None:
    folders.profiles_file.write_text(text)
    store = ProfileStore(folders.profiles_file)
    assert store.note is not None
    store.save(profile())
    assert (folders.config / "connections.json.damaged-1").read_text() == text
    assert store.get("id-1").name == "work"


def test_a_file_that_cannot_be_written_is_named(
    store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: object, _value: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/some/.temporary")

    monkeypatch.setattr(jsonfile, "save", refuse)
    with pytest.raises(OSError, match="cannot be changed") as caught:
        store.save(profile())
    assert describe(caught.value).startswith(f"The connections in {store.path} cannot be changed")
    assert "temporary" not in describe(caught.value)
    assert store.by_name("work") is None


def test_a_connection_of_an_unknown_service_is_kept(folders: Folders) -> None:
    row = {"id": "g", "name": "gone", "scheme": "plugin-that-left", "config": {}}
    folders.profiles_file.write_text(json.dumps({"connections": [row]}))
    store = ProfileStore(folders.profiles_file)
    assert store.get("g").scheme == "plugin-that-left"
    store.save(profile())
    assert ProfileStore(folders.profiles_file).get("g").name == "gone"


def test_callbacks_hear_of_changes(store: ProfileStore) -> None:
    heard: list[int] = []
    forget = store.on_change(lambda: heard.append(len(store.all())))
    store.save(profile())
    store.remove("id-1")
    forget()
    store.save(profile())
    assert heard == [3, 2]


def test_an_unknown_id_says_what_to_do(store: ProfileStore) -> None:
    with pytest.raises(StorageError, match="add it again"):
        store.get("nobody")


def test_adhoc_is_found_by_id_only_and_not_saved(store: ProfileStore, folders: Folders) -> None:
    store.add_adhoc(Profile("adhoc-1", "s3", "s3"))
    assert store.get("adhoc-1").is_adhoc
    assert store.by_name("s3") is None
    store.save(profile())
    assert "adhoc-1" not in folders.profiles_file.read_text()
