"""Comparing two ends and writing down what is to be done: a plan, and what it adds up to.

Invariant: a plan is whole or it is not made: a listing that breaks off is raised, and nothing
is begun from half of one.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from dalbrowser.transfer.sync.clashes import Clashes, ignores_case
from dalbrowser.transfer.sync.digests import same_contents
from dalbrowser.transfer.sync.ends import LocalEnd
from dalbrowser.transfer.sync.items import UnorderedError
from dalbrowser.transfer.sync.merge import merge
from dalbrowser.transfer.sync.planfile import PlanFile
from dalbrowser.transfer.sync.steps import Counts, Steps
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from pathlib import Path

    from dalbrowser.transfer.sync.ends import End
    from dalbrowser.transfer.sync.rules import Rules
    from dalbrowser.transfer.sync.steps import Step

_LINES = 500
"""Steps that are written in one visit to the disk."""


@record()
class Planned:
    """A written plan; ``file`` is removed by whoever has no more use for it."""

    file: PlanFile
    counts: Counts

    @property
    def path(self) -> Path:
        """Where the plan lies."""
        return self.file.path


async def plan_sync(
    source: End, target: End, rules: Rules, *, delete: bool, folder: Path
) -> Planned:
    """Compare ``source`` with ``target`` and write the plan into ``folder``.

    Raises ``StorageError`` when a listing fails. A service that turns out not to list in
    order is listed again, and sorted here.
    """
    try:
        return await _plan(source, target, rules, delete=delete, folder=folder, unordered=False)
    except UnorderedError:
        return await _plan(source, target, rules, delete=delete, folder=folder, unordered=True)


async def _plan(
    source: End, target: End, rules: Rules, *, delete: bool, folder: Path, unordered: bool
) -> Planned:
    clashes = None
    if isinstance(target, LocalEnd):
        clashes = Clashes(folded=await asyncio.to_thread(ignores_case, target.path))
    steps = Steps(rules, delete=delete, digests=same_contents, clashes=clashes)
    pairs = merge(
        source.pages(target=False, unordered=unordered),
        target.pages(target=True, unordered=unordered),
    )
    file = await asyncio.to_thread(PlanFile, folder)
    try:
        held: list[Step] = []
        async with aclosing(steps.of(pairs)) as found:
            async for step in found:
                held.append(step)
                if len(held) >= _LINES:
                    some, held = held, []
                    await asyncio.to_thread(file.add, some)
        await asyncio.to_thread(file.add, held)
        await asyncio.to_thread(file.end)
    except BaseException:
        file.discard()
        raise
    return Planned(file, steps.counts)
