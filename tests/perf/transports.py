"""``python -m tests.perf.transports``: httpx's own transport, httpx-aiohttp and this project's.

Each sends the same presigned requests to one Ceph, from memory to memory: one object down
and up, and many small ones down, sixteen at a time, under asyncio and under Qt's loop. The
processor time is this process's own. Invariant: each counts what it moved.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import qasync
from PySide6.QtCore import QCoreApplication

from dalbrowser.storage import Operator
from dalbrowser.storage.net.client import ClientOptions, HttpClient
from dalbrowser.storage.net.message import HttpRequest, Origin
from tests.perf.stand import stand

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from dalbrowser.storage import PresignedRequest
    from tests.perf.place import Place

_SMALL, _AT_ONCE = 16 << 10, 16


@dataclass(frozen=True, slots=True)
class Work:
    """What all of them do: signed requests, and the body that goes up."""

    get: PresignedRequest
    put: PresignedRequest
    small: Sequence[PresignedRequest]
    body: bytes


class Httpx:
    """An ``httpx.AsyncClient`` over a transport."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._client = httpx.AsyncClient(transport=transport, timeout=60)

    async def get(self, request: PresignedRequest) -> int:
        got = 0
        async with self._client.stream("GET", request.url, headers=request.headers) as reply:
            reply.raise_for_status()
            async for block in reply.aiter_raw():
                got += len(block)
        return got

    async def put(self, request: PresignedRequest, body: bytes) -> int:
        reply = await self._client.put(request.url, headers=request.headers, content=body)
        reply.raise_for_status()
        return len(body)

    async def aclose(self) -> None:
        await self._client.aclose()


class Ours:
    """This project's client."""

    def __init__(self) -> None:
        self._client = HttpClient(ClientOptions())

    def _request(self, request: PresignedRequest, body: bytes = b"") -> HttpRequest:
        scheme, _, rest = request.url.partition("://")
        authority, slash, target = rest.partition("/")
        headers = {name.lower(): value for name, value in request.headers.items()}
        headers.pop("host", None)
        origin = Origin.parse(f"{scheme}://{authority}")
        return HttpRequest(request.method, origin, slash + target, headers, [body] if body else [])

    async def get(self, request: PresignedRequest) -> int:
        reply = await self._client.send(self._request(request))
        got = 0
        while (block := await reply.next()) is not None:
            got += len(block)
        _require(reply.status)
        return got

    async def put(self, request: PresignedRequest, body: bytes) -> int:
        reply = await self._client.send(self._request(request, body))
        await reply.read_all(1 << 20)
        _require(reply.status)
        return len(body)

    async def aclose(self) -> None:
        await self._client.aclose()


def _require(status: int) -> None:
    if status != 200:
        raise SystemExit(f"The server answered {status}.")


def _aiohttp() -> Httpx:
    # Imported here: it is a peer, installed with the extra "bench".
    from httpx_aiohttp import AiohttpTransport

    return Httpx(AiohttpTransport())


CONTENDERS: dict[str, Callable[[], Httpx | Ours]] = {
    "httpx": lambda: Httpx(httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=128))),
    "httpx-aiohttp": _aiohttp,
    "dalbrowser": Ours,
}


async def measure(name: str, work: Work) -> dict[str, float]:
    """Return MB/s down and up, and microseconds of processor time for one small request."""
    client = CONTENDERS[name]()
    size = len(work.body)
    found: dict[str, float] = {}

    async def timed(title: str, expected: int, job: Awaitable[int]) -> tuple[float, float]:
        wall, cpu = time.perf_counter(), time.process_time()
        if await job != expected:
            raise SystemExit(f"{name}: {title} moved another number of bytes")
        return time.perf_counter() - wall, time.process_time() - cpu

    async def small() -> int:
        todo = iter(work.small)

        async def some() -> int:
            got = 0
            for request in todo:
                got += await client.get(request)
            return got

        return sum(await asyncio.gather(*(some() for _ in range(_AT_ONCE))))

    try:
        found["down"] = size / (await timed("down", size, client.get(work.get)))[0] / 1e6
        found["up"] = size / (await timed("up", size, client.put(work.put, work.body)))[0] / 1e6
        cpu = (await timed("small", len(work.small) * _SMALL, small()))[1]
        found["small"] = cpu / len(work.small) * 1e6
    finally:
        await client.aclose()
    return found


async def prepare(place: Place, size: int, count: int) -> Work:
    """Put the objects there and sign the requests."""
    async with Operator(
        "s3",
        endpoint=place.endpoint,
        bucket=place.bucket,
        region=place.region,
        access_key_id=place.access_key,
        secret_access_key=place.secret_key,
    ) as operator:
        body, expires = os.urandom(size), timedelta(hours=1)
        await operator.write("large", body)
        for number in range(count):
            await operator.write(f"small/{number}", body[:_SMALL])
        small = [await operator.presign_read(f"small/{n}", expires=expires) for n in range(count)]
        return Work(
            await operator.presign_read("large", expires=expires),
            await operator.presign_write("up", expires=expires),
            small,
            body,
        )


def under_asyncio(job: Coroutine[None, None, dict[str, float]]) -> dict[str, float]:
    """Run on asyncio's loop."""
    return asyncio.run(job)


def under_qt(job: Coroutine[None, None, dict[str, float]]) -> dict[str, float]:
    """Run on Qt's loop, as the window does."""
    app = QCoreApplication.instance() or QCoreApplication([])
    with qasync.QEventLoop(app) as loop:
        found: dict[str, float] = loop.run_until_complete(job)
    return found


def main() -> None:
    """Start the server, let each take its turns, print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.perf.transports", description=__doc__)
    parser.add_argument("--size", type=int, default=256, help="MiB of the large object")
    parser.add_argument("--count", type=int, default=1000, help="small objects")
    parser.add_argument("--turns", type=int, default=5)
    given = parser.parse_args()
    with stand("ceph") as running:
        work = asyncio.run(prepare(running.place, given.size << 20, given.count))
        say = sys.stdout.write
        say("| loop | transport | down MB/s | up MB/s | small GET, µs of processor time |\n")
        say("|---|---|---:|---:|---:|\n")
        for loop, run in (("asyncio", under_asyncio), ("Qt", under_qt)):
            seen: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
            for _ in range(given.turns):
                for name, rows in seen.items():
                    rows.append(run(measure(name, work)))
            for name, rows in seen.items():
                middle = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
                say(
                    f"| {loop} | {name} | {middle['down']:,.0f} | {middle['up']:,.0f}"
                    f" | {middle['small']:.0f} |\n"
                )


if __name__ == "__main__":
    main()
