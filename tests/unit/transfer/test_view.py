"""A job's view costs no parsing, however often it is looked at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dalbrowser.profiles import Profile
from dalbrowser.transfer import Direction
from dalbrowser.transfer.job import LiveJob
from dalbrowser.transfer.journal import JobRow

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


def test_the_connection_is_parsed_once_for_all_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    profile = Profile("an id of this test", "place", "memory").to_json()
    real: Callable[..., Any] = json.loads
    parsed = 0

    def loads(text: str, **options: Any) -> Any:
        nonlocal parsed
        parsed += 1
        return real(text, **options)

    monkeypatch.setattr(json, "loads", loads)
    rows = [
        JobRow(id=n, direction=Direction.DOWNLOAD, profile=profile, bucket="", key=f"k{n}")
        for n in range(3)
    ]
    views = [LiveJob.of(row).view() for row in rows for _ in range(4)]
    assert {view.profile_id for view in views} == {"an id of this test"}
    assert {view.source for view in views} == {"place:k0", "place:k1", "place:k2"}
    assert parsed == 1
