"""The public API end to end on the memory service."""

from __future__ import annotations

import asyncio
import os
from posixpath import normpath
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage import (
    ByteRange,
    EntryMode,
    ErrorKind,
    Metadata,
    Operator,
    StorageError,
)
from dalbrowser.storage.layer import LayeredAccessor
from dalbrowser.storage.registry import parse_uri
from tests.unit.storage.reduced import Reduced, memory, operator_over

if TYPE_CHECKING:
    from dalbrowser.storage.options import OpDelete, OpStat, OpWrite
    from dalbrowser.storage.types import Data, RawWriter

ODD_KEYS = [
    "a//b",
    " a ",
    "a/./b",
    "a/../b",
    "..",
    "//a",
    "emoji \U0001f600",
    "caf\u00e9",
    "cafe\u0301",
    "+",
    "%2F",
    "?x#y",
    "\x01\x1f",
    "x" * 1024,
]


async def test_what_is_written_is_read() -> None:
    op = Operator("memory")
    data = os.urandom(100_000)
    written = await op.write("a/b", data, content_type="x/y", user_metadata={"k": "v"})
    found = await op.stat("a/b")
    assert found == written
    assert found.content_length == len(data)
    assert (found.content_type, found.user_metadata) == ("x/y", {"k": "v"})
    assert await op.read("a/b") == data
    assert await op.read("/a/b", range=ByteRange(10, 20)) == data[10:20]
    assert await op.read("a/b", range=ByteRange(99_990, 200_000)) == data[99_990:]
    assert await op.read("a/b", chunk=999, concurrent=4) == data
    with pytest.raises(StorageError) as caught:
        await op.read("a/b", range=ByteRange.from_(200_000))
    assert caught.value.kind is ErrorKind.RANGE_NOT_SATISFIED


@pytest.mark.parametrize("key", ODD_KEYS)
async def test_keys_are_exact(key: str) -> None:
    op = Operator("memory")
    neighbour = normpath(key).strip() or "n"
    if neighbour not in (key, key.removeprefix("/")):
        await op.write(neighbour, b"neighbour")
    await op.write("/" + key, b"exact")
    assert await op.read("/" + key) == b"exact"
    assert key in [entry.path for entry in await op.list("", recursive=True)]
    await op.copy("/" + key, "copy")
    await op.delete("/" + key)
    assert not await op.exists("/" + key)
    assert await op.read("copy") == b"exact"
    if neighbour not in (key, key.removeprefix("/")):
        assert await op.read(neighbour) == b"neighbour"


async def test_appends_beside_each_other_all_arrive() -> None:
    """Large blocks are hashed in a thread, and the object may have grown by then."""
    op = Operator("memory")
    blocks = [bytes([65 + number]) * 400_000 for number in range(6)]

    async def append(block: bytes) -> None:
        async with op.writer("log", append=True) as writer:
            await writer.write(block)

    await asyncio.gather(*(append(block) for block in blocks))
    found = await op.read("log")
    assert sorted(found[at : at + 400_000] for at in range(0, len(found), 400_000)) == blocks


async def test_writer_commits_only_by_close() -> None:
    op = Operator("memory")
    with pytest.raises(RuntimeError):
        await _write_and_fail(op)
    assert not await op.exists("a")
    async with op.writer("a", buffer=10) as writer:
        for n in range(25):
            await writer.write(bytes([n]))
        assert not await op.exists("a")
        assert writer.written == 25
    assert writer.metadata is not None
    assert await op.read("a") == bytes(range(25))
    with pytest.raises(StorageError):
        await writer.write(b"late")
    async with op.writer("b") as writer:
        await writer.write(b"x")
        await writer.abort()
    assert not await op.exists("b")


async def test_an_abort_that_fails_does_not_hide_why() -> None:
    class Stuck:
        async def write(self, data: Data) -> None:
            """Take it."""

        async def close(self) -> Metadata:
            """Fail."""
            raise AssertionError("not committed")

        async def abort(self) -> None:
            """Fail."""
            raise StorageError(ErrorKind.UNEXPECTED, "the network is gone")

    class Sticky(LayeredAccessor):
        async def write(self, path: str, args: OpWrite) -> RawWriter:
            return Stuck()

    with pytest.raises(RuntimeError) as caught:
        await _write_and_fail(operator_over(Sticky(memory())))
    assert "the network is gone" in caught.value.__notes__[0]


async def _write_and_fail(op: Operator) -> None:
    async with op.writer("a") as writer:
        await writer.write(b"half")
        raise RuntimeError


@pytest.mark.parametrize("sizes", [[1, 1, 1], [4, 10, 3], [30], [9, 1], [10, 10]])
async def test_a_buffer_gathers_small_blocks(sizes: list[int]) -> None:
    op = Operator("memory")
    data = os.urandom(sum(sizes))
    at = 0
    async with op.writer("a", buffer=10) as writer:
        for size in sizes:
            await writer.write(data[at : at + size])
            at += size
    assert await op.read("a") == data


async def test_a_buffered_write_that_fails_took_nothing_and_lost_nothing() -> None:
    class Failing(LayeredAccessor):
        fail = 1
        view: memoryview | None = None

        async def write(self, path: str, args: OpWrite) -> RawWriter:
            inner = await self.inner.write(path, args)
            take = inner.write

            async def write(data: Data) -> None:
                if self.fail:
                    self.fail -= 1
                    self.view = memoryview(data)
                    raise StorageError(ErrorKind.UNEXPECTED, "not now")
                await take(data)

            inner.write = write  # type: ignore[method-assign]
            return inner

    op = operator_over(Failing(memory()))
    writer = op.writer("a", buffer=10)
    await writer.write(b"12345")
    with pytest.raises(StorageError):
        await writer.write(b"67890")
    await writer.write(b"67890")
    await writer.close()
    assert await op.read("a") == b"1234567890"


async def test_conditions_on_writes() -> None:
    op = Operator("memory")
    etag = (await op.write("a", b"1", if_not_exists=True)).etag
    for options in (
        {"if_not_exists": True},
        {"if_none_match": etag},
        {"if_none_match": "*"},
        {"if_match": '"x"'},
    ):
        with pytest.raises(StorageError) as caught:
            await op.write("a", b"2", **options)
        assert caught.value.kind is ErrorKind.CONDITION_NOT_MATCH
    await op.write("a", b"3", if_match=etag)
    assert await op.read("a") == b"3"


async def test_append_creates_then_concatenates() -> None:
    op = Operator("memory")
    for block in (b"one", b"two"):
        async with op.writer("log", append=True) as writer:
            await writer.write(block)
    assert await op.read("log") == b"onetwo"


async def test_delete_many_has_one_outcome_each() -> None:
    class Denying(LayeredAccessor):
        async def delete(self, path: str, args: OpDelete) -> None:
            if path == "denied":
                raise StorageError(ErrorKind.PERMISSION_DENIED, "no")
            await self.inner.delete(path, args)

    op = operator_over(Denying(Reduced(memory(), delete_max_size=None)))
    for name in ("a", "denied", "b"):
        await op.write(name, b"")
    outcomes = await op.delete_many(["a", "", "denied", "none", "b"])
    assert [outcome.path for outcome in outcomes] == ["a", "", "denied", "none", "b"]
    kinds = [outcome.error and outcome.error.kind for outcome in outcomes]
    invalid, denied = ErrorKind.INVALID_INPUT, ErrorKind.PERMISSION_DENIED
    assert kinds == [None, invalid, denied, None, None]
    assert outcomes[2].error is not None
    assert outcomes[2].error.path == "denied"
    assert [entry.path for entry in await op.list("")] == ["denied"]


async def test_batches_are_as_large_as_the_service_takes() -> None:
    service = Reduced(memory(), delete_max_size=10)
    op = operator_over(service)
    for n in range(25):
        await op.write(str(n), b"")
    outcomes = await op.delete_many(str(n) for n in range(25))
    assert len(outcomes) == 25
    assert service.calls["delete_batch"] == 3
    assert await op.list("") == []


async def test_remove_all_takes_no_neighbour() -> None:
    op = Operator("memory")
    for name in ("a", "a/b", "a/c/d", "ab", "a.b", "b"):
        await op.write(name, b"")
    await op.create_dir("a/e/")
    assert await op.remove_all("a") == 4
    assert [entry.path for entry in await op.list("", recursive=True)] == ["a.b", "ab", "b"]
    await op.remove_all("/")
    assert await op.list("") == []


async def test_multipart_is_resumed_by_its_id() -> None:
    op = Operator("memory", name="shared-by-two")
    begun = await op.create_multipart("big.bin", content_type="x/y")
    third = await begun.write(3, b"33")
    await begun.write(1, b"wrong")
    other = Operator("memory", name="shared-by-two")
    assert not await other.exists("big.bin")
    resumed = other.into_multipart("big.bin", begun.upload_id)
    await resumed.write(1, b"1")
    async with resumed.writer(2, size=2) as part:
        await part.write(b"2")
        await part.write(b"2")
    parts = await resumed.list_parts()
    assert [(each.number, each.size) for each in parts] == [(1, 1), (2, 2), (3, 2)]
    assert parts[2].etag == third.etag
    with pytest.raises(StorageError) as caught:
        await resumed.complete([*parts[:2], type(third)(3, 2, '"wrong"')])
    assert caught.value.kind is ErrorKind.INVALID_INPUT
    await resumed.complete(reversed(parts))
    assert await op.read("big.bin") == b"12233"
    assert (await op.stat("big.bin")).content_type == "x/y"
    await resumed.abort()


async def test_uploads_are_found_by_folder_or_exact_path() -> None:
    op = Operator("memory")
    for path in ("a.bin", "a.bin.bak", "dir/a.bin"):
        await op.create_multipart(path)
    assert [u.path async for u in op.list_multiparts("a.bin")] == ["a.bin"]
    assert [u.path async for u in op.list_multiparts("dir/")] == ["dir/a.bin"]
    assert len([u async for u in op.list_multiparts(limit=1)]) == 3
    async for upload in op.list_multiparts():
        await op.into_multipart(upload.path, upload.upload_id).abort()
    assert [u async for u in op.list_multiparts()] == []


async def test_a_root_is_a_prefix_that_is_never_left() -> None:
    whole = Operator("memory", name="rooted")
    inside = Operator.from_uri("memory://rooted/in/side")
    await inside.write("x", b"1")
    await whole.write("in/sidestep", b"2")
    assert await whole.read("in/side/x") == b"1"
    assert [entry.path for entry in await inside.list("", recursive=True)] == ["x"]
    assert await inside.remove_all("/") == 1
    assert await whole.read("in/sidestep") == b"2"


async def test_a_layer_makes_a_new_operator() -> None:
    class Blind(LayeredAccessor):
        async def stat(self, path: str, args: OpStat) -> Metadata:
            return Metadata(mode=EntryMode.DIR)

    class BlindLayer:
        def layer(self, inner: object) -> Blind:
            return Blind(inner)  # type: ignore[arg-type]

    op = Operator("memory")
    assert (await op.layer(BlindLayer()).stat("x")).is_dir
    with pytest.raises(StorageError):
        await op.stat("x")


async def test_errors_name_everything() -> None:
    op = Operator("memory")
    with pytest.raises(StorageError) as caught:
        await op.read("a/b", range=ByteRange(3, 9))
    error = caught.value
    assert (error.operation, error.path, error.service) == ("read", "a/b", "memory")
    assert error.context["range"] == "3..9"
    assert "memory read 'a/b'" in str(error)


@pytest.mark.parametrize(
    ("uri", "scheme", "config"),
    [
        ("memory://", "memory", {}),
        ("memory://name/a/b", "memory", {"name": "name", "root": "a/b"}),
        ("memory:///root", "memory", {"root": "/root"}),
        ("memory://n?versioning=true", "memory", {"name": "n", "versioning": "true"}),
        ("fs:///home/x%20y", "fs", {"root": "/home/x y"}),
    ],
)
def test_uris(uri: str, scheme: str, config: dict[str, str]) -> None:
    assert parse_uri(uri) == (scheme, config)


@pytest.mark.parametrize(
    "uri",
    [
        "no-scheme",
        "memory:name",
        "nosuch://x",
        "fs://host/path",
        "memory://n?novalue",
        "memory://n?name=m",
        "memory://[",
    ],
)
def test_uris_that_name_nothing(uri: str) -> None:
    with pytest.raises(StorageError) as caught:
        parse_uri(uri)
    assert caught.value.kind is ErrorKind.CONFIG_INVALID


@pytest.mark.parametrize(
    "config", [{"colour": "red"}, {"versioning": "perhaps"}, {"name": "a", "nmae": "b"}]
)
def test_configurations_that_are_wrong(config: dict[str, str]) -> None:
    with pytest.raises(StorageError) as caught:
        Operator("memory", **config)
    assert caught.value.kind is ErrorKind.CONFIG_INVALID
