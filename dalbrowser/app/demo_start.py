"""Gets the demo ready when a person first opens it, its interrupted upload included.

The upload is begun by a real engine, which must own the journal; so the window's own
engine steps aside for the moment that takes, and only while it has nothing to do.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dalbrowser.profiles import DEMO
from dalbrowser.session.demo import begin_interrupted_upload, build_demo, upload_was_begun

if TYPE_CHECKING:
    from dalbrowser.session import Session


def offer_demo(session: Session, started: asyncio.Future[None]) -> None:
    """Have the demo built once, before ``session`` first lists it.

    ``started`` is done once the transfer engine runs, or does not.
    """

    async def prepare() -> None:
        await build_demo(session.folders)
        if not await upload_was_begun(session.folders):
            await asyncio.wait([started])
            await _begin_upload(session)

    session.prepare_with(DEMO, prepare)


async def _begin_upload(session: Session) -> None:
    transfers = session.transfers
    if not transfers.running or any(job.state.is_active for job in await transfers.jobs()):
        return
    await transfers.close()
    try:
        await begin_interrupted_upload(session.folders, session.profiles)
    finally:
        await transfers.start()
