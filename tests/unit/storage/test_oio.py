"""The small building blocks: paging, appending, one-shot and part writers, bodies of blocks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dalbrowser.storage import ErrorKind, Metadata, Part, StorageError
from dalbrowser.storage.oio import (
    AppendWriter,
    BlockBody,
    BufferedPartWriter,
    OneShotWriter,
    Pager,
)
from tests.unit.storage.reduced import temporary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dalbrowser.storage.types import Data


class Log:
    """An object that is appended to at an offset, and fails where it is told to."""

    def __init__(self, content: bytes, fail: list[bool]) -> None:
        self.content = content
        self.appends = 0
        self._fail = fail

    async def offset(self) -> int:
        """Return the size."""
        self._maybe_fail()
        return len(self.content)

    async def append(self, offset: int, data: Data) -> Metadata:
        """Append where the object ends, and only there."""
        self._maybe_fail()
        assert offset == len(self.content)
        self.content += bytes(data)
        self.appends += 1
        return Metadata(content_length=len(self.content))

    def _maybe_fail(self) -> None:
        if self._fail and self._fail.pop(0):
            raise temporary()


@settings(max_examples=150, deadline=None)
@given(
    before=st.binary(max_size=10),
    blocks=st.lists(st.binary(max_size=20), max_size=8),
    chunk=st.integers(1, 30),
    fail=st.lists(st.booleans(), max_size=20),
)
def test_appends_are_never_doubled_or_lost(
    before: bytes, blocks: list[bytes], chunk: int, fail: list[bool]
) -> None:
    async def scenario() -> None:
        log = Log(before, fail)
        writer = AppendWriter(log, chunk=chunk)
        calls = [(writer.write, block) for block in blocks]
        for call, block in calls:
            while True:
                try:
                    await call(block)
                    break
                except StorageError:
                    continue
        while True:
            try:
                metadata = await writer.close()
                break
            except StorageError:
                continue
        assert log.content == before + b"".join(blocks)
        assert metadata.content_length == len(log.content)
        assert log.appends >= 1

    asyncio.run(scenario())


async def test_a_pager_keeps_its_token_when_a_page_fails() -> None:
    asked: list[str | None] = []
    fail = [False, True, False]

    async def fetch(token: str | None) -> tuple[list[int], str | None]:
        asked.append(token)
        if fail.pop(0):
            raise temporary()
        return ([1], "next") if token is None else ([2], None)

    pager = Pager(fetch)
    assert await pager.next_page() == [1]
    with pytest.raises(StorageError):
        await pager.next_page()
    assert await pager.next_page() == [2]
    assert await pager.next_page() is None
    assert asked == [None, "next", "next"]


async def test_a_token_that_repeats_would_never_end() -> None:
    async def fetch(token: str | None) -> tuple[list[int], str | None]:
        return [1], "same"

    pager = Pager(fetch)
    await pager.next_page()
    with pytest.raises(StorageError) as caught:
        await pager.next_page()
    assert caught.value.kind is ErrorKind.UNEXPECTED


async def test_one_shot_keeps_its_data_until_it_is_put() -> None:
    put: list[bytes] = []
    fail = [True, False]

    async def put_it(data: Data) -> Metadata:
        if fail.pop(0):
            raise temporary()
        put.append(bytes(data))
        return Metadata()

    writer = OneShotWriter(put_it, limit=6)
    block = bytearray(b"abc")
    await writer.write(block)
    block[:] = b"xxx"
    await writer.write(b"def")
    with pytest.raises(StorageError) as caught:
        await writer.write(b"g")
    assert caught.value.kind is ErrorKind.INVALID_INPUT
    with pytest.raises(StorageError):
        await writer.close()
    await writer.close()
    assert put == [b"abcdef"]
    with pytest.raises(StorageError):
        await writer.write(b"late")


async def test_a_part_is_exactly_as_large_as_declared() -> None:
    sent: list[bytes] = []

    async def send(data: Data) -> Part:
        sent.append(bytes(data))
        return Part(1, len(bytes(data)), '"e"')

    writer = BufferedPartWriter(4, send)
    await writer.write(b"ab")
    with pytest.raises(StorageError) as caught:
        await writer.close()
    assert caught.value.kind is ErrorKind.CONTENT_INCOMPLETE
    with pytest.raises(StorageError) as caught:
        await writer.write(b"cde")
    assert caught.value.kind is ErrorKind.CONTENT_TRUNCATED
    await writer.write(b"cd")
    assert (await writer.close()).size == 4
    assert sent == [b"abcd"]


@settings(max_examples=100, deadline=None)
@given(
    blocks=st.lists(st.binary(max_size=12), max_size=8),
    sizes=st.lists(st.integers(0, 9) | st.none(), max_size=30),
)
def test_a_body_of_blocks_reads_and_streams_the_same_bytes(
    blocks: list[bytes], sizes: list[int | None]
) -> None:
    async def iterate() -> AsyncIterator[bytes]:
        for block in blocks:
            yield block

    async def scenario() -> None:
        closed = 0

        async def close() -> None:
            nonlocal closed
            closed += 1

        body = BlockBody(iterate(), close)
        got = b""
        for size in sizes:
            block = await (body.next() if size is None else body.read(size))
            assert size is None or len(block or b"") <= size
            got += block or b""
        while block := await body.next():
            got += block
        assert got == b"".join(blocks)
        await body.aclose()
        await body.aclose()
        assert closed == 1

    asyncio.run(scenario())
