"""Keys that a server might take for others, and the proof that this one does not.

A server on top of a file system reads ``a/../b`` and ``a//b`` as ``b`` and ``a/b``, and
``a/`` as ``a``, even when the request was sent exactly (measured with rclone serve s3 1.75:
a delete of ``a/`` deletes ``a``, a folder's empty object becomes the file ``a``). So before
the first request for such a key, an object that exists is asked for by a name that only such
a server resolves to it. Invariants: until the server has passed, no request with such a key
leaves; where no object can serve for the question, a final slash is written only after it
was seen to be kept by a name that is nobody else's.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError
from dalbrowser.storage.options import OpDelete, OpWrite
from dalbrowser.storage.services.s3 import deleter, headers, replies
from dalbrowser.storage.services.s3.core import Ask
from dalbrowser.storage.services.s3.put import put

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dalbrowser.storage.services.s3.core import S3Core

_CANDIDATES = 50
"""Keys listed to find one that can serve; some may be too long or odd themselves."""
_LONGEST = 900
"""Bytes of a key that still leave room for an alias below S3's limit of 1,024."""
_EITHER = frozenset({ErrorKind.PERMISSION_DENIED})
"""What an object that exists may answer beside its metadata."""


def is_ambiguous(key: str) -> bool:
    """Whether a key has ``.``, ``..`` or empty segments (one final slash is none)."""
    text = f"/{key}" if key.endswith("/") else f"/{key}/"
    return "//" in text or "/./" in text or "/../" in text


class ExactKeys:
    """Asks the server once whether it keeps such keys apart: dots, and a final slash.

    A verdict is ``None`` until it is known; Amazon's own servers need no question.
    """

    def __init__(self, core: S3Core, root: str) -> None:
        self._core = core
        self._root = root
        setting = core.config.exact_keys
        known = {"send": True, "refuse": False}.get(setting, None if core.config.endpoint else True)
        self._segments: bool | None = known
        self._slashes: bool | None = known
        self._lock = asyncio.Lock()

    async def require_read(self, key: str) -> None:
        """Raise when a reading request for ``key`` would be answered from another object.

        A key with a slash on a server that keeps none is ``NotFound``: it cannot exist.
        """
        await self._require_segments(key)
        if key.endswith("/") and await self._keeps_slashes() is False:
            raise StorageError(
                ErrorKind.NOT_FOUND,
                "There is no such object: this server keeps no keys that end in '/'.",
            )

    async def require_write(self, key: str) -> None:
        """Raise ``Unsupported`` when a write to ``key`` could touch another object."""
        await self._require_segments(key)
        if not key.endswith("/"):
            return
        if await self._keeps_slashes() is None:
            async with self._lock:
                if self._slashes is None:
                    self._slashes = await self._mark(key)
        if self._slashes is False:
            raise StorageError(
                ErrorKind.UNSUPPORTED,
                "This server keeps no empty folders: it takes a key that ends in '/' for the"
                " object without it. Nothing was written; upload a file into the folder instead.",
            )

    async def may_delete(self, key: str, args: OpDelete) -> bool:
        """Whether a delete of ``key`` has to be sent; ``False`` where it cannot exist.

        Raises ``Unsupported`` when it could hit another object.
        """
        await self._require_segments(key)
        if not key.endswith("/"):
            return True
        kept = await self._keeps_slashes()
        # With nothing listed there is nothing to delete but a version, which its id names.
        return kept is True or (kept is None and args.version is not None)

    async def _require_segments(self, key: str) -> None:
        if self._segments is True or not is_ambiguous(key):
            return
        async with self._lock:
            if self._segments is None:
                self._segments = await self._segments_kept()
        if self._segments is False:
            raise StorageError(
                ErrorKind.UNSUPPORTED,
                "This server was not found to keep '.', '..' and empty segments of keys apart, so"
                " the request could touch another object; nothing was sent. Use another name, or"
                " set exact_keys to 'send' where you know that it does.",
            )

    async def _keeps_slashes(self) -> bool | None:
        async with self._lock:
            if self._slashes is None:
                self._slashes = await self._slashes_kept()
        return self._slashes

    async def _segments_kept(self) -> bool | None:
        """Ask for an existing object by another name; ``None`` when there is no object yet.

        In an empty bucket there is nothing that could be hit, and nothing is concluded.
        """
        keys = [key for key in await self._keys("") if not is_ambiguous(key)]
        return await self._told_apart(
            [key for key in keys if not key.endswith("/")],
            lambda key: f"{os.urandom(16).hex()}/..//./{key}",
            self._never,
        )

    async def _slashes_kept(self) -> bool | None:
        """Ask for an existing object with a slash behind it; ``None`` when there is none yet."""
        keys = await self._keys(self._root)
        if any(key.endswith("/") for key in keys):
            return True  # The server tells such a key itself.
        return await self._told_apart(keys, lambda key: f"{key}/", self._is_listed)

    async def _told_apart(
        self,
        keys: list[str],
        alias: Callable[[str], str],
        exists: Callable[[str], Awaitable[bool]],
    ) -> bool | None:
        """Whether the server answers for a key, and not for its alias that ``exists`` denies."""
        usable = [key for key in keys if len(key.encode()) <= _LONGEST]
        if not usable:
            return None
        for key in usable[:3]:
            other = alias(key)
            if await self._answers(other):
                return await exists(other)
            if await self._answers(key):
                return True
        raise StorageError(
            ErrorKind.UNEXPECTED,
            "Objects vanished while it was being checked whether this server keeps keys apart;"
            " nothing was sent. Try again.",
            status=ErrorStatus.TEMPORARY,
        )

    async def _answers(self, key: str) -> bool:
        asked = headers.customer_key(self._core.config)
        try:
            await self._core.call(Ask("HEAD", key, act="read objects", headers=asked))
        except StorageError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                return False
            if error.is_temporary:
                raise
            if error.kind not in _EITHER:
                raise self._undecided(error) from error
        return True

    async def _never(self, key: str) -> bool:
        return False

    async def _is_listed(self, key: str) -> bool:
        return key in await self._keys(key, limit=1)

    async def _keys(self, prefix: str, limit: int = _CANDIDATES) -> list[str]:
        """List the first exact keys below ``prefix``."""
        query = [("max-keys", str(limit)), ("encoding-type", "url"), ("prefix", prefix)]
        first = self._core.config.list_version == "1"
        if not first:
            query.append(("list-type", "2"))
        try:
            _, text = await self._core.call(Ask("GET", act="list the bucket", query=query))
        except StorageError as error:
            if error.kind is ErrorKind.PERMISSION_DENIED:
                raise self._undecided(error) from error
            raise
        return [entry.path for entry in replies.listing(text, "", first=first)[0]]

    async def _mark(self, key: str) -> bool:
        """Write an empty object with a slash and a name of its own; see it listed; remove it."""
        name = f"{key[: key[:-1].rfind('/') + 1]}.dalbrowser-{os.urandom(16).hex()}"
        version: str | None = None
        listed: list[str] = [f"{name}/"]
        try:
            version = (await put(self._core, f"{name}/", [], OpWrite())).version
            listed = await self._keys(name)
        finally:
            for each in listed or [f"{name}/"]:
                await self._remove(each, version)
        return listed == [f"{name}/"]

    async def _remove(self, key: str, version: str | None) -> None:
        try:
            await deleter.delete(self._core, key, OpDelete(version=version))
        except StorageError as error:
            # Who may write and not delete leaves one empty object, and the next look finds it.
            if error.kind is not ErrorKind.PERMISSION_DENIED:
                raise

    def _undecided(self, why: StorageError) -> StorageError:
        return StorageError(
            ErrorKind.UNSUPPORTED,
            "It could not be checked whether this server keeps such a key apart from others"
            f" ({why.message}) so nothing was sent. Allow the key to list the bucket, or set"
            " exact_keys to 'send' where you know that the server does.",
        )
