"""An S3 service on each real server, closed after the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage.services.s3 import S3, S3Config
from tests.servers.raw import RawS3

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.servers.s3_server import S3Server

PRESETS = {"ceph": "ceph", "ceph-tls": "ceph", "rclone": "rclone"}


def s3_config(server: S3Server, bucket: str = "", **more: object) -> S3Config:
    """Return the configuration of a service on ``bucket``, with the server's own preset."""
    values: dict[str, object] = {**server.operator_config(bucket), "preset": PRESETS[server.name]}
    return S3Config(**(values | more))  # type: ignore[arg-type]


@pytest.fixture
async def s3(s3_server: S3Server, s3_bucket: str) -> AsyncIterator[S3]:
    """A service on a fresh bucket of each server."""
    service = S3(s3_config(s3_server, s3_bucket))
    yield service
    await service.aclose()


@pytest.fixture
def raw(s3_server: S3Server) -> Iterator[RawS3]:
    """A witness that shares no code with the service."""
    with RawS3(s3_server) as client:
        yield client


@pytest.fixture
async def ceph(ceph_s3: S3Server, ceph_bucket: str) -> AsyncIterator[S3]:
    """A service on a fresh bucket of Ceph."""
    service = S3(s3_config(ceph_s3, ceph_bucket))
    yield service
    await service.aclose()
