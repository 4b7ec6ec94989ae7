"""What may be carried where: copied, moved, uploaded, or refused with a reason.

Invariants: nothing is carried into itself, and nothing is moved to where it is, also when
two connections lead to the same place; what is judged is what is carried out, unchanged.
"""

from __future__ import annotations

import os
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dalbrowser.storage import StorageError
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from dalbrowser.profiles import Location, Profile, ProfileStore

MOVES_UNASKED = 10
"""Objects that are moved without a question; a move is a copy and a delete of each."""


class Deed(Enum):
    """What is done with what is carried."""

    UPLOAD = "upload"
    COPY = "copy"
    MOVE = "move"


class Refusal(Enum):
    """Why nothing may be done."""

    NOTHING = "nothing that could be taken"
    NO_PLACE = "no folder here"
    BUCKETS = "a list of buckets"
    WHOLE_BUCKET = "a whole bucket"
    UNKNOWN = "a connection that is not known here"
    INTO_ITSELF = "a folder into itself"
    ALREADY_THERE = "where it is already"


@record()
class Cargo:
    """What is carried: places, or local files; ``move`` when it was cut.

    ``problem`` is a sentence when it is neither and cannot be taken.
    """

    places: tuple[Location, ...] = ()
    paths: tuple[Path, ...] = ()
    move: bool = False
    problem: str = ""

    @property
    def count(self) -> int:
        """How many items."""
        return len(self.places) or len(self.paths)


@record()
class Verdict:
    """What would be done with a cargo at ``target``; a ``refusal`` says why nothing."""

    cargo: Cargo
    target: Location | None
    deed: Deed | None = None
    refusal: Refusal | None = None

    @property
    def allowed(self) -> bool:
        """Whether anything would be done."""
        return self.deed is not None and self.refusal is None

    @property
    def beside(self) -> bool:
        """Whether it is a copy into the folder that it is in: it gets another name."""
        return self.deed is Deed.COPY and any(
            place.parent == self.target for place in self.cargo.places
        )

    @property
    def asks(self) -> bool:
        """Whether a person is to confirm it."""
        places = self.cargo.places
        many = len(places) > MOVES_UNASKED or any(place.is_folder for place in places)
        return self.deed is Deed.MOVE and many


def judge(
    cargo: Cargo,
    target: Location | None,
    profiles: ProfileStore,
    *,
    wish: Deed | None = None,
    resolve: Callable[[str], str] = os.path.abspath,
    sample: int | None = None,
) -> Verdict:
    """Say what would be done with a cargo in the folder ``target``.

    ``wish`` is what the person asked for by key; without one it is a move within a bucket
    and a copy elsewhere. ``resolve`` makes a local path absolute: the default asks no disk,
    ``os.path.realpath`` also sees through links, and blocks. Only the first ``sample`` items
    are looked at, all of them where it is ``None``.
    """
    refusal = _no_target(target, profiles)
    if target is None or refusal is not None:
        return Verdict(cargo, target, None, refusal or Refusal.NO_PLACE)
    try:
        identities = Identities(profiles, resolve)
        there = identities.of(target)
        if cargo.places:
            deed = wish or _usual(cargo.places[0], target)
            looked = cargo.places[:sample]
            if any(not place.path for place in looked):
                return Verdict(cargo, target, None, Refusal.WHOLE_BUCKET)
            found = [identities.of(place) for place in looked]
            return Verdict(cargo, target, deed, _misplaced(found, there, deed is Deed.COPY))
        if cargo.paths:
            found = [("fs", resolve(os.fspath(path)) + "/") for path in cargo.paths[:sample]]
            return Verdict(cargo, target, Deed.UPLOAD, _misplaced(found, there, False))
    except StorageError:
        return Verdict(cargo, target, None, Refusal.UNKNOWN)
    return Verdict(cargo, target, None, Refusal.NOTHING)


def _no_target(target: Location | None, profiles: ProfileStore) -> Refusal | None:
    if target is None or not target.is_folder:
        return Refusal.NO_PLACE
    try:
        profile = profiles.get(target.profile_id)
    except StorageError:
        return Refusal.UNKNOWN
    lists_buckets = target.is_root and profile.has_buckets and not profile.fixed_bucket
    return Refusal.BUCKETS if lists_buckets else None


def _usual(place: Location, target: Location) -> Deed:
    """What a person expects who asked for nothing: as between two folders, or two disks."""
    near = (place.profile_id, place.bucket) == (target.profile_id, target.bucket)
    return Deed.MOVE if near else Deed.COPY


def _misplaced(
    found: Sequence[tuple[str, str]], there: tuple[str, str], stays: bool
) -> Refusal | None:
    store, folder = there
    for other, path in found:
        if other != store:
            continue
        if path.endswith("/") and folder.startswith(path):
            return Refusal.INTO_ITSELF
        if not stays and path[: path.removesuffix("/").rfind("/") + 1] == folder:
            return Refusal.ALREADY_THERE
    return None


class Identities:
    """Says of places which store they are in and where, the same for all connections to it.

    Two names of one server are two stores here; the engine compares the objects themselves
    before it deletes a source.
    """

    def __init__(self, profiles: ProfileStore, resolve: Callable[[str], str]) -> None:
        self._profiles = profiles
        self._resolve = resolve
        self._known: dict[tuple[str, str], tuple[str, str]] = {}

    def of(self, place: Location) -> tuple[str, str]:
        """Return the store and the path in it; raises ``NotFound`` for an unknown connection."""
        bucket = (place.profile_id, place.bucket)
        known = self._known.get(bucket)
        if known is None:
            known = self._known[bucket] = self._store(place)
        store, base = known
        if store == "fs" and self._resolve is not os.path.abspath:
            path = self._resolve(base + place.path)
            return store, f"{path.rstrip('/')}/" if place.is_folder else path
        return store, base + place.path

    def _store(self, place: Location) -> tuple[str, str]:
        profile = self._profiles.get(place.profile_id)
        root = profile.config.get("root", "")
        if profile.scheme == "fs" and root:
            return "fs", f"{self._resolve(root).rstrip('/')}/"
        root = root.strip("/")
        base = f"/{root}/" if root else "/"
        if not profile.has_buckets:
            return profile.id, base
        server = urlsplit(profile.config.get("endpoint", "")).netloc
        if not server:
            server = f"{profile.config.get('preset', '')}@{profile.config.get('region', '')}"
        return f"{profile.scheme}://{server}/{place.bucket or profile.fixed_bucket}", base


def local_path(place: Location, profile: Profile) -> str | None:
    """Return the path of the file behind a place, ``None`` when no local file is."""
    root = profile.config.get("root", "") if profile.scheme == "fs" else ""
    path = place.path.removesuffix("/")
    return os.path.join(root, path) if root else None  # noqa: PTH118 -- exact keys
