"""The client on Qt's event loop, in a process of its own: bodies both ways, and TLS."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.servers.s3_server import S3Server

PROGRAM = """
import asyncio, hashlib, os, sys
import qasync
from PySide6.QtCore import QCoreApplication
from dalbrowser.storage.options import OpRead, OpStat, OpWrite
from dalbrowser.storage.services.s3 import S3, S3Config

async def main():
    endpoint, ca, bucket = sys.argv[1:4]
    s3 = S3(S3Config(endpoint=endpoint, ca_file=ca, bucket=bucket, preset="ceph",
                     credentials="environment"))
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


async def test_bodies_on_qts_loop(
    ceph_s3: S3Server, ceph_s3_tls: S3Server, ceph_bucket: str
) -> None:
    for server in (ceph_s3, ceph_s3_tls):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-c", PROGRAM),
            *(server.endpoint, server.ca, ceph_bucket),
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
