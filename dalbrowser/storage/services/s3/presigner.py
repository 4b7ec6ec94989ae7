"""Presigned requests: links that work without the keys, for a while.

Invariant: what the link must be sent with is in ``headers``; everything else is signed
into the URL.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.net.sigv4 import MAX_PRESIGN_SECONDS
from dalbrowser.storage.options import OpDelete, OpRead, OpStat
from dalbrowser.storage.services.s3 import headers
from dalbrowser.storage.types import PresignedRequest

if TYPE_CHECKING:
    from dalbrowser.storage.options import OpPresign, OpWrite
    from dalbrowser.storage.services.s3.config import S3Config
    from dalbrowser.storage.services.s3.core import S3Core


async def presigned(core: S3Core, key: str, args: OpPresign) -> PresignedRequest:
    """Sign one request; raises ``InvalidInput`` when it would live longer than SigV4 allows."""
    seconds = int(args.expires.total_seconds())
    if not 1 <= seconds <= MAX_PRESIGN_SECONDS:
        raise StorageError(
            ErrorKind.INVALID_INPUT,
            f"A link lives 1 second to 7 days; {seconds} seconds cannot be signed.",
        )
    method, query, signed = _parts(core.config, args.operation)
    begun = datetime.now(UTC)
    url = await core.presign(method, key, query, signed, seconds)
    return PresignedRequest(method, url, signed, begun + timedelta(seconds=seconds))


def _parts(
    config: S3Config, operation: OpStat | OpRead | OpWrite | OpDelete
) -> tuple[str, list[tuple[str, str]], dict[str, str]]:
    """Return the method, the query and the headers to sign."""
    if isinstance(operation, OpDelete):
        query = [("versionId", operation.version)] if operation.version else []
        return "DELETE", query, {}
    if isinstance(operation, OpStat | OpRead):
        signed = headers.conditions(operation) | headers.customer_key(config)
        if isinstance(operation, OpRead):
            if wanted := operation.range.to_header():
                signed["range"] = wanted
            return "GET", headers.read_query(operation), signed
        return "HEAD", headers.read_query(operation), signed
    signed = headers.object_headers(config, operation)
    return "PUT", [], signed | headers.write_conditions(config, operation)
