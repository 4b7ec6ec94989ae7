"""A small HTTP server on loopback that records every request exactly, and answers as it is told.

It reads the request line as raw bytes, so that a test sees what really left; and it can
lie in each way a real server, proxy or network does. Invariant: whatever is done to it, it
stops with its context and leaves no task behind.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from tests.servers.loopback import LoopbackServer
from tests.servers.s3_server import S3Server


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived. ``target`` is the raw text between the method and the version."""

    method: str
    target: bytes
    headers: dict[str, str]
    body: bytes = field(repr=False)

    @property
    def path(self) -> bytes:
        """The raw path, without the query."""
        return self.target.partition(b"?")[0]

    @property
    def query(self) -> bytes:
        """The raw query."""
        return self.target.partition(b"?")[2]

    def key(self, bucket: str) -> bytes:
        """Return what the path percent-decodes to below ``/bucket/``."""
        prefix = f"/{bucket}/".encode()
        if not self.path.startswith(prefix):
            raise AssertionError(f"{self.path!r} is not below {prefix!r}")
        return unquote_to_bytes(self.path[len(prefix) :])


Answer = Callable[[Seen, asyncio.StreamWriter], Awaitable[None]]


def response(status: int, headers: dict[str, str], length: int | None) -> bytes:
    """Write a status line and headers; ``length`` is what Content-Length shall claim."""
    lines = [f"HTTP/1.1 {status} Said"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def reply(
    status: int = 200,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    *,
    claim: int | None = None,
    then_close: bool = False,
) -> Answer:
    """Answer with ``body``, claiming ``claim`` bytes of it where that is to differ."""

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        said = len(body) if claim is None else claim
        writer.write(response(status, headers or {}, said))
        if seen.method != "HEAD":
            writer.write(body)
        await writer.drain()
        if then_close:
            writer.close()

    return answer


def kept() -> Answer:
    """Answer as an S3 server does to a write."""
    return reply(headers={"ETag": '"00000000000000000000000000000000"'})


def error(status: int, code: str, extra: str = "", headers: dict[str, str] | None = None) -> Answer:
    """Answer with an S3 error document."""
    body = f"<Error><Code>{code}</Code><Message>said {code}</Message>{extra}</Error>".encode()
    return reply(status, body, {"Content-Type": "application/xml", **(headers or {})})


def silence() -> Answer:
    """Take the request and never answer."""

    async def answer(_: Seen, __: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    return answer


def hang_up() -> Answer:
    """Take the request and close the connection without a word."""

    async def answer(_: Seen, writer: asyncio.StreamWriter) -> None:
        writer.close()

    return answer


def never_ending(status: int = 200, block: bytes = b"x" * 65536) -> Answer:
    """Answer with a body that goes on until the reader has had enough."""

    async def answer(_: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(response(status, {"Transfer-Encoding": "chunked"}, None))
        while True:
            writer.write(b"%x\r\n%s\r\n" % (len(block), block))
            await writer.drain()

    return answer


def in_turn(*answers: Answer) -> Answer:
    """Give each answer once, in order; the last for ever."""
    left = list(answers)

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        chosen = left.pop(0) if len(left) > 1 else left[0]
        await chosen(seen, writer)

    return answer


class LyingServer(LoopbackServer):
    """The server. ``answer`` may be changed at any time; ``seen`` holds every request."""

    def __init__(self, answer: Answer | None = None) -> None:
        super().__init__()
        self.answer: Answer = answer or kept()
        self.seen: list[Seen] = []

    @property
    def endpoint(self) -> str:
        """The address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def s3(self) -> S3Server:
        """The server as tests know S3 servers; any key is taken."""
        return S3Server(self.endpoint, "lying", "lying-secret", name="lying")

    async def end(self, writer: asyncio.StreamWriter) -> None:
        """Close it in order."""
        writer.close()
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await writer.wait_closed()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read requests, and have each answered."""
        while line := await reader.readline():
            method, _, rest = line.rstrip(b"\r\n").partition(b" ")
            target = rest.rpartition(b" ")[0]
            headers: dict[str, str] = {}
            while (field_line := (await reader.readline()).rstrip(b"\r\n")) != b"":
                name, _, value = field_line.decode("latin-1").partition(":")
                headers[name.lower()] = value.strip()
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            seen = Seen(method.decode(), target, headers, body)
            self.seen.append(seen)
            await self.answer(seen, writer)
            if writer.is_closing():
                return
