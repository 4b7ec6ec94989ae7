"""Where the keys come from, and when they are fetched anew.

Invariants: keys are asked for before each request, so that a long transfer goes on when
they are renewed in its middle; a source that blocks does so in a thread; a key is never
part of a ``repr`` or an error.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from dalbrowser.storage.services.s3.config import S3Config

_EARLY = timedelta(minutes=5)
"""How long before their end credentials are renewed, so that no request meets the end."""
_RECHECK = timedelta(seconds=60)
"""How often a source that keeps its own clock is asked again."""


@record()
class Credentials:
    """Keys to sign with; ``expires`` is ``None`` where they have no known end."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)
    expires: datetime | None = None


class CredentialSource(Protocol):
    """Anything that gives keys."""

    async def load(self, *, fresh: bool = False) -> Credentials | None:
        """Return keys, or ``None`` to send requests unsigned; ``fresh``: drop any kept before."""
        ...

    @property
    def renewable(self) -> bool:
        """Whether loading again may bring other keys."""
        ...


class GivenCredentials:
    """Keys that never change."""

    renewable = False

    def __init__(self, credentials: Credentials | None) -> None:
        self._credentials = credentials

    async def load(self, *, fresh: bool = False) -> Credentials | None:
        """Return the keys given."""
        return self._credentials


class EnvironmentCredentials:
    """The ``AWS_*`` variables of this process, read anew each time."""

    renewable = True

    async def load(self, *, fresh: bool = False) -> Credentials | None:
        """Return the keys, or raise ``ConfigInvalid`` naming the variable that is missing."""
        key = os.environ.get("AWS_ACCESS_KEY_ID", "")
        secret = os.environ.get("AWS_SECRET_ACCESS_KEY", "")
        if not key or not secret:
            missing = "AWS_SECRET_ACCESS_KEY" if key else "AWS_ACCESS_KEY_ID"
            raise StorageError(
                ErrorKind.CONFIG_INVALID,
                f"The environment has no {missing}; set it, or use a saved connection.",
            )
        return Credentials(key, secret, os.environ.get("AWS_SESSION_TOKEN", ""))


class AwsCredentials:
    """What the AWS tools would use: botocore's own chain, asked in a thread."""

    renewable = True

    def __init__(self, profile: str) -> None:
        self._profile = profile
        self._found: Any = None

    async def load(self, *, fresh: bool = False) -> Credentials | None:
        """Return botocore's keys, which it renews by itself, or raise ``ConfigInvalid``."""
        if fresh:
            self._found = None
        return await asyncio.to_thread(self._load)

    def _load(self) -> Credentials | None:
        try:
            # Imported here: it is an extra, and takes a quarter of a second to load.
            from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
            from botocore.session import Session  # noqa: PLC0415
        except ImportError as error:
            raise StorageError(
                ErrorKind.CONFIG_INVALID,
                "Credentials from the AWS configuration need botocore;"
                " install dalbrowser with the extra 'aws' (pip install 'dalbrowser[aws]').",
            ) from error
        try:
            if self._found is None:
                self._found = Session(profile=self._profile or None).get_credentials()
            if self._found is None:
                raise StorageError(
                    ErrorKind.CONFIG_INVALID,
                    "The AWS configuration has no credentials; run 'aws configure' or"
                    " 'aws sso login', or name another profile.",
                )
            frozen = self._found.get_frozen_credentials()
        except (BotoCoreError, ClientError) as error:
            self._found = None
            raise StorageError(
                ErrorKind.PERMISSION_DENIED,
                f"The AWS configuration gave no credentials: {error}. Log in again with the"
                " AWS tools ('aws sso login'), or name another profile.",
            ) from error
        return Credentials(
            frozen.access_key,
            frozen.secret_key,
            frozen.token or "",
            datetime.now(UTC) + _EARLY + _RECHECK,
        )


class Renewing:
    """Keeps one source's keys until shortly before they end; one load at a time."""

    def __init__(self, source: CredentialSource) -> None:
        self.source = source
        self._now: Credentials | None = None
        self._loaded = False
        self._lock = asyncio.Lock()

    async def get(self) -> Credentials | None:
        """Return keys that are good for the next request."""
        if self._good():
            return self._now
        async with self._lock:
            if not self._good():
                self._now = await self.source.load()
                self._loaded = True
            return self._now

    async def renew(self, refused: Credentials | None) -> bool:
        """Load anew because the server called ``refused`` expired; whether that brought others."""
        if not self.source.renewable:
            return False
        async with self._lock:
            if _same_keys(self._now, refused):
                self._now = await self.source.load(fresh=True)
            return not _same_keys(self._now, refused)

    def _good(self) -> bool:
        if not self._loaded:
            return False
        ends = self._now.expires if self._now else None
        return ends is None or datetime.now(UTC) < ends - _EARLY


def _same_keys(one: Credentials | None, other: Credentials | None) -> bool:
    if one is None or other is None:
        return one is other
    return replace(one, expires=None) == replace(other, expires=None)


def source_of(config: S3Config) -> CredentialSource:
    """Return the source that ``config`` names; raises ``ConfigInvalid`` when keys are missing."""
    if config.credentials == "anonymous":
        return GivenCredentials(None)
    if config.credentials == "environment":
        return EnvironmentCredentials()
    if config.credentials == "aws":
        return AwsCredentials(config.profile)
    if not config.access_key_id or not config.secret_access_key:
        missing = "secret key" if config.access_key_id else "access key"
        raise StorageError(
            ErrorKind.CONFIG_INVALID,
            f"The {missing} is missing. Give it, or choose credentials 'environment', 'aws'"
            " or, for a public bucket, 'anonymous'.",
        )
    return GivenCredentials(
        Credentials(config.access_key_id, config.secret_access_key, config.session_token)
    )
