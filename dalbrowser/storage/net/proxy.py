"""Which proxy a request goes through: the connection's own, the environment's or the system's.

As rclone, curl and Python read it: ``https_proxy`` for https, ``http_proxy`` for http (in capitals
too, but not ``HTTP_PROXY`` in a CGI program), ``all_proxy`` for both, ``no_proxy`` for what is
reached without; where none of them is set, the settings of macOS or Windows.
Invariants: the password is in no ``repr``, text or error; what is this computer itself goes
through no proxy of the environment.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import os
import re
from dataclasses import field
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit
from urllib.request import getproxies, getproxies_environment, proxy_bypass

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.net.message import Origin
from dalbrowser.storage.net.trust import tls_context
from dalbrowser.storage.net.wire import absolute_prefix
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping


NONE = "none"
"""What a connection says that is to use no proxy, whatever the environment says."""

CONNECTION = "this connection"
"""The source of a proxy that a connection names itself."""

_SOCKS = frozenset({"socks", "socks5", "socks5h"})
_PORTS = {"http": 80, "https": 443, **dict.fromkeys(_SOCKS, 1080)}
_ESCAPES = (
    "in a user or a password the characters / ? # and % have to be written as %2F %3F %23 and %25"
)
_HOST = re.compile(r"[A-Za-z0-9._~-]+\Z|[0-9A-Fa-f:.]+\Z")


@record()
class Proxy:
    """A proxy. ``authorization`` is the value of the header; ``source`` says who named it."""

    scheme: str
    host: str
    port: int
    source: str
    authorization: str = field(default="", repr=False)

    @property
    def is_socks(self) -> bool:
        """Whether it passes bytes on, and knows nothing of HTTP."""
        return self.scheme == "socks5"

    @property
    def authority(self) -> str:
        """The host and the port, also where it is the scheme's own."""
        return authority(self.host, self.port)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


class Route(NamedTuple):
    """Where a request goes: what a connection is kept by.

    Scheme, host and port to connect to, the name that a certificate must be for, the proxy, what
    a proxy needs before the target (absolute-form; in the clear alone), and the certificates that
    are believed of the proxy itself, where TLS is spoken to it.
    """

    scheme: str
    host: str
    port: int
    name: str
    proxy: Proxy | None = None
    prefix: bytes = b""
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        where = str(Origin(self.scheme, self.name, self.port))
        return where if self.proxy is None else f"{where} (through the proxy {self.proxy})"


class Proxies:
    """The routes of one client. The environment is read when the first is asked for.

    ``ca_file`` holds the certificate of a private CA, which may have signed the proxy's own.
    """

    def __init__(
        self, setting: str = "", user: str = "", password: str = "", ca_file: str = ""
    ) -> None:
        self._direct = setting.strip().lower() == NONE
        self._given = None
        if setting.strip() and not self._direct:
            self._given = _of_connection(setting, user, password)
        self._found: Mapping[str, str] | None = None
        self._exempt = Exempt("")
        self._ca_file = ca_file
        self._tls: ssl.SSLContext | None = None

    async def route(self, origin: Origin) -> Route:
        """Return the way to ``origin``; raises ``ConfigInvalid`` when its proxy makes no sense."""
        proxy = self._given
        if proxy is None and not self._direct:
            proxy = await self._environment(origin)
        if proxy is None:
            return Route(origin.scheme, origin.connect_host, origin.port, origin.host)
        prefix = absolute_prefix(origin.scheme, origin.authority)
        if proxy.scheme == "https" and self._tls is None:
            # Whether the service's certificate is looked at says nothing of the proxy's.
            self._tls = await asyncio.to_thread(tls_context, self._ca_file)
        return Route(
            origin.scheme,
            origin.host,
            origin.port,
            origin.host,
            proxy,
            b"" if origin.secure or proxy.is_socks else prefix,
            self._tls if proxy.scheme == "https" else None,
        )

    def forget(self) -> None:
        """Read the settings anew when next asked: a computer that moves has others elsewhere."""
        self._found = None

    async def _environment(self, origin: Origin) -> Proxy | None:
        if is_here(origin.host):
            return None
        if self._found is None:
            self._found = getproxies()
            self._exempt = Exempt(self._found.get("no", ""))
        text = self._found.get(origin.scheme) or self._found.get("all", "")
        if not text or self._exempt.covers(origin.host, origin.port):
            return None
        # What the system exempts may be a question of names, which it looks up.
        if not getproxies_environment() and await asyncio.to_thread(proxy_bypass, origin.host):
            return None
        return parse(text, _named_by(origin.scheme))


def _of_connection(setting: str, user: str, password: str) -> Proxy:
    """Read what a connection says; its password has a field of its own, which no file keeps."""
    proxy = parse(setting, CONNECTION)
    if proxy.authorization:
        raise StorageError(
            ErrorKind.CONFIG_INVALID,
            "The address in 'proxy' has a user or a password in it, and a file keeps settings."
            " Give them as 'proxy_user' and 'proxy_password'.",
        )
    return parse(setting, CONNECTION, user=user, password=password)


def parse(text: str, source: str, *, user: str = "", password: str = "") -> Proxy:
    """Read the address of a proxy; without a scheme it is http.

    The ``user`` and ``password`` go before those in the address. Raises ``ConfigInvalid``, which
    repeats nothing of the address where it may hold a password.
    """
    text = text.strip()
    split = _split(text if "://" in text else f"http://{text}")
    if split is None or not split.hostname or not _HOST.match(split.hostname):
        raise _unusable(source, f"it is no address; {_ESCAPES}")
    if split.scheme not in _PORTS:
        raise _unusable(source, "it must begin with http://, https:// or socks5://")
    if split.path.strip("/") or split.query or split.fragment:
        raise _unusable(source, f"nothing may follow the port; {_ESCAPES}")
    known = (unquote_to_bytes(split.username or ""), unquote_to_bytes(split.password or ""))
    if user or password:
        known = (user.encode(), password.encode())
    basic = "Basic " + base64.b64encode(b":".join(known)).decode() if any(known) else ""
    port = split.port or _PORTS[split.scheme]
    scheme = "socks5" if split.scheme in _SOCKS else split.scheme
    return Proxy(scheme, split.hostname, port, source, basic)


def _split(text: str) -> SplitResult | None:
    """Parse an address; what is wrong with one is not told, since it may be its password."""
    try:
        split = urlsplit(text)
        return split if split.port != 0 else None
    except ValueError:
        return None


def _unusable(source: str, why: str) -> StorageError:
    return StorageError(
        ErrorKind.CONFIG_INVALID,
        f"The proxy that {source} names cannot be used: {why}. Nothing was sent. Write it like"
        " http://proxy.example.com:3128.",
    )


def _named_by(scheme: str) -> str:
    """Return who named the proxy for a scheme: a variable, or the system."""
    for name in (f"{scheme}_proxy", "all_proxy"):
        for variable in (name, name.upper()):
            if os.environ.get(variable):
                return variable
    return "the system"


def authority(host: str, port: int) -> str:
    """Write host and port, as CONNECT takes them (RFC 9110, 9.3.6)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_here(host: str) -> bool:
    """Whether a host is this computer by its very name or number; nothing is looked up."""
    name = host.rstrip(".").lower()
    address = _address(name)
    if address is not None:
        return address.is_loopback
    return name == "localhost" or name.endswith(".localhost")


class Exempt:
    """What ``no_proxy`` lists, by commas or blanks.

    A name covers itself and the names below it, with or without a dot or ``*.`` before it; an
    address itself; a network (``10.0.0.0/8``) the addresses in it, where the endpoint is one;
    ``:port`` behind any but a network narrows it; ``*`` covers all.
    """

    def __init__(self, text: str) -> None:
        self._all = False
        self._names: list[tuple[str, int | None]] = []
        self._networks: list[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, int | None]] = []
        for item in re.split(r"[,\s]+", text.lower()):
            if item == "*":
                self._all = True
            elif item:
                self._add(item)

    def covers(self, host: str, port: int) -> bool:
        """Whether nothing that goes to this host and port takes a proxy."""
        if self._all:
            return True
        name = host.rstrip(".").lower()
        address = _address(name)
        if address is not None:
            return any(address in network and at in {None, port} for network, at in self._networks)
        return any(
            f".{name}".endswith(f".{known}") and at in {None, port} for known, at in self._names
        )

    def _add(self, item: str) -> None:
        host, port = item, None
        if match := re.fullmatch(r"(\[[^\]]*\]|[^:]*):([0-9]{1,5})", item):
            host, port = match[1], int(match[2])
        try:
            self._networks.append((ipaddress.ip_network(host.strip("[]"), strict=False), port))
        except ValueError:
            name = host.removeprefix("*").strip(".")
            if name:
                self._names.append((name, port))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
