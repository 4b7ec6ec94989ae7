"""Two ends of a sync that are one bucket under two names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage import Operator
from dalbrowser.transfer.model import TransferError
from dalbrowser.transfer.sync.ends import RemoteEnd, require_another_store, require_apart

if TYPE_CHECKING:
    from tests.faults.rig import Rig


def end(rig: Rig, path: str, *, by: str = "one") -> RemoteEnd:
    """Return a folder of the service, as the connection ``by`` has it."""
    profile = replace(rig.profile, id=by)
    return RemoteEnd(rig.at(path), profile, rig.op, f"{by}:{path}")


@pytest.mark.parametrize(("source", "target"), [("in/side/", "in/"), ("in/", "in/side/")])
async def test_one_store_by_two_connections_is_known_by_an_object(
    rig: Rig, source: str, target: str
) -> None:
    await rig.op.write("in/side/f", b"the only one")
    one, other = end(rig, source), end(rig, target, by="other")
    require_apart(one, other)  # by their names they are two
    with pytest.raises(TransferError, match="lead to the same bucket"):
        await require_another_store(one, other)


async def test_two_stores_with_the_same_names_are_two(rig: Rig) -> None:
    await rig.op.write("in/side/f", b"a mirror")
    async with Operator("memory") as elsewhere:
        await elsewhere.write("in/side/f", b"a mirror")
        for source, target in (("in/side/", "in/"), ("in/", "in/side/"), ("empty/", "")):
            other = replace(end(rig, target, by="other"), op=elsewhere)
            await require_another_store(end(rig, source), other)
