"""S3's XML replies, read into this library's types.

Invariants: a listing that says it goes on but not where is an error, never an end; keys
are decoded exactly when the server says that it encoded them.
"""

from __future__ import annotations

import re
from sys import intern
from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import unquote_to_bytes

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.net import dates, xml
from dalbrowser.storage.types import (
    Bucket,
    Entry,
    EntryMode,
    Metadata,
    Metakey,
    MultipartUpload,
    Part,
)
from dalbrowser.utils.yielding import give_way

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET
    from collections.abc import Mapping

LISTED = (
    Metakey.MODE
    | Metakey.CONTENT_LENGTH
    | Metakey.ETAG
    | Metakey.LAST_MODIFIED
    | Metakey.STORAGE_CLASS
)
"""What a listing brings of each object."""

_NEXT_TOKEN = re.compile(rb"<NextContinuationToken>([\x21-\x25\x27-\x3b\x3d-\x7e]+)</")
"""A token that stands in the XML as it is: visible ASCII, no ``&`` and no ``<``."""

_NOTHING: Mapping[str, str] = MappingProxyType({})
"""Shared by all listed objects: two dicts fewer for each of a million rows."""
_DIGITS = 18
"""Of the longest number taken: all that 63 bits hold."""
_STEP = 100
"""Objects read between two looks at who goes first: 0.5 ms."""
_LISTED_VERSION = LISTED | Metakey.VERSION
_FOLDER = Metakey.COMPLETE | Metakey.MODE


class _Document:
    """A parsed reply, with its namespace known once."""

    def __init__(self, body: bytes, expected: str) -> None:
        self.root = xml.parse(body, f"The reply ({expected})")
        self.space = xml.namespace(self.root)
        # rclone serve s3 writes InitiateMultipartUpload without the Result.
        if xml.local(self.root.tag) not in {expected, expected.removesuffix("Result")}:
            raise StorageError(
                ErrorKind.UNEXPECTED,
                f"The server answered {xml.local(self.root.tag)!r} instead of {expected!r}."
                " Check that the endpoint is an S3 server.",
            )
        self.encoded = self.text("EncodingType") == "url"

    def text(self, name: str) -> str:
        return self.root.findtext(self.space + name) or ""

    def key(self, text: str) -> str:
        """Decode a key: S3's url encoding is that of forms, where ``+`` is a space."""
        if not self.encoded:
            return text
        return form_decoded(text)

    def all(self, name: str) -> list[ET.Element]:
        return self.root.findall(self.space + name)

    def of(self, item: ET.Element, name: str) -> str:
        return item.findtext(self.space + name) or ""

    @property
    def truncated(self) -> bool:
        return self.text("IsTruncated") == "true"

    def token(self, name: str) -> str | None:
        """Return the opaque token of the next page, or ``None`` when this was the last."""
        if not self.truncated:
            return None
        return self.text(name) or self._lost()

    def marker(self, name: str, last: str) -> str | None:
        """Return the key from which the next page goes on, or ``None`` when this was the last.

        ``last`` is the greatest key or prefix of this page. Ceph 16 leaves its markers
        unencoded beside encoded keys, so the marker is read the way that makes it ``last``.
        """
        if not self.truncated:
            return None
        text = self.text(name)
        if last and text in {"", last}:
            return last
        return self.key(text) or self._lost()

    def _lost(self) -> NoReturn:
        raise StorageError(
            ErrorKind.UNEXPECTED,
            "The server says that the listing goes on, but not from where; the rest cannot"
            " be listed. Report it to whoever runs the server.",
        )


def listing(
    body: bytes, root: str, *, path: str = "", first: bool = False
) -> tuple[list[Entry], str | None]:
    """Read a ListObjects(V2) page: entries relative to ``root``, and the next token.

    ``path`` under the root is what was listed. ``first`` reads the reply of version 1, whose
    token is a key.
    """
    document = _Document(body, "ListBucketResult")
    entries = _objects(document, root, root + path)
    _add_prefixes(document, root, root + path, entries)
    if not first:
        return entries, document.token("NextContinuationToken")
    last = root + entries[-1].path if entries else ""
    return entries, document.marker("NextMarker", last)


def likely_token(body: bytes) -> str | None:
    """Return what a glance takes for the next token of a ListObjectsV2 page, before parsing it.

    A parse takes 7 ms of 1,000 keys; meanwhile the server can be at the next page.
    """
    found = _NEXT_TOKEN.search(body)
    return found[1].decode() if found is not None else None


def _require_asked(key: str, prefix: str) -> None:
    """Raise when a key was not asked for: who deletes what is listed would delete it too."""
    if not key.startswith(prefix):
        raise StorageError(
            ErrorKind.UNEXPECTED,
            f"The server listed {key!r}, and only what begins with {prefix!r} was asked for;"
            " nothing of its answer was used. Perhaps a cache or proxy before it answers for"
            " another request.",
        )


def _objects(document: _Document, root: str, prefix: str) -> list[Entry]:
    """Read the objects of a page, whose keys begin with ``prefix``, relative to ``root``."""
    space, cut = document.space, len(root)
    wanted = space + "Contents"
    key, size, etag = space + "Key", space + "Size", space + "ETag"
    modified, stored = space + "LastModified", space + "StorageClass"
    decode, when = document.key, dates.from_iso
    entries: list[Entry] = []
    for number, item in enumerate(document.root):
        if number % _STEP == 0:
            give_way()
        if item.tag != wanted:
            continue
        found = {child.tag: child.text for child in item}
        name = decode(found.get(key) or "")
        if not name.startswith(prefix):
            _require_asked(name, prefix)
        path = name[cut:]
        length = found.get(size) or ""
        entries.append(
            Entry(
                path,
                Metadata(
                    mode=EntryMode.DIR if not path or path[-1] == "/" else EntryMode.FILE,
                    content_length=_size(length),
                    etag=quoted(found.get(etag)),
                    last_modified=when(found.get(modified)),
                    storage_class=intern(found.get(stored) or "STANDARD"),
                    user_metadata=_NOTHING,
                    checksums=_NOTHING,
                    known=LISTED,
                ),
            )
        )
    return entries


def _size(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= _DIGITS else None


def _add_prefixes(document: _Document, root: str, asked: str, entries: list[Entry]) -> None:
    """Add the common prefixes as folders, in their place by key."""
    prefixes = document.all("CommonPrefixes")
    if not prefixes:
        return
    for item in prefixes:
        name = document.key(document.of(item, "Prefix"))
        _require_asked(name, asked)
        entries.append(Entry(name[len(root) :], Metadata(mode=EntryMode.DIR, known=_FOLDER)))
    # Code points order as S3's UTF-8 bytes do.
    entries.sort(key=lambda entry: entry.path)


def versions(
    body: bytes, root: str, *, path: str = "", all_versions: bool, deleted: bool
) -> tuple[list[Entry], tuple[str, str] | None]:
    """Read a ListObjectVersions page: entries, and the next key and version markers."""
    document = _Document(body, "ListVersionsResult")
    entries: list[Entry] = []
    last = ""
    kinds = {document.space + "Version": False, document.space + "DeleteMarker": True}
    for item in document.root:
        gone = kinds.get(item.tag)
        if gone is None:
            continue
        last = document.key(document.of(item, "Key"))
        _require_asked(last, root + path)
        if gone and not deleted:
            continue
        latest = document.of(item, "IsLatest") == "true"
        if not latest and not all_versions:
            continue
        size = document.of(item, "Size")
        entries.append(
            Entry(
                last[len(root) :],
                Metadata(
                    mode=EntryMode.DIR if last.endswith("/") else EntryMode.FILE,
                    content_length=None if gone else _size(size),
                    etag=quoted(document.of(item, "ETag")),
                    last_modified=dates.from_iso(document.of(item, "LastModified")),
                    storage_class=document.of(item, "StorageClass") or None,
                    version=document.of(item, "VersionId") or None,
                    is_current=latest,
                    is_deleted=gone,
                    known=_FOLDER if gone else _LISTED_VERSION,
                ),
            )
        )
    _add_prefixes(document, root, root + path, entries)
    if entries and entries[-1].metadata.mode is EntryMode.DIR:
        last = max(last, root + entries[-1].path)
    marker = document.marker("NextKeyMarker", last)
    return entries, None if marker is None else (marker, document.text("NextVersionIdMarker"))


def uploads(
    body: bytes, root: str, *, path: str = "", encoded: bool
) -> tuple[list[MultipartUpload], tuple[str, str] | None]:
    """Read a ListMultipartUploads page, and the next key and upload id markers.

    ``encoded`` says that url encoding was asked for: Ceph 16 obeys and does not say so.
    """
    document = _Document(body, "ListMultipartUploadsResult")
    document.encoded = encoded
    rows = [(document.key(document.of(item, "Key")), item) for item in document.all("Upload")]
    for key, _ in rows:
        _require_asked(key, root + path)
    found = [
        MultipartUpload(
            key[len(root) :],
            document.of(item, "UploadId"),
            dates.from_iso(document.of(item, "Initiated")),
            document.of(item, "StorageClass") or None,
        )
        for key, item in rows
    ]
    last = root + found[-1].path if found else ""
    marker = document.marker("NextKeyMarker", last)
    return found, None if marker is None else (marker, document.text("NextUploadIdMarker"))


def parts(body: bytes) -> tuple[list[Part], str | None]:
    """Read a ListParts page, and the next part-number marker."""
    document = _Document(body, "ListPartsResult")
    found = []
    for item in document.all("Part"):
        sums = {
            xml.local(child.tag)[len("Checksum") :].lower(): child.text
            for child in item
            if xml.local(child.tag).startswith("Checksum") and child.text
        }
        found.append(
            Part(
                _number(document, item, "PartNumber"),
                _number(document, item, "Size"),
                quoted(document.of(item, "ETag")) or "",
                sums,
                dates.from_iso(document.of(item, "LastModified")),
            )
        )
    return found, document.token("NextPartNumberMarker")


def _number(document: _Document, item: ET.Element, name: str) -> int:
    text = document.of(item, name).strip()
    if not text.isdecimal() or len(text) > _DIGITS:
        raise StorageError(
            ErrorKind.UNEXPECTED,
            f"The server listed a part whose {name} is {text[:40]!r}; the parts cannot be relied"
            " on. Report it to whoever runs the server.",
        )
    return int(text)


def buckets(body: bytes) -> tuple[list[Bucket], str | None]:
    """Read a ListBuckets page, and the next continuation token."""
    document = _Document(body, "ListAllMyBucketsResult")
    path = f"{document.space}Buckets/{document.space}Bucket"
    found = [
        Bucket(
            document.of(item, "Name"),
            dates.from_iso(document.of(item, "CreationDate")),
            document.of(item, "BucketRegion") or None,
        )
        for item in document.root.findall(path)
    ]
    return found, document.text("ContinuationToken") or None


def upload_id(body: bytes) -> str:
    """Read the id of a new upload."""
    found = _Document(body, "InitiateMultipartUploadResult").text("UploadId")
    if not found:
        raise StorageError(
            ErrorKind.UNEXPECTED,
            "The server began an upload and did not say its id. Check that it is an S3 server.",
        )
    return found


def result(body: bytes, expected: str) -> dict[str, str]:
    """Read the plain fields of a CopyObject, CopyPart or CompleteMultipartUpload result."""
    document = _Document(body, expected)
    return {xml.local(item.tag): item.text or "" for item in document.root}


def deletions(body: bytes) -> tuple[set[tuple[str, str]], dict[tuple[str, str], tuple[str, str]]]:
    """Read a DeleteObjects result.

    Returns the (key, version) pairs that are gone, and the code and message of those not.
    """
    document = _Document(body, "DeleteResult")
    of = document.of
    gone = {(of(item, "Key"), of(item, "VersionId")) for item in document.all("Deleted")}
    failed = {
        (of(item, "Key"), of(item, "VersionId")): (of(item, "Code"), of(item, "Message"))
        for item in document.all("Error")
    }
    return gone, failed


def quoted(etag: str | None) -> str | None:
    """Return an ETag with its quotes; some servers leave them out of their documents."""
    if not etag or etag[0] == '"' or etag.startswith('W/"'):
        return etag or None
    return f'"{etag}"'


def form_decoded(text: str) -> str:
    """Decode S3's url encoding, which is that of forms: ``+`` is a space.

    ``%2F`` is most of what there is (Ceph encodes slashes too); replacing it first cannot
    go wrong, because a percent sign of the key's own is ``%25``.
    """
    if "+" in text:
        text = text.replace("+", " ")
    if "%" in text:
        text = text.replace("%2F", "/")
        if "%" in text:
            return unquote_to_bytes(text).decode("utf-8", "surrogateescape")
    return text
