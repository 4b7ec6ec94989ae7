"""Copies and moves between places on services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.transfer.model import TransferError

if TYPE_CHECKING:
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.job import LiveJob


async def run_copy(ctx: RunContext, job: LiveJob) -> None:
    """Bring an object from one place on a service to another."""
    del ctx, job
    message = "Copying between places on services is not available."
    raise TransferError(message)
