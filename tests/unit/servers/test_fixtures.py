"""The servers that all else is proven against: they are there, and they check signatures."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.servers.raw import RawS3

if TYPE_CHECKING:
    import pytest

    from tests.servers.s3_server import S3Server


def test_round_trip_and_wrong_secret(s3_server: S3Server, s3_bucket: str) -> None:
    with RawS3(s3_server) as raw:
        assert raw.send("PUT", s3_bucket, "a b/ü+%2F", body=b"x").status == 200
        assert raw.send("GET", s3_bucket, "a b/ü+%2F").body == b"x"
        assert raw.keys(s3_bucket) == ["a b/ü+%2F"]
        raw.empty_bucket(s3_bucket)
        assert raw.keys(s3_bucket) == []
    with RawS3(replace(s3_server, secret_key="wrong")) as raw:
        assert raw.send("GET", s3_bucket, "a b/ü+%2F").status == 403


def test_https_with_a_private_ca(ceph_s3_tls: S3Server) -> None:
    with RawS3(ceph_s3_tls) as raw:
        assert raw.send("GET").status == 200


def test_a_leaked_task_fails_its_test(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("from tests.conftest import no_leaked_tasks, watch_tasks")
    pytester.makepyfile(
        "import asyncio\n"
        "async def test_leaks():\n"
        "    test_leaks.task = asyncio.create_task(asyncio.sleep(60), name='lost')\n"
        "async def test_clean():\n"
        "    await asyncio.create_task(asyncio.sleep(0))\n"
    )
    result = pytester.runpytest_inprocess(
        "-o",
        "asyncio_mode=auto",
        "-o",
        "asyncio_default_fixture_loop_scope=function",
        "-p",
        "no:cacheprovider",
    )
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*tasks left running: lost*"])


async def test_a_finished_task_is_no_leak() -> None:
    await asyncio.create_task(asyncio.sleep(0))
