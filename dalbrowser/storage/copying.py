"""Copies and renames as a caller asks for them: by one request, in parts, or by a copy.

Each goes over all layers of an operator, so that each request of a large one is retried by
itself, and a lost answer never makes a copy twice. Invariant: what the service cannot do is
still asked of the layers, because they say why.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import same_file, unsupported
from dalbrowser.storage.layers.server_copy import copy_any_size, rename_by_copy
from dalbrowser.storage.options import OpStat
from dalbrowser.storage.paths import is_dir_path

if TYPE_CHECKING:
    from dalbrowser.storage.accessor import Accessor
    from dalbrowser.storage.capability import Capability
    from dalbrowser.storage.context import AccessorInfo
    from dalbrowser.storage.options import OpCopy, OpRename
    from dalbrowser.storage.types import Metadata


async def copy(access: Accessor, source: str, target: str, args: OpCopy) -> Metadata:
    """Copy within one bucket, whatever the size."""
    near = args.source_bucket is None and _are_two_files(source, target)
    if near and _is_copy_possible(access.info().capability, args):
        return await copy_any_size(access, source, target, args)
    return await access.copy(source, target, args)


def copies_from(here: AccessorInfo, there: AccessorInfo) -> bool:
    """Whether the server of ``here`` itself copies from the bucket of ``there``."""
    same = (here.scheme, here.server, here.account) == (there.scheme, there.server, there.account)
    return same and bool(here.server) and here.capability.copy_with_source_bucket


async def copy_from(
    access: Accessor, origin: Accessor, source: str, target: str, args: OpCopy
) -> Metadata:
    """Copy ``source`` of ``origin``'s bucket; pinned to what was seen where that is looked at."""
    here, there = access.info(), origin.info()
    if not copies_from(here, there):
        raise unsupported("Copying from there by the server", "read it there, and write it here")
    key = there.root + source
    if (there.name, key) == (here.name, here.root + target) and args.source_version is None:
        raise same_file("copy", source)
    args, known = replace(args, source_bucket=there.name), None
    if args.source_size is None or _is_above(here, args.source_size):
        known = await origin.stat(source, OpStat(version=args.source_version))
        pin = here.capability.copy_with_if_match and args.if_match is None
        args = replace(
            args,
            source_size=known.content_length,
            if_match=known.etag if pin else args.if_match,
        )
    if is_dir_path(key) or is_dir_path(target) or not _is_copy_possible(here.capability, args):
        return await access.copy(key, target, args)
    return await copy_any_size(access, key, target, args, known)


async def rename(access: Accessor, source: str, target: str, args: OpRename) -> None:
    """Rename; where the service cannot, copy and then delete."""
    info = access.info()
    simulated = info.capability.rename and not info.native.rename
    allowed = info.capability.rename_with_if_not_exists or not args.if_not_exists
    if simulated and allowed and _are_two_files(source, target):
        await rename_by_copy(access, source, target, if_not_exists=args.if_not_exists)
    else:
        await access.rename(source, target, args)


def _are_two_files(source: str, target: str) -> bool:
    """Whether these may be copied; if not, the correctness layer says why."""
    return source != target and not is_dir_path(source) and not is_dir_path(target)


def _is_copy_possible(capability: Capability, args: OpCopy) -> bool:
    """Whether the service takes these options; if not, the correctness layer says why."""
    options = ("if_not_exists", "if_match", "source_version", "source_bucket")
    refused = any(getattr(args, o) and not getattr(capability, f"copy_with_{o}") for o in options)
    return capability.copy and not refused


def _is_above(info: AccessorInfo, size: int) -> bool:
    """Whether one request does not copy this many bytes."""
    limit = info.native.copy_max_size
    return limit is not None and size > limit
