"""Secrets in a real Secret Service: kept, locked, absent; and a connection used through it."""

from __future__ import annotations

import gc
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING

import pytest
from keyring.backends import SecretService

from dalbrowser.profiles import SecretsKept, SecretStore
from tests.servers.keyring import missing, secret_service
from tests.servers.plugin import leave_out
from tests.servers.raw import RawS3

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from keyring.backend import KeyringBackend

    from tests.e2e.conftest import Dal
    from tests.servers.s3_server import S3Server

SECRETS = {"secret_access_key": "geheim-ключ-🔑", "session_token": "x" * 2000}


@pytest.fixture(autouse=True)
def closed_sockets() -> Iterator[None]:
    """Close what keyring's backend leaves open: it drops its connection when it is locked."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def keyring_home(tmp_path: Path) -> Path:
    if gone := missing():
        leave_out(
            "Secret Service",
            f"{', '.join(gone)} is not installed (apt install gnome-keyring dbus-daemon)",
        )
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    return home


@pytest.fixture
def unlocked(keyring_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    with secret_service(keyring_home) as environment:
        point_at(environment["DBUS_SESSION_BUS_ADDRESS"], monkeypatch)
        yield dict(environment)


def point_at(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)


def backend() -> KeyringBackend:
    found: KeyringBackend = SecretService.Keyring()  # type: ignore[no-untyped-call]
    return found


async def test_set_get_delete(unlocked: dict[str, str]) -> None:
    store = SecretStore(find_backend=backend)
    assert await store.set("id", SECRETS) is SecretsKept.KEYRING
    assert store.problem is None
    assert await SecretStore(find_backend=backend).get("id") == SECRETS
    assert await SecretStore(find_backend=backend).get("other") == {}
    await store.set("id", {"secret_access_key": "rotated"})
    assert await SecretStore(find_backend=backend).get("id") == {"secret_access_key": "rotated"}
    await store.delete("id")
    await store.delete("id")
    assert store.problem is None
    assert await SecretStore(find_backend=backend).get("id") == {}


async def test_kept_over_a_new_session_and_locked_with_another_password(
    keyring_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with secret_service(keyring_home) as first:
        point_at(first["DBUS_SESSION_BUS_ADDRESS"], monkeypatch)
        await SecretStore(find_backend=backend).set("id", SECRETS)
    with secret_service(keyring_home) as again:
        point_at(again["DBUS_SESSION_BUS_ADDRESS"], monkeypatch)
        assert await SecretStore(find_backend=backend).get("id") == SECRETS
    with secret_service(keyring_home, "another password") as locked:
        point_at(locked["DBUS_SESSION_BUS_ADDRESS"], monkeypatch)
        store = SecretStore(find_backend=backend)
        assert await store.get("id") == {}
        assert store.problem is not None
        assert store.problem.startswith("The keyring is locked. Secrets are kept for this session")
        assert await store.set("id", {"a": "b"}) is SecretsKept.SESSION_ONLY
        assert await store.get("id") == {"a": "b"}


async def test_a_service_that_dies_is_session_only(
    keyring_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with secret_service(keyring_home) as environment:
        point_at(environment["DBUS_SESSION_BUS_ADDRESS"], monkeypatch)
        store = SecretStore(find_backend=backend, deadline=5)
        await store.set("id", SECRETS)
    assert await store.get("id") == SECRETS
    assert await store.set("other", SECRETS) is SecretsKept.SESSION_ONLY
    assert store.problem is not None
    assert "The keyring failed" in store.problem


def test_nothing_plain_on_disk(unlocked: dict[str, str], keyring_home: Path) -> None:
    program = (
        "import asyncio\n"
        "from dalbrowser.profiles import SecretStore\n"
        "print(asyncio.run(SecretStore().set('id', {'secret_access_key': 'plain-to-find'})).value)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=unlocked, capture_output=True, text=True, check=True
    )
    assert done.stdout == "keyring\n"
    files = [path for path in keyring_home.rglob("*") if path.is_file()]
    assert any(path.suffix == ".keyring" for path in files)
    assert not [path for path in files if b"plain-to-find" in path.read_bytes()]


def test_without_dbus_it_is_session_only(bare_dal: Dal) -> None:
    program = (
        "import asyncio\n"
        "from dalbrowser.profiles import SecretStore\n"
        "store = SecretStore()\n"
        "print(asyncio.run(store.set('id', {'a': 'b'})).value)\n"
        "print(asyncio.run(store.get('id')), store.problem)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=bare_dal.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("session only\n{'a': 'b'} There is no keyring on this system")
    assert done.stderr == ""


def test_a_saved_connection_is_used_through_the_keyring(
    unlocked: dict[str, str], bare_dal: Dal, rclone_s3: S3Server, rclone_bucket: str
) -> None:
    dal = bare_dal.with_environment(**unlocked)
    added = dal(
        "connections", "add", "work", "s3", f"endpoint={rclone_s3.endpoint}",
        f"region={rclone_s3.region}", f"access_key_id={rclone_s3.access_key}",
        "--ask", "secret_access_key", stdin=f"{rclone_s3.secret_key}\n".encode(),
    )  # fmt: skip
    assert (added.code, added.err) == (0, "")
    saved = (bare_dal.environment["HOME"], rclone_s3.secret_key)
    for path in bare_dal.folder.parent.rglob("*"):
        assert not path.is_file() or saved[1].encode() not in path.read_bytes()
    with RawS3(rclone_s3) as raw:
        raw.send("PUT", rclone_bucket, "dir/a.txt", body=b"hello")
    assert f"{rclone_bucket}/" in dal("ls", "work:").lines
    assert dal("ls", "-R", f"work:{rclone_bucket}").lines == ["dir/a.txt"]
    assert dal("cat", f"work:{rclone_bucket}/dir/a.txt").out == b"hello"
    assert dal("connections", "test", "work").text == "work works.\n"
    # The same connection where no keyring answers: the keyring is named, not the server.
    assert "keyring" in bare_dal("ls", "work:").complaint()
    assert dal("connections", "remove", "work").code == 0
    assert "No connection is called 'work'" in dal("ls", "work:").complaint()


def test_without_a_keyring_a_connection_is_not_saved_by_command(bare_dal: Dal) -> None:
    result = bare_dal(
        "connections", "add", "work", "s3", "access_key_id=me", "--ask", "secret_access_key",
        stdin=b"hush\n",
    )  # fmt: skip
    assert "not saved" in result.complaint()
    assert "work:" not in bare_dal("ls").lines
