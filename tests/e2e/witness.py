"""What a server really holds, asked and told beside the program under test."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.servers.raw import RawS3

if TYPE_CHECKING:
    from tests.servers.s3_server import S3Server

MIB = 1 << 20


def body_of(size: int, seed: int = 1) -> bytes:
    """Return bytes that are the same each time."""
    return random.Random(seed).randbytes(size)


def objects(server: S3Server, bucket: str) -> dict[str, bytes]:
    """Return every object of a bucket with its bytes."""
    with RawS3(server) as raw:
        return raw.objects(bucket)


def put(server: S3Server, bucket: str, key: str, body: bytes) -> None:
    """Put one object."""
    with RawS3(server) as raw:
        raw.put(bucket, key, body)
