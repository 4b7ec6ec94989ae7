"""A process that transfers one file and says how far it is, made to be killed at any moment.

``python -m tests.faults.driver FOLDER`` reads ``FOLDER/driver.json`` and prints one line an
event, then one line of JSON for each job as it settled. Its ``process`` is ``command``, the
engine on the process's own loop as ``dal`` has it, or ``window``, the engine in its thread
behind a real window.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from dalbrowser.storage import CapabilityOverrideLayer
from dalbrowser.transfer import ConflictPolicy, JobsChanged, JobView
from tests.faults.rig import Rig

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dalbrowser.profiles import Location
    from dalbrowser.storage import Metadata
    from dalbrowser.transfer import Event, TransferEngine


class Transfers(Protocol):
    """What the engine, and the window's side of it, have in common."""

    async def upload(self, paths: Sequence[Path], target: Location) -> list[int]: ...
    async def download(
        self, items: Sequence[tuple[Location, Metadata | None]], folder: Path
    ) -> list[int]: ...
    async def copy(
        self,
        items: Sequence[Location],
        target: Location,
        policy: ConflictPolicy = ...,
        *,
        move: bool = ...,
    ) -> list[int]: ...
    async def resume(self, ids: Sequence[int]) -> None: ...
    async def wait(self, ids: Sequence[int]) -> list[JobView]: ...


def _is_it(view: JobView, plan: dict[str, Any]) -> bool:
    """Whether a job of the history is the transfer that ``driver.json`` asks for."""
    if plan["action"] == "download":
        return bool(view.local_path == plan["path"])
    return (
        view.source.endswith(plan["key"]) if plan["action"] == "move" else view.key == plan["key"]
    )


async def _begin(transfers: Transfers, rig: Rig, plan: dict[str, Any]) -> list[int]:
    """Ask for the transfer, as a first process does."""
    there = rig.at(plan["key"])
    if plan["action"] == "upload":
        return await transfers.upload([Path(plan["path"])], there.parent)
    if plan["action"] == "download":
        return await transfers.download([(there, None)], Path(plan["path"]).parent)
    return await transfers.copy([there], rig.at(plan["path"]), ConflictPolicy.ASK, move=True)


async def carry(
    transfers: Transfers,
    rig: Rig,
    plan: dict[str, Any],
    jobs: list[JobView],
    history: list[JobView],
) -> None:
    """Go on from wherever the last process was cut off, or begin, and say how it ended."""
    # One that said *done* of another transfer may have been killed before that was committed.
    known = [view.id for view in jobs if _is_it(view, plan)]
    # The last process may have been killed when it had done everything but say so.
    ended = [view.id for view in history if _is_it(view, plan)]
    if jobs:
        await transfers.resume([view.id for view in jobs])
    known = known or ended or await _begin(transfers, rig, plan)
    for view in await transfers.wait(known):
        told = ("state", "integrity", "resent", "error", "note")
        said = {name: getattr(view, name) for name in told} | {"state": view.state.value}
        print(json.dumps(said), flush=True)


def tell(event: Event) -> None:
    """Say how far the jobs are."""
    if isinstance(event, JobsChanged):
        for view in event.views:
            print("at", view.state.value, view.parts_done, flush=True)


async def command(rig: Rig, plan: dict[str, Any]) -> None:
    """Run the engine on this loop."""
    rig.told = tell
    async with rig.engine() as engine:
        await carry(engine, rig, plan, engine.jobs(), await engine.history())
    await rig.op.aclose()


class _Factory:
    """Builds the rig's engine on the window's engine thread."""

    def __init__(self, make: Callable[[], Rig]) -> None:
        self._make = make
        self.rig: Rig | None = None

    def build(self, notify: Callable[[Event], None]) -> TransferEngine:
        self.rig = self._make()
        return self.rig.new_engine(notify)

    async def aclose(self) -> None:
        if self.rig is not None:
            await self.rig.op.aclose()


async def window(make: Callable[[], Rig], plan: dict[str, Any], folder: Path) -> None:
    """Show the program's window, its transfers run by the rig's engine in their thread."""
    from dalbrowser.app.wiring import build_session
    from dalbrowser.session import TransferHost
    from dalbrowser.settings import Folders
    from dalbrowser.ui.window import MainWindow

    loop = asyncio.get_running_loop()
    rig = make()
    session = build_session(loop, Folders.under(folder / "program"))
    host = TransferHost(_Factory(make), loop)
    session.transfers = host
    host.on_event(tell)
    shown = MainWindow(session)
    host.on_started(shown.panels.transfers.show_started)
    await host.start()
    shown.show()
    jobs = await host.jobs()
    history = await host._run(lambda engine: engine.history())
    try:
        await carry(host, rig, plan, jobs, history)
    finally:
        shown.allow_close()
        shown.hide()
        await session.aclose()
        await rig.op.aclose()
        shown.close()
        shown.deleteLater()


def main(folder: Path) -> None:
    """Do what ``driver.json`` says."""
    plan: dict[str, Any] = json.loads((folder / "driver.json").read_text())

    def make() -> Rig:
        rig = Rig(folder, plan["scheme"], plan["config"], plan["bucket"], plan["options"])
        if plan["streamed"]:
            rig.op = rig.op.layer(CapabilityOverrideLayer(copy=False))
        return rig

    if plan["process"] == "command":
        asyncio.run(_command(make, plan))
        return
    from PySide6.QtWidgets import QApplication
    from qasync import QEventLoop

    from dalbrowser.app.collector import collected_here

    application = QApplication(sys.argv[:1])
    application.setQuitOnLastWindowClosed(False)
    loop = QEventLoop(application)
    with loop, collected_here():
        loop.run_until_complete(window(make, plan, folder))


async def _command(make: Callable[[], Rig], plan: dict[str, Any]) -> None:
    await command(make(), plan)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
