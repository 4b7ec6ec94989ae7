"""A move between two connections that lead to one place must not delete what it moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keyring
import pytest

from dalbrowser.profiles import Connections, Location, Profile, ProfileStore, SecretStore
from dalbrowser.transfer import ConflictPolicy, JobState, TransferEngine
from tests.servers.keyring import MemoryKeyring
from tests.servers.raw import RawS3

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.servers.s3_server import S3Server


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    """No connections yet."""
    return ProfileStore(tmp_path / "connections.json")


@pytest.fixture
def secrets() -> Iterator[SecretStore]:
    """Secrets in this process alone."""
    before = keyring.get_keyring()
    keyring.set_keyring(MemoryKeyring())
    yield SecretStore(deadline=5)
    keyring.set_keyring(before)


@pytest.fixture
async def engine(
    store: ProfileStore, secrets: SecretStore, tmp_path: Path
) -> AsyncIterator[TransferEngine]:
    """An engine over them."""
    connections = Connections(store, secrets)
    found = TransferEngine(tmp_path / "journal.sqlite", connections, store)
    await found.start()
    yield found
    await found.close()
    await connections.aclose()


@pytest.mark.parametrize("policy", list(ConflictPolicy))
async def test_one_folder_by_two_paths(
    engine: TransferEngine, store: ProfileStore, tmp_path: Path, policy: ConflictPolicy
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"precious")
    (tmp_path / "link").symlink_to(folder)
    store.save(Profile("one", "one", "fs", {"root": str(folder)}))
    store.save(Profile("two", "two", "fs", {"root": str(tmp_path / "link")}))
    place = Location("one", "", "a.txt")
    ids = await engine.copy([place], Location("two"), policy, move=True)
    views = await engine.wait(ids)
    assert views[0].state is JobState.FAILED
    assert "same" in views[0].error
    assert [path.name for path in folder.iterdir()] == ["a.txt"]
    assert (folder / "a.txt").read_bytes() == b"precious"


async def test_one_server_by_two_names(
    engine: TransferEngine,
    store: ProfileStore,
    secrets: SecretStore,
    rclone_s3: S3Server,
    rclone_bucket: str,
) -> None:
    for name, host in (("one", "127.0.0.1"), ("two", "localhost")):
        config = rclone_s3.operator_config()
        config["endpoint"] = config["endpoint"].replace("127.0.0.1", host)
        await secrets.set(name, {"secret_access_key": config.pop("secret_access_key")})
        del config["bucket"]
        store.save(Profile(name, name, "s3", config))
    place, target = Location("one", rclone_bucket, "a.txt"), Location("two", rclone_bucket)
    with RawS3(rclone_s3) as raw:
        raw.send("PUT", rclone_bucket, "a.txt", body=b"precious")
        ids = await engine.copy([place], target, ConflictPolicy.OVERWRITE, move=True)
        views = await engine.wait(ids)
        assert raw.send("GET", rclone_bucket, "a.txt").body == b"precious"
    assert views[0].state is JobState.FAILED
    assert "the same place" in views[0].error
