"""Values as JSON for other programs: one object a line, for ``jq`` and whatever reads lines.

Invariant: keys and paths are exact. Sizes are bytes, times are UTC (ISO 8601, ending in ``Z``), and
what is not known is ``null``. A line is ASCII: a byte of a local name that is no UTF-8 is the
escape ``\\udcXX``, as Python reads it back.
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dalbrowser.profiles import secret_fields
from dalbrowser.storage import StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dalbrowser.profiles import Profile


def json_line(facts: Mapping[str, object]) -> str:
    """Return one object on one line."""
    return json.dumps(facts)


def utc(moment: datetime | None) -> str | None:
    """Return a time as it is told, ``2026-11-22T13:08:12.345000Z``."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


def utc_of(seconds: float | None) -> str | None:
    """Return seconds since the epoch as a time."""
    return utc(datetime.fromtimestamp(seconds, UTC)) if seconds else None


def connection_line(profile: Profile) -> str:
    """Return a connection as one line, with its settings and without a secret."""
    facts = {"uri": profile.prefix, "name": profile.name, "kind": profile.scheme}
    return json_line({**facts, "builtin": profile.builtin, "settings": settings_shown(profile)})


def settings_shown(profile: Profile) -> dict[str, str]:
    """Return a connection's settings; a secret that somebody wrote among them is not told."""
    try:
        secret = secret_fields(profile.scheme)
    except StorageError:
        secret = frozenset(profile.config)  # of a kind that only a newer version knows
    return {name: "***" if name in secret else value for name, value in profile.config.items()}


def add_json(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """Declare ``--json`` of a command that lists.

    ``again``: of an action whose command has it too; what stood before the action counts.
    """
    parser.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS if again else False,
        help="a JSON object a line: exact names, sizes in bytes, times in UTC",
    )
