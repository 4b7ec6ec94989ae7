"""What ``dal cp`` will do, looked at on both sides before the journal is opened.

Invariant: nothing has been begun when a plan is refused; a mistyped source leaves no job.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from dalbrowser.cli.wording import CommandError
from dalbrowser.storage import ErrorKind, StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.transfer.intake import means_contents
from dalbrowser.transfer.nesting import disk_path, require_outside
from dalbrowser.transfer.remote import is_empty
from dalbrowser.transfer.together import all_together

if TYPE_CHECKING:
    from dalbrowser.cli.context import Context
    from dalbrowser.cli.jobs import Begin
    from dalbrowser.profiles import Location, Target
    from dalbrowser.storage import Metadata
    from dalbrowser.transfer import ConflictPolicy, TransferEngine

_AT_ONCE = 16


async def plan_upload(
    context: Context,
    sources: list[Target],
    target: Target,
    recursive: bool,
    policy: ConflictPolicy,
) -> Begin:
    """Return what begins the uploads of local ``sources`` to a place."""
    if any(source.text == "-" for source in sources):
        raise CommandError(
            "Nothing is read from stdin; write it to a file first. Write ./- for a file of that"
            " name."
        )
    paths = [_spelled(source.text) for source in sources]
    folders = [path for path in paths if await asyncio.to_thread(_is_folder, Path(path))]
    if folders and not recursive:
        raise _needs_recursive(folders[0].removesuffix("/."))
    place = await _upload_target(context, target, many=len(paths) > 1, folder=bool(folders))
    op = await context.operator(place)
    for path in folders:
        name = "" if means_contents(path) else f"{Path(path).name}/"
        on_disk = disk_path(op, place.path + name)
        await asyncio.to_thread(require_outside, path, on_disk)
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
    items = await _remotes(context, sources, recursive)
    if target.text == "-":
        raise CommandError(
            "Nothing is copied to stdout; dal cat does that. Write ./- for a file of that name."
        )
    local = absolute(target.text)
    into = target.text.endswith(("/", os.sep)) or await asyncio.to_thread(local.is_dir)
    many = len(items) > 1
    if into or many or items[0][0].is_folder:
        if await asyncio.to_thread(_is_other, local):
            raise CommandError(f"{target.text!r} is a file; name a folder to copy into.")
        if many and not into:
            raise CommandError(f"{target.text!r} is no folder; create it, or add a '/'.")
        into = True
    elif not await asyncio.to_thread(local.parent.is_dir):
        raise CommandError(f"There is no folder {str(local.parent)!r}; create it first.")
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
    items = [place for place, _ in await _remotes(context, sources, recursive)]
    folder = any(item.is_folder for item in items)
    place = await _upload_target(context, target, many=len(items) > 1, folder=folder)
    names = {}
    if not place.is_folder:
        names[items[0]] = place.name
        place = place.parent
    op = await context.operator(place)
    for item in items:
        goal = place.child(names.get(item, item.name))
        if goal == item:
            raise CommandError(f"{target.text!r} is where it is already; name another place.")
        if item.is_folder:
            _require_not_inside(item, goal)
            here = disk_path(await context.operator(item), item.path)
            there = disk_path(op, goal.path)
            await asyncio.to_thread(require_outside, here, there)
    return lambda engine: engine.copy(items, place, policy, move=move, names=names)


def _require_not_inside(folder: Location, goal: Location) -> None:
    """Refuse a copy of a folder within itself, which would never end."""
    same = (folder.profile_id, folder.bucket) == (goal.profile_id, goal.bucket)
    if same and goal.path.startswith(folder.path):
        where = folder.path or folder.bucket
        raise CommandError(
            f"{goal.path!r} lies in {where!r}, the very folder that is to be copied; name a place"
            " outside of it."
        )


async def _upload_target(context: Context, target: Target, *, many: bool, folder: bool) -> Location:
    """Return the exact key, or the folder (ends in ``/``) to put things into."""
    # The commands come here only with a target that is not local.
    assert target.location is not None  # noqa: S101 - a target that is not local has a place
    assert target.profile is not None  # noqa: S101 - and the connection it belongs to
    place = target.location
    if context.connections.lists_buckets(place):
        raise CommandError(f"{target.text!r} names no bucket; write the bucket first.")
    # A service with real folders takes `cp a home:Documents` to mean into it, as cp does.
    there = None if target.profile.has_buckets else await _is_folder_there(context, place)
    if there is False and (folder or many or place.is_folder):
        raise CommandError(f"{target.text!r} is a file; name a folder to copy into.")
    if place.is_folder:
        return place
    if folder or there:
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


async def _remotes(
    context: Context, sources: list[Target], recursive: bool
) -> list[tuple[Location, Metadata | None]]:
    """Look at each source, a few at a time: over 50 ms a thousand would take most of a minute."""
    found: dict[int, tuple[Location, Metadata | None]] = {}
    left = iter(enumerate(sources))

    async def look() -> None:
        for number, source in left:
            found[number] = await _remote(context, source, recursive)

    await all_together(look() for _ in range(min(_AT_ONCE, len(sources))))
    return [found[number] for number in range(len(sources))]


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
        await _require_something(context, place, source.text)
        return place, None
    op = await context.operator(place)
    try:
        metadata = await op.stat(spell(place.path))
    except StorageError as error:
        if error.kind is not ErrorKind.NOT_FOUND:
            raise
        folder = place.at(f"{place.path}/")
        if not recursive:
            if await _is_empty(context, folder):
                raise
            raise _needs_recursive(source.text) from error
        await _require_something(context, folder, source.text)
        return folder, None
    if metadata.is_dir:
        if not recursive:
            raise _needs_recursive(source.text)
        return place.at(f"{place.path}/"), None
    return place, metadata


async def _require_something(context: Context, folder: Location, text: str) -> None:
    """Refuse a folder in which there is nothing, not even its marker: it was mistyped."""
    if await _is_empty(context, folder):
        raise CommandError(f"There is nothing in {text!r}; check the name.")


async def _is_empty(context: Context, folder: Location) -> bool:
    op = await context.operator(folder)
    try:
        return await is_empty(op, folder.path, with_marker=True)
    except StorageError as error:
        if error.kind is not ErrorKind.NOT_FOUND or not folder.path:
            raise
        return True


async def _is_folder_there(context: Context, place: Location) -> bool | None:
    """Whether a folder stands at a place, or ``None`` where there is nothing."""
    op = await context.operator(place)
    try:
        return (await op.stat(spell(place.path.removesuffix("/")))).is_dir
    except StorageError as error:
        if error.kind is ErrorKind.NOT_FOUND:
            return None
        raise


def absolute(text: str) -> Path:
    """Return the absolute path, links kept: a job may be resumed from another folder."""
    return Path(os.path.abspath(text))  # noqa: PTH100 - resolve() would follow links


def _spelled(text: str) -> str:
    """Return the absolute path, which ends in ``/.`` where what is in a folder is meant."""
    path = str(absolute(text))
    contents = means_contents(os.path.join(os.curdir, text))  # noqa: PTH118 - Path drops it
    return f"{path.rstrip(os.sep)}{os.sep}." if contents else path


def _is_folder(path: Path) -> bool:
    """Whether a local source is a folder; raises ``OSError`` when it is not there."""
    path.stat()
    return path.is_dir()


def _is_other(path: Path) -> bool:
    """Whether something stands at a path that is no folder; raises ``OSError``."""
    return path.exists() and not path.is_dir()


def _needs_recursive(text: str) -> CommandError:
    return CommandError(f"{text!r} is a folder; add -r to copy it with all it holds.")
