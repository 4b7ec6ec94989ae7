"""From a connection and its secrets to an operator with the layers that every user wants.

Invariant: built without opening a connection; what is wrong with the configuration is
said here, before any request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.profiles.model import BUCKET_FIELD
from dalbrowser.storage import (
    ConcurrentLimitLayer,
    ErrorKind,
    MimeGuessLayer,
    Operator,
    RetryLayer,
    StorageError,
    TimeoutLayer,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dalbrowser.profiles.model import Profile


_MEMORY = "memory"
"""The service whose objects are an operator's own, unless they have a name."""
_CALLS_AT_ONCE = 128
"""For one bucket: above what the transfers (16 parts, 96 small files) and a window ask for."""


def build_operator(
    profile: Profile, secrets: Mapping[str, str], bucket: str = "", *, retry: bool = True
) -> Operator:
    """Return the operator of one bucket (or of the service, where it has none).

    Raises ``ConfigInvalid``. Timeout sits inside the limit, so that waiting for a turn is not
    counted, and both inside retry, so that a deadline that passed is tried again.
    """
    config = {**profile.config, **secrets}
    fixed = profile.fixed_bucket
    if fixed and bucket and bucket != fixed:
        raise StorageError(
            ErrorKind.CONFIG_INVALID,
            f"The connection {profile.name!r} is bound to the bucket {fixed!r} and does not"
            f" reach {bucket!r}; choose or add another connection.",
            service=profile.scheme,
        )
    if bucket:
        if not profile.has_buckets:
            raise StorageError(
                ErrorKind.CONFIG_INVALID,
                f"The connection {profile.name!r} has no buckets, so {bucket!r} is not one.",
                service=profile.scheme,
            )
        config[BUCKET_FIELD] = bucket
    if profile.scheme == _MEMORY:
        # The window and its transfers have an operator each, and mean one place.
        config["name"] = config.get("name") or f"connection {profile.id}"
    operator = (
        Operator(profile.scheme, **config)
        .layer(MimeGuessLayer())
        .layer(TimeoutLayer())
        .layer(ConcurrentLimitLayer(_CALLS_AT_ONCE))
    )
    return operator.layer(RetryLayer()) if retry else operator
