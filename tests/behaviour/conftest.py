"""Runs every behaviour on every service, in one event loop, one service after the other."""

from __future__ import annotations

import asyncio
import re
import uuid
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from dalbrowser.storage import StorageError
from tests.behaviour import services
from tests.behaviour.deviations import deviation
from tests.behaviour.subject import Service, Subject

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.behaviour.subject import Service as ServiceType

_DEVIATING = (AssertionError, StorageError, ExceptionGroup, KeyError, pytest.fail.Exception)
_PARAMETER = "service"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put every behaviour into the session's loop, and mark the known deviations."""
    left_out = [item for item in items if _is_not_for(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]
    for item in items:
        call = getattr(item, "callspec", None)
        if "tests/behaviour/" not in item.nodeid or call is None or _PARAMETER not in call.params:
            continue
        item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
        name = re.sub(rf"\b{re.escape(call.params[_PARAMETER])}\b-?", "", item.name, count=1)
        name = name.replace("[-", "[").replace("-]", "]").replace("[]", "").removeprefix("test_")
        item.user_properties.append(("behaviour", name))
        item.user_properties.append(("service", call.params[_PARAMETER]))
        if known := deviation(call.params[_PARAMETER], name):
            item.add_marker(pytest.mark.xfail(reason=known.reason, strict=True, raises=_DEVIATING))


def _is_not_for(item: pytest.Item) -> bool:
    """Whether a behaviour is none that its service is there for."""
    call = getattr(item, "callspec", None)
    if "tests/behaviour/" not in item.nodeid or call is None:
        return False
    word = services.ONLY.get(str(call.params.get(_PARAMETER)))
    return word is not None and word not in item.name


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=services.NAMES)
async def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Service]:
    """One service after the other."""
    folder = tmp_path_factory.mktemp("fs")
    with services.opened(request.param, request, folder) as service:
        yield service
        await service.op.aclose()


@pytest.fixture
def subject(service: ServiceType, request: pytest.FixtureRequest) -> Subject:
    """One test's own place on the service."""

    def note(name: str, value: str) -> None:
        request.node.user_properties.append((name, value))

    return Subject(service, f"t-{uuid.uuid4().hex[:12]}/", note)


@pytest_asyncio.fixture(loop_scope="session")
async def watch_tasks() -> AsyncIterator[None]:
    """Compare the session loop's tasks after a test with those before it."""
    before = asyncio.all_tasks()
    yield
    for _ in range(20):
        left = asyncio.all_tasks() - before - {asyncio.current_task()}
        if not left:
            return
        await asyncio.sleep(0)
    pytest.fail(f"tasks left running: {[task.get_coro() for task in left]}", pytrace=False)
