"""A link to a server that counts what is sent over it and lets only so much through.

Plain TCP, so that signatures (which cover the ``Host`` that the client sees) stay valid.
Invariant: bytes are passed on unchanged and in order, or the connection is closed.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.s3_server import S3Server

_BLOCK = 64 * 1024


class Link:
    """A counting, throttled forwarder on the loopback interface.

    ``sent`` counts the bytes that the server has been given. ``rate`` is how many bytes a
    second pass towards the server, over all connections; ``None`` is no limit.
    """

    def __init__(self, server: S3Server, rate: float | None = None) -> None:
        split = urlsplit(server.endpoint)
        self._to = (split.hostname or "", split.port or 80)
        self.rate = rate
        self.sent = 0
        self._free_at = 0.0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        port = self._listener.getsockname()[1]
        self.server = replace(server, endpoint=f"http://127.0.0.1:{port}")
        self._spawn(self._accept)

    def close(self) -> None:
        """Close every connection and end every thread."""
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            open_ones = list(self._sockets)
        for one in open_ones:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def settle(self) -> int:
        """Let all that a client sent before it died pass at once; return ``sent`` after that.

        Bytes of a dead client still lie in the sockets; they are not the next client's.
        """
        self.rate = None
        limit = time.monotonic() + 30
        while self._sockets:
            assert time.monotonic() < limit, "a client is still connected"
            time.sleep(0.01)
        return self.sent

    def _spawn(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            upstream = socket.create_connection(self._to)
            with self._lock:
                self._sockets |= {client, upstream}
            self._spawn(self._pump, client, upstream, True)
            self._spawn(self._pump, upstream, client, False)

    def _pump(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        try:
            while block := source.recv(_BLOCK):
                if counted:
                    self._wait_for_turn(len(block))
                target.sendall(block)
        except OSError:
            pass
        finally:
            for one in (source, target):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            if counted:
                self._forget(source, target)

    def _forget(self, *sockets: socket.socket) -> None:
        with self._lock:
            self._sockets -= set(sockets)
        for one in sockets:
            one.close()

    def _wait_for_turn(self, size: int) -> None:
        with self._lock:
            self.sent += size
            if self.rate is None:
                return
            now = time.monotonic()
            self._free_at = max(now, self._free_at) + size / self.rate
            wait = self._free_at - now
        self._closing.wait(wait)


@contextlib.contextmanager
def link(server: S3Server, rate: float | None = None) -> Iterator[Link]:
    """Give a link to ``server`` and close it at the end."""
    made = Link(server, rate)
    try:
        yield made
    finally:
        made.close()
