"""Where the keys come from, and when they are fetched anew.

Invariants: keys are asked for before each request, so that a long transfer goes on when
they are renewed in its middle; a source that blocks does so in a thread; a key is never
part of a ``repr`` or an error.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError
from dalbrowser.storage.net.proxy import NONE as NO_PROXY
from dalbrowser.utils import awsfiles
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
                f"The environment has no {missing}, and no profile of the AWS tools; set it, run"
                " 'aws configure', or use a saved connection.",
            )
        return Credentials(key, secret, os.environ.get("AWS_SESSION_TOKEN", ""))


class AwsCredentials:
    """What the AWS tools would use: botocore's own chain, asked in a thread.

    What it asks of the network (SSO, roles) goes through ``proxies``, by scheme, or where there
    are none given, through those that the environment names.
    """

    renewable = True

    def __init__(self, profile: str, proxies: dict[str, str] | None = None) -> None:
        self._profile = profile
        self._proxies = proxies
        self._found: Any = None

    async def load(self, *, fresh: bool = False) -> Credentials | None:
        """Return keys, read anew or renewed by botocore, or raise ``ConfigInvalid``."""
        if fresh:
            self._found = None
        return await asyncio.to_thread(self._load)

    def _load(self) -> Credentials | None:
        try:
            keys = awsfiles.read_profile(self._profile).keys() if self._in_files() else None
        except awsfiles.AwsFileError as error:
            raise StorageError(ErrorKind.CONFIG_INVALID, str(error)) from error
        if keys is not None:
            return Credentials(*keys, datetime.now(UTC) + _EARLY + _RECHECK)
        return self._load_by_botocore()

    def _in_files(self) -> bool:
        """Whether the files come first: keys in the environment do where no profile is named."""
        return bool(self._profile) or not os.environ.get("AWS_ACCESS_KEY_ID")

    def _load_by_botocore(self) -> Credentials | None:
        try:
            # Imported here: it is an extra, and takes a quarter of a second to load.
            import botocore.session  # noqa: F401, PLC0415
            from botocore import exceptions as told  # noqa: PLC0415
        except ImportError as error:
            raise StorageError(
                ErrorKind.CONFIG_INVALID,
                "Credentials from the AWS configuration that are not keys in its files (SSO, roles,"
                " programs) need botocore; install dalbrowser with the extra 'aws'"
                f" ({sys.executable} -m pip install 'dalbrowser[aws]').",
            ) from error
        try:
            if self._found is None:
                self._found = self._session().get_credentials()
            if self._found is None:
                raise StorageError(
                    ErrorKind.CONFIG_INVALID,
                    "The AWS configuration has no credentials; run 'aws configure' or"
                    " 'aws sso login', or name another profile.",
                )
            frozen = self._found.get_frozen_credentials()
        except told.SSLError as error:
            raise self._none(error) from error
        except (told.HTTPClientError, told.ConnectionError) as error:
            # As with any other request: whoever waits for the network goes on afterwards.
            raise StorageError(
                ErrorKind.UNEXPECTED,
                f"Who gives the AWS credentials could not be reached: {error}. Check the network.",
                status=ErrorStatus.TEMPORARY,
            ) from error
        # A program that is missing, says no JSON, or gives keys that have expired already.
        except (told.BotoCoreError, told.ClientError, OSError, ValueError, RuntimeError) as error:
            raise self._none(error) from error
        return Credentials(
            frozen.access_key,
            frozen.secret_key,
            frozen.token or "",
            datetime.now(UTC) + _EARLY + _RECHECK,
        )

    def _none(self, error: Exception) -> StorageError:
        self._found = None
        return StorageError(
            ErrorKind.PERMISSION_DENIED,
            f"The AWS configuration gave no credentials: {error}. Log in again with the"
            " AWS tools ('aws sso login'), or name another profile.",
        )

    def _session(self) -> Any:
        from botocore.config import Config  # noqa: PLC0415 - as above
        from botocore.session import Session  # noqa: PLC0415

        session = Session(profile=self._profile or None)
        if self._proxies is not None:
            session.set_default_client_config(Config(proxies=self._proxies))
        _reach_metadata(session)
        return session


def _reach_metadata(session: Any) -> None:
    """Have the machine's own metadata asked for directly: behind a proxy it would be the proxy's.

    botocore asks through whatever the environment names, and has no setting for it.
    """
    from botocore.httpsession import URLLib3Session  # noqa: PLC0415 - as above

    for provider in session.get_component("credential_provider").providers:
        fetcher = getattr(provider, "_role_fetcher", None)
        if fetcher is not None:
            fetcher._session = URLLib3Session(timeout=fetcher._timeout)


def _proxies_of(config: S3Config) -> dict[str, str] | None:
    """Return the proxy of a connection by scheme, as botocore wants it; ``None`` says nothing."""
    text = config.proxy.strip()
    if not text:
        return None
    if text.lower() == NO_PROXY:
        return {}
    scheme, _, rest = text.rpartition("://")
    known = quote(config.proxy_user, safe="")
    if config.proxy_password:
        known += f":{quote(config.proxy_password, safe='')}"
    url = f"{scheme or 'http'}://{known}{'@' if known else ''}{rest}"
    return {"http": url, "https": url}


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
        return AwsCredentials(config.profile, _proxies_of(config))
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
