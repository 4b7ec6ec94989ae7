"""The transfer engine: what a window or a command asks for, and the promise behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.transfer.model import ConflictPolicy, EngineOptions, StartReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from dalbrowser.profiles import Location, ProfileStore
    from dalbrowser.storage import Metadata
    from dalbrowser.transfer.model import JobView, LocalPath, Notify, OperatorSource


class TransferEngine:
    """Runs transfers on the event loop that calls ``start``; every method is called on it."""

    def __init__(
        self,
        journal_path: Path,
        connections: OperatorSource,
        profiles: ProfileStore,
        options: EngineOptions | None = None,
        notify: Notify | None = None,
    ) -> None:
        raise NotImplementedError

    async def start(self) -> StartReport:
        """Open the journal; raises ``JournalHeld`` when another process has it."""
        raise NotImplementedError

    async def close(self) -> None:
        """Stop all work; what ran is *interrupted* in the journal and can be resumed."""
        raise NotImplementedError

    async def upload(
        self,
        paths: Sequence[LocalPath],
        target: Location,
        policy: ConflictPolicy = ConflictPolicy.ASK,
    ) -> list[int]:
        """Upload files and folders into the folder ``target``; one job id a path."""
        raise NotImplementedError

    async def upload_file(
        self, path: LocalPath, target: Location, policy: ConflictPolicy = ConflictPolicy.ASK
    ) -> int:
        """Upload one file to the exact key of ``target``."""
        raise NotImplementedError

    async def download(
        self,
        items: Sequence[tuple[Location, Metadata | None]],
        folder: LocalPath,
        policy: ConflictPolicy = ConflictPolicy.ASK,
    ) -> list[int]:
        """Download objects and folders (keys ending in ``/``) into ``folder``."""
        raise NotImplementedError

    async def download_file(
        self, location: Location, path: LocalPath, policy: ConflictPolicy = ConflictPolicy.ASK
    ) -> int:
        """Download one object to the exact local ``path``."""
        raise NotImplementedError

    async def copy(
        self,
        items: Sequence[Location],
        target: Location,
        policy: ConflictPolicy = ConflictPolicy.ASK,
        *,
        move: bool = False,
    ) -> list[int]:
        """Copy or move objects and folders into the folder ``target``."""
        raise NotImplementedError

    async def adopt(self, path: LocalPath, target: Location, upload_id: str) -> int:
        """Go on with an incomplete upload found on the server, from the local file ``path``."""
        raise NotImplementedError

    async def pause(self, ids: Iterable[int]) -> None:
        """Stop these jobs; what was done is kept."""
        raise NotImplementedError

    async def resume(self, ids: Iterable[int]) -> None:
        """Let paused, interrupted and waiting jobs go on."""
        raise NotImplementedError

    async def cancel(self, ids: Iterable[int]) -> None:
        """End these jobs and leave nothing of them: no upload, no temporary file."""
        raise NotImplementedError

    async def retry(self, ids: Iterable[int]) -> None:
        """Try failed jobs again; a job whose source changed starts over."""
        raise NotImplementedError

    async def answer(self, job_id: int, policy: ConflictPolicy, for_batch: bool = False) -> None:
        """Answer a job that needs to know what to do with an existing target."""
        raise NotImplementedError

    def jobs(self) -> list[JobView]:
        """Return the live jobs, oldest first; not a coroutine."""
        raise NotImplementedError

    async def history(self, limit: int = 200) -> list[JobView]:
        """Return finished jobs, newest first."""
        raise NotImplementedError

    async def clear_completed(self) -> None:
        """Forget the finished jobs, in the list and in the history."""
        raise NotImplementedError

    async def wait(self, ids: Iterable[int]) -> list[JobView]:
        """Return the views of these jobs once each is settled (done, failed, needs a person …)."""
        raise NotImplementedError
