"""What stands at a key on the service, asked and said the same way by every runner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dalbrowser.storage.errors import StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.transfer.failures import is_gone
from dalbrowser.transfer.model import TransferError
from dalbrowser.utils.shortening import shortened

if TYPE_CHECKING:
    from dalbrowser.storage import Capability, Metadata, Operator
    from dalbrowser.storage.context import AccessorInfo

_LONGEST = 96
"""Characters of a name that a question says in full; a file's may have 255."""


async def stat_or_none(op: Operator, key: str, *, tags: bool = False) -> Metadata | None:
    """Return what is at an exact key, or ``None`` when nothing is; with its ``tags`` if wanted.

    A service that has no tags is not asked for them.
    """
    tags = tags and op.info().capability.stat_with_tags
    try:
        return await op.stat(spell(key), tags=tags)
    except StorageError as error:
        if is_gone(error):
            return None
        raise


def pin(capability: Capability, etag: str | None) -> dict[str, Any]:
    """Return the options by which a read is of the object with ``etag`` and of no other.

    None where the service takes no such condition, or the ETag is a weak one, which
    ``If-Match`` never matches (RFC 9110, 13.1.1).
    """
    strong = bool(etag) and not str(etag).startswith("W/")
    return {"if_match": etag} if strong and capability.read_with_if_match else {}


def is_one_store(here: AccessorInfo, there: AccessorInfo) -> bool | None:
    """Whether two operators lead to one bucket of one server, whatever their roots.

    ``None`` when that cannot be told: one server can have several names, and a service none.
    """
    if (here.scheme, here.name) != (there.scheme, there.name):
        return False
    return True if here.server and here.server == there.server else None


async def is_empty(op: Operator, folder: str, *, with_marker: bool = False) -> bool:
    """Whether nothing lies below an exact key that ends in ``/`` (or ``""``, the bucket itself).

    What stands for the folder itself is something only ``with_marker``.
    """
    # Two are enough to know: one of them may be the folder itself.
    async with op.lister(spell(folder), limit=1 if with_marker else 2) as lister:
        async for page in lister.pages():
            if with_marker or any(entry.path != folder for entry in page):
                return False
    return True


def require_size(there: Metadata, size: int) -> None:
    """Raise when the object that is there is not as long as what was sent."""
    if there.content_length != size:
        message = (
            f"The service has {there.content_length:,} bytes there, and {size:,} were sent:"
            " somebody else wrote to the same name, or the service lost bytes; retry to send"
            " it again."
        )
        raise TransferError(message)


def describe_existing(key: str, there: Metadata | None, doubt: str = "") -> str:
    """Return the question for a person; ``doubt`` says why it cannot be answered here."""
    name = shortened(key.rpartition("/")[2], _LONGEST)
    if there is None:
        return f"{name} is being written by another transfer; say what to do."
    size = f"{there.content_length:,} bytes" if there.content_length is not None else "size unknown"
    when = f", of {there.last_modified:%Y-%m-%d %H:%M} UTC" if there.last_modified else ""
    why = f": {doubt}" if doubt else ""
    return f"{name} exists already ({size}{when}){why}; say what to do."


def copied_options(op: Operator, there: Metadata) -> dict[str, Any]:
    """Return what of an object's metadata the target can keep."""
    capability = op.info().capability
    wanted: dict[str, tuple[bool, Any]] = {
        "content_type": (capability.write_with_content_type, there.content_type),
        "content_disposition": (
            capability.write_with_content_disposition,
            there.content_disposition,
        ),
        "content_encoding": (capability.write_with_content_encoding, there.content_encoding),
        "cache_control": (capability.write_with_cache_control, there.cache_control),
        "user_metadata": (capability.write_with_user_metadata, dict(there.user_metadata)),
    }
    return {name: value for name, (able, value) in wanted.items() if able and value}
