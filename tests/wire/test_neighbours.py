"""On real servers: an odd key is itself, and its neighbour is never touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.options import OpCopy, OpDelete, OpList, OpRead, OpStat, OpWrite
from dalbrowser.storage.services.s3 import S3, S3Config
from tests.wire.test_exact_keys import ODD_KEYS

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tests.servers.s3_server import S3Server

NEIGHBOURS = {"a/../b": "b", "a//b": "a/b", "a/./b": "a/b", "./cur": "cur", "/lead": "lead"}


def service(server: S3Server, bucket: str) -> S3:
    return S3(S3Config(**server.operator_config(bucket), preset=server.name))  # type: ignore[arg-type]


async def write(s3: S3, key: str, data: bytes) -> None:
    writer = await s3.write(key, OpWrite())
    await writer.write(data)
    await writer.close()


async def read(s3: S3, key: str) -> bytes:
    opened = await s3.read(key, OpRead())
    data = await opened.body.read(1 << 20)
    await opened.body.aclose()
    return data


async def delete_together(s3: S3, key: str) -> None:
    (outcome,) = await s3.delete_batch([(key, OpDelete())])
    if outcome.error is not None:
        raise outcome.error


async def refusal(act: Awaitable[object]) -> ErrorKind | None:
    try:
        await act
    except StorageError as error:
        return error.kind
    return None


@pytest.mark.parametrize(("odd", "neighbour"), NEIGHBOURS.items())
async def test_deleting_an_odd_key_leaves_its_neighbour(
    s3_server: S3Server, s3_bucket: str, odd: str, neighbour: str
) -> None:
    s3 = service(s3_server, s3_bucket)
    try:
        await write(s3, neighbour, b"precious")
        for act in (
            s3.delete(odd, OpDelete()),
            delete_together(s3, odd),
            write(s3, odd, b"other"),
            s3.delete(odd, OpDelete()),
        ):
            refused = await refusal(act)
            if "exact-keys" in s3_server.limits:
                assert refused is ErrorKind.UNSUPPORTED
            else:
                assert refused is None
            assert await read(s3, neighbour) == b"precious"
    finally:
        await s3.aclose()


async def test_odd_keys_on_ceph(ceph_s3: S3Server, ceph_bucket: str) -> None:
    s3 = service(ceph_s3, ceph_bucket)
    try:
        await write(s3, "known", b"1")
        for key in ODD_KEYS:
            await round_trip(s3, key)
        await s3.delete("copied", OpDelete())
        assert await listed(s3) == ["known"]
    finally:
        await s3.aclose()


async def listed(s3: S3) -> list[str]:
    lister = await s3.list("", OpList(recursive=True))
    page = await lister.next_page()
    assert page is not None
    return sorted(entry.path for entry in page.entries)


async def round_trip(s3: S3, key: str) -> None:
    data = key.encode()
    await write(s3, key, data)
    assert (await s3.stat(key, OpStat())).content_length == len(data), key
    assert await read(s3, key) == data
    assert key in await listed(s3)
    await s3.copy(key, "copied", OpCopy())
    assert await read(s3, "copied") == data
    (outcome,) = await s3.delete_batch([(key, OpDelete())])
    assert outcome.error is None
    with pytest.raises(StorageError) as caught:
        await read(s3, key)
    assert caught.value.kind is ErrorKind.NOT_FOUND, key
    assert await read(s3, "known") == b"1"
