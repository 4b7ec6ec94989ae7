"""Listings of objects, versions, uploads, parts and buckets, page by page.

Invariant: pages come in the server's order and none is skipped; a page is parsed off the
loop when it is large.
"""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from dalbrowser.storage import oio
from dalbrowser.storage.errors import StorageError
from dalbrowser.storage.services.s3 import replies
from dalbrowser.storage.services.s3.ahead import AheadLister, Source
from dalbrowser.storage.services.s3.core import Ask
from dalbrowser.storage.services.s3.headers import customer_key
from dalbrowser.storage.types import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dalbrowser.storage.options import OpList, OpListMultiparts, OpListParts
    from dalbrowser.storage.services.s3.core import S3Core
    from dalbrowser.storage.types import Bucket, MultipartUpload, Part

T = TypeVar("T")

_NONE: Mapping[str, str] = MappingProxyType({})
_PARSE_HERE = 16 * 1024
"""Bytes up to which a page is parsed on the loop (under 1 ms)."""
_JOIN = "\0"
"""Joins two markers into one token; XML cannot carry it, so no marker holds it."""


class Listings:
    """Every listing of one bucket."""

    def __init__(self, core: S3Core, root: str) -> None:
        self._core = core
        self._root = root

    def objects(self, path: str, args: OpList) -> AheadLister:
        """List a folder or a prefix."""
        if args.versions or args.deleted:
            return AheadLister(self._versions(path, args))
        if self._core.config.list_version == "1":
            return AheadLister(self._objects_v1(path, args))
        return AheadLister(self._objects(path, args))

    async def probe(self) -> None:
        """Make the cheapest listing."""
        await self._get(
            [("list-type", "2"), ("max-keys", "1"), ("prefix", self._root)], "list the bucket"
        )

    async def exists(self, path: str) -> bool:
        """Whether any key begins with ``path``."""
        first = self._core.config.list_version == "1"
        query = [("max-keys", "1"), ("prefix", self._root + path), ("encoding-type", "url")]
        if not first:
            query.append(("list-type", "2"))
        text = await self._get(query, "list the bucket")
        return bool(replies.listing(text, self._root, path=path, first=first)[0])

    def uploads(self, path: str, args: OpListMultiparts) -> oio.Pager[Sequence[MultipartUpload]]:
        """List incomplete uploads by prefix."""

        async def fetch(token: str | None) -> tuple[Sequence[MultipartUpload], str | None]:
            query = [("uploads", ""), ("prefix", self._root + path)]
            query += _limit("max-uploads", args.limit)
            query += _markers(token, "key-marker", "upload-id-marker")
            try:
                text = await self._get(query, "list uploads")
            except StorageError as error:
                # So rclone serve s3 (1.75) answers while no upload was ever begun there.
                if error.context.get("code") == "NoSuchUpload":
                    return [], None
                raise
            try:
                found, markers = await _off_loop(
                    text, lambda: replies.uploads(text, self._root, path=path, encoded=False)
                )
            except StorageError:
                # A key that XML cannot carry is among them. Encoding is not asked for at
                # once, because Ceph 16 does not say whether it encoded.
                again = await self._get([*query, ("encoding-type", "url")], "list uploads")
                found, markers = await _off_loop(
                    again, lambda: replies.uploads(again, self._root, path=path, encoded=True)
                )
            return found, _JOIN.join(markers) if markers else None

        return oio.Pager(fetch)

    def parts(self, key: str, args: OpListParts) -> oio.Pager[Sequence[Part]]:
        """List the parts of one upload."""

        async def fetch(token: str | None) -> tuple[Sequence[Part], str | None]:
            query = [("uploadId", args.upload_id), *_limit("max-parts", args.limit)]
            if token is not None:
                query.append(("part-number-marker", token))
            # Needed where the upload has checksums (S3 API Reference, ListParts).
            sealed = customer_key(self._core.config)
            text = await self._get(query, "list parts", key, sealed)
            return await _off_loop(text, lambda: replies.parts(text))

        return oio.Pager(fetch)

    async def buckets(self) -> list[Bucket]:
        """List every bucket that the key may see."""
        found: list[Bucket] = []
        progress = oio.Progress()
        while True:
            query = [("continuation-token", progress.last)] if progress.last else []
            text = await self._core.call_service(query, act="list buckets")
            page, following = replies.buckets(text)
            found += page
            if not following:
                return found
            progress.require(following)
            progress.move(following)

    def _objects(self, path: str, args: OpList) -> Source:
        async def get(token: str | None) -> bytes:
            query = [("list-type", "2"), *self._common(path, args)]
            if token is not None:
                query.append(("continuation-token", token))
            elif args.start_after is not None:
                query.append(("start-after", self._root + args.start_after))
            return await self._get(query, "list the bucket")

        async def read(text: bytes) -> tuple[Page, str | None]:
            entries, following = await _off_loop(
                text, lambda: replies.listing(text, self._root, path=path)
            )
            return Page(entries), following

        return Source(get, read, replies.likely_token)

    def _objects_v1(self, path: str, args: OpList) -> Source:
        async def get(token: str | None) -> bytes:
            query = self._common(path, args)
            marker = token
            if marker is None and args.start_after is not None:
                marker = self._root + args.start_after
            if marker is not None:
                query.append(("marker", marker))
            return await self._get(query, "list the bucket")

        async def read(text: bytes) -> tuple[Page, str | None]:
            entries, following = await _off_loop(
                text, lambda: replies.listing(text, self._root, path=path, first=True)
            )
            return Page(entries), following

        return Source(get, read)

    def _versions(self, path: str, args: OpList) -> Source:
        async def get(token: str | None) -> bytes:
            query = [("versions", ""), *self._common(path, args)]
            if token is not None:
                query += _markers(token, "key-marker", "version-id-marker")
            elif args.start_after is not None:
                query.append(("key-marker", self._root + args.start_after))
            return await self._get(query, "list versions")

        async def read(text: bytes) -> tuple[Page, str | None]:
            entries, markers = await _off_loop(
                text,
                lambda: replies.versions(
                    text, self._root, path=path, all_versions=args.versions, deleted=args.deleted
                ),
            )
            if args.start_after is not None:
                # Ceph 16 lists the marker's own versions too; on AWS this drops nothing.
                entries = [entry for entry in entries if entry.path > args.start_after]
            return Page(entries), _JOIN.join(markers) if markers else None

        return Source(get, read)

    def _common(self, path: str, args: OpList) -> list[tuple[str, str]]:
        query = [("prefix", self._root + path), ("encoding-type", "url")]
        query += _limit("max-keys", args.limit)
        if not args.recursive:
            query.append(("delimiter", "/"))
        return query

    async def _get(
        self,
        query: list[tuple[str, str]],
        act: str,
        key: str = "",
        headers: Mapping[str, str] = _NONE,
    ) -> bytes:
        _, text = await self._core.call(Ask("GET", key, act=act, query=query, headers=headers))
        return text


def _limit(name: str, limit: int | None) -> list[tuple[str, str]]:
    """Write the size of a page; servers take at most 1,000."""
    return [] if limit is None else [(name, str(min(max(limit, 1), 1000)))]


def _markers(token: str | None, first: str, second: str) -> list[tuple[str, str]]:
    if token is None:
        return []
    key, _, other = token.partition(_JOIN)
    return [(first, key), (second, other)] if other else [(first, key)]


async def _off_loop(text: bytes, parse: Callable[[], T]) -> T:
    return parse() if len(text) <= _PARSE_HERE else await asyncio.to_thread(parse)
