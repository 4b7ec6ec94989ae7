"""What the complete layer adds, and the lengths it checks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

import pytest

from dalbrowser.storage import (
    ByteRange,
    Capability,
    EntryMode,
    ErrorKind,
    ErrorStatus,
    StorageError,
)
from dalbrowser.storage.layers.complete import completed
from dalbrowser.storage.options import OpRead, OpWrite
from tests.unit.storage.reduced import BreakingBody, Reduced, memory, operator_over

if TYPE_CHECKING:
    from dalbrowser.storage.types import FullBody, RawReader, ReadReply


class LongBody:
    """A body that goes on past what was announced."""

    def __init__(self, inner: RawReader) -> None:
        self._inner = inner
        self._extra = 1

    async def read(self, size: int) -> bytes:
        """Read the body, then one byte too many."""
        block = await self._inner.read(size)
        if not block and self._extra:
            self._extra = 0
            return b"!"
        return block

    async def aclose(self) -> None:
        """Close."""
        await self._inner.aclose()


async def test_a_short_body_is_incomplete_and_temporary() -> None:
    service = Reduced(memory(), read_can_seek=False, read_can_next=False)
    op = operator_over(service)
    await op.write("a", bytes(100))
    service.on_read = lambda reply: setattr(reply, "body", BreakingBody(reply.body, 60, None))
    with pytest.raises(StorageError) as caught:
        await op.read("a", range=ByteRange(5, 95))
    error = caught.value
    assert error.kind is ErrorKind.CONTENT_INCOMPLETE
    assert error.status is ErrorStatus.TEMPORARY
    assert "60 of the 90" in error.message


async def test_a_long_body_is_truncated_and_never_success() -> None:
    service = Reduced(memory(), read_can_seek=False, read_can_next=False)
    op = operator_over(service)
    await op.write("a", bytes(100))
    service.on_read = lambda reply: setattr(reply, "body", LongBody(reply.body))
    with pytest.raises(StorageError) as caught:
        await op.read("a")
    assert caught.value.kind is ErrorKind.CONTENT_TRUNCATED
    assert caught.value.status is ErrorStatus.PERMANENT


async def test_a_length_is_checked_from_metadata_when_none_is_announced() -> None:
    service = Reduced(memory(), read_can_seek=False, read_can_next=False)
    op = operator_over(service)
    await op.write("a", bytes(100))

    def hide(reply: ReadReply) -> None:
        reply.size = None
        reply.body = BreakingBody(reply.body, 99, None)

    service.on_read = hide
    with pytest.raises(StorageError) as caught:
        await op.read("a")
    assert caught.value.kind is ErrorKind.CONTENT_INCOMPLETE


@pytest.mark.parametrize("sent", [(0, 100), (0, 10), (11, 10), (10, 11)])
async def test_a_server_that_ignores_the_range_is_refused(sent: tuple[int, int]) -> None:
    service = Reduced(memory())
    op = operator_over(service)
    await op.write("a", bytes(range(100)))

    def whole(reply: ReadReply) -> None:
        reply.offset, reply.size = sent

    service.on_read = whole
    with pytest.raises(StorageError) as caught:
        await op.read("a", range=ByteRange(10, 20))
    assert caught.value.kind is ErrorKind.UNEXPECTED
    assert "does not honour ranges" in caught.value.message
    assert caught.value.path == "a"


@pytest.mark.parametrize("native", [True, False])
async def test_suffixes(native: bool) -> None:
    op = operator_over(Reduced(memory(), read_with_suffix=native))
    await op.write("a", b"0123456789")
    assert await op.read("a", range=ByteRange.suffix(3)) == b"789"
    assert await op.read("a", range=ByteRange.suffix(99)) == b"0123456789"
    assert await op.read("a", range=ByteRange.suffix(0)) == b""
    assert await op.read("a", range=ByteRange.suffix(5), chunk=2) == b"56789"
    await op.write("empty", b"")
    assert await op.read("empty", range=ByteRange.suffix(5)) == b""


async def test_an_empty_range_still_needs_the_object() -> None:
    op = operator_over(memory())
    with pytest.raises(StorageError) as caught:
        await op.read("none", range=ByteRange(3, 3))
    assert caught.value.kind is ErrorKind.NOT_FOUND


async def test_a_range_of_an_empty_object_is_empty_where_http_refuses_it() -> None:
    service = Reduced(memory())
    op = operator_over(service)
    await op.write("empty", b"")

    def refuse(_: ReadReply) -> None:
        raise StorageError(ErrorKind.RANGE_NOT_SATISFIED, "416")

    service.on_read = refuse
    assert await op.read("empty", range=ByteRange(0, 10)) == b""
    await op.write("full", b"x")
    with pytest.raises(StorageError) as caught:
        await op.read("full", range=ByteRange(0, 10))
    assert caught.value.kind is ErrorKind.RANGE_NOT_SATISFIED


async def test_a_seek_alone_makes_no_request() -> None:
    service = Reduced(memory(), read_can_seek=False)
    op = operator_over(service)
    await op.write("a", bytes(range(100)))
    async with op.reader("a") as reader:
        await reader.seek(50)
        await reader.seek(20)
        assert service.calls["read"] == 0
        assert await reader.read(2) == bytes([20, 21])
        await reader.seek(22)
        assert await reader.read(1) == bytes([22])
        assert service.calls["read"] == 1
        await reader.seek(90)
        await reader.seek(80)
        assert await reader.read(1) == bytes([80])
    assert [read.range.start for read in service.reads] == [20, 80]


@pytest.mark.parametrize("stream", [True, False])
async def test_a_body_sought_stays_within_its_range(stream: bool) -> None:
    service = Reduced(memory(), read_can_seek=False, read_can_next=stream)
    op = operator_over(service)
    await op.write("a", bytes(range(100)))
    reply = await op.accessor.read("a", OpRead(range=ByteRange(10, 20)))
    body = cast("FullBody", reply.body)
    assert await body.seek(-4, os.SEEK_END) == 6
    blocks = b""
    while block := await body.next():
        blocks += block
    assert blocks == bytes([16, 17, 18, 19])
    assert [(read.range.start, read.range.end) for read in service.reads] == [(10, 20), (16, 20)]
    assert await body.seek(11, os.SEEK_SET) == 11
    assert await body.read(1) == b""
    with pytest.raises(StorageError) as caught:
        await body.seek(-1, os.SEEK_SET)
    assert caught.value.kind is ErrorKind.INVALID_INPUT
    await body.aclose()
    assert service.calls["read"] == 2


async def test_create_dir_is_a_marker_that_overwrites_nothing() -> None:
    for guarded in (True, False):
        service = Reduced(memory(), write_with_if_not_exists=guarded)
        op = operator_over(service)
        await op.create_dir("d/")
        await op.create_dir("d/")
        assert (await op.stat("d/")).mode is EntryMode.DIR
        # A key with a final slash may hold bytes of its own.
        raw = await service.write("e/", _write_args())
        await raw.write(b"content")
        await raw.close()
        await op.create_dir("e/")
        assert (await op.stat("e/")).content_length == 7


def _write_args() -> OpWrite:
    return OpWrite()


async def test_folders_that_are_only_prefixes() -> None:
    op = operator_over(Reduced(memory(), list_with_recursive=False, list_with_limit=False))
    await op.write("x/y/z.txt", b"1")
    assert (await op.stat("x/")).is_dir
    assert (await op.stat("x/y/")).is_dir
    assert (await op.stat("")).is_dir
    assert (await op.stat("/")).is_dir
    for missing in ("x", "x/y", "z/", "x/y/z.txt/"):
        with pytest.raises(StorageError) as caught:
            await op.stat(missing)
        assert caught.value.kind is ErrorKind.NOT_FOUND


async def test_rename_by_copy_and_delete() -> None:
    service = Reduced(memory(), rename=False, rename_with_if_not_exists=False)
    op = operator_over(service)
    assert op.capability.rename
    assert op.capability.rename_with_if_not_exists
    await op.write("a", b"content", content_type="text/plain")
    await op.write("taken", b"other")
    with pytest.raises(StorageError) as caught:
        await op.rename("a", "taken", if_not_exists=True)
    assert caught.value.kind is ErrorKind.CONDITION_NOT_MATCH
    assert await op.read("a") == b"content"
    assert await op.read("taken") == b"other"
    await op.rename("a", "b/c")
    assert await op.read("b/c") == b"content"
    assert (await op.stat("b/c")).content_type == "text/plain"
    assert not await op.exists("a")


async def test_rename_keeps_a_source_that_changed_meanwhile() -> None:
    service = Reduced(memory(), rename=False)
    op = operator_over(service)
    await op.write("a", b"old")
    copy = service.copy

    async def copy_then_change(*args: object) -> object:
        done = await copy(*args)  # type: ignore[arg-type]
        await op.write("a", b"new")
        return done

    service.copy = copy_then_change  # type: ignore[method-assign,assignment]
    with pytest.raises(StorageError) as caught:
        await op.rename("a", "b")
    assert caught.value.kind is ErrorKind.CONDITION_NOT_MATCH
    assert await op.read("a") == b"new"


async def test_a_copy_above_the_limit_is_made_in_parts() -> None:
    service = Reduced(memory(), copy_max_size=100)
    op = operator_over(service)
    data = bytes(range(250)) + b"!" * 5
    await op.write("a", data, content_type="x/y", user_metadata={"k": "v"})
    made = await op.copy("a", "b", chunk=60, concurrent=2)
    assert made.etag is not None
    assert made.etag.endswith('-5"')
    assert await op.read("b") == data
    copied = await op.stat("b")
    assert (copied.content_type, copied.user_metadata) == ("x/y", {"k": "v"})
    assert service.calls["copy"] == 0
    with pytest.raises(StorageError) as caught:
        await op.copy("a", "b", if_not_exists=True)
    assert caught.value.kind is ErrorKind.CONDITION_NOT_MATCH
    with pytest.raises(StorageError) as caught:
        await op.copy("a", "c", if_match='"other"')
    assert caught.value.kind is ErrorKind.CONDITION_NOT_MATCH
    assert [upload async for upload in op.list_multiparts()] == []


async def test_a_copy_in_parts_that_fails_leaves_nothing() -> None:
    service = Reduced(memory(), copy_max_size=100)
    op = operator_over(service)
    await op.write("a", bytes(300))
    inner = service.inner
    original = inner.copy_multipart

    async def fail_second(path: str, args: object) -> object:
        if args.number == 2:  # type: ignore[attr-defined]
            raise StorageError(ErrorKind.PERMISSION_DENIED, "no")
        return await original(path, args)  # type: ignore[arg-type]

    inner.copy_multipart = fail_second  # type: ignore[method-assign,assignment]
    with pytest.raises(StorageError) as caught:
        await op.copy("a", "b")
    assert caught.value.kind is ErrorKind.PERMISSION_DENIED
    assert [upload async for upload in op.list_multiparts()] == []
    assert not await op.exists("b")


async def test_the_known_size_of_a_source_saves_the_stat() -> None:
    service = Reduced(memory(), copy_max_size=100)
    op = operator_over(service)
    await op.write("a", bytes(50))
    await op.copy("a", "b", source_size=50)
    assert service.calls["stat"] == 0
    await op.copy("a", "c")
    assert service.calls["stat"] == 1


def test_completion_adds_only_what_can_be_made() -> None:
    assert completed(Capability()) == Capability()
    streaming = completed(Capability(read=True))
    assert streaming.read_can_next
    assert not streaming.read_can_seek
    assert not streaming.read_with_suffix
    full = completed(Capability(read=True, read_with_range=True, stat=True, list=True))
    assert full.read_can_seek
    assert full.read_with_suffix
    assert full.list_with_recursive
    assert not full.list_with_versions
