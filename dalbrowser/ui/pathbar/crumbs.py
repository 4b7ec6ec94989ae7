"""The parts of a place, from its connection down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.profiles import Location
from dalbrowser.ui.format import visible_name
from dalbrowser.ui.pathbar.bar import Crumb
from dalbrowser.ui.sidebar.tree import profile_icon, profile_label

if TYPE_CHECKING:
    from dalbrowser.profiles import Profile


def crumbs_of(location: Location, profile: Profile) -> list[Crumb]:
    """Return connection, bucket and each folder; ``a//b/`` has a folder with an empty name."""
    root = Location(profile.id, profile.fixed_bucket)
    crumbs = [Crumb(profile_label(profile), root, profile_icon(profile).value)]
    if location.bucket and not profile.fixed_bucket:
        bucket = Location(profile.id, location.bucket)
        crumbs.append(Crumb(location.bucket, bucket, "bucket"))
    end = location.path.find("/")
    start = 0
    while end >= 0:
        folder = location.at(location.path[: end + 1])
        crumbs.append(Crumb(visible_name(location.path[start:end]), folder))
        start = end + 1
        end = location.path.find("/", start)
    return crumbs
