"""An upload that is given up while it is being begun is dropped: nobody would know its id."""

from __future__ import annotations

import asyncio
import time

import pytest

from dalbrowser.storage import Operator
from dalbrowser.storage.services.s3 import uploads
from tests.servers import lying
from tests.servers.lying import LyingServer, Seen

BEGUN = b"<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>"


class Begin:
    """Says the id of a new upload once ``go`` is set, and is quick with everything else."""

    def __init__(self) -> None:
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def __call__(self, seen: Seen, writer: asyncio.StreamWriter) -> None:
        if seen.method != "POST":
            await lying.reply(204)(seen, writer)
            return
        self.asked.set()
        await self.go.wait()
        await lying.reply(200, BEGUN)(seen, writer)


@pytest.mark.parametrize("how", ["handle", "writer"])
async def test_an_upload_cancelled_while_it_begins_is_aborted(how: str) -> None:
    begin = Begin()
    async with LyingServer(begin) as server:
        async with Operator("s3", **server.s3.operator_config("bucket")) as op:

            async def write() -> None:
                async with op.writer("a", chunk=5 << 20) as writer:
                    await writer.write(bytes(6 << 20))

            call = op.create_multipart("a") if how == "handle" else write()
            task = asyncio.ensure_future(call)
            await begin.asked.wait()
            task.cancel()
            await asyncio.sleep(0)
            begin.go.set()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert [seen.method for seen in server.seen] == ["POST", "DELETE"]
        assert server.seen[1].query == b"uploadId=u1"
        assert server.seen[1].key("bucket") == b"a"


async def test_a_silent_server_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "GRACE", 0.05)
    begin = Begin()
    async with LyingServer(begin) as server:
        async with Operator("s3", **server.s3.operator_config("bucket")) as op:
            task = asyncio.ensure_future(op.create_multipart("a"))
            await begin.asked.wait()
            task.cancel()
            since = time.monotonic()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert time.monotonic() - since < 2
        begin.go.set()
        assert [seen.method for seen in server.seen] == ["POST"]
