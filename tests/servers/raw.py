"""A small blocking S3 client for tests alone: it signs by itself and sends the path as it is.

Invariant: it shares no code with the service under test, so that one can witness for the
other; no HTTP library touches its paths (``http.client`` sends the target as given).
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ssl
import xml.etree.ElementTree as ET
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_plus, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.servers.s3_server import S3Server

_SAFE = "-._~"


@dataclass(frozen=True, slots=True)
class RawReply:
    """What came back, whole. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@contextmanager
def buckets(server: S3Server, *names: str) -> Iterator[None]:
    """Fresh buckets for as long as the block runs; what they hold then goes with them."""
    with RawS3(server) as raw:
        for name in names:
            raw.create_bucket(name)
    yield
    with RawS3(server) as raw:
        for name in names:
            raw.remove_bucket(name)


class RawS3:
    """One keep-alive connection to a server; not for several threads."""

    def __init__(self, server: S3Server) -> None:
        self._server = server
        split = urlsplit(server.endpoint)
        self._host = split.netloc
        if split.scheme == "https":
            context = ssl.create_default_context(cafile=server.ca or None)
            self._link: http.client.HTTPConnection = http.client.HTTPSConnection(
                split.netloc, timeout=60, context=context
            )
        else:
            self._link = http.client.HTTPConnection(split.netloc, timeout=60)

    def __enter__(self) -> RawS3:
        return self

    def __exit__(self, *_: object) -> None:
        self._link.close()

    def send(
        self,
        method: str,
        bucket: str = "",
        key: str = "",
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> RawReply:
        """Send one signed request and return the reply, whatever its status."""
        reply = self._request(
            method, bucket, key, query=query or {}, headers=headers or {}, body=body
        )
        found = {name.lower(): value for name, value in reply.getheaders()}
        return RawReply(reply.status, found, reply.read())

    def sha256(self, bucket: str, key: str) -> str:
        """Return the SHA-256 of an object of any size, in hex; raises when it is not there."""
        reply = self._request("GET", bucket, key, query={}, headers={}, body=b"")
        digest = hashlib.sha256()
        while block := reply.read(1 << 20):
            digest.update(block)
        if reply.status != 200:
            raise RuntimeError(f"reading {key!r}: {reply.status}")
        return digest.hexdigest()

    def _request(
        self,
        method: str,
        bucket: str,
        key: str,
        *,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
    ) -> http.client.HTTPResponse:
        path = "/" + "/".join(
            [quote(bucket, safe=_SAFE), *([quote(key, safe=_SAFE + "/")] if key else [])]
        )
        text = "&".join(
            f"{quote(name, safe=_SAFE)}={quote(value, safe=_SAFE)}"
            for name, value in sorted(query.items())
        )
        signed = self._sign(method, path, text, headers, body)
        self._link.request(
            method, f"{path}?{text}" if text else path, body=body or None, headers=signed
        )
        return self._link.getresponse()

    def _sign(
        self, method: str, path: str, query: str, extra: Mapping[str, str], body: bytes
    ) -> dict[str, str]:
        digest = hashlib.sha256(body).hexdigest()
        when = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        headers = {name.lower(): value for name, value in extra.items()} | {
            "host": self._host,
            "x-amz-content-sha256": digest,
            "x-amz-date": when,
        }
        names = ";".join(sorted(headers))
        lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
        canonical = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{digest}"
        scope = f"{when[:8]}/{self._server.region}/s3/aws4_request"
        text = (
            f"AWS4-HMAC-SHA256\n{when}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        )
        key = b"AWS4" + self._server.secret_key.encode()
        for step in (when[:8], self._server.region, "s3", "aws4_request", text):
            key = hmac.new(key, step.encode(), hashlib.sha256).digest()
        credential = f"{self._server.access_key}/{scope}"
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={credential},SignedHeaders={names},Signature={key.hex()}"
        )
        return headers

    def create_bucket(self, bucket: str) -> None:
        """Create a bucket, or raise with what the server said."""
        reply = self.send("PUT", bucket)
        if reply.status != 200:
            raise RuntimeError(f"creating {bucket}: {reply.status} {reply.body[:300]!r}")

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """Return every key below ``prefix``, in the server's order."""
        found: list[str] = []
        token = ""
        while True:
            query = {"list-type": "2", "encoding-type": "url", "prefix": prefix}
            if token:
                query["continuation-token"] = token
            tree = _parse(self.send("GET", bucket, query=query))
            found += [unquote_plus(item.text or "") for item in tree.iterfind("Contents/Key")]
            token = tree.findtext("NextContinuationToken") or ""
            if not token:
                return found

    def objects(self, bucket: str) -> dict[str, bytes]:
        """Return every object of a bucket with its bytes."""
        return {key: self.send("GET", bucket, key).body for key in self.keys(bucket)}

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Put one object, or raise with what the server said."""
        reply = self.send("PUT", bucket, key, body=body)
        if reply.status != 200:
            raise RuntimeError(f"putting {key!r}: {reply.status} {reply.body[:300]!r}")

    def uploads(self, bucket: str) -> list[tuple[str, str]]:
        """Return (key, upload id) of every incomplete upload on the first page."""
        reply = self.send("GET", bucket, query={"uploads": "", "encoding-type": "url"})
        if reply.status != 200:
            return []
        return [
            (unquote_plus(item.findtext("Key") or ""), item.findtext("UploadId") or "")
            for item in _parse(reply).iterfind("Upload")
        ]

    def _versions(self, bucket: str) -> Iterator[tuple[str, str]]:
        reply = self.send("GET", bucket, query={"versions": "", "encoding-type": "url"})
        if reply.status == 200:
            tree = _parse(reply)
            for tag in ("Version", "DeleteMarker"):
                for item in tree.iterfind(tag):
                    yield unquote_plus(item.findtext("Key") or ""), item.findtext("VersionId") or ""

    def empty_bucket(self, bucket: str) -> None:
        """Delete every upload, version and object."""
        for key, upload in self.uploads(bucket):
            self.send("DELETE", bucket, key, query={"uploadId": upload})
        while found := list(self._versions(bucket)):
            gone = [
                self.send("DELETE", bucket, key, query={"versionId": version}).status
                for key, version in found
            ]
            if 204 not in gone:
                break
        for key in self.keys(bucket):
            self.send("DELETE", bucket, key)

    def remove_bucket(self, bucket: str) -> None:
        """Empty a bucket and delete it; what the server cannot delete stays until it stops."""
        self.empty_bucket(bucket)
        self.send("DELETE", bucket)


def _parse(reply: RawReply) -> ET.Element:
    """Parse a listing and drop its namespace."""
    if reply.status != 200:
        raise RuntimeError(f"{reply.status} {reply.body[:300]!r}")
    tree = ET.fromstring(reply.body)  # noqa: S314 - our own server on loopback
    for item in tree.iter():
        item.tag = item.tag.rpartition("}")[2]
    return tree
