"""What a service cannot do, or nobody can mean, is refused before any request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import (
    Accessor,
    AccessorInfo,
    ByteRange,
    Capability,
    ErrorKind,
    Operator,
    Part,
    StorageError,
)
from tests.unit.storage.reduced import Reduced, memory, operator_over

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

NOW = datetime(2024, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
PART = Part(1, 1, '"e"')


class Untouchable(Accessor):
    """Fails the test when anything reaches it."""

    def __init__(self, **flags: Any) -> None:
        capability = Capability(**flags)
        self._info = AccessorInfo("none", "", "", capability, capability)

    def info(self) -> AccessorInfo:
        """Return what was declared."""
        return self._info

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and name not in {"info", "takes_whole"}:
            raise AssertionError(f"{name} reached the service")
        return super().__getattribute__(name)


OPERATIONS: dict[str, tuple[dict[str, Any], Callable[[Operator], Awaitable[object]]]] = {
    "create_dir": ({}, lambda op: op.create_dir("d/")),
    "stat": ({}, lambda op: op.stat("a")),
    "stat if_match": ({"stat": True}, lambda op: op.stat("a", if_match="x")),
    "stat if_none_match": ({"stat": True}, lambda op: op.stat("a", if_none_match="x")),
    "stat since": ({"stat": True}, lambda op: op.stat("a", if_modified_since=NOW)),
    "stat not since": ({"stat": True}, lambda op: op.stat("a", if_unmodified_since=NOW)),
    "stat version": ({"stat": True}, lambda op: op.stat("a", version="1")),
    "read": ({}, lambda op: op.read("a")),
    "read range": ({"read": True}, lambda op: op.read("a", range=ByteRange(1, 2))),
    "read suffix": ({"read": True}, lambda op: op.read("a", range=ByteRange.suffix(2))),
    "read if_match": ({"read": True}, lambda op: op.read("a", if_match="x")),
    "read if_none_match": ({"read": True}, lambda op: op.read("a", if_none_match="x")),
    "read since": ({"read": True}, lambda op: op.read("a", if_modified_since=NOW)),
    "read not since": ({"read": True}, lambda op: op.read("a", if_unmodified_since=NOW)),
    "read version": ({"read": True}, lambda op: op.read("a", version="1")),
    "write": ({}, lambda op: op.write("a", b"1")),
    "append": ({"write": True}, lambda op: op.write("a", b"1", append=True)),
    "write type": ({"write": True}, lambda op: op.write("a", b"1", content_type="x")),
    "write metadata": ({"write": True}, lambda op: op.write("a", b"1", user_metadata={"a": "b"})),
    "write new only": ({"write": True}, lambda op: op.write("a", b"1", if_not_exists=True)),
    "write if_match": ({"write": True}, lambda op: op.write("a", b"1", if_match="x")),
    "write tags": ({"write": True}, lambda op: op.write("a", b"1", tags={"a": "b"})),
    "write checksum": ({"write": True}, lambda op: op.write("a", b"1", checksum="crc32c")),
    "list": ({}, lambda op: op.list("")),
    "list versions": ({"list": True}, lambda op: op.list("", versions=True)),
    "list deleted": ({"list": True}, lambda op: op.list("", deleted=True)),
    "delete": ({}, lambda op: op.delete("a")),
    "delete version": ({"delete": True}, lambda op: op.delete("a", version="1")),
    "delete if_match": ({"delete": True}, lambda op: op.delete("a", if_match="1")),
    "copy": ({}, lambda op: op.copy("a", "b")),
    "copy new only": ({"copy": True}, lambda op: op.copy("a", "b", if_not_exists=True)),
    "copy if_match": ({"copy": True}, lambda op: op.copy("a", "b", if_match="x")),
    "copy version": ({"copy": True}, lambda op: op.copy("a", "b", source_version="1")),
    "rename": ({}, lambda op: op.rename("a", "b")),
    "rename new only": ({"rename": True}, lambda op: op.rename("a", "b", if_not_exists=True)),
    "list_buckets": ({}, lambda op: op.list_buckets()),
    "presign_read": ({}, lambda op: op.presign_read("a", expires=HOUR)),
    "presign_write": ({}, lambda op: op.presign_write("a", expires=HOUR)),
    "presign_stat": ({}, lambda op: op.presign_stat("a", expires=HOUR)),
    "presign_delete": ({}, lambda op: op.presign_delete("a", expires=HOUR)),
    "create_multipart": ({}, lambda op: op.create_multipart("a")),
    "write_multipart": ({}, lambda op: op.into_multipart("a", "1").write(1, b"x")),
    "copy_multipart": (
        {"multipart": True},
        lambda op: op.into_multipart("a", "1").copy_part(1, "b", ByteRange(0, 5)),
    ),
    "list_parts": ({"multipart": True}, lambda op: op.into_multipart("a", "1").list_parts()),
    "complete_multipart": ({}, lambda op: op.into_multipart("a", "1").complete([PART])),
    "complete new only": (
        {"multipart": True},
        lambda op: op.into_multipart("a", "1").complete([PART], if_not_exists=True),
    ),
    "abort_multipart": ({}, lambda op: op.into_multipart("a", "1").abort()),
    "list_multiparts": ({"multipart": True}, lambda op: anext(aiter(op.list_multiparts()))),
}


@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_false_flag_is_unsupported_without_a_request(name: str) -> None:
    flags, call = OPERATIONS[name]
    op = Operator.from_accessor(Untouchable(**flags))
    with pytest.raises(StorageError) as caught:
        await call(op)
    assert caught.value.kind is ErrorKind.UNSUPPORTED
    assert caught.value.service == "none"
    assert caught.value.operation is not None


async def _first_of_many(op: Operator) -> None:
    outcomes = await op.delete_many([""])
    assert outcomes[0].error is not None
    raise outcomes[0].error


REFUSED: dict[str, tuple[ErrorKind, Callable[[Operator], Awaitable[object]]]] = {
    "read folder": (ErrorKind.IS_A_DIRECTORY, lambda op: op.read("a/")),
    "read root": (ErrorKind.IS_A_DIRECTORY, lambda op: op.read("/")),
    "write folder": (ErrorKind.IS_A_DIRECTORY, lambda op: op.write("a/", b"")),
    "copy from folder": (ErrorKind.IS_A_DIRECTORY, lambda op: op.copy("a/", "b")),
    "copy to folder": (ErrorKind.IS_A_DIRECTORY, lambda op: op.copy("a", "b/")),
    "copy to itself": (ErrorKind.IS_SAME_FILE, lambda op: op.copy("a", "/a")),
    "rename from folder": (ErrorKind.IS_A_DIRECTORY, lambda op: op.rename("a/", "b")),
    "rename to folder": (ErrorKind.IS_A_DIRECTORY, lambda op: op.rename("a", "b/")),
    "rename to itself": (ErrorKind.IS_SAME_FILE, lambda op: op.rename("a", "a")),
    "create file as folder": (ErrorKind.NOT_A_DIRECTORY, lambda op: op.create_dir("a")),
    "delete root": (ErrorKind.INVALID_INPUT, lambda op: op.delete("")),
    "delete root among many": (ErrorKind.INVALID_INPUT, _first_of_many),
    "remove nothing": (ErrorKind.INVALID_INPUT, lambda op: op.remove_all("")),
    "no limit": (ErrorKind.INVALID_INPUT, lambda op: op.list("", limit=0)),
    "chunk": (ErrorKind.INVALID_INPUT, lambda op: op.write("a", b"", chunk=0)),
    "concurrent": (ErrorKind.INVALID_INPUT, lambda op: op.write("a", b"", concurrent=0)),
    "unknown option": (ErrorKind.INVALID_INPUT, lambda op: op.write("a", b"", colour="red")),
    "part 0": (ErrorKind.INVALID_INPUT, lambda op: op.into_multipart("a", "1").write(0, b"")),
    "part 10001": (
        ErrorKind.INVALID_INPUT,
        lambda op: op.into_multipart("a", "1").write(10_001, b""),
    ),
    "no parts": (ErrorKind.INVALID_INPUT, lambda op: op.into_multipart("a", "1").complete([])),
    "part twice": (
        ErrorKind.INVALID_INPUT,
        lambda op: op.into_multipart("a", "1").complete([PART, PART]),
    ),
    "part copied from the end": (
        ErrorKind.INVALID_INPUT,
        lambda op: op.into_multipart("a", "1").copy_part(1, "b", ByteRange.suffix(3)),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_cannot_be_meant_is_refused_without_a_request(name: str) -> None:
    kind, call = REFUSED[name]
    every: dict[str, Any] = {
        name: True for name, value in _fields().items() if value == "bool" and "presign" not in name
    }
    op = Operator.from_accessor(Untouchable(**every))
    with pytest.raises(StorageError) as caught:
        await call(op)
    assert caught.value.kind is kind
    assert caught.value.path is not None


def _fields() -> dict[str, str]:
    return {name: str(kind) for name, kind in Capability.__annotations__.items()}


async def test_declared_sizes_are_enforced() -> None:
    op = Operator("memory")
    writer = op.writer("a", content_length=5)
    await writer.write(b"123")
    with pytest.raises(StorageError) as caught:
        await writer.close()
    assert caught.value.kind is ErrorKind.CONTENT_INCOMPLETE
    with pytest.raises(StorageError) as caught:
        await writer.write(b"456")
    assert caught.value.kind is ErrorKind.CONTENT_TRUNCATED
    await writer.write(b"45")
    await writer.close()
    assert await op.read("a") == b"12345"
    upload = await op.create_multipart("b")
    part = upload.writer(1, size=3)
    await part.write(b"12")
    with pytest.raises(StorageError) as caught:
        await part.close()
    assert caught.value.kind is ErrorKind.CONTENT_INCOMPLETE
    with pytest.raises(StorageError) as caught:
        await part.write(b"34")
    assert caught.value.kind is ErrorKind.CONTENT_TRUNCATED


async def test_limits_of_a_service_are_enforced() -> None:
    op = operator_over(
        Reduced(memory(), write_total_max_size=10, write_can_empty=False, write_multi_min_size=4)
    )
    with pytest.raises(StorageError) as caught:
        await op.write("a", bytes(11))
    assert caught.value.kind is ErrorKind.INVALID_INPUT
    writer = op.writer("a")
    await writer.write(bytes(6))
    with pytest.raises(StorageError) as caught:
        await writer.write(bytes(6))
    assert caught.value.kind is ErrorKind.INVALID_INPUT
    await writer.abort()
    with pytest.raises(StorageError) as caught:
        await op.write("a", b"")
    assert caught.value.kind is ErrorKind.UNSUPPORTED
    upload = await op.create_multipart("m")
    parts = [await upload.write(1, b"abc"), await upload.write(2, b"d")]
    with pytest.raises(StorageError) as caught:
        await upload.complete(parts)
    assert caught.value.kind is ErrorKind.INVALID_INPUT
    assert "Part 1 has 3 bytes" in caught.value.message
    parts[0] = await upload.write(1, b"abcd")
    await upload.complete(parts)
    assert await op.read("m") == b"abcdd"
