"""Keys that a server might take for others, and the proof that this one does not.

A server on top of a file system reads ``a/../b`` and ``a//b`` as ``b`` and ``a/b``, even
when the request was sent exactly (measured with rclone serve s3 1.75). A delete would then
hit another object. So before the first request for such a key, an object that exists is
asked for by a path that only such a server resolves to it. Invariant: until the server
has passed, no request with such a key leaves.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.services.s3 import replies
from dalbrowser.storage.services.s3.core import Ask

if TYPE_CHECKING:
    from dalbrowser.storage.services.s3.core import S3Core


def is_ambiguous(key: str) -> bool:
    """Whether a key has ``.``, ``..`` or empty segments (one final slash is none)."""
    segments = key.split("/")
    if len(segments) > 1 and not segments[-1]:
        segments.pop()
    return any(segment in {"", ".", ".."} for segment in segments)


class ExactKeys:
    """Asks the server once whether it keeps such keys apart."""

    def __init__(self, core: S3Core) -> None:
        self._core = core
        self._verdict: bool | None = True if core.config.exact_keys == "send" else None
        if core.config.exact_keys == "refuse":
            self._verdict = False
        self._lock = asyncio.Lock()

    async def require(self, key: str) -> None:
        """Raise ``Unsupported`` when the server would take ``key`` for another."""
        if self._verdict is True or not is_ambiguous(key):
            return
        async with self._lock:
            if self._verdict is None:
                self._verdict = await self._probe()
        if self._verdict is False:
            raise StorageError(
                ErrorKind.UNSUPPORTED,
                "This server was not found to keep '.', '..' and empty segments of keys apart, so"
                " the request could touch another object; nothing was sent. Use another name, or"
                " set exact_keys to 'send' where you know that it does.",
            )

    async def _probe(self) -> bool | None:
        """Ask for an existing object by another name; ``None`` when there is no object yet.

        In an empty bucket there is nothing that could be hit, and nothing is concluded.
        """
        query = [("list-type", "2"), ("max-keys", "50"), ("encoding-type", "url")]
        _, text = await self._core.call(Ask("GET", act="list the bucket", query=query))
        entries, _ = replies.listing(text, "")
        known = next(
            (e.path for e in entries if e.metadata.is_file and not is_ambiguous(e.path)), ""
        )
        if not known:
            return None
        alias = f"{uuid.uuid4().hex}/..//./{known}"
        try:
            await self._core.call(Ask("HEAD", alias, act="read objects"))
        except StorageError as error:
            return error.kind is ErrorKind.NOT_FOUND
        return False
