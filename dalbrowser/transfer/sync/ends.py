"""The two ends of a sync: where they are, what they list, and that neither lies in the other."""

from __future__ import annotations

import os
from contextlib import aclosing
from typing import TYPE_CHECKING

from dalbrowser.transfer.disk.places import is_within
from dalbrowser.transfer.model import TransferError
from dalbrowser.transfer.nesting import disk_path
from dalbrowser.transfer.remote import stat_or_none
from dalbrowser.transfer.remotesource import is_one_object
from dalbrowser.transfer.sync.localtree import local_items
from dalbrowser.transfer.sync.remote import remote_items
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from dalbrowser.profiles import Location, Profile
    from dalbrowser.storage import Operator
    from dalbrowser.transfer.sync.items import Item


@record()
class LocalEnd:
    """A local folder, by its absolute path."""

    path: str
    text: str

    def pages(self, *, target: bool, unordered: bool = False) -> AsyncGenerator[list[Item], None]:
        """Yield the files below it."""
        del unordered  # the walk is ours
        return local_items(self.path, target=target)

    def whereabouts(self) -> tuple[str, str]:
        """Return the world that this end is in, and its place there; blocks."""
        return "local", _slashed(os.path.realpath(self.path))

    @property
    def place(self) -> str:
        """What a job is given."""
        return self.path


@record()
class RemoteEnd:
    """A folder of a service; its path is empty or ends in ``/``."""

    location: Location
    profile: Profile
    op: Operator
    text: str

    def pages(self, *, target: bool, unordered: bool = False) -> AsyncGenerator[list[Item], None]:
        """Yield the objects below it."""
        del target
        return remote_items(self.op, self.location.path, unordered=unordered)

    def whereabouts(self) -> tuple[str, str]:
        """Return the world that this end is in, and its place there; blocks."""
        on_disk = disk_path(self.op, self.location.path)
        if on_disk is not None:
            return "local", _slashed(os.path.realpath(on_disk))
        config = self.profile.config
        world = (self.profile.scheme, str(config.get("endpoint", "")).rstrip("/").lower())
        if not world[1] and self.profile.scheme != "s3":
            world = (self.profile.scheme, self.profile.id)
        inside = str(config.get("root", "")).strip("/")
        return repr((*world, self.location.bucket)), (
            f"{inside}/{self.location.path}" if inside else self.location.path
        )

    @property
    def place(self) -> Location:
        """What a job is given."""
        return self.location


End = LocalEnd | RemoteEnd


def require_apart(source: End, target: End) -> None:
    """Raise ``TransferError`` when one end is the other, or lies inside of it; blocks."""
    (world, here), (other, there) = source.whereabouts(), target.whereabouts()
    if world != other:
        return
    inside, around = there.startswith(here), here.startswith(there)
    if world == "local":
        inside, around = is_within(there, here), is_within(here, there)
    if inside and around:
        message = f"{source.text!r} and {target.text!r} are the same place; nothing was done."
        raise TransferError(message)
    if inside:
        message = (
            f"The target {target.text!r} is inside of the source {source.text!r}: it would be"
            " copied into itself. Name a target outside."
        )
        raise TransferError(message)
    if around:
        message = (
            f"The source {source.text!r} is inside of the target {target.text!r}, so the sync"
            " could write over its own source. Name a target outside."
        )
        raise TransferError(message)


async def require_another_store(source: End, target: End) -> None:
    """Raise ``TransferError`` when two connections lead to one bucket, and the ends lie in it so.

    One server may have two names, which ``require_apart`` cannot know: what the target holds
    beside the source would be deleted, and that is the source. One object tells: seen through
    both connections, it is the same to its ETag and its time.
    """
    if isinstance(source, LocalEnd) or isinstance(target, LocalEnd):
        return
    one, other = source.location, target.location
    nested = one.path.startswith(other.path) or other.path.startswith(one.path)
    if one.bucket != other.bucket or one.path == other.path or not nested:
        return
    item = await _first(source)
    if item is None:
        return
    key = one.path + item.key
    found = await stat_or_none(target.op, key)
    meant = await stat_or_none(source.op, key) if found is not None else None
    if found is not None and meant is not None and is_one_object(meant, found):
        message = (
            f"{source.text!r} and {target.text!r} lead to the same bucket, and one of them lies in"
            " the other: the sync could delete or write over its own source. Name a target"
            " outside."
        )
        raise TransferError(message)


async def _first(end: RemoteEnd) -> Item | None:
    """Return any object below an end."""
    async with aclosing(end.pages(target=False)) as pages:
        async for page in pages:
            for item in page:
                if not item.failed:
                    return item
    return None


def _slashed(path: str) -> str:
    return path if path.endswith(os.sep) else path + os.sep
