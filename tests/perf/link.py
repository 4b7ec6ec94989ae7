"""A link with a round trip and a bandwidth, between programs and a server on the loopback.

``python -m tests.perf.link PORT TO --round-trip 0.05 --rate 20e6`` listens on ``PORT`` and
forwards to port ``TO`` until it is ended. Both directions have the whole rate, which all
connections share first come, first served; half of the round trip is spent in each, and
connecting costs one, as it does on a wire. There is no loss and no slow start.
Invariant: bytes are passed on unchanged and in order, and a closed half stays a closed half.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
import statistics
import sys
import threading
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.servers.process import free_ports, short_folder, spawn, stop, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = 128 << 10
_WINDOW = 4 << 20
"""Bytes of one connection that may be under way: about what Linux lets a connection have."""
_QUEUE = 0.05
"""Seconds that a shared wire may be booked ahead; a router's buffer is of that order."""


class Wire:
    """One direction of the link, shared by every connection."""

    def __init__(self, rate: float | None, delay: float) -> None:
        self._rate = rate
        self._delay = delay
        self._free_at = 0.0
        self._turn = asyncio.Lock()

    async def send(self, size: int) -> float:
        """Wait for a place on the wire; return when the last byte arrives at its other end."""
        loop = asyncio.get_running_loop()
        if self._rate is None:
            return loop.time() + self._delay
        async with self._turn:
            ahead = self._free_at - loop.time()
            if ahead > _QUEUE:
                await asyncio.sleep(ahead - _QUEUE)
            self._free_at = max(self._free_at, loop.time()) + size / self._rate
            return self._free_at + self._delay


class Flow:
    """One direction of one connection: what was read waits here until it is due."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        wire: Wire,
        opens_at: float,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._wire = wire
        self._opens_at = opens_at
        self._due: deque[tuple[float, bytes]] = deque()
        self._held = 0
        self._changed = asyncio.Event()
        self._taken = asyncio.Event()

    async def run(self) -> None:
        """Pass on everything, then the end of it."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read())
            group.create_task(self._write())

    async def _read(self) -> None:
        await asyncio.sleep(self._opens_at - asyncio.get_running_loop().time())
        while True:
            block = await self._reader.read(_BLOCK)
            at = await self._wire.send(len(block))
            self._due.append((at, block))
            self._held += len(block)
            self._changed.set()
            if not block:
                return
            while self._held > _WINDOW:
                self._taken.clear()
                await self._taken.wait()

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            while not self._due:
                self._changed.clear()
                await self._changed.wait()
            at, block = self._due.popleft()
            wait = at - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            if not block:
                with contextlib.suppress(OSError):
                    self._writer.write_eof()
                return
            self._writer.write(block)
            await self._writer.drain()
            self._held -= len(block)
            self._taken.set()


async def serve(port: int, to: int, round_trip: float, rate: float | None) -> None:
    """Forward until cancelled."""
    up, down = Wire(rate, round_trip / 2), Wire(rate, round_trip / 2)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # The kernel accepted at once; over a wire the client would know a round trip later.
        known = asyncio.get_running_loop().time() + round_trip
        other: asyncio.StreamWriter | None = None
        try:
            back, other = await asyncio.open_connection("127.0.0.1", to, limit=_BLOCK)
            async with asyncio.TaskGroup() as group:
                group.create_task(Flow(reader, other, up, known).run())
                group.create_task(Flow(back, writer, down, 0.0).run())
        except (OSError, ExceptionGroup):
            writer.transport.abort()
            if other is not None:
                other.transport.abort()
        finally:
            for end in (writer, other):
                if end is not None:
                    end.close()

    server = await asyncio.start_server(connected, "127.0.0.1", port, limit=_BLOCK, backlog=1024)
    async with server:
        await server.serve_forever()


@contextmanager
def link(to: int, round_trip: float = 0.0, rate: float | None = None) -> Iterator[int]:
    """Run a link to port ``to`` as a process of its own; gives the port to connect to."""
    port = free_ports(1)[0]
    words = [str(port), str(to), "--round-trip", str(round_trip)]
    if rate is not None:
        words += ["--rate", str(rate)]
    with short_folder("dall-") as folder:
        log = folder / "log"
        process = spawn([sys.executable, "-m", "tests.perf.link", *words], log)
        try:
            wait_until(lambda: _accepts(port), "the link", 20, process, log)
            yield port
        finally:
            stop(process)


def measure(round_trip: float, rate: float | None, amount: int = 8 << 20) -> tuple[float, float]:
    """Return the round trip (seconds) and the rate (bytes/s, one way) that such a link has."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_echo, args=(listener,), daemon=True).start()
        with link(listener.getsockname()[1], round_trip, rate) as port:
            turns = []
            with socket.create_connection(("127.0.0.1", port)) as end:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _ping(end)
                for _ in range(9):
                    begun = time.perf_counter()
                    _ping(end)
                    turns.append(time.perf_counter() - begun)
                begun = time.perf_counter()
                threading.Thread(target=_send, args=(end, amount), daemon=True).start()
                left = amount
                while left:
                    left -= len(end.recv(_BLOCK))
                seconds = time.perf_counter() - begun - round_trip
            return statistics.median(turns), amount / seconds


def _ping(end: socket.socket) -> None:
    end.sendall(b"?")
    if end.recv(1) != b"?":
        raise RuntimeError("the link changed a byte")


def _send(end: socket.socket, amount: int) -> None:
    for _ in range(0, amount, 1 << 16):
        end.sendall(bytes(1 << 16))


def _echo(listener: socket.socket) -> None:
    """Send back what comes, on every connection."""

    def back(end: socket.socket) -> None:
        with end:
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while block := end.recv(_BLOCK):
                end.sendall(block)

    with contextlib.suppress(OSError):
        while True:
            end, _ = listener.accept()
            threading.Thread(target=back, args=(end,), daemon=True).start()


def _accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def main() -> None:
    """Parse the command line and forward."""
    parser = argparse.ArgumentParser(prog="python -m tests.perf.link", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("to", type=int)
    parser.add_argument("--round-trip", type=float, default=0.0, help="seconds")
    parser.add_argument("--rate", type=float, default=None, help="bytes a second, each way")
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(given.port, given.to, given.round_trip, given.rate))


if __name__ == "__main__":
    main()
