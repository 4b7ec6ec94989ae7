"""The way through a SOCKS 5 proxy (RFC 1928, with the passwords of RFC 1929).

Names are looked up by the proxy, as it may know others. Invariant: what is read is the proxy's
answer to the byte, so that the next byte is the origin's.
"""

from __future__ import annotations

import base64
import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dalbrowser.storage.net.link import Link
    from dalbrowser.storage.net.proxy import Proxy

_NOBODY, _BY_PASSWORD = 0, 2
_ANSWERS = {
    1: "it failed, and did not say why",
    2: "its rules do not allow it",
    3: "the network there cannot be reached",
    4: "the host cannot be reached",
    5: "nothing answers there",
    6: "it is too far away",
    7: "it opens no connections",
    8: "it does not take this kind of address",
}
_FOR_GOOD = frozenset({2, 7, 8})


class RefusedError(Exception):
    """What the proxy said; ``again`` is whether another try may get through.

    ``password`` is whether it is about the user and password.
    """

    def __init__(self, why: str, *, again: bool = False, password: bool = False) -> None:
        super().__init__(why)
        self.why, self.again, self.password = why, again, password


async def ask(link: Link, proxy: Proxy, host: str, port: int, deadline: float) -> None:
    """Have ``host`` and ``port`` connected; raises ``RefusedError``, or as ``Link`` does."""
    known = _known(proxy)
    methods = bytes([_NOBODY, _BY_PASSWORD] if known else [_NOBODY])
    await link.write(bytes([5, len(methods)]) + methods, deadline)
    version, method = await _exactly(link, 2, deadline)
    if version != 5:
        raise RefusedError("it does not speak SOCKS 5")
    if method == _BY_PASSWORD and known:
        user, _, password = known.partition(b":")
        words = b"".join(bytes([len(word)]) + word for word in (user[:255], password[:255]))
        await link.write(b"\x01" + words, deadline)
        _, status = await _exactly(link, 2, deadline)
        if status != 0:
            raise RefusedError("", password=True)
    elif method != _NOBODY:
        raise RefusedError("", password=True)
    await link.write(b"\x05\x01\x00" + _address(host) + port.to_bytes(2, "big"), deadline)
    await _answered(link, deadline)


async def _answered(link: Link, deadline: float) -> None:
    version, reply, _, kind = await _exactly(link, 4, deadline)
    if version != 5:
        raise RefusedError("it does not speak SOCKS 5")
    if reply != 0:
        raise RefusedError(_ANSWERS.get(reply, f"code {reply}"), again=reply not in _FOR_GOOD)
    # From where it connected: of no use, but in the way.
    lengths = {1: 4, 4: 16}
    length = lengths[kind] if kind in lengths else (await _exactly(link, 1, deadline))[0]
    await _exactly(link, length + 2, deadline)


def _known(proxy: Proxy) -> bytes:
    """Return ``user:password``; empty where there is none."""
    return base64.b64decode(proxy.authorization.removeprefix("Basic "))


def _address(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("ascii")
        return b"\x03" + bytes([len(name)]) + name
    return bytes([1 if address.version == 4 else 4]) + address.packed


async def _exactly(link: Link, count: int, deadline: float) -> bytes:
    """Read so many bytes, and not one more."""
    found = b""
    while len(found) < count:
        data = await link.read(deadline)
        if not data:
            raise ConnectionResetError("it closed the connection")
        found += data
    link.unread(found[count:])
    return found[:count]
