"""An object by one PUT, and what its body carries so that the server can verify it.

Invariant: every body carries what the server needs to refuse damaged bytes (Content-MD5, or
in the clear the signed SHA-256), computed off the loop.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.services.s3 import checksums, headers
from dalbrowser.storage.services.s3.core import Ask, content_md5, digest_of
from dalbrowser.storage.types import EntryMode, Metadata, Metakey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dalbrowser.storage.net.client import HttpReply
    from dalbrowser.storage.options import OpWrite
    from dalbrowser.storage.services.s3.core import S3Core
    from dalbrowser.storage.types import Data

WRITTEN = Metakey.MODE | Metakey.CONTENT_LENGTH | Metakey.ETAG | Metakey.VERSION
"""What the reply to a write says of the object."""


async def put(core: S3Core, key: str, body: Sequence[Data], args: OpWrite) -> Metadata:
    """Write a whole object in one request."""
    config = core.config
    asked = headers.object_headers(config, args) | headers.write_conditions(config, args)

    async def send(checksum: str | None) -> tuple[HttpReply, bytes]:
        sent = asked | await body_headers(core, body, args.md5, checksum)
        # The MD5 that is signed with the head makes the server refuse other bytes.
        sealed = config.content_md5 == "auto" and "content-md5" in sent
        said = await core.call(
            Ask("PUT", key, act="write objects", headers=sent, body=body, sealed=sealed)
        )
        kept = headers.checksums(said[0].headers)
        checksums.require_kept("The object", sent, kept, again=False)
        return said

    reply, _ = await core.checksum.send(wanted(core, args.checksum), send)
    etag = reply.headers.get("etag")
    if not etag:
        # A login page of a hotel answers everything with 200; every S3 server says an ETag.
        raise StorageError(
            ErrorKind.UNEXPECTED,
            "The answer to the write has no ETag, so it is not known whether the object was kept."
            " Check that the endpoint is an S3 server, and that no proxy or login page answers in"
            " its place.",
        )
    return Metadata(
        mode=EntryMode.FILE,
        content_length=sum(len(block) for block in body),
        etag=etag,
        version=headers.version(reply.headers),
        checksums=headers.checksums(reply.headers),
        known=WRITTEN,
    )


async def body_headers(
    core: S3Core, body: Sequence[Data], md5: bytes | None, checksum: str | None
) -> dict[str, str]:
    """Return the headers by which the server verifies a body."""
    found: dict[str, str] = {}
    wanted = core.config.content_md5
    if wanted == "always" or (wanted == "auto" and (md5 or not core.signs_bodies)):
        found["content-md5"] = content_md5(md5 or await digest_of("md5", body))
    if checksum:
        value = await digest_of(checksum, body)
        found["x-amz-sdk-checksum-algorithm"] = checksum.upper()
        found[f"x-amz-checksum-{checksum}"] = base64.b64encode(value).decode()
    return found


def wanted(core: S3Core, asked: str | None) -> str:
    """Return the checksum asked for, or the connection's; raises ``Unsupported``, unsent."""
    name = asked or core.config.checksum
    if name == checksums.AUTO and checksums.can_compute(core.config.checksum):
        name = core.config.checksum
    checksums.require(name)
    return name
