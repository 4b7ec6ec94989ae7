"""A local name that is about to be written: who stands there, and what the policy makes of it.

Invariant: a file that exists is replaced only when the policy says so, also when it came
into being while the bytes were on their way.
"""

from __future__ import annotations

import os
import stat
from functools import partial
from typing import TYPE_CHECKING, Protocol

from dalbrowser.transfer.compared import Compared, being_written, changed_since
from dalbrowser.transfer.conflicts import (
    COMPARING,
    ConflictError,
    Side,
    SkipError,
    Verdict,
    decide,
    numbered,
    skip_reason,
)
from dalbrowser.transfer.disk import localfile
from dalbrowser.transfer.model import ConflictPolicy, TargetUnwritableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.job import LiveJob

    Same = Callable[[os.stat_result], Awaitable[bool]]


class Written(Protocol):
    """A temporary file; ``wrote`` is how it was when it was closed."""

    @property
    def wrote(self) -> os.stat_result | None: ...


_NAMES = 100
"""Names tried for a temporary file, or for a file that is kept beside another."""

_REPLACING = (
    ConflictPolicy.OVERWRITE,
    ConflictPolicy.IF_NEWER,
    ConflictPolicy.IF_SIZE_DIFFERS,
)

_PLACE = "local"
"""Stands for this machine where services have their profile."""


class LocalTarget:
    """The target of one download. ``same`` says whether a file is proven to be the object."""

    def __init__(self, ctx: RunContext, job: LiveJob) -> None:
        self._ctx = ctx
        self._job = job
        self._row = job.row
        self._compared = Compared.of(job.row.compared)
        self._seen: Compared | None = None
        self.written: Written | None = None
        """What was written, and is to get the name."""

    async def is_free(self) -> bool:
        """Whether the name was free when this was planned, and is this job's now.

        Who takes it meanwhile is met when the file is put in place, as after every look.
        """
        row = self._row
        looked = row.fresh and not row.attempts and not row.sent
        if not looked or self._compared is not None or row.policy in COMPARING:
            return False
        return await self._claim(row.local_path) and await self._is_free()

    async def settle(self, size: int, same: Same) -> bool:
        """See who stands there; true when it is these very bytes, from a try before this one.

        Raises ``ConflictError`` or ``SkipError``; keeping both changes the job's path.
        """
        row = self._row
        claimed = await self._claim(row.local_path)
        there = await self._ctx.visits.run(
            self._ctx.target_folders.prepare, row.root, row.local_path
        )
        if self._compared is not None:
            return await self._settle_compared(self._compared, claimed, there, same)
        self._saw(there)
        if there is None and claimed:
            return False
        if await self._ctx.on_disk(localfile.is_folder, row.local_path):
            message = f"{row.local_path} is a folder, so no file can have that name; move it."
            raise TargetUnwritableError(message)
        if there is not None and not _is_file(there):
            # Nothing else than a file gives way to one: as root even a device would.
            if row.policy in _REPLACING:
                message = (
                    f"{row.local_path} is a device, a pipe or a socket, and no file takes its"
                    " place; choose another name."
                )
                raise TargetUnwritableError(message)
        elif there is not None and row.attempts and await same(there):
            return True
        if row.policy in _REPLACING and not (claimed and await self._is_free()):
            await self._rename("Another file of these transfers has its name here, so")
            return False
        target = Side(there.st_size, there.st_mtime) if there else Side(None, None)
        verdict = decide(row.policy, Side(size, row.mtime), target)
        if verdict is Verdict.SKIP:
            raise SkipError(skip_reason(row.policy))
        if verdict is Verdict.RENAME:
            await self._rename()
        elif verdict is Verdict.ASK or there is None:
            raise ConflictError(_question(row.local_path, there))
        return False

    def temp(self) -> str:
        """Return a temporary name that no other job holds."""
        for number in range(1, _NAMES):
            name = localfile.temp_name(self._row.local_path, number)
            if self._ctx.claim_file(self._job, name):
                return name
        message = f"Too many downloads into {self._row.local_path} are unfinished; cancel some."
        raise TargetUnwritableError(message)

    def place(self, temp: str, *, durable: bool) -> Callable[[], None]:
        """Return the call that gives the finished file its name; it blocks.

        It raises ``FileExistsError`` when somebody else has taken the name, and
        ``ForeignFileError`` when the file is not what was written here.
        """
        return partial(self._place, self._placing(temp, durable=durable))

    def _place(self, placing: Callable[..., None]) -> None:
        placing(wrote=self.written.wrote if self.written is not None else None)

    def _placing(self, temp: str, *, durable: bool) -> Callable[..., None]:
        compared = self._compared or self._seen
        if compared is not None:
            return partial(
                _place_compared,
                compared,
                temp,
                self._row.local_path,
                mtime=self._row.mtime,
                durable=durable,
            )
        return partial(
            localfile.publish,
            temp,
            self._row.local_path,
            replace=self._row.policy in _REPLACING,
            mtime=self._row.mtime,
            durable=durable,
        )

    async def publish(self, temp: str, size: int, same: Same, *, durable: bool) -> None:
        """Give the finished file its name; asks again when somebody took it meanwhile."""
        if self._row.policy in COMPARING and (self._compared or self._seen) is None:
            await self._look_again(size)
        for _ in range(_NAMES):
            try:
                await self._ctx.to_the_end(self.place(temp, durable=durable))
            except FileExistsError:
                if await self.settle(size, same):
                    await self._ctx.on_disk(localfile.remove, temp)
                    return
            else:
                return
        message = f"The name {self._row.local_path} is taken each time; see who writes there."
        raise TargetUnwritableError(message)

    async def _look_again(self, size: int) -> None:
        """Compare what stands there by now: the download went on after a restart."""
        row = self._row
        there = await self._ctx.on_disk(localfile.stat_or_none, row.local_path)
        self._saw(there)
        if there is None:
            return
        verdict = decide(row.policy, Side(size, row.mtime), Side(there.st_size, there.st_mtime))
        if verdict is Verdict.SKIP:
            raise SkipError(skip_reason(row.policy))
        if verdict is Verdict.ASK:
            raise ConflictError(_question(row.local_path, there))

    def _saw(self, there: os.stat_result | None) -> None:
        """Keep what a comparing policy decides by: it replaces that file, and no other."""
        if self._row.policy not in COMPARING:
            self._seen = None
        elif there is None:
            self._seen = Compared(absent=True)
        else:
            self._seen = Compared(size=there.st_size, mtime_ns=there.st_mtime_ns)

    async def _settle_compared(
        self, compared: Compared, claimed: bool, there: os.stat_result | None, same: Same
    ) -> bool:
        row = self._row
        if not claimed:
            raise being_written(row.local_path)
        if compared.fits_file(there) and not (there and stat.S_ISDIR(there.st_mode)):
            return False
        if there is not None and row.attempts > 0 and await same(there):
            return True
        raise changed_since(row.local_path)

    async def _rename(self, why: str = "Kept both:") -> None:
        row = self._row
        for number in range(2, _NAMES):
            path = numbered(row.local_path, number)
            taken = await self._ctx.on_disk(localfile.stat_or_none, path)
            if taken is None and await self._claim(path):
                row.local_path, row.sent = path, False
                self._saw(None)
                row.note = f"{why} it is called {os.path.basename(path)} here."  # noqa: PTH119
                await self._ctx.journal.save(row)
                return
        message = f"There are too many files named like {row.local_path}; tidy up and retry."
        raise TargetUnwritableError(message)

    async def _claim(self, path: str) -> bool:
        """Reserve a name; false while another job has it, or one that is the same here."""
        if not self._ctx.claim(self._job, _PLACE, "", path, loose=True):
            return False
        if self._ctx.claim_file(self._job, path, loose=True):
            return True
        folder = os.path.dirname(path)  # noqa: PTH120
        return not await self._ctx.ignores_case(folder)

    async def _is_free(self) -> bool:
        """Whether what stands there was not put there by another job of this batch."""
        return not await self._ctx.placed_by_other(self._row)


def _place_compared(
    compared: Compared,
    temp: str,
    path: str,
    *,
    mtime: float | None,
    durable: bool,
    wrote: os.stat_result | None,
) -> None:
    """Put a file in the place of the one that was compared, and of no other."""
    if not compared.fits_file(localfile.stat_or_none(path)):
        raise FileExistsError(path)
    replace = not compared.absent
    localfile.publish(temp, path, replace=replace, mtime=mtime, durable=durable, wrote=wrote)


def _is_file(there: os.stat_result) -> bool:
    """Whether it is a file, or a link, which is replaced itself."""
    return stat.S_ISREG(there.st_mode) or stat.S_ISLNK(there.st_mode)


def _question(path: str, there: os.stat_result | None) -> str:
    name = os.path.basename(path)  # noqa: PTH119
    if there is None:
        return f"{name} is being written by another transfer; say what to do."
    return f"{name} exists already here ({there.st_size:,} bytes); say what to do."
