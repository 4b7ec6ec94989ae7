"""Places on the clipboard or in a drag, as JSON: connection id, bucket, exact key; nothing else.

Invariants: no secret and no address of a server is ever in it; what comes from outside is
taken whole or refused whole, and a refusal says what is wrong with it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dalbrowser.profiles import Location
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Sequence

MIME = "application/x-dalbrowser-locations"
LIMIT = 5_000
"""Places in one payload: so many are written, and read, in 30 ms of a processor, and a window
must not stand still for longer; whoever has more takes the folder that holds them."""
_LONGEST = 32 * 1024 * 1024
"""Bytes of a payload: ``LIMIT`` keys of S3's 1,024 bytes, each byte escaped, and some."""
_VERSION = 1
_FIELDS = 3


class PayloadError(Exception):
    """A payload that is not taken; the message is a sentence for a person."""


@record()
class Payload:
    """Places that were copied or cut. ``move``: they are to leave where they are."""

    places: tuple[Location, ...]
    move: bool = False


def encode(payload: Payload) -> bytes:
    """Return the payload as JSON; raises ``PayloadError`` when it holds too many places."""
    require_few(len(payload.places))
    places = [[place.profile_id, place.bucket, place.path] for place in payload.places]
    value = {"version": _VERSION, "move": payload.move, "places": places}
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def require_few(count: int) -> None:
    """Raise ``PayloadError`` for more places than one payload holds."""
    if count > LIMIT:
        raise PayloadError(
            f"{count:,} items are too many to be carried at once, the most is {LIMIT:,}; take"
            " the folder that holds them."
        )


def decode(data: bytes) -> Payload:
    """Return what ``encode`` wrote; raises ``PayloadError`` for anything else."""
    if len(data) > _LONGEST:
        raise PayloadError("What was offered is too large to be a list of places.")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or set(value) != {"version", "move", "places"}:
        raise PayloadError("What was offered is not a list of places; nothing was done.")
    if type(value["version"]) is not int or value["version"] != _VERSION:
        raise PayloadError("What was offered comes from another version; nothing was done.")
    places, move = value["places"], value["move"]
    if not isinstance(move, bool) or not isinstance(places, list) or not places:
        raise PayloadError("What was offered is not a list of places; nothing was done.")
    if len(places) > LIMIT:
        raise PayloadError(f"What was offered has more than {LIMIT:,} places; nothing was done.")
    return Payload(_distinct([_place(one) for one in places]), move)


def _place(value: Any) -> Location:
    if (
        isinstance(value, list)
        and len(value) == _FIELDS
        and all(isinstance(text, str) for text in value)
        and value[0]
    ):
        return Location(*value)
    raise PayloadError("What was offered has a place that cannot be read; nothing was done.")


def _distinct(places: Sequence[Location]) -> tuple[Location, ...]:
    """Leave out what is named twice, and what lies in a folder that is named as well."""
    found = tuple(dict.fromkeys(places))
    folders = {_key(place) for place in found if place.path.endswith("/")}
    if not folders:
        return found
    return tuple(place for place in found if not _covered(place, folders))


def _key(place: Location) -> tuple[str, str, str]:
    return place.profile_id, place.bucket, place.path


def _covered(place: Location, folders: set[tuple[str, str, str]]) -> bool:
    path = place.path
    end = path.rfind("/", 0, len(path) - 1)
    while end >= 0:
        if (place.profile_id, place.bucket, path[: end + 1]) in folders:
            return True
        end = path.rfind("/", 0, end)
    return False
