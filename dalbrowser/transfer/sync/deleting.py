"""Deleting what the source does not have, after everything else was copied.

Invariant: only what the plan names goes, and only while it is what was compared and the
source still lacks it. The service is asked to refuse where it can; else it is looked at right
before.
"""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections import deque
from dataclasses import field
from typing import TYPE_CHECKING

from dalbrowser.storage import StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.transfer.compared import Compared
from dalbrowser.transfer.remote import stat_or_none
from dalbrowser.transfer.sync.ends import LocalEnd
from dalbrowser.transfer.sync.planfile import read_steps
from dalbrowser.transfer.sync.steps import Do
from dalbrowser.transfer.together import all_together
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from dalbrowser.storage import Operator
    from dalbrowser.transfer.sync.ends import End, RemoteEnd
    from dalbrowser.transfer.sync.steps import Step

_PAGE = 1000
_AT_ONCE = 16
_CHANGED = "it changed since it was compared"
_BACK = "the source has it by now"


@record(frozen=False)
class Deleted:
    """How many went, and what did not, with the reason."""

    gone: int = 0
    kept: list[tuple[str, str]] = field(default_factory=list)


async def delete_extra(plan: Path, source: End, target: End) -> Deleted:
    """Delete what ``plan`` says, a page at a time."""
    report, offset, ended = Deleted(), 0, False
    while not ended:
        steps, offset, ended = await asyncio.to_thread(
            read_steps, plan, offset, _PAGE, frozenset({Do.DELETE})
        )
        steps = await _still_lacking(source, steps, report)
        if isinstance(target, LocalEnd):
            await asyncio.to_thread(_delete_local, target.path, steps, report)
        elif target.op.info().capability.delete_with_if_match:
            await _each(steps, lambda step: _delete_if_match(target, step, report))
        else:
            await _delete_seen(target, steps, report)
    return report


async def _still_lacking(source: End, steps: list[Step], report: Deleted) -> list[Step]:
    """Return the steps whose key the source does not have at this moment either."""
    lacking: dict[str, bool] = {}

    async def look(step: Step) -> None:
        try:
            if isinstance(source, LocalEnd):
                path = os.path.join(source.path, *step.key.split("/"))  # noqa: PTH118
                has = await asyncio.to_thread(_is_there, path)
            else:
                has = await stat_or_none(source.op, source.location.path + step.key) is not None
        except (StorageError, OSError) as error:
            why = error.message if isinstance(error, StorageError) else error.strerror or error
            report.kept.append((step.key, f"the source could not be asked ({why})"))
            return
        if has:
            report.kept.append((step.key, _BACK))
        lacking[step.key] = not has

    # A local name that no key has is nobody's copy.
    await _each([step for step in steps if not step.foreign], look)
    return [step for step in steps if step.foreign or lacking.get(step.key, False)]


def _is_there(path: str) -> bool:
    """Whether anything has this name; raises ``OSError`` where that cannot be seen. Blocks."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False  # A zero byte is in no local name.
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return False
        raise
    return True


async def _delete_if_match(target: RemoteEnd, step: Step, report: Deleted) -> None:
    compared = Compared.of(step.compared)
    if compared is None or not compared.etag:
        await _delete_seen(target, [step], report)
        return
    try:
        await target.op.delete(spell(target.location.path + step.key), if_match=compared.etag)
        report.gone += 1
    except StorageError as error:
        report.kept.append((step.key, error.message))


async def _delete_seen(target: RemoteEnd, steps: list[Step], report: Deleted) -> None:
    """Look at each object, then delete those that are what was compared, in batches."""
    unchanged: list[Step] = []

    async def look(step: Step) -> None:
        compared = Compared.of(step.compared)
        try:
            there = await stat_or_none(target.op, target.location.path + step.key)
        except StorageError as error:
            report.kept.append((step.key, error.message))
            return
        if there is None:
            return
        if compared is None or not compared.fits(there):
            report.kept.append((step.key, _CHANGED))
        else:
            unchanged.append(step)

    for at in range(0, len(steps), _AT_ONCE * 4):
        # In small groups, so that little time passes between looking and deleting.
        unchanged.clear()
        await _each(steps[at : at + _AT_ONCE * 4], look)
        await _delete_batch(target.op, target.location.path, unchanged, report)


async def _delete_batch(op: Operator, prefix: str, steps: list[Step], report: Deleted) -> None:
    if not steps:
        return
    try:
        outcomes = await op.delete_many([spell(prefix + step.key) for step in steps])
    except StorageError as error:
        report.kept += [(step.key, error.message) for step in steps]
        return
    for outcome in outcomes:
        if outcome.error is None:
            report.gone += 1
        else:
            report.kept.append((outcome.path[len(prefix) :], outcome.error.message))


def _delete_local(root: str, steps: list[Step], report: Deleted) -> None:
    """Delete files, and the folders that this leaves empty; blocks."""
    real = os.path.realpath(root)
    emptied: set[str] = set()
    for step in steps:
        compared, parent = Compared.of(step.compared), os.path.dirname(step.path)  # noqa: PTH120
        inside = os.path.join(real, os.path.relpath(parent, root))  # noqa: PTH118
        try:
            if os.path.realpath(parent) != os.path.normpath(inside):
                report.kept.append((step.key, "a folder above it is a link by now"))
                continue
            facts = os.lstat(step.path)
            plain = stat.S_ISREG(facts.st_mode)
            if compared is None or not plain or not compared.fits_file(facts):
                report.kept.append((step.key, _CHANGED))
                continue
            os.unlink(step.path)  # noqa: PTH108
        except FileNotFoundError:
            continue
        except OSError as error:
            report.kept.append((step.key, error.strerror or str(error)))
            continue
        report.gone += 1
        emptied.add(parent)
    for folder in sorted(emptied, key=len, reverse=True):
        _remove_empty(folder, root)


def _remove_empty(folder: str, root: str) -> None:
    """Remove a folder, and those above it below ``root``, for as long as they are empty."""
    while folder != root and folder.startswith(root):
        try:
            os.rmdir(folder)  # noqa: PTH106
        except OSError:
            return
        folder = os.path.dirname(folder)  # noqa: PTH120


async def _each(steps: list[Step], call: Callable[[Step], Coroutine[object, object, None]]) -> None:
    """Do something for every step, a few at a time."""
    todo = deque(steps)

    async def work() -> None:
        while todo:
            await call(todo.popleft())

    await all_together(work() for _ in range(min(_AT_ONCE, len(todo))))
