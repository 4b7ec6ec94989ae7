"""What an inspector may see of an exchange: everything but the secrets.

Invariant: an ``HttpExchange`` is redacted before it is made, so no sink can leak a key,
a token, a signature or a customer's encryption key.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

HIDDEN = "(hidden)"

_SECRET_HEADERS = frozenset({"authorization", "cookie", "set-cookie", "proxy-authorization"})
_SECRET_PART = re.compile(r"security-token|customer-key|secret|password|sas|api-key")
_SECRET_QUERY = re.compile(
    r"(?i)([?&](?:X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token|Signature|sig|"
    r"AWSAccessKeyId|access_token|token)=)[^&]*"
)


def redact_headers(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the headers with the value of each secret one hidden."""
    return tuple((name, HIDDEN if is_secret_header(name) else value) for name, value in headers)


def is_secret_header(name: str) -> bool:
    """Whether a header's value lets somebody else act or decrypt."""
    lowered = name.lower()
    return lowered in _SECRET_HEADERS or _SECRET_PART.search(lowered) is not None


def redact_url(url: str) -> str:
    """Return a URL with the values of signing parameters hidden."""
    return _SECRET_QUERY.sub(rf"\1{HIDDEN}", url)
