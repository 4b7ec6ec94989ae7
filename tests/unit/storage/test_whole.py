"""A small object in one call: exactly the one that was asked for, from servers that lie, too.

The long way (streams through every layer) and the short one must refuse the same things.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage import (
    ConcurrentLimitLayer,
    ErrorKind,
    Operator,
    RetryLayer,
    StorageError,
    TimeoutLayer,
)
from dalbrowser.storage.layer import LayeredAccessor
from dalbrowser.storage.layers.chaos import ChaosLayer
from dalbrowser.storage.layers.mime_guess import MimeGuessLayer
from dalbrowser.storage.layers.throttle import ThrottleLayer
from tests.servers import lying
from tests.servers.lying import LyingServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from dalbrowser.storage.accessor import Accessor
    from dalbrowser.storage.layer import Layer
    from dalbrowser.storage.options import OpRead
    from dalbrowser.storage.types import ReadReply
    from tests.servers.lying import Answer, Seen

DATA = os.urandom(16_384)
ETAG = f'"{hashlib.md5(DATA).hexdigest()}"'
K = ErrorKind


class Unsure:
    """A layer that sees to reads itself and has not heard of whole objects."""

    def layer(self, inner: Accessor) -> Accessor:
        class Seeing(LayeredAccessor):
            async def read(self, path: str, args: OpRead) -> ReadReply:
                return await super().read(path, args)

        return Seeing(inner)


LAYERS: list[Layer] = [
    MimeGuessLayer(),
    TimeoutLayer(),
    ConcurrentLimitLayer(4),
    RetryLayer(base=0.001, attempts=3),
]


@pytest.fixture(params=["short", "long"])
async def way(request: pytest.FixtureRequest) -> list[Layer]:
    """Layers through which objects go at once, and such as make them go by streams."""
    return LAYERS if request.param == "short" else [*LAYERS[:3], Unsure(), LAYERS[3]]


async def ask(
    answer: Answer, layers: list[Layer], size: int = len(DATA), **pin: str
) -> tuple[bytes, list[Seen]]:
    async with LyingServer(answer) as server:
        op = Operator("s3", **server.s3.operator_config("bucket"))
        for layer in layers:
            op = op.layer(layer)
        async with op:
            assert op.accessor.takes_whole() == (layers == LAYERS)
            metadata, data = await op.read_exactly("k", size, **pin)
            assert metadata.content_length == len(data)
            return data, list(server.seen)


async def failure(call: Awaitable[object]) -> ErrorKind:
    with pytest.raises(StorageError) as caught:
        await call
    assert (caught.value.operation, caught.value.path) == ("read", "k")
    return caught.value.kind


async def test_an_object_comes_with_what_is_told_of_it(way: list[Layer]) -> None:
    answer = lying.reply(200, DATA, {"ETag": ETAG})
    data, seen = await ask(answer, way, if_match=ETAG, version="v 1")
    assert data == DATA
    assert len(seen) == 1
    assert seen[0].headers["if-match"] == ETAG
    assert seen[0].query == b"versionId=v%201"
    assert "range" not in seen[0].headers


@pytest.mark.parametrize("size", [len(DATA) - 1, len(DATA) + 1, 0])
async def test_one_of_another_size_is_another_object(way: list[Layer], size: int) -> None:
    answer = lying.reply(200, DATA, {"ETag": ETAG})
    assert await failure(ask(answer, way, size)) is K.CONDITION_NOT_MATCH


async def test_another_version_is_refused_from_a_server_that_ignores_the_pin(
    way: list[Layer],
) -> None:
    answer = lying.reply(200, DATA, {"ETag": '"other"'})
    assert await failure(ask(answer, way, if_match=ETAG)) is K.CONDITION_NOT_MATCH


async def test_a_body_that_ends_early_is_asked_for_again(way: list[Layer]) -> None:
    short = lying.reply(200, DATA[:9000], {"ETag": ETAG}, claim=len(DATA), then_close=True)
    answer = lying.in_turn(short, lying.error(412, "PreconditionFailed"))
    assert await failure(ask(answer, way, if_match=ETAG)) is K.CONDITION_NOT_MATCH
    if way is LAYERS:
        whole = lying.reply(200, DATA, {"ETag": ETAG})
        data, seen = await ask(lying.in_turn(short, whole), way, if_match=ETAG)
        assert (data, len(seen)) == (DATA, 2)


async def test_a_body_that_always_ends_early_is_never_taken(way: list[Layer]) -> None:
    short = lying.reply(200, DATA[:9000], {"ETag": ETAG}, claim=len(DATA), then_close=True)
    only = lying.in_turn(*[short] * 10)
    kind = await failure(ask(only, way, if_match=ETAG))
    assert kind in {K.CONTENT_INCOMPLETE, K.UNEXPECTED}


async def test_a_body_without_a_length_is_not_read_past_the_size() -> None:
    """A server may send for ever what it calls the object."""
    kind = await failure(asyncio.wait_for(ask(lying.never_ending(), LAYERS), 20))
    assert kind is K.CONDITION_NOT_MATCH


async def test_a_checksum_that_does_not_fit_is_told(way: list[Layer]) -> None:
    headers = {"ETag": ETAG, "x-amz-checksum-sha256": "A" * 43 + "="}
    kind = await failure(ask(lying.reply(200, DATA, headers), way))
    assert kind is K.UNEXPECTED


@pytest.fixture
async def memory() -> AsyncIterator[Operator]:
    async with Operator("memory") as op:
        yield op


async def test_a_service_without_the_call_is_read_by_streams(memory: Operator) -> None:
    await memory.write("k", DATA)
    metadata, data = await memory.read_exactly("k", len(DATA))
    assert (data, metadata.content_length) == (DATA, len(DATA))
    assert await failure(memory.read_exactly("k", 5)) is K.CONDITION_NOT_MATCH


@pytest.mark.parametrize(
    ("layer", "heeded"),
    [
        (Unsure(), False),
        (ThrottleLayer(rate=1e9), False),
        (ChaosLayer(ratio=0), True),
        (ConcurrentLimitLayer(1), True),
    ],
)
async def test_no_layer_is_passed_by(layer: Layer, heeded: bool) -> None:
    config = {"access_key_id": "a", "secret_access_key": "b", "endpoint": "http://127.0.0.1:1"}
    async with Operator("s3", bucket="b", **config) as op:
        assert op.accessor.takes_whole()
        assert op.layer(layer).accessor.takes_whole() is heeded
