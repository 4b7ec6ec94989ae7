"""The two ends of a sync: where they are, what they list, and that neither lies in the other."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dalbrowser.transfer.disk.places import is_within
from dalbrowser.transfer.model import TransferError
from dalbrowser.transfer.nesting import disk_path
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


def _slashed(path: str) -> str:
    return path if path.endswith(os.sep) else path + os.sep
