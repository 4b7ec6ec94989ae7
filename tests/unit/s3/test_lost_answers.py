"""A write under a condition whose answer was lost: its own object is no stranger's.

The retry finds an object in its way. By size and MD5 it is told from another's, whose bytes
must never be claimed; the object is written once either way.
"""

from __future__ import annotations

import hashlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import Operator, RetryLayer, StorageError
from dalbrowser.storage.errors import ErrorKind, ErrorStatus
from dalbrowser.storage.services.s3 import S3
from tests.servers import lying
from tests.servers.lying import LyingServer
from tests.unit.s3.conftest import s3_config

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator

    from dalbrowser.storage.net.client import HttpReply
    from dalbrowser.storage.services.s3.core import Ask
    from tests.servers.lying import Seen
    from tests.servers.s3_server import S3Server

RETRY = RetryLayer(base=0.001, attempts=3)
PART = 5 << 20
COMPLETING = "complete an upload"


def lost() -> StorageError:
    return StorageError(ErrorKind.UNEXPECTED, "the answer", status=ErrorStatus.TEMPORARY)


def losing(s3: S3, losses: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the real server do what it is asked to, and lose the answers of the acts named."""
    call = s3._core.call

    async def lossy(ask: Ask) -> tuple[HttpReply, bytes]:
        done = await call(ask)
        if ask.act in losses:
            losses.remove(ask.act)
            raise lost()
        return done

    monkeypatch.setattr(s3._core, "call", lossy)


@asynccontextmanager
async def storing(meanwhile: bytes | None = None) -> AsyncIterator[tuple[Operator, list[Seen]]]:
    """A server that stores the first PUT and hangs up; ``meanwhile`` somebody else writes."""
    held: list[bytes] = []

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        if seen.method == "HEAD":
            there = held[-1]
            etag = hashlib.md5(there).hexdigest()
            await lying.reply(200, b"", {"ETag": f'"{etag}"'}, claim=len(there))(seen, writer)
        elif held:
            await lying.error(412, "PreconditionFailed")(seen, writer)
        else:
            held.append(meanwhile or seen.body)
            await lying.hang_up()(seen, writer)

    async with LyingServer(answer) as server:
        op = Operator("s3", **server.s3.operator_config("bucket"))
        async with op.layer(RETRY) as retried:
            yield retried, server.seen


@pytest.mark.parametrize("condition", [{"if_not_exists": True}, {"if_match": '"old"'}])
async def test_its_own_object_is_a_success(condition: dict[str, Any]) -> None:
    async with storing() as (op, seen):
        written = await op.write("k", b"mine", **condition)
    assert written.etag == f'"{hashlib.md5(b"mine").hexdigest()}"'
    assert written.content_length == 4
    assert [one.method for one in seen] == ["PUT", "PUT", "HEAD"]


@pytest.mark.parametrize("other", [b"else", b"longer than mine"])
async def test_anothers_object_is_not(other: bytes) -> None:
    async with storing(other) as (op, _):
        with pytest.raises(StorageError) as caught:
            await op.write("k", b"mine", if_not_exists=True)
    assert caught.value.kind is ErrorKind.CONDITION_NOT_MATCH


async def test_the_first_refusal_is_believed_although_the_bytes_are_the_same() -> None:
    async with storing(b"mine") as (op, seen):
        with pytest.raises(StorageError):
            await op.write("other", b"x" * 9, if_not_exists=True)
        seen.clear()
        with pytest.raises(StorageError) as caught:
            await op.write("k", b"mine", if_not_exists=True)
        assert [one.method for one in seen] == ["PUT"]
    assert caught.value.kind is ErrorKind.CONDITION_NOT_MATCH


async def test_a_completion_is_recognised_on_a_real_server(
    ceph_s3: S3Server, ceph_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3 = S3(s3_config(ceph_s3, ceph_bucket))
    losses = [COMPLETING]
    losing(s3, losses, monkeypatch)
    async with Operator.from_accessor(s3).layer(RETRY) as op:
        upload = await op.create_multipart("k")
        parts = [await upload.write(1, bytes(PART)), await upload.write(2, b"end")]
        written = await upload.complete(parts, if_not_exists=True)
        assert losses == []
        assert written.etag == (await op.stat("k")).etag
        assert await op.read("k") == bytes(PART) + b"end"

        stranger = await op.create_multipart("k")
        part = await stranger.write(1, b"another")
        losses.append(COMPLETING)
        with pytest.raises(StorageError) as caught:
            await stranger.complete([part], if_not_exists=True)
        assert caught.value.kind is ErrorKind.CONDITION_NOT_MATCH
        assert losses == [COMPLETING]
        await stranger.abort()


async def test_a_single_write_is_recognised_on_a_real_server(
    ceph_s3: S3Server, ceph_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3 = S3(s3_config(ceph_s3, ceph_bucket))
    losses = ["write objects"]
    losing(s3, losses, monkeypatch)
    async with Operator.from_accessor(s3).layer(RETRY) as op:
        written = await op.write("k", b"mine", if_not_exists=True)
        assert losses == []
        assert written.etag == (await op.stat("k")).etag
