"""Carries out what was judged: queues uploads, copies, moves and duplicates in the engine.

Invariants: it is judged once more with every link seen through, right before it is queued;
a copy into the folder that an item is in goes to a name that is free, never over the item.
"""

from __future__ import annotations

import asyncio
import os
from time import monotonic
from typing import TYPE_CHECKING

from dalbrowser.session.carrying import Cargo, Deed, Verdict, judge
from dalbrowser.storage import ErrorKind, StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.transfer import ConflictPolicy
from dalbrowser.transfer.remote import is_empty

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dalbrowser.profiles import Location
    from dalbrowser.session.session import Session
    from dalbrowser.storage import Operator

_GIVEN_FOR = 60.0
"""Seconds for which a name that was given out counts as taken."""
_MOST_NAMES = 1_000
"""Names that are tried for one duplicate before a person is asked to tidy up."""


class RefusedError(Exception):
    """It may not be done after all; ``verdict`` says why."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.refusal.value if verdict.refusal else "refused")
        self.verdict = verdict


class Carrier:
    """Hands cargo to the transfers of a session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        # Names given out lately: their folders may not be there yet. By when that was.
        self._given: dict[Location, float] = {}

    async def carry(self, verdict: Verdict) -> list[int]:
        """Queue what was allowed, and return the ids of the jobs.

        Raises ``RefusedError``, or what the engine says when it does not take them.
        """
        cargo, target = verdict.cargo, verdict.target
        again = await asyncio.to_thread(
            judge,
            cargo,
            target,
            self._session.profiles,
            wish=verdict.deed,
            resolve=os.path.realpath,
        )
        if target is None or not again.allowed:
            raise RefusedError(again)
        if not (await self._session.capability(target)).write:
            raise StorageError(
                ErrorKind.UNSUPPORTED,
                "Nothing can be written to this connection; choose a folder in another.",
                path=target.path,
            )
        if verdict.deed is Deed.UPLOAD:
            return await self._session.transfers.upload(cargo.paths, target)
        if verdict.deed is Deed.MOVE:
            return await self._session.transfers.copy(cargo.places, target, move=True)
        return await self._copy(cargo.places, target)

    async def duplicate(self, places: Sequence[Location]) -> list[int]:
        """Copy items beside themselves, each to ``name (2)`` or the next free one."""
        if not places:
            return []
        return await self.carry(Verdict(Cargo(tuple(places)), places[0].parent, Deed.COPY))

    async def _copy(self, places: Sequence[Location], target: Location) -> list[int]:
        beside = [place for place in places if place.parent == target]
        others = [place for place in places if place.parent != target]
        ids: list[int] = []
        if beside:
            op = await self._session.operator(target)
            names = {place: await self._free_name(op, place) for place in beside}
            # Whatever takes the name first stays, too.
            policy = ConflictPolicy.KEEP_BOTH
            ids += await self._session.transfers.copy(beside, target, policy, names=names)
        if others:
            ids += await self._session.transfers.copy(others, target)
        return ids

    async def _free_name(self, op: Operator, place: Location) -> str:
        slash = "/" if place.is_folder else ""
        name = place.name.removesuffix("/")
        stem, dot, suffix = ("", "", "") if place.is_folder else name.rpartition(".")
        if not stem:
            stem, dot, suffix = name, "", ""
        for number in range(2, _MOST_NAMES):
            fresh = f"{stem} ({number}){dot}{suffix}"
            candidate = place.parent.child(fresh + slash)
            if monotonic() - self._given.get(candidate, -_GIVEN_FOR) < _GIVEN_FOR:
                continue
            self._given[candidate] = monotonic()
            if not await _taken(op, place.parent.child(fresh).path):
                return fresh
        raise StorageError(
            ErrorKind.ALREADY_EXISTS,
            f"There are {_MOST_NAMES:,} copies of “{name}” already; rename or delete some.",
        )


async def _taken(op: Operator, key: str) -> bool:
    """Whether an object or a folder has a name; a folder may be one only by what is in it."""
    try:
        await op.stat(spell(key))
    except StorageError as error:
        if error.kind in (ErrorKind.IS_A_DIRECTORY, ErrorKind.NOT_A_DIRECTORY):
            return True
        if error.kind is not ErrorKind.NOT_FOUND:
            raise
    else:
        return True
    try:
        return not await is_empty(op, f"{key}/", with_marker=True)
    except StorageError as error:
        if error.kind is not ErrorKind.NOT_FOUND:
            raise
        return False
