"""What ``dal cp`` will do, looked at on both sides before the journal is opened.

Invariant: nothing has been begun when a plan is refused; a mistyped source leaves no job.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from dalbrowser.cli.context import complain
from dalbrowser.cli.wording import CommandError
from dalbrowser.storage import ErrorKind, StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.transfer import ConflictPolicy
from dalbrowser.transfer.nesting import disk_path, require_outside
from dalbrowser.transfer.remote import is_empty

if TYPE_CHECKING:
    from dalbrowser.cli.context import Context
    from dalbrowser.cli.jobs import Begin
    from dalbrowser.profiles import Location, Target
    from dalbrowser.storage import Metadata
    from dalbrowser.transfer import TransferEngine


async def plan_upload(
    context: Context,
    sources: list[Target],
    target: Target,
    recursive: bool,
    policy: ConflictPolicy,
) -> Begin:
    """Return what begins the uploads of local ``sources`` to a place."""
    paths = [absolute(source.text) for source in sources]
    folders = [path for path in paths if await asyncio.to_thread(_is_folder, path)]
    if folders and not recursive:
        raise _needs_recursive(str(folders[0]))
    place = await _upload_target(context, target, many=len(paths) > 1, folder=bool(folders))
    op = await context.operator(place)
    for path in folders:
        on_disk = disk_path(op, f"{place.path}{path.name}/")
        await asyncio.to_thread(require_outside, str(path), on_disk)
    await _reach(context, place)

    async def begin(engine: TransferEngine) -> list[int]:
        if not place.is_folder:
            return [await engine.upload_file(paths[0], place, policy)]
        return await engine.upload(paths, place, policy)

    return begin


async def plan_download(
    context: Context,
    sources: list[Target],
    target: Target,
    recursive: bool,
    policy: ConflictPolicy,
) -> Begin:
    """Return what begins the downloads of ``sources`` to a local path."""
    items = [await _remote(context, source, recursive) for source in sources]
    local = absolute(target.text)
    into = target.text.endswith(("/", os.sep)) or await asyncio.to_thread(local.is_dir)
    if not into and (len(items) > 1 or items[0][0].is_folder):
        if await asyncio.to_thread(local.exists):
            raise CommandError(f"{target.text!r} is a file; name a folder to copy into.")
        if len(items) > 1:
            raise CommandError(f"{target.text!r} is no folder; create it, or add a '/'.")
        into = True
    for place, _ in items:
        if place.is_folder:
            here = disk_path(await context.operator(place), place.path)
            name = place.name.removesuffix("/") or "x"
            await asyncio.to_thread(require_outside, here, str(local / name))

    async def begin(engine: TransferEngine) -> list[int]:
        if not into:
            place, metadata = items[0]
            return [await engine.download_file(place, local, policy, metadata)]
        await asyncio.to_thread(local.mkdir, parents=True, exist_ok=True)
        return await engine.download(items, local, policy)

    return begin


async def plan_copy(
    context: Context,
    sources: list[Target],
    target: Target,
    recursive: bool,
    policy: ConflictPolicy,
    *,
    move: bool = False,
) -> Begin:
    """Return what begins copies (or moves) between two places, on the server where it can."""
    items = [(await _remote(context, source, recursive))[0] for source in sources]
    folder = any(item.is_folder for item in items)
    place = await _upload_target(context, target, many=len(items) > 1, folder=folder)
    if not place.is_folder and place.name == items[0].name:
        place = place.parent
    if place.is_folder:
        if any(item.parent == place for item in items):
            raise CommandError(f"{target.text!r} is where it is already; name another place.")
        op = await context.operator(place)
        for item in items:
            if item.is_folder:
                here = disk_path(await context.operator(item), item.path)
                there = disk_path(op, place.path + item.name)
                await asyncio.to_thread(require_outside, here, there)
        return lambda engine: engine.copy(items, place, policy, move=move)
    return await _plan_new_name(context, items[0], place, policy, move=move)


async def _plan_new_name(
    context: Context, source: Location, target: Location, policy: ConflictPolicy, *, move: bool
) -> Begin:
    """Return what gives one object another name in its bucket: one call, no job."""
    if (source.profile_id, source.bucket) != (target.profile_id, target.bucket):
        raise CommandError(
            "An object keeps its name on its way to another bucket; end the target in '/'."
        )
    if policy not in {ConflictPolicy.OVERWRITE, ConflictPolicy.SKIP}:
        raise CommandError("That option needs a folder as its target; end it in '/'.")
    op = await context.operator(source)
    names = spell(source.path), spell(target.path)

    async def begin(engine: TransferEngine) -> list[int]:
        del engine
        if policy is ConflictPolicy.SKIP and await op.exists(names[1]):
            complain(f"Skipped {source.path}: {target.path} exists.")
        elif move:
            await op.rename(*names)
        else:
            await op.copy(*names)
        return []

    return begin


async def _upload_target(context: Context, target: Target, *, many: bool, folder: bool) -> Location:
    """Return the exact key, or the folder (ends in ``/``) to put things into."""
    # The commands come here only with a target that is not local.
    assert target.location is not None  # noqa: S101 - a target that is not local has a place
    assert target.profile is not None  # noqa: S101 - and the connection it belongs to
    place = target.location
    if context.connections.lists_buckets(place):
        raise CommandError(f"{target.text!r} names no bucket; write the bucket first.")
    if place.is_folder:
        return place
    if folder:
        return place.at(f"{place.path}/")
    # A service with real folders takes `cp a home:Documents` to mean into it, as cp does.
    if not target.profile.has_buckets and await _is_remote_folder(context, place):
        return place.at(f"{place.path}/")
    if many:
        raise CommandError(f"{target.text!r} is one name for several files; end it in '/'.")
    return place


async def _reach(context: Context, place: Location) -> None:
    """Make one request, so that a wrong endpoint is said at once and leaves no job behind.

    What it says of the object is of no concern, and neither is a refusal: who may write
    need not be allowed to look.
    """
    op = await context.operator(place)
    try:
        if place.is_folder:
            # Not looked at as an object: first the service would be asked how it takes such names.
            await is_empty(op, place.path)
        else:
            await op.stat(spell(place.path))
    except StorageError as error:
        if error.kind not in {ErrorKind.NOT_FOUND, ErrorKind.PERMISSION_DENIED}:
            raise


async def _remote(
    context: Context, source: Target, recursive: bool
) -> tuple[Location, Metadata | None]:
    """Return an object with its metadata, or a folder, which needs ``recursive``."""
    place = context.place(source.text)
    if context.connections.lists_buckets(place):
        raise CommandError(f"{source.text!r} names no bucket; write the bucket first.")
    if place.is_folder:
        if not recursive:
            raise _needs_recursive(source.text)
        return place, None
    op = await context.operator(place)
    try:
        metadata = await op.stat(spell(place.path))
    except StorageError as error:
        if recursive and error.kind is ErrorKind.NOT_FOUND:
            return place.at(f"{place.path}/"), None
        raise
    if metadata.is_dir:
        if not recursive:
            raise _needs_recursive(source.text)
        return place.at(f"{place.path}/"), None
    return place, metadata


async def _is_remote_folder(context: Context, place: Location) -> bool:
    op = await context.operator(place)
    try:
        return (await op.stat(spell(place.path))).is_dir
    except StorageError as error:
        if error.kind is ErrorKind.NOT_FOUND:
            return False
        raise


def absolute(text: str) -> Path:
    """Return the absolute path, links kept: a job may be resumed from another folder."""
    return Path(os.path.abspath(text))  # noqa: PTH100 - resolve() would follow links


def _is_folder(path: Path) -> bool:
    """Whether a local source is a folder; raises ``OSError`` when it is not there."""
    path.stat()
    return path.is_dir()


def _needs_recursive(text: str) -> CommandError:
    return CommandError(f"{text!r} is a folder; add -r to copy it with all it holds.")
