"""What was proven of a transfer: digests recomputed here against what the service answers.

A checksum that covers the whole object comes first: one that differs says that the bytes
are others. An ETag of 32 hexadecimal digits is an object's MD5, and ``<hex>-<n>`` the MD5
of the MD5s of n parts, but only without SSE-KMS or SSE-C and on servers that follow AWS. So
an equal ETag is a proof, and an unequal one proves nothing by itself.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from dalbrowser.storage import checksums
from dalbrowser.transfer.model import Integrity, MiB, TransferError
from dalbrowser.transfer.partplan import PartPlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dalbrowser.storage import Metadata

_MD5 = re.compile(r"[0-9a-f]{32}")
_MULTI = re.compile(r"([0-9a-f]{32})-([1-9][0-9]*)")
_STEP = 1 * MiB
PROOFS = {
    "crc64nvme": Integrity.CRC64NVME,
    "crc32c": Integrity.CRC32C,
    "crc32": Integrity.CRC32,
    "sha256": Integrity.SHA256,
    "sha1": Integrity.SHA1,
}
"""What an equal checksum proves, by its algorithm."""
_COMMON_PARTS = (8, 5, 16, 64, 10, 15, 25, 32, 50, 100, 128, 256, 512)
"""Part sizes in MiB that common tools use: aws 8, rclone and most SDKs 5, others 16 to 64."""


def bare(etag: str | None) -> str:
    """Return an ETag without quotes and weakness, in lower case."""
    text = (etag or "").strip()
    text = text.removeprefix("W/")
    return text.strip('"').lower()


def same_etag(one: str | None, other: str | None) -> bool:
    """Whether two ETags, both known, are the same."""
    return bool(found := bare(one)) and (one == other or found == bare(other))


def as_md5(etag: str | None) -> str | None:
    """Return the ETag when it has the form of an MD5."""
    text = bare(etag)
    return text if _MD5.fullmatch(text) else None


def multipart_count(etag: str | None) -> int | None:
    """Return the number of parts that a multipart ETag speaks of."""
    found = _MULTI.fullmatch(bare(etag))
    return int(found.group(2)) if found else None


def is_digest(etag: str | None) -> bool:
    """Whether the ETag has the form of a digest, so that equal bytes may have the same."""
    return as_md5(etag) is not None or multipart_count(etag) is not None


def multipart_etag(digests: Iterable[bytes]) -> str:
    """Return the ETag of an object whose parts have these MD5s, in order."""
    total = hashlib.md5(usedforsecurity=False)
    count = 0
    for digest in digests:
        total.update(digest)
        count += 1
    return f"{total.hexdigest()}-{count}"


def judge(
    metadata: Metadata,
    md5: str | None,
    parts: Sequence[bytes] = (),
    sums: Mapping[str, str] | None = None,
) -> Integrity:
    """Compare what is at the target with digests of the bytes that were sent.

    ``md5`` is of the whole object where it is known, ``parts`` the MD5s of its parts, ``sums``
    the object's checksums as they were computed here. ``Integrity.NONE`` says that a checksum
    differs: the target holds other bytes.
    """
    for name, ours in (sums or {}).items():
        theirs = metadata.checksums.get(name, "-")
        if "-" not in theirs:
            return PROOFS[name] if theirs == ours else Integrity.NONE
    for name, ours in (sums or {}).items():
        # Unequal it says nothing: how parts' checksums are joined is each service's own.
        if name.endswith("-") and metadata.checksums.get(name[:-1]) == ours:
            return PROOFS[name[:-1]]
    etag = bare(metadata.etag)
    if md5 is not None and (etag == md5 or metadata.checksums.get("md5") == _base64(md5)):
        return Integrity.MD5
    if parts and etag == multipart_etag(parts):
        return Integrity.MD5
    return Integrity.SIZE_ONLY


def own_sums(told: Mapping[str, str], data: bytes) -> dict[str, str]:
    """Compute of ``data`` the checksum by which ``told`` can be proven, if any; may block."""
    found = checksums.of_whole(told)
    return {found[0]: checksums.encoded(checksums.digest(found[0], [data]))} if found else {}


def sums_of(data: bytes, names: Iterable[str]) -> dict[str, str]:
    """Compute checksums of ``data`` by their algorithms, in base64; may block."""
    return {name: checksums.encoded(checksums.digest(name, [data])) for name in names}


def sums_of_parts(crcs: Iterable[str], sizes: Iterable[int]) -> dict[str, str]:
    """Return the checksums that ``name:base64`` of all parts, in order, make; empty without.

    That of the bytes by its name, where parts' can be joined; that of the parts' checksums
    (COMPOSITE, S3 User Guide, "Checking object integrity") by its name and ``-``.
    """
    pairs = [(*text.partition(":")[::2], size) for text, size in zip(crcs, sizes, strict=True)]
    names = {name for name, _, _ in pairs}
    name = names.pop() if len(names) == 1 else ""
    if name not in PROOFS:
        return {}
    raw = [base64.b64decode(value) for _, value, _ in pairs]
    made = {f"{name}-": f"{checksums.encoded(checksums.digest(name, raw))}-{len(raw)}"}
    whole = checksums.combined(name, ((value, size) for _, value, size in pairs))
    return {name: whole} | made if whole else made


def joins(told: str) -> bool:
    """Whether a part's ``name:base64`` makes, with the others', a checksum of the whole bytes."""
    return told.partition(":")[0] in checksums.CRCS


def other_bytes(key: str) -> TransferError:
    """Return the error for a target whose checksum says that it is not what was sent."""
    return TransferError(
        f"The service's checksum of {key} is not that of the bytes that were sent: it holds other"
        " bytes, or somebody else wrote there; look at it, then retry to send it again."
    )


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

    Returns what was proven, and the digest that was computed (for comparing two attempts):
    an MD5, or ``name:base64`` of a checksum, which an ETag's doubts do not touch; empty when
    the service gave nothing to compare with. An object that gives a whole digest which
    differs is ``Integrity.NONE``.
    """
    told = checksums.of_whole(metadata.checksums)
    if told is not None:
        made = checksums.encoded(_hash(path, told[0]))
        return (PROOFS[told[0]] if made == told[1] else Integrity.NONE), f"{told[0]}:{made}"
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
    running = checksums.Running(name)
    with Path(path).open("rb", buffering=0) as file:
        while block := file.read(_STEP):
            running.update(block)
    return running.digest()


def _base64(text: str) -> str:
    return base64.b64encode(bytes.fromhex(text)).decode()
