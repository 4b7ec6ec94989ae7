"""The client on Qt's event loop, in a process of its own: bodies both ways, and TLS."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
from typing import TYPE_CHECKING

from tests.servers.forward import ForwardProxy

if TYPE_CHECKING:
    from tests.servers.ceph import Ceph
    from tests.servers.s3_server import S3Server

PROGRAM = """
import asyncio, hashlib, os, sys
import qasync
from PySide6.QtCore import QCoreApplication
from dalbrowser.storage.options import OpRead, OpStat, OpWrite
from dalbrowser.storage.services.s3 import S3, S3Config

async def main():
    endpoint, ca, bucket, proxy = sys.argv[1:5]
    s3 = S3(S3Config(endpoint=endpoint, ca_file=ca, bucket=bucket, preset="ceph",
                     credentials="environment", proxy=proxy))
    data = os.urandom(12 << 20)
    writer = await s3.write("qt", OpWrite(chunk=5 << 20, concurrent=3))
    await writer.write(data)
    await writer.close()
    async def read():
        reply = await s3.read("qt", OpRead())
        digest, block = hashlib.sha256(), None
        while (block := await reply.body.next()) is not None:
            digest.update(block)
        return digest.digest()
    found = await asyncio.gather(*(read() for _ in range(4)))
    assert set(found) == {hashlib.sha256(data).digest()}
    assert (await s3.stat("qt", OpStat())).content_length == len(data)
    await s3.aclose()
    print("equal")

app = QCoreApplication([])
with qasync.QEventLoop(app) as loop:
    loop.run_until_complete(main())
"""


async def run(server: S3Server, bucket: str, proxy: str = "") -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-c", PROGRAM),
        *(server.endpoint, server.ca, bucket, proxy),
        env={
            **os.environ,
            "AWS_ACCESS_KEY_ID": server.access_key,
            "AWS_SECRET_ACCESS_KEY": server.secret_key,
            "QT_QPA_PLATFORM": "offscreen",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert (process.returncode, out.strip()) == (0, b"equal"), err.decode()


async def test_bodies_on_qts_loop(
    ceph_s3: S3Server, ceph_s3_tls: S3Server, ceph_bucket: str
) -> None:
    for server in (ceph_s3, ceph_s3_tls):
        await run(server, ceph_bucket)


async def test_a_tunnel_on_qts_loop(ceph_cluster: Ceph, ceph_bucket: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ceph_cluster.folder / "server.pem", ceph_cluster.folder / "server.key")
    for tls in (None, context):
        async with ForwardProxy(tls=tls) as proxy:
            await run(ceph_cluster.https, ceph_bucket, proxy.url)
        assert proxy.links > 1
        assert proxy.passed > 12 << 20
