"""The store behind the service ``memory``: keys in order, versions, uploads in progress.

Invariants: ``keys`` is sorted and holds exactly the keys of ``objects``; the newest version
is last in its list; every method is atomic, also between threads.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, insort
from dataclasses import field, replace
from datetime import UTC, datetime
from hashlib import md5
from threading import RLock
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.types import EntryMode, Metadata, Metakey, Part
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dalbrowser.storage.options import OpCreateMultipart, OpWrite

_shared: dict[str, Store] = {}
_shared_lock = RLock()


@record()
class Stored:
    """One version of an object, or a delete marker (``data`` is ``None``)."""

    data: bytes | None
    metadata: Metadata


@record(frozen=False)
class Upload:
    """A multipart upload in progress."""

    key: str
    args: OpCreateMultipart
    initiated: datetime
    parts: dict[int, tuple[Part, bytes]] = field(default_factory=dict)


def shared_store(name: str) -> Store:
    """Return the store of that name, or a new one of its own when it has no name."""
    if not name:
        return Store()
    with _shared_lock:
        return _shared.setdefault(name, Store())


def etag_of(data: bytes) -> str:
    """Return the ETag that S3 gives to an object written in one request: its MD5, quoted."""
    return f'"{md5(data, usedforsecurity=False).hexdigest()}"'


def etag_of_parts(parts: Sequence[Part]) -> str:
    """Return the ETag that S3 gives to a multipart object: MD5 of MD5s, dash, count."""
    digests = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
    return f'"{md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"'


class Store:
    """Objects by key. All times are now, all versions count up."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.keys: list[str] = []
        self.objects: dict[str, list[Stored]] = {}
        self.uploads: dict[str, Upload] = {}
        self._count = itertools.count(1)

    def next_id(self) -> str:
        """Return an id that was not given before; later ids sort after earlier ones."""
        return f"{next(self._count):012d}"

    def current(self, key: str) -> Stored | None:
        """Return the newest version unless it is a delete marker."""
        versions = self.objects.get(key)
        if not versions or versions[-1].data is None:
            return None
        return versions[-1]

    def get(self, key: str, version: str | None) -> Stored:
        """Return one version, the current one by default; raise ``NotFound``."""
        with self.lock:
            found = self.current(key)
            if version is not None:
                found = next(
                    (v for v in self.objects.get(key, ()) if v.metadata.version == version), None
                )
            if found is None or found.data is None:
                raise not_found()
            return found

    def put(
        self,
        key: str,
        data: bytes,
        headers: OpWrite | OpCreateMultipart,
        *,
        etag: str,
        versioning: bool,
        check: Callable[[Stored | None], None],
    ) -> Metadata:
        """Store an object, unless ``check`` of the current version raises."""
        with self.lock:
            check(self.current(key))
            metadata = Metadata(
                mode=EntryMode.DIR if key.endswith("/") else EntryMode.FILE,
                content_length=len(data),
                content_type=headers.content_type,
                content_encoding=headers.content_encoding,
                content_disposition=headers.content_disposition,
                cache_control=headers.cache_control,
                etag=etag,
                last_modified=datetime.now(UTC),
                version=self.next_id() if versioning else None,
                storage_class=headers.storage_class,
                user_metadata=dict(headers.user_metadata),
                known=Metakey.COMPLETE,
            )
            self._add(key, Stored(data, metadata), versioning=versioning)
            return metadata

    def put_copy(self, key: str, source: Stored, *, versioning: bool) -> Metadata:
        """Store ``source`` under another key, headers and all."""
        with self.lock:
            metadata = replace(
                source.metadata,
                last_modified=datetime.now(UTC),
                version=self.next_id() if versioning else None,
            )
            self._add(key, Stored(source.data, metadata), versioning=versioning)
            return metadata

    def _add(self, key: str, stored: Stored, *, versioning: bool) -> None:
        versions = self.objects.get(key)
        if versions is None:
            insort(self.keys, key)
            self.objects[key] = [stored]
        elif versioning:
            versions.append(stored)
        else:
            self.objects[key] = [stored]

    def delete(
        self,
        key: str,
        version: str | None,
        *,
        versioning: bool,
        check: Callable[[Stored | None], None],
    ) -> None:
        """Delete for good, or leave a delete marker where versions are kept."""
        with self.lock:
            check(self.current(key))
            versions = self.objects.get(key, [])
            if not versions and not (versioning and version is None):
                return
            if version is not None:
                self._keep(key, [v for v in versions if v.metadata.version != version])
            elif versioning:
                # Also of what never was, as S3 does (S3 User Guide, "Working with delete markers").
                marker = Metadata(
                    mode=EntryMode.FILE,
                    last_modified=datetime.now(UTC),
                    version=self.next_id(),
                    is_deleted=True,
                    known=Metakey.COMPLETE,
                )
                self._add(key, Stored(None, marker), versioning=True)
            else:
                self._keep(key, [])

    def _keep(self, key: str, versions: list[Stored]) -> None:
        if versions:
            self.objects[key] = versions
            return
        del self.objects[key]
        at = bisect_left(self.keys, key)
        del self.keys[at]


def not_found(message: str = "There is no such object; check the path.") -> StorageError:
    """Return the error for a key or an upload that is not there."""
    return StorageError(ErrorKind.NOT_FOUND, message)
