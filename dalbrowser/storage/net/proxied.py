"""What a proxy is asked for, and what it says itself: the way in, the tunnel, its own errors.

Invariants: what the proxy answers is never taken for the service's answer where that can be
told; its password is in no error; a way that was not opened whole is closed. A tunnel's
certificate is the origin's, never the proxy's.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx

from dalbrowser import __version__
from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError
from dalbrowser.storage.net import socks
from dalbrowser.storage.net.dial import dial
from dalbrowser.storage.net.framing import reply_head, request_head
from dalbrowser.storage.net.proxy import CONNECTION, authority

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dalbrowser.storage.net.framing import Head
    from dalbrowser.storage.net.link import Link
    from dalbrowser.storage.net.proxy import Proxy, Route

_HEAD_END = b"\r\n\r\n"
_FRESH = ("cache-control", "no-cache, no-transform")
"""A proxy may keep what is public (RFC 9111, 3.5), and some make pictures smaller."""
_SCHEME = re.compile(r"(?:^|,)\s*([A-Za-z][A-Za-z0-9_-]*)(?=\s+[^\s=]|\s*,|\s*$)")
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504, 511})


def with_its_own(
    headers: list[tuple[str, str]], route: Route, method: str
) -> list[tuple[str, str]]:
    """Return the headers of a request in the clear, and what they say to the proxy."""
    added = [_FRESH] if method in {"GET", "HEAD"} else []
    return [*headers, *added, *_credentials(route.proxy)]


def _credentials(proxy: Proxy | None) -> list[tuple[str, str]]:
    known = proxy.authorization if proxy is not None else ""
    return [("proxy-authorization", known)] if known else []


async def connect(route: Route, proxy: Proxy, to_origin: ssl.SSLContext, deadline: float) -> Link:
    """Return a connection to the origin of ``route``, or, in the clear, to the proxy itself.

    ``deadline`` seconds to reach the proxy, and as many until TLS stands with the origin. Raises
    ``StorageError``.
    """
    link = await _reach(proxy, route.tls, deadline)
    try:
        async with asyncio.timeout(deadline):
            if proxy.is_socks:
                await socks.ask(link, proxy, route.host, route.port, deadline)
            elif route.scheme == "https":
                await _open_tunnel(link, route, proxy, deadline)
            if route.scheme == "https":
                await link.start_tls(to_origin, route.name)
    except BaseException as error:
        link.abort()
        if isinstance(error, socks.RefusedError):
            raise _socks_refusal(error, route, proxy) from error
        if isinstance(error, (OSError, httpx.HTTPError)):
            raise _tunnel_failure(error, route, proxy) from error
        raise
    return link


async def _reach(proxy: Proxy, context: ssl.SSLContext | None, deadline: float) -> Link:
    try:
        async with asyncio.timeout(deadline):
            name = proxy.host if context is not None else None
            return await dial(proxy.host, proxy.port, context, name)
    except OSError as error:
        raise _unreachable(error, proxy) from error


async def _open_tunnel(link: Link, route: Route, proxy: Proxy, deadline: float) -> None:
    """Have the proxy pass everything on to the origin from here on (RFC 9110, 9.3.6)."""
    where = authority(route.host, route.port)
    headers = [("host", where), ("user-agent", f"dalbrowser/{__version__}"), *_credentials(proxy)]
    await link.write(request_head("CONNECT", where.encode("ascii"), headers), deadline)
    while True:
        raw = await link.read_until(_HEAD_END, deadline)
        try:
            # To a CONNECT nothing follows an answer of success, whatever its length says.
            head = reply_head(raw, "HEAD")
        except httpx.RemoteProtocolError as error:
            raise _refusal(
                proxy,
                "did not answer as an HTTP proxy does",
                f"Check the address and the port in {proxy.source}.",
            ) from error
        if head.status >= 200:
            break
    if head.status >= 300:
        raise _no_tunnel(head, where, proxy)
    if link.has_data:
        raise httpx.RemoteProtocolError("it sent bytes before anything was asked")


def refuse_its_own(head: Head, route: Route, proxy: Proxy) -> None:
    """Raise the error of an answer that is the proxy's own, not the service's.

    An S3 service answers in XML and names the request (``x-amz-…``); what is neither, but a text
    for people, comes from somebody between, and says nothing of the object.
    """
    if head.status < 300 or proxy.is_socks:
        return
    if head.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        raise _wants_password(f" ({head.status})", head.headers, proxy)
    told = head.headers
    page = told.get("content-type", "").lower().startswith(("text/html", "text/plain"))
    known = any(name.startswith("x-amz") for name in told)
    own = "x-squid-error" in told or "error=" in told.get("proxy-status", "")
    if not own and (known or not page):
        return
    if head.status == HTTPStatus.UNAUTHORIZED and proxy.authorization:
        raise _wants_password(f" ({head.status})", head.headers, proxy)
    raise StorageError(
        ErrorKind.UNEXPECTED,
        f"{_called(proxy)}, or something behind it, answered {_said(head)} in place of"
        f" {route.scheme}://{route.name}. {_advice(head.status, proxy)}",
        status=_status(head.status),
    )


def _no_tunnel(head: Head, where: str, proxy: Proxy) -> StorageError:
    """Return the error for an answer to CONNECT that is no success: nothing was sent behind it."""
    if head.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED or (
        head.status == HTTPStatus.UNAUTHORIZED and proxy.authorization
    ):
        return _wants_password(f" ({head.status})", head.headers, proxy)
    status = _status(head.status)
    temporary = status is ErrorStatus.TEMPORARY
    return StorageError(
        ErrorKind.UNEXPECTED if temporary else ErrorKind.CONFIG_INVALID,
        f"{_called(proxy)} opened no tunnel to {where}: it answered {_said(head)}."
        f" {_advice(head.status, proxy)}",
        status=status,
    )


def _status(code: int) -> ErrorStatus:
    """Whether another try may get through; a redirect asks a person to log in somewhere first."""
    return ErrorStatus.TEMPORARY if code in _AGAIN or code < 400 else ErrorStatus.PERMANENT


def _advice(code: int, proxy: Proxy) -> str:
    without = _or_without(proxy)
    if code < 400 or code == HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED:
        return "It may want you to log in first: open any page in a web browser."
    if code in _AGAIN:
        return f"Check that the endpoint is right and runs, {without}."
    if code in {HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED, 451}:
        return f"Have whoever runs it allow that address, {without}."
    return f"Check that {proxy.source} names an HTTP proxy that lets this through, {without}."


def _wants_password(said: str, headers: Mapping[str, str], proxy: Proxy) -> StorageError:
    """Return the error of a 407, or of the 401 that some (tinyproxy) answer to a wrong password."""
    offered = _SCHEME.findall(headers.get("proxy-authenticate", ""))
    where = (
        "as 'proxy_user' and 'proxy_password' of the connection"
        if proxy.source == CONNECTION
        else f"in {proxy.source}, as {proxy.scheme}://user:password@host:port"
    )
    if offered and "basic" not in {name.lower() for name in offered}:
        advice = (
            f"It takes only {', '.join(offered[:4])}, which is not spoken here. Run a relay that"
            " speaks it (cntlm, px), and name that as the proxy."
        )
    elif proxy.authorization:
        advice = f"It does not take those given. Check them {where}."
    else:
        advice = f"Give them {where}."
    return _refusal(proxy, f"wants a user and a password{said}", advice)


def _refusal(proxy: Proxy, what: str, advice: str) -> StorageError:
    return StorageError(ErrorKind.CONFIG_INVALID, f"{_called(proxy)} {what}. {advice}")


def _unreachable(error: OSError, proxy: Proxy) -> StorageError:
    """Return the error for a proxy that no connection could be made to."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _refusal(
            proxy,
            f"shows a TLS certificate that is not trusted: {error.verify_message}",
            "Check its name, or give its CA certificate file.",
        )
    if isinstance(error, ssl.SSLError):
        return _refusal(
            proxy,
            f"did not answer in TLS ({error.reason or 'handshake failed'})",
            f"Check the port, and whether the address in {proxy.source} should begin with http://.",
        )
    if isinstance(error, socket.gaierror):
        what = f"is not known by that name ({error.strerror})"
    elif isinstance(error, TimeoutError):
        what = "did not accept a connection in time"
    else:
        why = error.strerror or str(error) or type(error).__name__
        if error.errno and os.name == "posix":
            why = os.strerror(error.errno)  # asyncio puts the address in its place
        what = f"does not answer ({why})"
    return _temporary(proxy, what)


def _socks_refusal(refused: socks.RefusedError, route: Route, proxy: Proxy) -> StorageError:
    where = authority(route.host, route.port)
    if refused.password:
        return _wants_password("", {}, proxy)
    what = f"does not connect to {where}: {refused.why}"
    if refused.again:
        return _temporary(proxy, what)
    return _refusal(proxy, what, f"Check the address in {proxy.source}, {_or_without(proxy)}.")


def _tunnel_failure(error: OSError | httpx.HTTPError, route: Route, proxy: Proxy) -> StorageError:
    """Return the error for a tunnel that broke, or behind which TLS did not come to stand."""
    origin = f"{route.scheme}://{authority(route.name, route.port)}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return StorageError(
            ErrorKind.CONFIG_INVALID,
            f"The TLS certificate of {origin}, as it comes through {_called(proxy, 'the')}, is not"
            f" trusted: {error.verify_message}. Check the host name; give the CA certificate file"
            " of a private server, or of the proxy where it opens TLS itself.",
        )
    if isinstance(error, ssl.SSLError):
        return StorageError(
            ErrorKind.CONFIG_INVALID,
            f"{origin} did not answer in TLS through {_called(proxy, 'the')}"
            f" ({error.reason or 'handshake failed'}). Check the port, and whether the endpoint"
            " should begin with http://.",
        )
    if isinstance(error, (TimeoutError, httpx.TimeoutException)):
        return _temporary(proxy, f"opened no tunnel to {origin} in time")
    return _temporary(
        proxy, f"broke the connection while it was to open a tunnel to {origin} ({_reason(error)})"
    )


def _reason(error: OSError | httpx.HTTPError) -> str:
    told = error.strerror if isinstance(error, OSError) else ""
    return told or str(error) or type(error).__name__


def _temporary(proxy: Proxy, what: str) -> StorageError:
    return StorageError(
        ErrorKind.UNEXPECTED,
        f"{_called(proxy)} {what}. Check the network and that address, {_or_without(proxy)}.",
        status=ErrorStatus.TEMPORARY,
    )


def _or_without(proxy: Proxy) -> str:
    if proxy.source == CONNECTION:
        return "or set the connection's proxy to 'none' if the endpoint can be reached directly"
    return "or name the endpoint's host in NO_PROXY if it can be reached directly"


def _called(proxy: Proxy, article: str = "The") -> str:
    return f"{article} proxy {proxy} (from {proxy.source})"


def _said(head: Head) -> str:
    try:
        phrase = f" {HTTPStatus(head.status).phrase}"
    except ValueError:
        phrase = ""
    return f"{head.status}{phrase}"
