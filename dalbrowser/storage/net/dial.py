"""Opening one connection to a host and a port, by whichever of its addresses answers first."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import TYPE_CHECKING

from dalbrowser.storage.net.link import Link

if TYPE_CHECKING:
    import ssl

_NEXT_ADDRESS = 0.25
"""Seconds that one address has before the next one is tried beside it (RFC 8305, section 5)."""


async def dial(
    host: str, port: int, context: ssl.SSLContext | None = None, name: str | None = None
) -> Link:
    """Connect, with TLS where a ``context`` is given: the certificate must be for ``name``.

    Raises ``OSError``; whoever calls bounds the time.
    """
    loop = asyncio.get_running_loop()
    if _is_address(host):
        _, link = await loop.create_connection(
            lambda: Link(loop), host, port, ssl=context, server_hostname=name
        )
    else:
        end = await _first_of(host, port)
        _, link = await loop.create_connection(
            lambda: Link(loop), sock=end, ssl=context, server_hostname=name
        )
    return link


async def _first_of(host: str, port: int) -> socket.socket:
    """Return a connection to whichever address of a name answers first (RFC 8305).

    By a library, since not every event loop can, and asyncio's own leaves the socket of a race
    that is cancelled as it ends to the garbage collector (CPython 3.11 to 3.13).
    """
    from aiohappyeyeballs import start_connection  # noqa: PLC0415 - start-up time

    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return await start_connection(found, happy_eyeballs_delay=_NEXT_ADDRESS)


def _is_address(host: str) -> bool:
    """Whether a host is a number already, so that there is no name to look up."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
