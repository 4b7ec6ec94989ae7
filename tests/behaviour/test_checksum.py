"""checksum: ``x-amz-checksum-*`` and its like, of single writes, parts and whole objects.

moto stands here for the servers that keep them: of what runs in the tests, no other does.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage import ErrorKind
from dalbrowser.storage.services.s3.checksums import NAMES, digest
from tests.behaviour.probes import needs
from tests.behaviour.subject import MiB

if TYPE_CHECKING:
    from tests.behaviour.subject import Subject

PART = 5 * MiB


def of(algorithm: str, data: bytes) -> str:
    """Return a checksum as S3 writes it, by the standard library where that has it."""
    if algorithm == "crc32":
        raw = zlib.crc32(data).to_bytes(4)
    elif algorithm in {"sha256", "sha1"}:
        raw = hashlib.new(algorithm, data).digest()
    else:
        raw = digest(algorithm, [data])
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize("algorithm", NAMES)
@needs("write_with_checksum")
async def test_checksum_write(subject: Subject, algorithm: str) -> None:
    data = subject.random(70_000)
    said = await subject.op.write(subject.key(), data, checksum=algorithm)
    expected = {algorithm: of(algorithm, data)}
    assert dict(said.checksums) == expected
    assert dict((await subject.op.stat(subject.key())).checksums) == expected
    assert await subject.op.read(subject.key()) == data


@needs("write_with_checksum")
async def test_checksum_of_the_whole_object(subject: Subject) -> None:
    """Made by the server out of parts, and the same as of all bytes at once."""
    data = subject.random(2 * PART + 77)
    async with subject.op.writer(
        subject.key(), chunk=PART, concurrent=3, checksum="crc64nvme"
    ) as writer:
        await writer.write(data)
    found = (await subject.op.stat(subject.key())).checksums
    assert found["crc64nvme"] == of("crc64nvme", data)


@needs("write_with_checksum", "multipart")
async def test_checksum_of_parts(subject: Subject) -> None:
    blocks = [subject.random(PART), subject.random(9)]
    upload = await subject.op.create_multipart(subject.key(), checksum="sha256")
    parts = [await upload.write(number, block) for number, block in enumerate(blocks, 1)]
    assert [dict(part.checksums) for part in parts] == [
        {"sha256": of("sha256", block)} for block in blocks
    ]
    await upload.complete(parts)
    found = (await subject.op.stat(subject.key())).checksums["sha256"]
    raw = b"".join(hashlib.sha256(block).digest() for block in blocks)
    # S3 says of how many parts; moto does on GET only.
    assert found.removesuffix("-2") == of("sha256", raw)


async def test_checksum_auto(subject: Subject) -> None:
    """A wish, so it is never refused."""
    data = subject.random(1000)
    said = await subject.op.write(subject.key(), data, checksum="auto")
    assert await subject.op.read(subject.key()) == data
    if subject.cap.write_with_checksum:
        assert dict(said.checksums) == {"crc64nvme": of("crc64nvme", data)}


@needs("write_with_checksum")
async def test_checksum_unknown(subject: Subject) -> None:
    call = subject.op.write(subject.key(), b"x", checksum="md6")
    error = await subject.fails_unsent(ErrorKind.UNSUPPORTED, call)
    assert "'md6'" in error.message
