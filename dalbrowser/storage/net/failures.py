"""From what the HTTP stack raises to the one error of this library: the only such place.

::

    httpx.HTTPError
      ConnectTimeout, ConnectError   nothing answered      Unexpected, temporary
        (ssl.SSLError within)          not what was meant    ConfigInvalid
                                       and was it before     Unexpected, temporary
      ReadTimeout, WriteTimeout      fell silent           Unexpected, temporary
      RemoteProtocolError            cut in a body         ContentIncomplete, temporary
                                     else                  Unexpected, temporary
      ReadError, WriteError          connection lost       the same

Invariant: the message names the host and what to check, and never a secret.
"""

from __future__ import annotations

import socket
import ssl

import httpx

from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError

_TEMPORARY = ErrorStatus.TEMPORARY


def _chain(error: BaseException) -> list[BaseException]:
    """Return ``error`` and everything that it was raised from or while handling."""
    found: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in found:
        found.append(step)
        if isinstance(step, BaseExceptionGroup) and step.exceptions:
            step = step.exceptions[0]
        else:
            step = step.__cause__ or step.__context__
    return found


def connect_failure(error: BaseException, where: str, *, proven: bool = False) -> StorageError:
    """Map a failure to open a connection to ``where`` (``https://host:port``).

    Who was ``proven`` to be there before, and is not now, is behind somebody who answers instead:
    a network that wants a log-in first does so. That passes.
    """
    chain = _chain(error)
    if proven and (other := next((e for e in chain if isinstance(e, ssl.SSLError)), None)):
        why = getattr(other, "verify_message", "") or other.reason or "handshake failed"
        return StorageError(
            ErrorKind.UNEXPECTED,
            f"{where} is no longer who it was a while ago ({why}). This network may want you to"
            " log in first: open any page in a web browser. If it stays, check the server's"
            " certificate.",
            status=_TEMPORARY,
        )
    for item in chain:
        if isinstance(item, ssl.SSLCertVerificationError):
            return StorageError(
                ErrorKind.CONFIG_INVALID,
                f"The TLS certificate of {where} is not trusted: {item.verify_message}."
                " Check the host name, or give the CA certificate file of a private server.",
            )
        if isinstance(item, ssl.SSLError):
            return StorageError(
                ErrorKind.CONFIG_INVALID,
                f"{where} did not answer in TLS ({item.reason or 'handshake failed'})."
                " Check the port, and whether the endpoint should begin with http://.",
            )
    for item in chain:
        if isinstance(item, socket.gaierror):
            return StorageError(
                ErrorKind.UNEXPECTED,
                f"The host of {where} is not known ({item.strerror})."
                " Check the endpoint's spelling and the network.",
                status=_TEMPORARY,
            )
    if isinstance(error, httpx.TimeoutException):
        text = f"{where} did not accept a connection in time."
    else:
        text = f"Nothing answers at {where} ({_reason(chain)})."
    return StorageError(
        ErrorKind.UNEXPECTED,
        f"{text} Check the endpoint, the port and the network.",
        status=_TEMPORARY,
    )


def _reason(chain: list[BaseException]) -> str:
    if any(isinstance(item, ConnectionResetError) and not item.strerror for item in chain):
        return "it closed the connection before TLS was agreed on"
    for item in reversed(chain):
        if isinstance(item, OSError) and item.strerror:
            return item.strerror
    return str(chain[0]) or type(chain[0]).__name__


def exchange_failure(
    error: BaseException, where: str, *, in_body: bool, proven: bool = False
) -> StorageError:
    """Map a failure of an exchange; ``in_body`` while a reply's body was read."""
    if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError | httpx.ProxyError):
        return connect_failure(error, where, proven=proven)
    if isinstance(error, httpx.TimeoutException):
        return StorageError(
            ErrorKind.UNEXPECTED,
            f"{where} fell silent in the middle. Check the network and try again.",
            status=_TEMPORARY,
        )
    if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol):
        return StorageError(
            ErrorKind.INVALID_INPUT,
            f"The request to {where} cannot be written as HTTP: {error}. Nothing was sent.",
        )
    if in_body:
        return StorageError(
            ErrorKind.CONTENT_INCOMPLETE,
            f"{where} ended the body before all announced bytes had come. Try again.",
            status=_TEMPORARY,
        )
    return StorageError(
        ErrorKind.UNEXPECTED,
        f"{where} broke the connection without an answer ({error or type(error).__name__})."
        " Try again; if it stays, check that this is an HTTP server and the scheme fits.",
        status=_TEMPORARY,
    )
