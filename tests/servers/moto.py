"""moto's S3 as a context manager: the AWS model in Python, for what the real servers lack.

It keeps x-amz-checksum-* and answers them. It checks neither signatures nor checksums, so
nothing about authentication or damaged bytes is ever proven with it.
"""

from __future__ import annotations

import importlib.util
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.servers.process import answers_http, free_ports, short_folder, spawn, stop, wait_until
from tests.servers.s3_server import S3Server

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMITS = frozenset({"signatures", "presign-expiry", "checksums-unverified"})


def is_installed() -> bool:
    """Whether moto and what its server needs are there."""
    return all(importlib.util.find_spec(name) for name in ("moto", "flask"))


@contextmanager
def moto() -> Iterator[S3Server]:
    """Run moto's server until the context ends; buckets are named by path only."""
    (port,) = free_ports(1)
    with short_folder("dalm-") as folder:
        log = folder / "log"
        process = spawn(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            log,
            {"S3_IGNORE_SUBDOMAIN_BUCKETNAME": "true"},
        )
        try:
            wait_until(lambda: answers_http(port), "moto", 30, process, log)
            yield S3Server(
                f"http://127.0.0.1:{port}", "moto", "moto-secret", name="moto", limits=LIMITS
            )
        finally:
            stop(process)
