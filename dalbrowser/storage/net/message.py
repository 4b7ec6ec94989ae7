"""One HTTP request and its reply, as the services build and read them.

Invariant: ``target`` is the request line's own text. Nothing between the service that
wrote it and the socket may change a byte of it; ``wire`` checks that it did not.
"""

from __future__ import annotations

from dataclasses import field
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dalbrowser.storage.types import Data

DEFAULT_PORTS = {"http": 80, "https": 443}


@record()
class Origin:
    """A scheme, host and port to talk to. ``host`` has no brackets, also for IPv6."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Origin:
        """Parse ``https://host[:port]``; raises ``ConfigInvalid`` saying what is wrong with it."""
        try:
            split = urlsplit(text)
            port = split.port
        except ValueError as error:
            raise _bad_origin(text, str(error)) from None
        if split.scheme not in DEFAULT_PORTS:
            raise _bad_origin(text, "it must begin with http:// or https://")
        if not split.hostname:
            raise _bad_origin(text, "it names no host")
        if split.username is not None or split.password is not None:
            raise _bad_origin("(not shown)", "credentials do not belong in the address")
        try:
            # A name in other letters is asked for, and stands in headers, as it is registered.
            host = split.hostname if text.isascii() else split.hostname.encode("idna").decode()
        except UnicodeError:
            raise _bad_origin(text, "its host is no name") from None
        return cls(split.scheme, host, port or DEFAULT_PORTS[split.scheme])

    @property
    def authority(self) -> str:
        """What the ``Host`` header says: the port only where it is not the scheme's own."""
        return _authority(self.scheme, self.host, self.port)

    @property
    def connect_host(self) -> str:
        """The host to connect to: names under ``localhost`` are loopback (RFC 6761, 6.3)."""
        return "localhost" if self.host.endswith(".localhost") else self.host

    @property
    def secure(self) -> bool:
        """Whether this is HTTPS."""
        return self.scheme == "https"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


@lru_cache(maxsize=256)
def _authority(scheme: str, host: str, port: int) -> str:
    host = f"[{host}]" if ":" in host else host
    return host if port == DEFAULT_PORTS[scheme] else f"{host}:{port}"


def _bad_origin(text: str, why: str) -> StorageError:
    return StorageError(
        ErrorKind.CONFIG_INVALID,
        f"The endpoint {text!r} cannot be used: {why}. Write it like https://s3.example.com"
        " or http://127.0.0.1:9000.",
    )


@record(frozen=False)
class HttpRequest:
    """A request to send once.

    ``target`` is ``/path?query`` in ASCII, percent-encoded, exact. ``headers`` have
    lower-case names and hold all that is sent, but ``host``, ``user-agent``,
    ``accept-encoding`` and ``content-length``, which the client adds. ``body`` is a
    sequence of blocks that stay unchanged until the reply is there, so it can be replayed.
    ``idle`` is how long the server may be silent, in seconds (the client's own by default).
    """

    method: str
    origin: Origin
    target: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    body: Sequence[Data] = field(default=(), repr=False)
    idle: float | None = None

    @property
    def size(self) -> int:
        """The body's length in bytes."""
        return sum(len(block) for block in self.body)
