"""What ``dal sync`` looks at before it does anything: both ends, the plan, and how it is told."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from dalbrowser.cli.context import complain, say
from dalbrowser.cli.copying import absolute
from dalbrowser.cli.wording import CommandError, human_size, one_line
from dalbrowser.profiles import format_location
from dalbrowser.storage import ErrorKind, StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.transfer.sync.ends import LocalEnd, RemoteEnd, require_another_store, require_apart
from dalbrowser.transfer.sync.planfile import read_steps
from dalbrowser.transfer.sync.planning import plan_sync
from dalbrowser.transfer.sync.steps import Do
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from pathlib import Path

    from dalbrowser.cli.context import Context
    from dalbrowser.profiles import Target
    from dalbrowser.transfer.sync.ends import End
    from dalbrowser.transfer.sync.planning import Planned
    from dalbrowser.transfer.sync.rules import Rules
    from dalbrowser.transfer.sync.steps import Counts, Step

_LINES = 1000
_DONE = frozenset({Do.COPY, Do.UPDATE, Do.DELETE})
_NOT_DONE = frozenset({Do.LEAVE, Do.FAIL})


@record()
class Wish:
    """What was asked for: the rules, deletions, and whether an empty source is meant.

    ``limit`` bounds the bytes a second, each way; ``None`` leaves it to the settings.
    """

    rules: Rules
    delete: bool = False
    empty: bool = False
    as_json: bool = False
    limit: int | None = None


def plans_folder(context: Context) -> Path:
    """Return where plans are written."""
    return context.folders.state / "sync"


async def ends(context: Context, source: str, target: str) -> tuple[End, End]:
    """Return both ends, looked at; raises when they make no sense together."""
    here, there = context.target(source), context.target(target)
    if here.local is not None and there.local is not None:
        raise CommandError(
            f"{source!r} and {target!r} are both local; write the remote side as"
            " s3://bucket/folder or connection:folder."
        )
    one = await _end(context, here)
    if isinstance(one, LocalEnd):
        await asyncio.to_thread(_require_folder, one)
    else:
        await _require_no_object(one)
    other = await _end(context, there)
    if isinstance(other, LocalEnd):
        await asyncio.to_thread(_require_no_file, other)
    await asyncio.to_thread(require_apart, one, other)
    await require_another_store(one, other)
    return one, other


async def _end(context: Context, target: Target) -> End:
    if target.location is None:
        return LocalEnd(str(absolute(target.text)), target.text)
    place = target.location
    if context.connections.lists_buckets(place):
        raise CommandError(f"{target.text!r} names no bucket; write the bucket first.")
    if not place.is_folder:
        place = place.at(f"{place.path}/")
    profile = context.profiles.get(place.profile_id)
    return RemoteEnd(place, profile, await context.operator(place), target.text)


def _require_folder(end: LocalEnd) -> None:
    path = absolute(end.text)
    path.stat()
    if not path.is_dir():
        raise CommandError(f"{end.text!r} is a file; a sync is of folders. Use dal cp for it.")


def _require_no_file(end: LocalEnd) -> None:
    path = absolute(end.text)
    if path.exists() and not path.is_dir():
        raise CommandError(f"{end.text!r} is a file; name a folder as the target.")


async def _require_no_object(end: RemoteEnd) -> None:
    """Refuse the key of one object where a folder is meant."""
    key = end.location.path.removesuffix("/")
    if not key or end.text.endswith("/"):
        return
    try:
        found = await end.op.stat(spell(key))
    except StorageError as error:
        # Who may list need not be allowed to look at an object that is not there.
        if error.kind not in {ErrorKind.NOT_FOUND, ErrorKind.PERMISSION_DENIED}:
            raise
        return
    if not found.is_dir:
        raise CommandError(
            f"{end.text!r} is an object; a sync is of folders. Use dal cp for it, or write"
            f" {end.text + '/'!r} for the folder."
        )


async def plan(context: Context, wish: Wish, source: End, target: End) -> Planned:
    """Compare both ends, say what cannot take part, and return the plan.

    Raises ``CommandError`` when there is nothing in the source and that was not said to be meant.
    """
    planned = await plan_sync(
        source, target, wish.rules, delete=wish.delete, folder=plans_folder(context)
    )
    counts = planned.counts
    if counts.failed or counts.left:
        await _say_troubles(planned.path)
    if counts.by_time:
        complain(f"{counts.by_time:,} files have no comparable checksum; size and time decided.")
    if not counts.files and not wish.empty:
        await asyncio.to_thread(planned.file.discard)
        raise CommandError(
            f"There is nothing in {source.text!r} that takes part, so nothing was done; check the"
            " name, or add --allow-empty-source."
        )
    return planned


async def _say_troubles(path: Path) -> None:
    offset, ended = 0, False
    while not ended:
        steps, offset, ended = await asyncio.to_thread(read_steps, path, offset, _LINES, _NOT_DONE)
        for step in steps:
            verb = "Not possible" if step.do is Do.FAIL else "Left out"
            complain(f"{verb}: {step.key}: {step.why}.")


async def say_plan(planned: Planned, wish: Wish, *, verbose: bool = True) -> None:
    """Write what is to be done to stdout, a line a file when ``verbose``, and its sum."""
    write = _json if wish.as_json else _columns if sys.stdout.isatty() else _tabs
    offset, ended = 0, not verbose
    while not ended:
        steps, offset, ended = await asyncio.to_thread(
            read_steps, planned.path, offset, _LINES, _DONE
        )
        for step in steps:
            say(write(step))
    if wish.as_json:
        say(json.dumps({"plan": asdict(planned.counts)}))
    else:
        say(summary(planned.counts, delete=wish.delete))
    sys.stdout.flush()


def _json(step: Step) -> str:
    facts = {"do": step.do.value, "key": step.key, "size": step.size, "why": step.why}
    return json.dumps({name: value for name, value in facts.items() if value != ""})


def _tabs(step: Step) -> str:
    size = "?" if step.size is None else str(step.size)
    return f"{step.do.value}\t{size}\t{one_line(step.key)}"


def _columns(step: Step) -> str:
    why = f"  ({step.why})" if step.do is Do.UPDATE else ""
    return f"{step.do.value:<6}  {human_size(step.size or 0):>10}  {one_line(step.key)}{why}"


def summary(counts: Counts, *, delete: bool) -> str:
    """Return a plan in one line."""
    words = [
        f"copy {counts.copies:,}",
        f"update {counts.updates:,}",
        f"{human_size(counts.bytes)} in all",
    ]
    if delete:
        words.append(f"delete {counts.extra:,} ({human_size(counts.bytes_deleted)})")
    elif counts.extra:
        words.append(f"keep {counts.extra:,} that the source does not have")
    words.append(f"unchanged {counts.same:,}")
    if counts.left:
        words.append(f"left out {counts.left:,}")
    if counts.failed:
        words.append(f"not possible {counts.failed:,}")
    return f"Plan: {', '.join(words)}."


def written(context: Context, end: End) -> str:
    """Return an end as a job's view writes it."""
    return (
        end.path if isinstance(end, LocalEnd) else format_location(end.location, context.profiles)
    )
