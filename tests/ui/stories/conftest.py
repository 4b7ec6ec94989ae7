"""Somebody at the window who keeps keys in a keyring of this process alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keyring
import pytest

from tests.servers.keyring import MemoryKeyring
from tests.servers.raw import RawS3
from tests.ui.stories.person import Person

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dalbrowser.ui.window import MainWindow
    from tests.servers.s3_server import S3Server
    from tests.ui.stage import Stage


@pytest.fixture(autouse=True)
def memory_keyring() -> Iterator[MemoryKeyring]:
    """The keyring that the window finds."""
    before = keyring.get_keyring()
    found = MemoryKeyring()
    keyring.set_keyring(found)
    yield found
    keyring.set_keyring(before)


@pytest.fixture
def one_by_one(stage: Stage) -> None:
    """Parts go one after the other, so that a story knows which is under way."""
    stage.session.settings.set("transfers.concurrent_parts", 1)


@pytest.fixture
def person(
    memory_keyring: MemoryKeyring, stage: Stage, one_by_one: None, window: MainWindow
) -> Person:
    """Somebody at the window."""
    assert memory_keyring.items == {}
    return Person(stage, window)


@pytest.fixture
def ceph_raw(ceph_s3: S3Server) -> Iterator[RawS3]:
    """A witness of what Ceph really holds."""
    with RawS3(ceph_s3) as raw:
        yield raw
