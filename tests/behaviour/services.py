"""The services that the behaviours run against, each on a container of this run's own.

``DALBROWSER_TEST_S3=endpoint,access key,secret key[,ca file]`` adds ``s3-given``: any other
endpoint. ``DALBROWSER_TEST_S3_CONFIG`` (``name=value`` joined by ``&``) gives its quirks.
"""

from __future__ import annotations

import json
import os
import uuid
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from dalbrowser.storage import Operator
from tests.behaviour.subject import Service
from tests.servers.raw import RawS3, buckets
from tests.servers.s3_server import S3Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import pytest

GIVEN = "DALBROWSER_TEST_S3"
NAMES: tuple[str, ...] = (
    "memory",
    "memory-versions",
    "fs",
    "s3-rclone",
    "s3-ceph",
    "s3-ceph-tls-versions",
    "s3-ceph-virtual",
    "s3-moto",
    *(["s3-given"] if os.environ.get(GIVEN) else []),
)

ONLY = {"s3-moto": "checksum"}
"""Services that run only the behaviours with a word in their name: moto is slow, keeps
checksums, and checks no signatures, so that nothing else is proven with it."""

_VERSIONING = (
    b'<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<Status>Enabled</Status></VersioningConfiguration>"
)


@contextmanager
def opened(name: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[Service]:
    """Open a service by its name in the table; its container is gone afterwards."""
    if name.startswith("memory"):
        versioning = name == "memory-versions"
        yield _service(name, "memory", {"name": f"b-{uuid.uuid4()}", "versioning": versioning})
    elif name == "fs":
        yield _service(name, "fs", {"root": str(folder)})
    else:
        find, extra = _S3[name]
        server = find(request)
        with _bucket(server, versioning=name.endswith("-versions")) as bucket:
            config = {**server.operator_config(bucket), **extra}
            service = _service(name, "s3", config, server.limits)
            service.neighbour = partial(_neighbour, server, config)
            if server.name.startswith("ceph"):
                service.deny = partial(_denied, server, bucket)
            yield service


def _service(
    name: str, scheme: str, config: Mapping[str, Any], limits: frozenset[str] = frozenset()
) -> Service:
    service = Service(name, scheme, config, Operator(scheme, **config), limits)
    service.op.observe(service.exchanges.append)
    return service


@contextmanager
def _bucket(server: S3Server, *, versioning: bool) -> Iterator[str]:
    bucket = f"behaviour-{uuid.uuid4().hex[:12]}"
    with buckets(server, bucket):
        if versioning:
            with RawS3(server) as raw:
                reply = raw.send("PUT", bucket, query={"versioning": ""}, body=_VERSIONING)
            if reply.status != 200:
                raise RuntimeError(f"versioning of {bucket}: {reply.status} {reply.body[:300]!r}")
        yield bucket


@contextmanager
def _neighbour(server: S3Server, config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    with _bucket(server, versioning=False) as bucket:
        yield {**config, "bucket": bucket}


@contextmanager
def _denied(server: S3Server, bucket: str, key: str) -> Iterator[None]:
    """Forbid everybody, the owner too, to delete one key."""
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:DeleteObject",
        "Resource": f"arn:aws:s3:::{bucket}/{key}",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]}).encode()
    with RawS3(server) as raw:
        reply = raw.send("PUT", bucket, query={"policy": ""}, body=policy)
        if reply.status not in {200, 204}:
            raise RuntimeError(f"policy of {bucket}: {reply.status} {reply.body[:300]!r}")
        yield
        raw.send("DELETE", bucket, query={"policy": ""})


def _fixture(name: str) -> Callable[[pytest.FixtureRequest], S3Server]:
    def find(request: pytest.FixtureRequest) -> S3Server:
        server: S3Server = request.getfixturevalue(name)
        return server

    return find


def _virtual(request: pytest.FixtureRequest) -> S3Server:
    """Ceph by the name *localhost*, under which it serves ``bucket.localhost``."""
    server: S3Server = request.getfixturevalue("ceph_s3")
    return S3Server(
        server.endpoint.replace("127.0.0.1", "localhost"),
        server.access_key,
        server.secret_key,
        server.region,
        server.name,
        server.ca,
        server.limits,
    )


def _given(_: pytest.FixtureRequest) -> S3Server:
    endpoint, key, secret, *ca = os.environ[GIVEN].split(",")
    return S3Server(endpoint, key, secret, name="given", ca=ca[0] if ca else "")


_CEPH = {"preset": "ceph"}
_S3: dict[str, tuple[Callable[[pytest.FixtureRequest], S3Server], dict[str, str]]] = {
    "s3-rclone": (_fixture("rclone_s3"), {"preset": "rclone"}),
    "s3-ceph": (_fixture("ceph_s3"), {**_CEPH, "object_versions": "false"}),
    "s3-ceph-tls-versions": (_fixture("ceph_s3_tls"), _CEPH),
    "s3-ceph-virtual": (_virtual, {**_CEPH, "object_versions": "false", "addressing": "virtual"}),
    "s3-moto": (_fixture("moto_s3"), {}),
    "s3-given": (_given, dict(parse_qsl(os.environ.get(f"{GIVEN}_CONFIG", "")))),
}
