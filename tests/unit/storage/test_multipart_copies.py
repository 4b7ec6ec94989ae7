"""What the multipart writer copies: what its caller could still change, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage import Metadata, Part
from dalbrowser.storage.oio import MultipartWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dalbrowser.storage.types import Data


class Keeping:
    """A multipart service that keeps the very buffers that it is given."""

    def __init__(self) -> None:
        self.given: list[Data] = []

    async def single(self, data: Data) -> Metadata:
        """Put the object."""
        self.given.append(data)
        return Metadata()

    async def begin(self) -> str:
        """Begin."""
        return "id"

    async def part(self, upload_id: str, number: int, data: Data) -> Part:
        """Keep a part."""
        self.given.append(data)
        return Part(number, len(data), "e")

    async def complete(self, upload_id: str, parts: Sequence[Part]) -> Metadata:
        """Join."""
        return Metadata()

    async def abort(self, upload_id: str) -> None:
        """Drop."""


def of(data: Data) -> object:
    """Return the object that the bytes of ``data`` live in."""
    return memoryview(data).obj


@pytest.mark.parametrize("size", [4, 8, 11])
async def test_what_nobody_can_change_is_not_copied(size: int) -> None:
    backend, data = Keeping(), bytes(range(size))
    writer = MultipartWriter(backend, chunk=4)
    for start in range(0, size, 4):
        await writer.write(memoryview(data)[start : start + 4])
    await writer.close()
    assert b"".join(backend.given) == data
    assert all(of(each) is data for each in backend.given)


@pytest.mark.parametrize("chunk", [4, 6, 64])
@pytest.mark.parametrize(
    "lend", [lambda own: own, memoryview, lambda own: memoryview(own).toreadonly()]
)
async def test_what_its_owner_may_change_is_taken_as_it_was(
    chunk: int, lend: Callable[[bytearray], Data]
) -> None:
    backend, expected = Keeping(), b""
    writer = MultipartWriter(backend, chunk=chunk)
    own = bytearray(8)
    for turn in range(3):
        own[:] = bytes([turn]) * 8
        expected += bytes(own)
        await writer.write(lend(own))
    own[:] = b"\xff" * 8
    await writer.close()
    assert b"".join(backend.given) == expected


async def test_blocks_of_both_kinds_are_joined_in_order() -> None:
    backend = Keeping()
    writer = MultipartWriter(backend, chunk=5)
    for block in (b"ab", bytearray(b"c"), b"", b"defgh", memoryview(b"i"), bytearray(b"jk")):
        await writer.write(block)
    await writer.close()
    assert [bytes(each) for each in backend.given] == [b"abcde", b"fghij", b"k"]
