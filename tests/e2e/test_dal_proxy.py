"""``dal`` behind a proxy: what the environment and a connection name, and a proxy that breaks."""

from __future__ import annotations

import asyncio
import hashlib
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.e2e.test_dal_resume import (
    confirmed,
    jobs,
    sha256_of,
    uploads,
    wait_for_parts,
    write_random,
)
from tests.servers.forward import ForwardProxy, stalls

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Dal
    from tests.servers.ceph import Ceph
    from tests.servers.s3_server import S3Server

MIB = 1 << 20
SIZE = 64 * MIB
PART = 8 * MIB
HUSH = "hush-hush"
FAR = "10.255.255.1"
"""An address that only the proxy knows how to reach."""


def port_of(server: S3Server) -> int:
    return int(server.endpoint.rpartition(":")[2])


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def test_both_ways_through_the_environments_proxy(
    dal_on: Callable[[S3Server], Dal], ceph_s3: S3Server, ceph_bucket: str, work: Path
) -> None:
    digest = write_random(work / "big", SIZE)
    far = replace(ceph_s3, endpoint=f"http://{FAR}:{port_of(ceph_s3)}")
    async with ForwardProxy({FAR: port_of(ceph_s3)}) as proxy:
        address = proxy.url.replace("//", f"//me:{HUSH}@")
        dal = dal_on(far).with_environment(HTTP_PROXY=address, NO_PROXY="", no_proxy="")
        up = await asyncio.to_thread(dal, "cp", "big", f"s3://{ceph_bucket}/a/b%2F..")
        listed = await asyncio.to_thread(dal, "ls", f"s3://{ceph_bucket}/a/")
        down = await asyncio.to_thread(dal, "cp", f"s3://{ceph_bucket}/a/b%2F..", "back")
    assert [(up.code, up.err), (down.code, down.err)] == [(0, "")] * 2
    assert listed.lines == ["b%2F.."]
    assert sha256(work / "back") == digest == sha256_of(ceph_s3, ceph_bucket, "a/b%2F..")
    head = f"http://{FAR}:{port_of(ceph_s3)}/{ceph_bucket}"
    assert len(proxy.asked) > 2 * SIZE // PART
    assert all(asked.line.split(" ")[1].startswith(head) for asked in proxy.asked)
    assert any("/a/b%252F..?partNumber=" in asked.line for asked in proxy.asked)
    assert proxy.passed > SIZE


async def test_a_proxy_that_wants_a_password_is_named_without_it(
    dal_on: Callable[[S3Server], Dal], ceph_s3: S3Server
) -> None:
    far = replace(ceph_s3, endpoint=f"http://{FAR}:{port_of(ceph_s3)}")
    async with ForwardProxy() as proxy:
        proxy.instead = refuses
        address = proxy.url.replace("//", f"//me:{HUSH}@")
        dal = dal_on(far).with_environment(http_proxy=address, NO_PROXY="", no_proxy="")
        said = (await asyncio.to_thread(dal, "ls", "s3://")).complaint()
    assert f"The proxy {proxy_name(address)} (from http_proxy) wants a user" in said
    assert HUSH not in said


def proxy_name(address: str) -> str:
    return "http://" + address.rpartition("@")[2]


async def refuses(_: object, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")


async def tunnelled(dal: Dal, cluster: Ceph, proxy: ForwardProxy) -> None:
    """Save the connection ``far``: TLS through a tunnel."""
    added = await asyncio.to_thread(
        dal,
        *("connections", "add", "far", "s3", f"endpoint={cluster.https.endpoint}"),
        *(f"ca_file={cluster.https.ca}", "credentials=environment", f"proxy={proxy.url}"),
    )
    assert (added.code, added.err) == (0, "")


async def test_a_proxy_that_breaks_in_the_middle_costs_no_byte(
    dal_on: Callable[[S3Server], Dal], ceph_cluster: Ceph, ceph_bucket: str, work: Path
) -> None:
    digest = write_random(work / "big", SIZE)
    dal = dal_on(ceph_cluster.https)
    async with ForwardProxy() as proxy:
        await tunnelled(dal, ceph_cluster, proxy)
        proxy.cut_after, proxy.away = SIZE // 2, 6
        up = await asyncio.to_thread(dal, "cp", "big", f"far:{ceph_bucket}/big")
        assert (up.code, up.err, proxy.cuts) == (0, "", 1)
        # At most what was on its way in each of the connections is sent again.
        assert proxy.passed < SIZE + 4 * PART + 2 * MIB
        proxy.cut_after, proxy.away = SIZE // 2, 6
        down = await asyncio.to_thread(dal, "cp", f"far:{ceph_bucket}/big", "back")
        assert (down.code, down.err, proxy.cuts) == (0, "", 2)
    assert sha256(work / "back") == digest == sha256_of(ceph_cluster.http, ceph_bucket, "big")
    assert uploads(ceph_cluster.http, ceph_bucket) == []
    assert all(asked.is_tunnel for asked in proxy.asked)


async def test_an_upload_goes_on_through_the_proxy_after_it_was_stopped(
    dal_on: Callable[[S3Server], Dal], ceph_cluster: Ceph, ceph_bucket: str, work: Path
) -> None:
    digest = write_random(work / "big", 2 * SIZE)
    dal = dal_on(ceph_cluster.https)
    async with ForwardProxy() as proxy:
        await tunnelled(dal, ceph_cluster, proxy)
        process = dal.start("cp", "big", f"far:{ceph_bucket}/big")
        await asyncio.to_thread(wait_for_parts, dal, process, 2)
        # From here on nothing gets through, and nobody says so.
        proxy.instead = stalls()
        proxy.cut()
        process.send_signal(signal.SIGINT)
        _, err = await asyncio.to_thread(process.communicate)
        assert process.returncode == 130, err
        _, safe = await asyncio.to_thread(confirmed, dal)
        assert 2 * PART <= safe < 2 * SIZE
        ((number, state, *_),) = await asyncio.to_thread(jobs, dal)
        assert state == "interrupted"
        proxy.instead, proxy.passed = None, 0
        resumed = await asyncio.to_thread(dal, "transfers", "resume", number)
        assert (resumed.code, resumed.err) == (0, "")
        assert proxy.passed < 2 * SIZE - safe + 2 * MIB
    assert sha256_of(ceph_cluster.http, ceph_bucket, "big") == digest
    assert uploads(ceph_cluster.http, ceph_bucket) == []
