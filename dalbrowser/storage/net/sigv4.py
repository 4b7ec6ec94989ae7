"""AWS Signature Version 4, in headers and in presigned URLs.

Source of the rules: AWS General Reference, "Create a signed AWS API request", and S3 API
Reference, "Authenticating requests: using query parameters". For S3 the canonical path is
the path as sent (encoded once, never normalised). Invariant: what is signed is the very
target that is sent; nothing is encoded twice from two places.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import field, replace
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from dalbrowser.storage.net import dates
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
_UNRESERVED = "-._~"
MAX_PRESIGN_SECONDS = 7 * 24 * 3600
"""The longest life of a presigned URL (S3 User Guide, "Sharing objects with presigned URLs")."""


@record()
class SigningKey:
    """Whose signature, for which region and service."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)
    region: str = "us-east-1"
    service: str = "s3"


@record()
class Signable:
    """What of a request is signed.

    ``target`` must come from ``encode`` and ``query_string``; ``headers`` have lower-case
    names, include ``host``, and are all signed.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    payload_hash: str = UNSIGNED_PAYLOAD


def encode(text: str, *, slash: bool = False) -> str:
    """Percent-encode as SigV4 wants: all but unreserved characters; ``/`` kept if ``slash``."""
    return quote(text, safe=_UNRESERVED + ("/" if slash else ""))


def query_string(parameters: Iterable[tuple[str, str]]) -> str:
    """Write a query in canonical order, so that it can be sent and signed as it is."""
    return "&".join(
        f"{name}={value}"
        for name, value in sorted((encode(name), encode(value)) for name, value in parameters)
    )


def sign_headers(key: SigningKey, what: Signable, when: datetime) -> str:
    """Return the ``authorization`` value.

    The headers must include ``x-amz-date`` (and the token, for session credentials).
    """
    names, signature, scope = _signature(key, what, dates.amz(when))
    return (
        f"AWS4-HMAC-SHA256 Credential={key.access_key_id}/{scope},"
        f"SignedHeaders={names},Signature={signature}"
    )


def presign(
    key: SigningKey,
    what: Signable,
    query: Iterable[tuple[str, str]],
    expires: int,
    when: datetime,
) -> str:
    """Return the target of a presigned URL, valid for ``expires`` seconds from ``when``.

    The target of ``what`` is the path alone, ``query`` its parameters; the headers must be
    sent by whoever uses the URL, exactly so.
    """
    stamp = dates.amz(when)
    parameters = [
        *query,
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
        ("X-Amz-Credential", f"{key.access_key_id}/{_scope(key, stamp)}"),
        ("X-Amz-Date", stamp),
        ("X-Amz-Expires", str(expires)),
        ("X-Amz-SignedHeaders", ";".join(sorted(what.headers))),
    ]
    if key.session_token:
        parameters.append(("X-Amz-Security-Token", key.session_token))
    target = f"{what.target}?{query_string(parameters)}"
    _, signature, _ = _signature(key, replace(what, target=target), stamp)
    return f"{target}&X-Amz-Signature={signature}"


def _scope(key: SigningKey, stamp: str) -> str:
    return f"{stamp[:8]}/{key.region}/{key.service}/aws4_request"


def _signature(key: SigningKey, what: Signable, stamp: str) -> tuple[str, str, str]:
    """Return the signed names, the signature and the scope."""
    path, _, query = what.target.partition("?")
    ordered = sorted(what.headers)
    names = ";".join(ordered)
    lines = "".join([f"{name}:{' '.join(what.headers[name].split())}\n" for name in ordered])
    canonical = f"{what.method}\n{path}\n{query}\n{lines}\n{names}\n{what.payload_hash}"
    scope = _scope(key, stamp)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    day = _derived(key.secret_access_key, stamp[:8], key.region, key.service)
    return names, day.hexdigest(text.encode()), scope


@lru_cache(maxsize=64)
def _derived(secret: str, day: str, region: str, service: str) -> _Mac:
    """Derive the day's key; it is good for one day, region and service."""
    step = b"AWS4" + secret.encode()
    for text in (day, region, service, "aws4_request"):
        step = hmac.digest(step, text.encode(), "sha256")
    return _Mac(step)


class _Mac:
    """HMAC-SHA256 (RFC 2104) under one key of 32 bytes, begun once for all texts.

    ``hmac.digest`` lets the interpreter's lock go for each text and waits to have it back:
    with the disk's threads at work that took ten times as long as the digest itself.
    """

    def __init__(self, key: bytes) -> None:
        block = key.ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def hexdigest(self, text: bytes) -> str:
        """Return the code of ``text``."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text)
        outer.update(inner.digest())
        return outer.hexdigest()
