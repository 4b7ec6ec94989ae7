"""Faults have names, and each test says how its transfers ended: ``tests.faults.table`` prints it.

``@pytest.mark.fault("…")`` names the fault; ``saw(view)`` notes an outcome as it was seen.
Invariant: an outcome is read from the engine, or from the bytes, never written by hand.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.faults.rig import Rig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from dalbrowser.transfer import JobView
    from tests.servers.s3_server import S3Server

    Saw = Callable[["JobView | str"], None]

SERVICES = os.environ.get("DALBROWSER_FAULT_SERVICES", "fs,ceph").split(",")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark."""
    config.addinivalue_line("markers", "fault(name): the fault that a test brings about")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let every report say which fault it is about, and on which service."""
    for item in items:
        mark = item.get_closest_marker("fault")
        if mark is None or "tests/faults/" not in item.nodeid:
            continue
        item.user_properties.append(("fault", mark.args[0]))
        call = getattr(item, "callspec", None)
        on = call.params.get("service", "") if call is not None else ""
        item.user_properties.append(("on", on or mark.kwargs.get("on", "memory")))


@pytest.fixture
def saw(request: pytest.FixtureRequest) -> Saw:
    """Note how a transfer is now; several notes of one test make a story."""

    def note(what: JobView | str) -> None:
        words = what if isinstance(what, str) else what.words
        request.node.user_properties.append(("outcome", words))

    return note


@pytest.fixture(params=SERVICES)
async def service(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    """A rig over a folder, and over real S3 servers."""
    rig = on_service(request, request.param, tmp_path)
    yield rig
    await rig.op.aclose()


def on_service(request: pytest.FixtureRequest, name: str, folder: Path) -> Rig:
    """Return a rig over ``fs``, or a fresh bucket of ``ceph`` or ``rclone``."""
    if name == "fs":
        (folder / "store").mkdir()
        return Rig(folder, "fs", {"root": str(folder / "store")})
    server: S3Server = request.getfixturevalue(f"{name}_s3")
    bucket: str = request.getfixturevalue(f"{name}_bucket")
    return Rig(folder, "s3", server.operator_config(bucket), bucket)
