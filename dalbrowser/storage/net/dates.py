"""Dates as HTTP, S3 and SigV4 write them, from and to aware UTC datetimes.

Invariant: a date that does not parse is ``None``, never an exception and never a guess.
"""

from __future__ import annotations

import re
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache

# The one form that a server may write (RFC 9110, 5.6.7); others are left to the library.
_IMF_FIXDATE = re.compile(
    r"[A-Z][a-z]{2}, ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT\Z"
)
_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES, 1)}


@lru_cache(maxsize=256)
def from_http(text: str | None) -> datetime | None:
    """Parse an HTTP date (RFC 9110, 5.6.7) such as ``Fri, 24 May 2013 00:00:00 GMT``."""
    if not text:
        return None
    fixed = _IMF_FIXDATE.match(text)
    try:
        if fixed is not None:
            day, month, year, hour, minute, second = fixed.groups()
            numbers = (int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second))
            return datetime(*numbers, tzinfo=UTC)
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, KeyError):
        return None
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def to_http(when: datetime) -> str:
    """Write an HTTP date; HTTP has whole seconds only."""
    return format_datetime(when.astimezone(UTC).replace(microsecond=0), usegmt=True)


def from_iso(text: str | None) -> datetime | None:
    """Parse an ISO 8601 instant such as ``2026-01-31T10:00:00.000Z``."""
    if not text:
        return None
    try:
        when = datetime.fromisoformat(text)
        if when.tzinfo is not UTC:
            known = when.tzinfo is not None
            when = when.astimezone(UTC) if known else when.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    # Programs in Go write the year 1 for "unknown"; and in some time zones it is the year 0.
    return when if MINYEAR < when.year < MAXYEAR else None


@lru_cache(maxsize=16)
def amz(when: datetime) -> str:
    """Write the compact form that SigV4 signs, ``20130524T000000Z``."""
    whole = when.astimezone(UTC).isoformat(timespec="seconds")[:19]
    return whole.replace("-", "").replace(":", "") + "Z"
