"""What a sync will do, step by step, from two listings that are gone through side by side.

Invariant: every key of either side ends in exactly one count, and whatever cannot be done is
a step that says why. A key is deleted only when the source was seen not to have it: what a
folder hides that cannot be looked into is not missing.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import aclosing
from enum import Enum
from typing import TYPE_CHECKING

from dalbrowser.transfer.compared import Compared
from dalbrowser.transfer.sync.rules import By, is_newer, same_size
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from dalbrowser.transfer.sync.clashes import Clashes
    from dalbrowser.transfer.sync.items import Item
    from dalbrowser.transfer.sync.merge import Pair
    from dalbrowser.transfer.sync.rules import Rules

    Digests = Callable[[Item, Item], Awaitable[bool | None]]

_ABSENT = Compared(absent=True).text()
_AHEAD = 8
"""Rows whose digests are compared at the same time."""


class Do(Enum):
    """What is done with one key."""

    COPY = "copy"
    UPDATE = "update"
    DELETE = "delete"
    LEAVE = "leave"
    FAIL = "fail"


@record(kw_only=True)
class Step:
    """One step. ``size`` is in bytes, of the source, or of what is deleted.

    ``compared`` is what stood at the target, ``path`` the local file of either side.
    """

    do: Do
    key: str
    size: int | None = None
    why: str = ""
    etag: str = ""
    version: str = ""
    modified: float | None = None
    path: str = ""
    foreign: bool = False
    compared: str = ""


@record(frozen=False)
class Counts:
    """What a plan adds up to. ``files`` are those of the source; bytes are of its copies."""

    files: int = 0
    copies: int = 0
    updates: int = 0
    same: int = 0
    extra: int = 0
    left: int = 0
    failed: int = 0
    bytes: int = 0
    bytes_deleted: int = 0
    by_time: int = 0
    """Rows that no digest could compare, so that size and time had to."""

    @property
    def work(self) -> int:
        """How many files are written."""
        return self.copies + self.updates


class Steps:
    """Decides for each pair of a merge. ``digests`` compares contents, without remote bytes."""

    def __init__(
        self, rules: Rules, *, delete: bool, digests: Digests, clashes: Clashes | None = None
    ) -> None:
        self.counts = Counts()
        self._rules = rules
        self._delete = delete
        self._digests = digests
        self._clashes = clashes
        self._hidden_source: str | None = None
        self._hidden_target: str | None = None

    async def of(self, pairs: AsyncGenerator[Pair, None]) -> AsyncGenerator[Step, None]:
        """Yield the steps in the order of the keys."""
        ahead: deque[asyncio.Task[Step | None] | Step] = deque()
        try:
            async with aclosing(pairs):
                async for source, target in pairs:
                    found = self._decide(source, target)
                    if found is not None:
                        ahead.append(found)
                    while ahead and (isinstance(ahead[0], Step) or len(ahead) > _AHEAD):
                        step = await _ready(ahead.popleft())
                        if step is not None:
                            yield self._counted(step)
                while ahead:
                    step = await _ready(ahead.popleft())
                    if step is not None:
                        yield self._counted(step)
        finally:
            tasks = [each for each in ahead if isinstance(each, asyncio.Task)]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _decide(
        self, source: Item | None, target: Item | None
    ) -> asyncio.Task[Step | None] | Step | None:
        item = source or target
        if item is None:
            return None
        self._hide(source, target)
        if not (self._rules.may_hide(item.key) if item.below else self._rules.takes(item.key)):
            return None
        if source is None:
            return self._only_target(item)
        return _stopped(source) if source.obstacle else self._wanted(source, target)

    def _wanted(self, source: Item, target: Item | None) -> asyncio.Task[Step | None] | Step | None:
        self.counts.files += 1
        why_not = self._why_not(source, target)
        if why_not:
            return Step(do=Do.FAIL, key=source.key, why=why_not)
        if target is None:
            return _written(Do.COPY, source, _ABSENT, "it is not there")
        return self._both(source, target)

    def _hide(self, source: Item | None, target: Item | None) -> None:
        """Note a folder that cannot be looked into: whether it takes part is another question."""
        if source is not None and source.below:
            self._hidden_source = source.key
        if target is not None and target.below:
            self._hidden_target = target.key

    def _why_not(self, source: Item, target: Item | None) -> str:
        clash = self._clashes.of(source.key) if self._clashes is not None else ""
        if clash:
            return clash
        if self._hidden_target is not None and source.key.startswith(self._hidden_target):
            return "what is at the target cannot be seen, so it was not written"
        return f"at the target {target.obstacle}" if target is not None and target.obstacle else ""

    def _only_target(self, target: Item) -> Step | None:
        if target.obstacle:
            return _stopped(target)
        if self._hidden_source is not None and target.key.startswith(self._hidden_source):
            return None
        self.counts.extra += 1
        if not self._delete:
            return None
        return Step(
            do=Do.DELETE,
            key=target.key,
            size=target.size,
            path=target.path,
            foreign=target.foreign,
            compared=target.seen().text(),
        )

    def _both(self, source: Item, target: Item) -> asyncio.Task[Step | None] | Step | None:
        if not same_size(source, target):
            return _written(Do.UPDATE, source, target.seen().text(), "the sizes differ")
        if self._rules.by is By.SIZE:
            return self._same()
        newer = is_newer(source, target)
        if self._rules.by is By.TIME and newer is False:
            return self._same()
        ahead = bool(source.path) and (source.modified or 0) > time.time()
        if self._rules.by is By.TIME and newer and not target.path and not ahead:
            return _written(Do.UPDATE, source, target.seen().text(), "the source is newer")
        # A file that was fetched by other means has its own time, older than its object's:
        # reading it here costs less than fetching it again. One from the future would be sent
        # each time.
        return asyncio.ensure_future(self._by_digest(source, target, newer))

    async def _by_digest(self, source: Item, target: Item, newer: bool | None) -> Step | None:
        try:
            same = await self._digests(source, target)
        except OSError as error:
            if target.path and self._rules.by is By.TIME:
                # What lies here is to be replaced, whatever it is.
                return _written(Do.UPDATE, source, target.seen().text(), "the source is newer")
            why = f"it cannot be read ({error.strerror or error})"
            return Step(do=Do.FAIL, key=source.key, why=why)
        if same is None:
            self.counts.by_time += self._rules.by is By.CHECKSUM
            same = newer is False
        if same:
            return self._same()
        why = "the source is newer" if newer else "the contents may differ"
        return _written(Do.UPDATE, source, target.seen().text(), why)

    def _same(self) -> Step | None:
        self.counts.same += 1
        return None

    def _counted(self, step: Step) -> Step:
        counts = self.counts
        if step.do is Do.COPY:
            counts.copies += 1
        elif step.do is Do.UPDATE:
            counts.updates += 1
        elif step.do is Do.LEAVE:
            counts.left += 1
        elif step.do is Do.FAIL:
            counts.failed += 1
        if step.do in (Do.COPY, Do.UPDATE):
            counts.bytes += step.size or 0
        elif step.do is Do.DELETE:
            counts.bytes_deleted += step.size or 0
        return step


async def _ready(found: asyncio.Task[Step | None] | Step) -> Step | None:
    return found if isinstance(found, Step) else await found


def _stopped(item: Item) -> Step:
    do = Do.FAIL if item.failed else Do.LEAVE
    return Step(do=do, key=item.key, why=item.obstacle)


def _written(do: Do, source: Item, compared: str, why: str) -> Step:
    return Step(
        do=do,
        key=source.key,
        size=source.size,
        why=why,
        etag=source.etag,
        version=source.version,
        modified=source.modified,
        path=source.path,
        compared=compared,
    )
