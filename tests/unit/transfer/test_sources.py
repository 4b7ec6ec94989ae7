"""The bytes of a part have the same digests, whatever they are read from."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage.checksums import digest, encoded
from dalbrowser.transfer.disk.source import FileSource, LocalSource
from dalbrowser.transfer.partplan import PartSpan
from dalbrowser.transfer.remotesource import RemoteSource
from dalbrowser.transfer.uploading.tinysource import TinySource, read_tiny
from tests.faults.rig import MiB, make_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from dalbrowser.transfer.disk.source import PartSource
    from tests.faults.rig import Rig

SPANS = [PartSpan(1, 0, 100_000), PartSpan(2, 100_000, 77), PartSpan(3, 200_000, 0)]
NAMES = ("crc64nvme", "crc32c", "crc32", "sha256", "sha1")


async def on_disk(call: Callable[..., Any], *args: object) -> object:
    return await asyncio.to_thread(call, *args)


@pytest.mark.parametrize("kind", ["file", "held", "remote"])
async def test_digests_are_of_the_bytes_of_the_part(rig: Rig, kind: str) -> None:
    path = rig.folder / "f"
    make_file(path, 200_000)
    data, local = path.read_bytes(), LocalSource(str(path))
    held = read_tiny(str(path))
    assert held is not None
    await rig.op.write("f", data)
    sources: dict[str, PartSource] = {
        "file": FileSource(on_disk, local),
        "held": TinySource(on_disk, str(path), *held),
        "remote": RemoteSource(rig.op, "f", await rig.op.stat("f")),
    }
    for span in SPANS:
        part = data[span.offset : span.offset + span.size]
        md5, sums = await sources[kind].digests(span, NAMES)
        assert md5 == hashlib.md5(part).digest() == await sources[kind].digest(span)
        assert sums == {name: encoded(digest(name, [part])) for name in NAMES}
    local.close()


async def test_a_large_part_is_hashed_without_being_held(rig: Rig) -> None:
    """In steps of a mebibyte, each taken by all digests."""
    path = rig.folder / "f"
    make_file(path, 3 * MiB + 5)
    local = LocalSource(str(path))
    span = PartSpan(1, 3, 3 * MiB)
    part = path.read_bytes()[3 : 3 * MiB + 3]
    md5, sums = await asyncio.to_thread(local.digests, span, ("crc64nvme", "sha256"))
    local.close()
    assert md5 == hashlib.md5(part).digest()
    assert sums == {name: encoded(digest(name, [part])) for name in ("crc64nvme", "sha256")}
