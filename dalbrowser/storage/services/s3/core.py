"""The one place that knows S3's URLs, headers, signing and error bodies.

Invariants: a request is signed over the very target that is sent; keys are taken fresh
for each request; the reply of ``send`` has an accepted status or an error was raised.
"""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import re
from dataclasses import KW_ONLY, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.net import dates, sigv4
from dalbrowser.storage.net.client import ClientOptions, HttpClient
from dalbrowser.storage.net.message import HttpRequest
from dalbrowser.storage.services.s3 import checksums, errors
from dalbrowser.storage.services.s3.credentials import Credentials, Renewing, source_of
from dalbrowser.storage.services.s3.endpoint import DEFAULT_REGION, Place, place, unencodable
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from dalbrowser.storage.net.client import HttpReply
    from dalbrowser.storage.services.s3.config import S3Config
    from dalbrowser.storage.services.s3.credentials import CredentialSource
    from dalbrowser.storage.types import Data, HttpExchange

MAX_REPLY = 16 * 1024 * 1024
"""Bytes of the largest XML reply taken."""
SLOW = 900.0
"""Seconds of silence allowed while the server joins parts or copies; it may send nothing."""
_ERROR_WITHIN = 1024 * 1024
"""Bytes of white space that may precede an error within a 200."""
_REGION = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
"""What can be a region: Amazon's host is made of it, and what follows carries credentials."""
_MUTE = frozenset({400, 403})
"""Refusals whose reason only a body tells; S3 answers 400 or 403 to keys that expired."""


@record()
class Ask:
    """One request before it is signed.

    ``key`` is empty for the bucket itself. ``act`` says in words what is done, for the
    errors ("read objects"). ``body`` is blocks that stay unchanged, so that it can be sent
    again. ``ok`` are the statuses accepted; ``idle`` the silence allowed, in seconds.
    ``sealed``: a header that is signed (Content-MD5) makes the server refuse other bytes.
    ``sha256`` is the body's, where it is known already.
    """

    method: str
    key: str = ""
    _: KW_ONLY
    act: str
    query: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Sequence[Data] = field(default=(), repr=False)
    ok: Collection[int] = (200,)
    idle: float | None = None
    sealed: bool = False
    sha256: bytes | None = field(default=None, repr=False)


class S3Core:
    """Signs and sends requests for one bucket."""

    def __init__(
        self,
        config: S3Config,
        source: CredentialSource | None = None,
        client: HttpClient | None = None,
    ) -> None:
        self.config = config
        self.checksum = checksums.Choice(kept=config.object_checksums)
        self._region = config.region or DEFAULT_REGION
        self._place = place(config, self._region)
        self._credentials = Renewing(source or source_of(config))
        self._ahead = timedelta(0)
        """How far the server's clock is ahead of this computer's, where that matters."""
        self._signing: tuple[Credentials, sigv4.SigningKey] | None = None
        self._client = client or HttpClient(
            ClientOptions(
                ca_file=config.ca_file,
                verify=config.verify_tls,
                proxy=config.proxy,
                proxy_user=config.proxy_user,
                proxy_password=config.proxy_password,
            )
        )

    @property
    def region(self) -> str:
        """The region that requests are signed for; may be found out from the first reply."""
        return self._region

    def beside(self, bucket: str) -> S3Core:
        """Return the same for another bucket, with the same keys and connections."""
        core = S3Core(
            dataclasses.replace(self.config, bucket=bucket), self._credentials.source, self._client
        )
        core._credentials = self._credentials
        return core

    def observe(self, sink: Callable[[HttpExchange], None]) -> None:
        """Report every exchange to ``sink``."""
        self._client.observe(sink)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    def require_bucket(self) -> None:
        """Raise ``ConfigInvalid`` when no bucket is chosen."""
        if not self.config.bucket:
            raise StorageError(
                ErrorKind.CONFIG_INVALID,
                "No bucket is chosen: this connection can only list the buckets. Choose one.",
            )

    async def send(self, ask: Ask) -> HttpReply:
        """Send one request and return its reply, the body still on the wire.

        When the server names another region and the one configured is not of an endpoint that
        was too, or calls renewable credentials expired, the request is sent once more.
        """
        digest = await self._payload_hash(ask)
        for last in (False, True):
            credentials = await self._credentials.get()
            reply = await self._client.send(self._signed(ask, credentials, digest))
            if reply.status in ask.ok:
                if errors.is_a_page(reply.headers):
                    await reply.aclose()
                    raise errors.page_instead(self._asked(ask.act))
                return reply
            text, _ = await reply.read_up_to(errors.MAX_ERROR_BODY)
            found = errors.answer(reply.status, reply.headers, text)
            if ask.method == "HEAD" and not found.code and found.status in _MUTE:
                found = await self._reason(ask, credentials, found)
            if last or not await self._another_try(found, reply.headers, credentials):
                break
        raise errors.failure(found, reply.headers, self._asked(ask.act))

    async def call(self, ask: Ask) -> tuple[HttpReply, bytes]:
        """Send one request and read its whole reply.

        A 200 whose body is an error (CompleteMultipartUpload, CopyObject) raises as one.
        """
        reply = await self.send(ask)
        text = await reply.read_all(MAX_REPLY)
        if b"<Error" in text[:_ERROR_WITHIN].lstrip()[:1024]:
            found = errors.answer(reply.status, reply.headers, text.lstrip())
            if found.code:
                raise errors.failure(found, reply.headers, self._asked(ask.act))
        return reply, text

    async def call_service(self, query: Sequence[tuple[str, str]], *, act: str) -> bytes:
        """Send a GET to the service itself, not to the bucket, and return the reply."""
        core = self
        if self.config.bucket:
            config = dataclasses.replace(self.config, bucket="", region=self._region)
            core = S3Core(config, self._credentials.source, self._client)
        _, text = await core.call(Ask("GET", act=act, query=query))
        return text

    def error_of(self, code: str, message: str, act: str) -> StorageError:
        """Return the error for a code that came within a reply of its own."""
        found = errors.Answer(200, code, message, "", "")
        return errors.failure(found, {}, self._asked(act))

    def _asked(self, act: str) -> errors.Asked:
        return errors.Asked(str(self._place.origin), self.config.bucket, act, self._region)

    async def presign(
        self,
        method: str,
        key: str,
        query: Sequence[tuple[str, str]],
        headers: Mapping[str, str],
        expires: int,
    ) -> str:
        """Return a URL that is valid for ``expires`` seconds; nothing is sent."""
        credentials = await self._credentials.get()
        here = self._place
        if credentials is None:
            raise StorageError(
                ErrorKind.CONFIG_INVALID,
                "Without credentials no link can be signed. Give an access key.",
            )
        signed = {**headers, "host": here.origin.authority}
        if self.config.requester_pays:
            # In a link it is a parameter (S3 User Guide, "Using Requester Pays buckets").
            query = [*query, ("x-amz-request-payer", "requester")]
        what = sigv4.Signable(method, here.path(key), signed)
        target = sigv4.presign(self._key(credentials), what, query, expires, self._now())
        return f"{here.origin}{target}"

    def copy_source(self, key: str, version: str | None, bucket: str | None = None) -> str:
        """Write the ``x-amz-copy-source`` of an object in this bucket, or in another."""
        place = sigv4.encode(self.config.bucket if bucket is None else bucket)
        try:
            source = f"/{place}/{sigv4.encode(key, slash=True)}"
        except UnicodeEncodeError:
            raise unencodable(key) from None
        return f"{source}?versionId={sigv4.encode(version)}" if version else source

    def _signed(self, ask: Ask, credentials: Credentials | None, digest: str) -> HttpRequest:
        """Write and sign one request."""
        here = self._place
        path = here.path(ask.key) if ask.key else _bucket_path(here)
        target = f"{path}?{_query(ask.query)}" if ask.query else path
        headers = dict(ask.headers)
        # Google changes it on its way, and a signature that covers it is refused.
        unsigned = {k: headers.pop(k) for k in ("accept-encoding",) if k in headers}
        if self.config.requester_pays:
            headers["x-amz-request-payer"] = "requester"
        if credentials is not None:
            now = self._now()
            headers["host"] = here.origin.authority
            headers["x-amz-date"] = dates.amz(now)
            headers["x-amz-content-sha256"] = digest
            if credentials.session_token:
                headers["x-amz-security-token"] = credentials.session_token
            what = sigv4.Signable(ask.method, target, headers, digest)
            headers["authorization"] = sigv4.sign_headers(self._key(credentials), what, now)
        return HttpRequest(ask.method, here.origin, target, headers | unsigned, ask.body, ask.idle)

    def _key(self, credentials: Credentials) -> sigv4.SigningKey:
        made = self._signing
        if made is None or made[0] is not credentials or made[1].region != self._region:
            key = sigv4.SigningKey(
                credentials.access_key_id,
                credentials.secret_access_key,
                credentials.session_token,
                self._region,
            )
            made = self._signing = (credentials, key)
        return made[1]

    @property
    def signs_bodies(self) -> bool:
        """Whether the signature covers the body, so that the server verifies its SHA-256."""
        if self.config.credentials == "anonymous" or self.config.payload_signing == "never":
            return False
        return self.config.payload_signing == "always" or not self._place.origin.secure

    async def _payload_hash(self, ask: Ask) -> str:
        if not ask.body:
            return sigv4.EMPTY_SHA256
        # A second digest of the same bytes would cost both sides a second for each GiB.
        if not self.signs_bodies or (ask.sealed and self.config.payload_signing == "auto"):
            return sigv4.UNSIGNED_PAYLOAD
        return (ask.sha256 or await digest_of("sha256", ask.body)).hex()

    async def _reason(
        self, ask: Ask, credentials: Credentials | None, found: errors.Answer
    ) -> errors.Answer:
        """Return what a GET of a byte is told: the reply to a HEAD has no body to say why.

        Credentials that have expired are otherwise taken for a lack of permission.
        """
        aloud = dataclasses.replace(
            ask, method="GET", headers={**ask.headers, "range": "bytes=0-0"}
        )
        reply = await self._client.send(
            self._signed(aloud, credentials, await self._payload_hash(aloud))
        )
        text, _ = await reply.read_up_to(errors.MAX_ERROR_BODY)
        if reply.status != found.status:
            return found
        return errors.answer(reply.status, reply.headers, text)

    def _now(self) -> datetime:
        """Return the time to sign for: the server's, once it has refused this computer's."""
        return datetime.now(UTC) + self._ahead

    async def _another_try(
        self, found: errors.Answer, headers: Mapping[str, str], used: Credentials | None
    ) -> bool:
        """Whether what the server said lets the same request succeed now."""
        if found.code in errors.EXPIRED:
            return await self._credentials.renew(used)
        if found.code == errors.SKEWED:
            return self._set_clock(dates.from_http(headers.get("date")))
        # At an endpoint of one's own the region is what was said. Amazon's buckets each have
        # theirs, and a region in the environment is that of a person's other business.
        settled = bool(self.config.region and self.config.endpoint)
        if settled or not found.region or found.region == self._region:
            return False
        if found.status not in {301, 307, 308, 400, 403} or not _REGION.match(found.region):
            return False
        self._region = found.region
        self._place = place(self.config, self._region)
        return True

    def _set_clock(self, theirs: datetime | None) -> bool:
        """Sign for the server's time from now on, as Amazon's own tools do."""
        if theirs is None:
            return False
        self._ahead = theirs - datetime.now(UTC)
        return True


def _query(parameters: Sequence[tuple[str, str]]) -> str:
    try:
        return sigv4.query_string(parameters)
    except UnicodeEncodeError as error:
        raise unencodable(str(error.object)) from None


def _bucket_path(here: Place) -> str:
    """Return the path of the bucket itself: without its final slash in path style."""
    return here.base if here.base == "/" else here.base[:-1]


async def digest_of(algorithm: str, body: Sequence[Data]) -> bytes:
    """Hash the blocks of a body, in a thread when they are large."""
    small = sum(len(block) for block in body) <= checksums.HASH_HERE
    if small and checksums.is_ready(algorithm):
        return checksums.digest(algorithm, body)
    return await asyncio.to_thread(checksums.digest, algorithm, body)


def content_md5(digest: bytes) -> str:
    """Write the ``content-md5`` header."""
    return base64.b64encode(digest).decode()
