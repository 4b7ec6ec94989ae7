"""Between S3's headers and this library's metadata and options.

Invariant: a header value sent is visible ASCII; user metadata beyond that travels in
RFC 2047 words, which is how S3 itself returns it (S3 User Guide, "Working with object
metadata").
"""

from __future__ import annotations

import base64
import hashlib
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.net import dates
from dalbrowser.storage.net.sigv4 import query_string
from dalbrowser.storage.services.s3 import checksums as algorithms
from dalbrowser.storage.types import EntryMode, Metadata, Metakey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dalbrowser.storage.options import OpCreateMultipart, OpRead, OpStat, OpWrite
    from dalbrowser.storage.services.s3.config import S3Config

_META = "x-amz-meta-"
_KNOWN = Metakey.COMPLETE | Metakey.MODE
_CHECKSUMS = {name: f"x-amz-checksum-{name}" for name in algorithms.NAMES}


def metadata(headers: Mapping[str, str], *, length: int | None = None) -> Metadata:
    """Read the metadata of a whole object from the reply to a GET or HEAD.

    ``length`` is the whole object's, where ``content-length`` is only a range's.
    """
    size = headers.get("content-length", "")
    user = {
        name[len(_META) :]: _decoded(headers[name]) for name in headers if name.startswith(_META)
    }
    return Metadata(
        mode=EntryMode.FILE,
        content_length=length if length is not None else (int(size) if size.isdecimal() else None),
        content_type=headers.get("content-type"),
        content_encoding=headers.get("content-encoding"),
        content_disposition=headers.get("content-disposition"),
        cache_control=headers.get("cache-control"),
        content_md5=headers.get("content-md5"),
        content_range=headers.get("content-range"),
        etag=headers.get("etag"),
        last_modified=dates.from_http(headers.get("last-modified")),
        version=version(headers),
        is_deleted=headers.get("x-amz-delete-marker") == "true",
        storage_class=headers.get("x-amz-storage-class", "STANDARD"),
        user_metadata=user,
        checksums=checksums(headers),
        known=_KNOWN,
    )


require_checksum = algorithms.require


def version(headers: Mapping[str, str]) -> str | None:
    """Return the version id, where the bucket has versions."""
    return headers.get("x-amz-version-id") or None


def checksums(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the checksums that the server tells, by algorithm."""
    found = {name: headers[text] for name, text in _CHECKSUMS.items() if text in headers}
    if not found:
        return {}
    return algorithms.told(found, headers.get("x-amz-checksum-type"), headers.get("etag"))


def conditions(args: OpRead | OpStat) -> dict[str, str]:
    """Write the conditions of a read or a stat."""
    found: dict[str, str] = {}
    if args.if_match is not None:
        found["if-match"] = args.if_match
    if args.if_none_match is not None:
        found["if-none-match"] = args.if_none_match
    if args.if_modified_since is not None:
        found["if-modified-since"] = dates.to_http(args.if_modified_since)
    if args.if_unmodified_since is not None:
        found["if-unmodified-since"] = dates.to_http(args.if_unmodified_since)
    return found


def as_stored(config: S3Config) -> dict[str, str]:
    """Write what makes a server send bytes as they are stored, where it would unpack them."""
    return {"accept-encoding": "gzip"} if config.unpacks_gzip else {}


def require_asked(args: OpRead | OpStat, reply: Mapping[str, str]) -> None:
    """Raise ``ConditionNotMatch`` when a server that ignores conditions sent another version.

    rclone serve s3 does. A reply without an ETag cannot be judged here.
    """
    etag = reply.get("etag", "").strip()
    if not etag:
        return
    if args.if_none_match is None and args.if_match in (None, etag):
        return
    found = {etag, etag.strip('"'), "*"}
    wanted, unwanted = _etags(args.if_match), _etags(args.if_none_match)
    if (wanted and not wanted & found) or unwanted & found:
        raise StorageError(
            ErrorKind.CONDITION_NOT_MATCH,
            "The object is not as the condition demands: it was changed, or exists already."
            " (The server ignored the condition; its reply was not used.)",
        )


def _etags(condition: str | None) -> set[str]:
    return {item.strip() for item in (condition or "").split(",") if item.strip()}


def read_query(args: OpRead | OpStat) -> list[tuple[str, str]]:
    """Write the overrides and the version of a read or a stat."""
    given = (
        ("response-cache-control", args.override_cache_control),
        ("response-content-disposition", args.override_content_disposition),
        ("response-content-type", args.override_content_type),
        ("versionId", args.version),
    )
    return [(name, value) for name, value in given if value is not None]


def object_headers(config: S3Config, args: OpWrite | OpCreateMultipart) -> dict[str, str]:
    """Write what a new object is to have: its headers, metadata, class, tags, encryption."""
    found: dict[str, str] = {}
    plain = (
        ("content-type", args.content_type),
        ("content-disposition", args.content_disposition),
        ("content-encoding", args.content_encoding),
        ("cache-control", args.cache_control),
        ("x-amz-acl", args.acl),
        ("x-amz-storage-class", args.storage_class or config.storage_class or None),
        ("x-amz-server-side-encryption", config.server_side_encryption or None),
        ("x-amz-server-side-encryption-aws-kms-key-id", config.sse_kms_key_id or None),
    )
    for name, value in plain:
        if value is not None:
            found[name] = _visible(name, value)
    for name, value in args.user_metadata.items():
        found[_META + _meta_name(name)] = _encoded(value)
    if args.tags:
        found["x-amz-tagging"] = query_string(args.tags.items())
    return found | customer_key(config)


def write_conditions(config: S3Config, args: OpWrite) -> dict[str, str]:
    """Write the conditions of a PUT."""
    found: dict[str, str] = {}
    if args.if_not_exists:
        found["if-none-match"] = "*"
    elif args.if_none_match is not None:
        found["if-none-match"] = args.if_none_match
    if args.if_match is not None:
        found["if-match"] = match_value(config, args.if_match)
    return found


def match_value(config: S3Config, etag: str) -> str:
    """Write the ETag of a conditional write as the server wants it."""
    return etag if config.quoted_if_match else etag.strip('"')


def customer_key(config: S3Config, prefix: str = "") -> dict[str, str]:
    """Write the headers of a customer's own key (SSE-C); ``prefix`` for a copy's source."""
    if not config.sse_customer_key:
        return {}
    try:
        raw = base64.b64decode(config.sse_customer_key, validate=True)
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise StorageError(
            ErrorKind.CONFIG_INVALID, "The customer key must be the base64 of 32 bytes."
        )
    name = f"x-amz-{prefix}server-side-encryption-customer"
    digest = hashlib.md5(raw, usedforsecurity=False).digest()
    return {
        f"{name}-algorithm": "AES256",
        f"{name}-key": config.sse_customer_key,
        f"{name}-key-md5": base64.b64encode(digest).decode(),
    }


def _visible(name: str, value: str) -> str:
    """Return ``value`` if a header can carry it: no line ends, nothing outside ASCII."""
    if not value.isascii() or not value.isprintable():
        raise StorageError(
            ErrorKind.INVALID_INPUT,
            f"{name!r} can hold visible ASCII characters only; nothing was sent."
            " Percent-encode the others (RFC 8187).",
        )
    return value


def _meta_name(name: str) -> str:
    lowered = name.lower()
    if not lowered or not all(c.isalnum() or c in "-_." for c in lowered) or not name.isascii():
        raise StorageError(
            ErrorKind.INVALID_INPUT,
            f"{name!r} cannot name user metadata: use ASCII letters, digits, '-', '_', '.'.",
        )
    return lowered


def _encoded(value: str) -> str:
    if value.isascii() and value.isprintable() and value == value.strip() and "=?" not in value:
        return value
    return f"=?UTF-8?B?{base64.b64encode(value.encode()).decode()}?="


def _decoded(value: str) -> str:
    if "=?" not in value:
        return value
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, UnicodeError, ValueError):
        return value
