"""What was proven of a transfer: digests recomputed here against what the service answers.

An ETag of 32 hexadecimal digits is an object's MD5, and ``<hex>-<n>`` the MD5 of the MD5s
of n parts, but only without SSE-KMS or SSE-C and on servers that follow AWS. So an equal
ETag is a proof, and an unequal one proves nothing by itself.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from dalbrowser.transfer.model import Integrity, MiB
from dalbrowser.transfer.partplan import PartPlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dalbrowser.storage import Metadata

_MD5 = re.compile(r"[0-9a-f]{32}")
_MULTI = re.compile(r"([0-9a-f]{32})-([1-9][0-9]*)")
_STEP = 1 * MiB
_COMMON_PARTS = (8, 5, 16, 64, 10, 15, 25, 32, 50, 100, 128, 256, 512)
"""Part sizes in MiB that common tools use: aws 8, rclone and most SDKs 5, others 16 to 64."""


def bare(etag: str | None) -> str:
    """Return an ETag without quotes and weakness, in lower case."""
    text = (etag or "").strip()
    text = text.removeprefix("W/")
    return text.strip('"').lower()


def same_etag(one: str | None, other: str | None) -> bool:
    """Whether two ETags, both known, are the same."""
    return bool(bare(one)) and bare(one) == bare(other)


def as_md5(etag: str | None) -> str | None:
    """Return the ETag when it has the form of an MD5."""
    text = bare(etag)
    return text if _MD5.fullmatch(text) else None


def multipart_count(etag: str | None) -> int | None:
    """Return the number of parts that a multipart ETag speaks of."""
    found = _MULTI.fullmatch(bare(etag))
    return int(found.group(2)) if found else None


def multipart_etag(digests: Iterable[bytes]) -> str:
    """Return the ETag of an object whose parts have these MD5s, in order."""
    total = hashlib.md5(usedforsecurity=False)
    count = 0
    for digest in digests:
        total.update(digest)
        count += 1
    return f"{total.hexdigest()}-{count}"


def judge(metadata: Metadata, md5: str | None, parts: Sequence[bytes] = ()) -> Integrity:
    """Compare what is at the target with digests of the bytes that were sent.

    ``md5`` is of the whole object where it is known, ``parts`` the MD5s of its parts.
    """
    etag = bare(metadata.etag)
    if md5 is not None and (etag == md5 or metadata.checksums.get("md5") == _base64(md5)):
        return Integrity.MD5
    if parts and etag == multipart_etag(parts):
        return Integrity.MD5
    return Integrity.SIZE_ONLY


def part_size_candidates(size: int, count: int) -> list[int]:
    """Return the part sizes that could have cut ``size`` bytes into ``count``, likely first.

    A size that a common tool uses by itself is likelier than one that merely fits.
    """
    if count == 1:
        return [max(size, 1)]
    rounded = -(-size // (count * MiB)) * MiB
    sizes = [*(n * MiB for n in _COMMON_PARTS), rounded]
    fitting = [n for n in dict.fromkeys(sizes) if n and PartPlan(size, n).count == count]
    return fitting[:4]


def verify_file(path: str, metadata: Metadata, size: int) -> tuple[Integrity, str]:
    """Compare a local file with the object that it should be; blocks.

    Returns what was proven, and the SHA-256 or MD5 that was computed (for comparing two
    attempts), empty when the service gave nothing to compare with. An object that gives
    a whole digest which differs is ``Integrity.NONE``.
    """
    sha = metadata.checksums.get("sha256")
    if sha and "-" not in sha:
        digest = _hash(path, "sha256")
        proven = base64.b64encode(digest).decode() == sha
        return (Integrity.SHA256 if proven else Integrity.NONE), digest.hex()
    expected = as_md5(metadata.etag)
    if expected is not None:
        text = file_md5(path)
        return (Integrity.MD5 if text == expected else Integrity.NONE), text
    count = multipart_count(metadata.etag)
    if count is not None:
        for part_size in part_size_candidates(size, count):
            digests = part_digests(path, PartPlan(size, part_size))
            if multipart_etag(digests) == bare(metadata.etag):
                return Integrity.MD5, ""
    return Integrity.SIZE_ONLY, ""


def part_digests(path: str, plan: PartPlan) -> list[bytes]:
    """Return the MD5 of each part of a local file; blocks."""
    digests: list[bytes] = []
    with Path(path).open("rb") as file:
        for span in plan.spans():
            digest = hashlib.md5(usedforsecurity=False)
            left = span.size
            while left and (block := file.read(min(left, _STEP))):
                digest.update(block)
                left -= len(block)
            digests.append(digest.digest())
    return digests


def file_md5(path: str) -> str:
    """Return the MD5 of a local file in hexadecimal; blocks."""
    return _hash(path, "md5").hex()


def file_sha256(path: str) -> str:
    """Return the SHA-256 of a local file in hexadecimal; blocks."""
    return _hash(path, "sha256").hex()


def _hash(path: str, name: str) -> bytes:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(name, usedforsecurity=False)).digest()


def _base64(text: str) -> str:
    return base64.b64encode(bytes.fromhex(text)).decode()
