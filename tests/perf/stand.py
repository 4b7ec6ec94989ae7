"""The server that a benchmark runs on, and the bucket in it.

Invariant: it is the benchmark's own, on the loopback interface, and ends with it.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.perf.place import Place
from tests.servers.ceph import ceph
from tests.servers.raw import RawS3
from tests.servers.rclone import rclone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers.s3_server import S3Server

BUCKET = "perf"
_KEPT = 16 << 30
"""What a gateway may keep, in memory, until its garbage is collected."""


@dataclass(frozen=True, slots=True)
class Stand:
    """A running server; ``collect`` makes it forget what was deleted, now and not meanwhile."""

    server: S3Server
    place: Place
    collect: Callable[[], None]


@contextmanager
def stand(name: str) -> Iterator[Stand]:
    """Run ``ceph`` or ``rclone`` with an empty bucket."""
    if name == "rclone":
        with rclone() as server:
            yield Stand(server, place_on(server), lambda: None)
    else:
        with ceph(size=_KEPT) as running:
            yield Stand(running.http, place_on(running.http), running.collect_garbage)


def place_on(server: S3Server) -> Place:
    """Make the bucket and return the place."""
    with RawS3(server) as raw:
        raw.create_bucket(BUCKET)
    return Place(server.endpoint, BUCKET, server.region, server.access_key, server.secret_key)
