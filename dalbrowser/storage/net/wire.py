"""The last look before a request leaves: its target must be what was meant, byte for byte.

HTTP stacks rewrite paths: httpx removes ``.`` and ``..`` segments from URLs, so that a
DELETE of ``a/../b`` would delete ``b``. Therefore a target never goes through a URL
parser here: it is handed to the transport beside the URL, and ``framing`` compares the
request line that it has written with what was meant. Invariant: a request that differs is
not sent.
"""

from __future__ import annotations

import re

from dalbrowser.storage.errors import ErrorKind, StorageError

# RFC 9112, 3.2.1: origin-form. Anything else could be taken for another target or header.
_ORIGIN_FORM = re.compile(rb"/[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*\Z")
_AUTHORITY = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?\Z")


def exact_target(target: str) -> bytes:
    """Return the bytes of ``target``, or raise ``InvalidInput`` when it is no origin-form."""
    raw = target.encode("ascii", "backslashreplace")
    if not _ORIGIN_FORM.match(raw):
        raise StorageError(
            ErrorKind.INVALID_INPUT,
            f"The request target {target!r} is not fully percent-encoded; nothing was sent.",
        )
    return raw


def refuse(meant: bytes, found: bytes) -> StorageError:
    """Return the error for a request that would leave with another target."""
    return StorageError(
        ErrorKind.UNEXPECTED,
        f"The HTTP stack would have sent {found!r} instead of {meant!r}; nothing was sent."
        " This is a defect of this program or its libraries: please report it.",
    )


def absolute_prefix(scheme: str, authority: str) -> bytes:
    """Return what stands before a target in the absolute-form (RFC 9112, 3.2.2).

    Raises ``ConfigInvalid`` for a host that could be taken for another, or for more than a host.
    """
    if not _AUTHORITY.match(authority):
        raise StorageError(
            ErrorKind.CONFIG_INVALID,
            f"The host {authority!r} cannot be asked for through a proxy; nothing was sent."
            " Write it in ASCII, as it is registered.",
        )
    return f"{scheme}://{authority}".encode("ascii")
