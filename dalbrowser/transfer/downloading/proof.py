"""The proof of a download, before it gets its name: its digest against the object's own.

Invariant: a file whose digest differs is fetched once more; only one that differs twice in
the same way, from an ETag, is taken, since an ETag need not be a digest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError
from dalbrowser.transfer.integrity import verify_file
from dalbrowser.transfer.model import Integrity, JobState, TransferError

if TYPE_CHECKING:
    from dalbrowser.transfer.downloading.receive import Receiver


async def verify(
    source: Receiver, temp: str, digest: str, seen: tuple[Integrity, str] | None = None
) -> bool:
    """Verify the temporary file; false when it should be fetched once more.

    ``digest`` is an MD5 that is known to differ, ``seen`` what was found on the way. A digest
    that differs twice in the same way is no fault of the bytes: the ETag is not one (an
    encrypted object's is not).
    """
    ctx, job = source.ctx, source.job
    ctx.show(job, JobState.VERIFYING)
    await source.require_same()
    if digest:
        proven, found = Integrity.NONE, digest
    elif seen is not None:
        proven, found = seen
    else:
        proven, found = await ctx.on_disk(verify_file, temp, source.metadata, source.size)
    if proven is Integrity.NONE and found != job.odd_digest:
        if job.odd_digest:
            message = (
                "The bytes that came differ from the object's digest, and differ each time:"
                " the connection or the service damages them; retry, or check the network."
            )
            raise TransferError(message)
        job.odd_digest = found
        job.row.note = "The digest did not match; fetched once more."
        if digest:
            raise StorageError(
                ErrorKind.CONTENT_INCOMPLETE,
                "The bytes that came do not have the object's digest.",
                status=ErrorStatus.TEMPORARY,
            )
        return False
    if proven is Integrity.NONE and ":" in found:
        raise TransferError(
            f"The bytes that came have the checksum {found}, each time, and the service says"
            " that the object has another: it keeps other bytes than were once written;"
            " compare with another copy."
        )
    job.row.integrity = (Integrity.SIZE_ONLY if proven is Integrity.NONE else proven).value
    return True
