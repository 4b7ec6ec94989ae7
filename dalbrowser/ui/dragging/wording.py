"""What a drop or a paste would do, in words, and why it does nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from dalbrowser.profiles import format_location
from dalbrowser.session.carrying import Deed, Refusal
from dalbrowser.storage import StorageError
from dalbrowser.ui.format import items_text, visible_name

if TYPE_CHECKING:
    from dalbrowser.profiles import Location, ProfileStore
    from dalbrowser.session.carrying import Verdict

_DEEDS = {
    Deed.UPLOAD: "Upload {items} to {place}",
    Deed.COPY: "Copy {items} to {place}",
    Deed.MOVE: "Move {items} to {place}",
}
_BESIDE = "Duplicate {items} in {place}"
_REFUSALS = {
    Refusal.NOTHING: "There are no files or folders in this that could be taken",
    Refusal.NO_PLACE: "There is no folder here to put it in",
    Refusal.BUCKETS: "Files go into a bucket; open one first",
    Refusal.WHOLE_BUCKET: "A whole bucket cannot be copied or moved; take what is in it",
    Refusal.UNKNOWN: "This comes from a connection that is not known here",
    Refusal.INTO_ITSELF: "A folder cannot be put into itself",
    Refusal.ALREADY_THERE: "It is in {place} already",
}
_KEYS = {
    Deed.MOVE: "Ctrl copies instead",
    Deed.COPY: "Shift moves instead",
}


def _tr(text: str) -> str:
    return QCoreApplication.translate("dragging", text)


def place_text(place: Location, profiles: ProfileStore) -> str:
    """Return the address of a place, with nothing hidden in it."""
    try:
        return visible_name(format_location(place, profiles))
    except StorageError:
        return visible_name(f"{place.bucket}/{place.path}")


def hint_text(verdict: Verdict, profiles: ProfileStore, *, keys: bool = False) -> str:
    """Say what would happen, or why nothing; with ``keys`` also what another key would do."""
    if verdict.cargo.problem:
        return verdict.cargo.problem
    place = "" if verdict.target is None else place_text(verdict.target, profiles)
    if verdict.refusal is not None or verdict.deed is None:
        text = _REFUSALS[verdict.refusal or Refusal.NOTHING]
        return _tr(text).format(place=place)
    text = _BESIDE if verdict.beside else _DEEDS[verdict.deed]
    said = _tr(text).format(items=items_text(verdict.cargo.count), place=place)
    other = _KEYS.get(verdict.deed) if keys else None
    return f"{said} · {_tr(other)}" if other else said
