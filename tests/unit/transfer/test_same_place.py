"""A move between two places that are one, by whatever names, must not delete what it moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keyring
import pytest

from dalbrowser.profiles import Connections, Location, Profile, ProfileStore, SecretStore
from dalbrowser.storage import CapabilityOverrideLayer
from dalbrowser.transfer import ConflictPolicy, JobState, TransferEngine
from dalbrowser.transfer.disk import places
from tests.faults.rig import Rig
from tests.servers.keyring import MemoryKeyring
from tests.servers.raw import RawS3
from tests.trees import found_in, plant
from tests.unit.transfer.gate import Gate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.servers.s3_server import S3Server

TREE = {"dir/a": b"a", "dir/in/b": b"b"}


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


async def test_a_folder_is_never_put_into_itself_by_another_name(
    engine: TransferEngine, store: ProfileStore, tmp_path: Path
) -> None:
    plant(tmp_path / "top", TREE)
    (tmp_path / "link").symlink_to(tmp_path / "top" / "dir")
    store.save(Profile("one", "one", "fs", {"root": str(tmp_path / "top")}))
    store.save(Profile("two", "two", "fs", {"root": str(tmp_path / "link")}))
    one, two = Location("one", "", "dir/"), Location("two")
    ids = await engine.upload([tmp_path / "link"], one)
    ids += await engine.upload([tmp_path / "top" / "dir"], two.at("in/"))
    ids += await engine.download([(one, None)], tmp_path / "link" / "in")
    ids += await engine.copy([one], two.at("in/"))
    ids += await engine.copy([one], two.at("in/"), move=True)
    views = await engine.wait(ids)
    assert [view.state for view in views] == [JobState.FAILED] * 5
    assert all("never end" in view.error for view in views), [view.error for view in views]
    assert found_in(tmp_path / "top") == TREE


@pytest.mark.parametrize("move", [False, True])
async def test_a_folder_is_never_put_upon_itself_by_another_name(
    engine: TransferEngine, store: ProfileStore, tmp_path: Path, move: bool
) -> None:
    plant(tmp_path / "top", TREE)
    (tmp_path / "link").symlink_to(tmp_path / "top" / "dir")
    store.save(Profile("one", "one", "fs", {"root": str(tmp_path / "top")}))
    store.save(Profile("two", "two", "fs", {"root": str(tmp_path / "link")}))
    inner = Location("two", "", "in/")
    ids = await engine.copy(
        [inner], Location("one", "", "dir/"), ConflictPolicy.OVERWRITE, move=move
    )
    ids += await engine.upload(
        [tmp_path / "link" / "in"], Location("one", "", "dir/"), ConflictPolicy.OVERWRITE
    )
    ids += await engine.download([(inner, None)], tmp_path / "link", ConflictPolicy.OVERWRITE)
    views = await engine.wait(ids)
    assert [view.state for view in views] == [JobState.FAILED] * 3
    assert all("the very folder" in view.error for view in views), [view.error for view in views]
    assert found_in(tmp_path / "top") == TREE


async def test_what_is_mounted_in_the_source_is_not_copied_into_itself(
    engine: TransferEngine,
    store: ProfileStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As Linux says it of a folder that is mounted at a second place (``mount --bind``)."""
    plant(tmp_path, {"top/a": b"a", "seen here/at": b"mount", "disk/x": b"x"})
    store.save(Profile("one", "one", "fs", {"root": str(tmp_path)}))
    mounts = tmp_path / "mountinfo"
    place = str(tmp_path).encode()
    here = place + b"/seen\\040here"
    mounts.write_bytes(
        b"21 1 8:1 / / rw - ext4 /dev/a rw\n"
        b"22 21 8:1 %b/top %b rw - ext4 /dev/a rw\n"
        b"23 21 8:1 %b/disk %b/top/disk rw - ext4 /dev/a rw\nshort\n" % (place, here, place, place)
    )
    monkeypatch.setattr(places, "_MOUNTS", str(mounts))
    top, ids = tmp_path / "top", list[int]()
    for target in ("seen here/", "seen here/deep/", "disk/"):
        ids += await engine.upload([top], Location("one", "", target))
    views = await engine.wait(ids)
    assert [view.state for view in views] == [JobState.FAILED] * 3
    assert all("never end" in view.error for view in views), [view.error for view in views]
    ids = await engine.upload([top], Location("one", "", "beside/"))
    assert (await engine.wait(ids))[0].state is JobState.DONE
    assert found_in(tmp_path / "beside") == {"top/a": b"a"}


@pytest.mark.parametrize("copies", [True, False])
@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("policy", list(ConflictPolicy))
async def test_one_file_by_two_keys_of_one_connection(
    tmp_path: Path, policy: ConflictPolicy, again: bool, copies: bool
) -> None:
    """Also where an earlier try was cut off: what stands there is no copy of that try."""
    (tmp_path / "store" / "real").mkdir(parents=True)
    (tmp_path / "store" / "real" / "a.txt").write_bytes(b"precious")
    (tmp_path / "store" / "link").symlink_to("real")
    rig = Rig(tmp_path, "fs", {"root": str(tmp_path / "store")})
    if not copies:
        rig.op = rig.op.layer(CapabilityOverrideLayer(copy=False))
    place, target = rig.at("real/a.txt"), rig.at("link/")
    if again:
        async with rig.engine() as engine:
            gate = Gate(rig, "stat")
            await engine.copy([place], target, policy, move=True)
            await gate.reached.wait()
        rig.wire.before = None
    async with rig.engine() as engine:
        ids = [view.id for view in rig.report.interrupted]
        await engine.resume(ids)
        ids = ids or await engine.copy([place], target, policy, move=True)
        (view,) = await engine.wait(ids)
    assert view.state is JobState.FAILED, view.words
    assert "the same place" in view.error
    assert (tmp_path / "store" / "real" / "a.txt").read_bytes() == b"precious"
    await rig.op.aclose()
