"""The other buckets of a server, where a copy's source may be.

They are reached with the same keys, over the same connections. Invariant: a key of another
bucket is named to the server only once it is sure that it keeps such keys exact there too.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from dalbrowser.storage.services.s3.endpoint import endpoint_path, service_origin
from dalbrowser.storage.services.s3.exact import ExactKeys

if TYPE_CHECKING:
    from dalbrowser.storage.services.s3.config import S3Config
    from dalbrowser.storage.services.s3.core import S3Core


class Neighbours:
    """The other buckets, each looked at when it is first needed."""

    def __init__(self, core: S3Core) -> None:
        self._core = core
        self._known: dict[str, tuple[S3Core, ExactKeys]] = {}

    def core(self, bucket: str) -> S3Core:
        """Return what sends requests to another bucket."""
        return self._of(bucket)[0]

    async def require_read(self, bucket: str, key: str) -> None:
        """Raise when a request that names ``key`` there would be answered from another object."""
        await self._of(bucket)[1].require_read(key)

    def _of(self, bucket: str) -> tuple[S3Core, ExactKeys]:
        if bucket not in self._known:
            core = self._core.beside(bucket)
            self._known[bucket] = core, ExactKeys(core, "")
        return self._known[bucket]


def server_of(config: S3Config) -> str:
    """Return which server a connection reaches; the same text is the same server."""
    if not config.endpoint:
        return "aws-cn" if config.region.startswith("cn-") else "aws"
    return str(service_origin(config, config.region)).lower() + endpoint_path(config)


def account_of(config: S3Config) -> str:
    """Return a text that is the same for connections with the same keys, and tells none of them."""
    who = (config.credentials, config.access_key_id, config.profile)
    return hashlib.sha256("\0".join(who).encode("utf-8", "surrogatepass")).hexdigest()[:16]
