"""A session over real services: what a typed place is, and what a listing brings."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import keyring
import pytest
from keyring.errors import KeyringLocked

from dalbrowser.app.wiring import build_session
from dalbrowser.profiles import Location, Profile
from dalbrowser.settings import Folders
from tests.servers.keyring import MemoryKeyring

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dalbrowser.session import Session


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[Session]:
    """A session with the connection ``files`` to a folder with an object and a folder."""
    files = tmp_path / "files"
    (files / "folder").mkdir(parents=True)
    (files / "folder/a.txt").write_bytes(b"a")
    (files / "top.txt").write_bytes(b"top")
    made = build_session(asyncio.get_running_loop(), Folders.under(tmp_path / "home"))
    made.profiles.save(Profile("files", "files", "fs", {"root": str(files)}))
    yield made
    await made.aclose()


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("top.txt", "top.txt"),
        ("folder", "folder/"),
        ("folder/", "folder/"),
        ("folder/a.txt", "folder/a.txt"),
        ("nothing", None),
        ("folder/nothing", None),
    ],
)
async def test_a_typed_place_is_an_object_a_folder_or_nothing(
    session: Session, typed: str, found: str | None
) -> None:
    place = await session.resolve(Location("files", "", typed))
    assert (place.path if place else None) == found


async def test_a_listing_has_no_row_for_the_folder_itself(session: Session) -> None:
    pages = [page async for page in session.pages(Location("files", "", "folder/"))]
    assert [entry.path for page in pages for entry in page] == ["folder/a.txt"]


async def test_the_tree_asks_for_folders_only(session: Session) -> None:
    pages = [page async for page in session.folders_below(Location("files"))]
    assert [place.path for page in pages for place in page] == ["folder/"]


async def test_what_a_connection_needs_is_prepared_once_and_again_after_a_failure(
    session: Session,
) -> None:
    calls: list[str] = []

    async def prepare() -> None:
        calls.append("called")
        if len(calls) == 1:
            raise OSError("disk full")

    session.prepare_with("files", prepare)
    place = Location("files")
    with pytest.raises(OSError, match="disk full"):
        await session.operator(place)
    operators = await asyncio.gather(*(session.operator(place) for _ in range(3)))
    assert calls == ["called", "called"]
    assert len({id(op) for op in operators}) == 1


async def test_a_connection_without_secrets_comes_and_goes_without_the_keyring(
    session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse() -> MemoryKeyring:
        raise AssertionError("the keyring was asked")

    monkeypatch.setattr(keyring, "get_keyring", refuse)
    await session.save_connection(Profile("f", "more", "fs", {"root": str(tmp_path)}), {})
    assert [page async for page in session.pages(Location("f"))]
    await session.remove_connection("f")
    assert session.secrets.problem is None


async def test_a_connection_that_is_renamed_while_the_keyring_is_locked_keeps_its_secret(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Locked(MemoryKeyring):
        def get_password(self, service: str, username: str) -> str | None:
            raise KeyringLocked

        set_password = delete_password = get_password  # type: ignore[assignment]

    there, locked = MemoryKeyring(), Locked()
    there.items["dalbrowser", "w"] = '{"secret_access_key": "hush"}'
    ring: list[MemoryKeyring] = [locked]
    monkeypatch.setattr(keyring, "get_keyring", lambda: ring[0])
    await session.save_connection(Profile("w", "renamed", "s3", {"access_key_id": "me"}), {})
    ring[0] = there
    await session.secrets.try_again()
    assert await session.secrets.get("w") == {"secret_access_key": "hush"}
    assert there.items == {("dalbrowser", "w"): '{"secret_access_key": "hush"}'}
