"""Where a request for a bucket goes: the origin, and the path up to the key.

Invariant: the key is encoded once, byte for byte, into the path; no part of it is
normalised, and no part of it can reach the host or the query.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.net.message import Origin
from dalbrowser.storage.net.sigv4 import encode
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from dalbrowser.storage.services.s3.config import S3Config

DEFAULT_REGION = "us-east-1"

# S3 User Guide, "General purpose bucket naming rules": what is also a DNS label or name.
_DNS_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")


@record()
class Place:
    """An origin and the encoded path of a bucket in it, with its final slash."""

    origin: Origin
    base: str

    def path(self, key: str) -> str:
        """Return the encoded path of ``key``, exactly."""
        try:
            return self.base + encode(key, slash=True)
        except UnicodeEncodeError:
            raise unencodable(key) from None


def unencodable(text: str) -> StorageError:
    """Return the error for a text with lone surrogates, which UTF-8 cannot write."""
    return StorageError(
        ErrorKind.INVALID_INPUT,
        f"{text!a} holds characters that UTF-8 cannot write; nothing was sent. Rename it.",
    )


def place(config: S3Config, region: str) -> Place:
    """Return where the bucket of ``config`` is, or the service itself without a bucket.

    Raises ``ConfigInvalid`` when the endpoint or the bucket's name cannot be used.
    """
    origin = service_origin(config, region)
    bucket = config.bucket
    base = endpoint_path(config)
    if not bucket:
        return Place(origin, f"{base}/")
    if "/" in bucket or bucket in {".", ".."}:
        raise StorageError(
            ErrorKind.CONFIG_INVALID,
            f"{bucket!r} cannot be a bucket's name; give the name alone, and a prefix as 'root'.",
        )
    if _virtual(config, origin):
        return Place(Origin(origin.scheme, f"{bucket}.{origin.host}", origin.port), f"{base}/")
    return Place(origin, f"{base}/{encode(bucket)}/")


def service_origin(config: S3Config, region: str) -> Origin:
    """Return the endpoint given, or Amazon's own for ``region``."""
    if config.endpoint:
        return Origin.parse(config.endpoint.rstrip("/"))
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return Origin.parse(f"https://s3.{region}.{suffix}")


def endpoint_path(config: S3Config) -> str:
    """Return the encoded path that the endpoint itself has, without a final slash.

    Some servers have S3 below one (Supabase: ``/storage/v1/s3``). The bucket at its end is none
    of it: Cloudflare shows the address of a bucket so. Raises ``ConfigInvalid``.
    """
    split = urlsplit(config.endpoint)
    names = unquote(split.path).strip("/").split("/")
    if split.query or split.fragment or "//" in split.path.rstrip("/") or {".", ".."} & set(names):
        raise StorageError(
            ErrorKind.CONFIG_INVALID,
            f"The endpoint {config.endpoint!r} cannot be used: behind the host only a plain path"
            " may follow. Write it like https://s3.example.com, without '?' and '#'.",
        )
    if config.bucket and names[-1] == config.bucket:
        names.pop()
    return "".join(f"/{encode(name)}" for name in names if name)


def _virtual(config: S3Config, origin: Origin) -> bool:
    """Whether the bucket goes into the host name.

    ``auto``: for Amazon and whoever speaks its dialect by host; not for IP addresses,
    localhost and other own endpoints, nor for dotted buckets over TLS, whose name no
    wildcard certificate covers.
    """
    if config.addressing != "auto":
        if config.addressing == "virtual" and not _DNS_BUCKET.match(config.bucket):
            raise StorageError(
                ErrorKind.CONFIG_INVALID,
                f"The bucket {config.bucket!r} cannot stand in a host name;"
                " choose addressing 'path'.",
            )
        return config.addressing == "virtual"
    try:
        ipaddress.ip_address(origin.host)
    except ValueError:
        pass
    else:
        return False
    if not _DNS_BUCKET.match(config.bucket) or (origin.secure and "." in config.bucket):
        return False
    return origin.host.endswith((".amazonaws.com", ".amazonaws.com.cn"))
