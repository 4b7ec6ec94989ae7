"""Dates: both forms, and what is no date is nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dalbrowser.storage.net import dates

WHEN = datetime(2013, 5, 24, 1, 2, 3, tzinfo=UTC)


def test_forms() -> None:
    assert dates.to_http(WHEN) == "Fri, 24 May 2013 01:02:03 GMT"
    assert dates.from_http("Fri, 24 May 2013 01:02:03 GMT") == WHEN
    assert dates.from_iso("2013-05-24T01:02:03.000Z") == WHEN
    assert dates.amz(WHEN) == "20130524T010203Z"


def test_what_is_no_date() -> None:
    for text in (None, "", "yesterday", "99", "Fri, 99 May 2013 01:02:03 GMT"):
        assert dates.from_http(text) is None
    for text in (None, "", "2013-99-01"):
        assert dates.from_iso(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00Z",  # Go's zero, and a year that some time zones do not have
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
    ],
)
def test_a_date_beyond_the_calendar_is_none(text: str) -> None:
    assert dates.from_iso(text) is None
