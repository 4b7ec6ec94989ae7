"""Changing what is in a bucket: new folder, rename, delete, and what a delete would cost.

Invariant: nothing is removed that was not named by its exact key, and a rename deletes its
source only after the copy was seen to be whole and the source to be unchanged.
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

from dalbrowser.storage import ErrorKind, Metakey, Operator, StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dalbrowser.profiles import Location
    from dalbrowser.storage import Metadata

_TOGETHER = 2_000
"""Objects between two tellings: as many as the two requests delete that are under way at once."""


@record(frozen=False)
class DeleteReport:
    """``deleted`` counts what is gone; ``failed`` says what is not, and why."""

    deleted: int = 0
    failed: list[tuple[Location, StorageError]] = field(default_factory=list)


@record(frozen=False)
class Measure:
    """How much lies below some locations; a lower bound when not ``complete``."""

    objects: int = 0
    bytes: int = 0
    complete: bool = True


def _invalid(message: str) -> StorageError:
    return StorageError(ErrorKind.INVALID_INPUT, message)


async def create_folder(op: Operator, parent: str, name: str) -> str:
    """Create ``name`` below the folder ``parent`` and return its path."""
    if not name or "/" in name:
        raise _invalid("A folder's name is at least one character and has no '/'; choose another.")
    path = f"{parent}{name}/"
    await op.create_dir(spell(path))
    return path


async def rename_file(op: Operator, path: str, new_name: str) -> str:
    """Give the object ``path`` another name in its folder, and return the new path.

    An object that has the new name already is never replaced: ``AlreadyExists``.
    """
    if not new_name or "/" in new_name:
        raise _invalid("A name is at least one character and has no '/'; choose another.")
    target = path[: path.rfind("/") + 1] + new_name
    if target == path:
        return path
    if op.capability.rename_with_if_not_exists:
        await op.rename(spell(path), spell(target), if_not_exists=True)
        return target
    if await op.exists(spell(target)):
        raise StorageError(
            ErrorKind.ALREADY_EXISTS,
            f"There is an object named “{new_name}” already; choose another name.",
        )
    if op.capability.rename:
        await op.rename(spell(path), spell(target))
    else:
        await _rename_by_copy(op, path, target)
    return target


async def _rename_by_copy(op: Operator, path: str, target: str) -> None:
    before = await op.stat(spell(path))
    options: dict[str, str] = {}
    if op.capability.copy_with_if_match and before.etag:
        options["if_match"] = before.etag
    await op.copy(spell(path), spell(target), **options)
    copied = await op.stat(spell(target))
    after = await op.stat(spell(path))
    if copied.content_length != before.content_length or not _same(before, after):
        raise StorageError(
            ErrorKind.CONDITION_NOT_MATCH,
            f"“{path}” changed while it was renamed. It is untouched, and a copy is at"
            f" “{target}”; look at both and delete the one you do not want.",
        )
    await op.delete(spell(path))


def _same(before: Metadata, after: Metadata) -> bool:
    return (before.etag, before.content_length) == (after.etag, after.content_length)


async def delete(
    op: Operator, locations: Sequence[Location], progress: Callable[[int], None] | None = None
) -> DeleteReport:
    """Delete objects and whole folders of one bucket; one failure does not stop the rest.

    ``progress`` is told how many of ``locations`` have been dealt with.
    """
    report = DeleteReport()

    def tell() -> None:
        if progress is not None:
            progress(report.deleted + len(report.failed))

    files = [loc for loc in locations if not loc.is_folder]
    for start in range(0, len(files), _TOGETHER):
        some = {loc.path: loc for loc in files[start : start + _TOGETHER]}
        for outcome in await op.delete_many([spell(path) for path in some]):
            if outcome.error is None:
                report.deleted += 1
            else:
                report.failed.append((some[outcome.path], outcome.error))
        tell()
    for location in locations:
        if not location.is_folder:
            continue
        try:
            await op.remove_all(spell(location.path))
            report.deleted += 1
        except StorageError as error:
            report.failed.append((location, error))
        tell()
    return report


async def measure(op: Operator, locations: Sequence[Location], limit: int) -> Measure:
    """Count objects and bytes below ``locations``, giving up after ``limit`` objects."""
    total = Measure()
    for location in locations:
        if not location.is_folder:
            metadata = await op.stat(spell(location.path))
            total.objects += 1
            total.bytes += metadata.content_length or 0
            continue
        free = op.info().listed & Metakey.CONTENT_LENGTH
        lister = op.lister(spell(location.path), recursive=True, metakey=free)
        async for page in lister.pages():
            for entry in page:
                if entry.metadata.is_file:
                    total.objects += 1
                    total.bytes += entry.metadata.content_length or 0
            if total.objects >= limit:
                await lister.aclose()
                return replace(total, complete=False)
    return total
