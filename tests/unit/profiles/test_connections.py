"""Operators are built once, anew when something changed, and refused with a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from keyring.backends import fail

from dalbrowser.profiles import (
    Connections,
    Location,
    Profile,
    ProfileStore,
    SecretStore,
    builtin_profiles,
)
from dalbrowser.settings import Folders
from dalbrowser.storage import ErrorKind, StorageError
from tests.servers.keyring import MemoryKeyring

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HUSH = "hush-hush"
WORK = Profile("w", "work", "s3", {"endpoint": "http://127.0.0.1:9", "access_key_id": "me"})
ONE = Profile("o", "one", "s3", {**WORK.config, "bucket": "only"})


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    folders = Folders.under(tmp_path)
    store = ProfileStore(folders.profiles_file, builtin_profiles(folders))
    store.save(WORK)
    store.save(ONE)
    return store


@pytest.fixture
def secrets() -> SecretStore:
    keyring = MemoryKeyring()
    return SecretStore(find_backend=lambda: keyring)


@pytest.fixture
async def connections(store: ProfileStore, secrets: SecretStore) -> AsyncIterator[Connections]:
    for identity in ("w", "o"):
        await secrets.set(identity, {"secret_access_key": HUSH})
    made = Connections(store, secrets)
    yield made
    await made.aclose()


async def test_one_operator_a_bucket(connections: Connections) -> None:
    first = await connections.operator("w", "a")
    assert first.info().name == "a"
    assert await connections.operator(WORK, "a") is first
    assert await connections.operator("w", "b") is not first
    root = await connections.operator("w")
    assert root.info().name == ""
    assert HUSH not in repr(first)


async def test_a_bound_connection_is_its_bucket(connections: Connections) -> None:
    bound = await connections.operator("o")
    assert bound.info().name == "only"
    assert await connections.operator("o", "only") is bound
    with pytest.raises(StorageError, match="bound to the bucket 'only'"):
        await connections.operator("o", "other")


async def test_changed_secret_connection_or_word_of_it_builds_anew(
    connections: Connections, secrets: SecretStore, store: ProfileStore
) -> None:
    first = await connections.operator("w", "a")
    await secrets.set("w", {"secret_access_key": "rotated"})
    second = await connections.operator("w", "a")
    assert second is not first
    store.save(Profile("w", "work", "s3", {**WORK.config, "region": "eu-west-1"}))
    third = await connections.operator(WORK, "a")
    assert third is not second
    assert await connections.operator("w", "a") is third
    await connections.invalidate("w")
    assert await connections.operator("w", "a") is not third


async def test_a_removed_connection_still_serves_who_has_its_profile(
    connections: Connections, store: ProfileStore
) -> None:
    store.remove("w")
    assert (await connections.operator(WORK, "a")).info().name == "a"
    with pytest.raises(StorageError, match="no longer saved"):
        await connections.operator("w", "a")


async def test_an_adhoc_one_asks_no_keyring(store: ProfileStore) -> None:
    keyring = MemoryKeyring()
    connections = Connections(store, SecretStore(find_backend=lambda: keyring))
    adhoc = Profile("adhoc-1", "s3", "s3", {"credentials": "environment"})
    assert (await connections.operator(adhoc, "a")).info().name == "a"
    assert keyring.reads == []
    await connections.aclose()


async def test_one_of_a_service_without_secrets_asks_no_keyring(store: ProfileStore) -> None:
    keyring = MemoryKeyring()
    connections = Connections(store, SecretStore(find_backend=lambda: keyring))
    assert (await connections.operator("home")).info().scheme == "fs"
    assert keyring.reads == []
    await connections.aclose()


async def test_a_service_without_buckets(connections: Connections) -> None:
    assert (await connections.operator("home")).info().scheme == "fs"
    with pytest.raises(StorageError, match="has no buckets"):
        await connections.operator("home", "a")


async def test_which_places_list_buckets(connections: Connections) -> None:
    assert connections.lists_buckets(Location("w"))
    assert not connections.lists_buckets(Location("w", "a"))
    assert not connections.lists_buckets(Location("o"))
    assert not connections.lists_buckets(Location("home"))


async def test_without_a_keyring_the_sentence_names_it(store: ProfileStore) -> None:
    connections = Connections(store, SecretStore(find_backend=fail.Keyring))
    with pytest.raises(StorageError) as caught:
        await connections.operator("w", "a")
    assert caught.value.kind is ErrorKind.PERMISSION_DENIED
    assert "'work'" in caught.value.message
    assert "no keyring" in caught.value.message
    with pytest.raises(StorageError, match="no keyring"):
        await connections.check(store.get("w"), {})


async def test_without_a_keyring_credentials_of_the_environment_do(store: ProfileStore) -> None:
    connections = Connections(store, SecretStore(find_backend=fail.Keyring))
    changed = {**WORK.config, "credentials": "environment"}
    store.save(Profile("w", "work", "s3", changed))
    assert (await connections.operator("w", "a")).info().name == "a"
    await connections.aclose()


async def test_check_says_what_is_wrong_and_keeps_nothing(connections: Connections) -> None:
    bad = Profile("x", "x", "s3", {"endpoint": "127.0.0.1:9", "access_key_id": "me"})
    with pytest.raises(StorageError, match="http://"):
        await connections.check(bad, {"secret_access_key": HUSH})
    dead = Profile("x", "x", "s3", {"endpoint": "http://127.0.0.1:9", "access_key_id": "me"})
    with pytest.raises(StorageError, match=r"127\.0\.0\.1:9"):
        await connections.check(dead, {"secret_access_key": HUSH})
