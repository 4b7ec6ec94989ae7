"""Configuration of the service ``memory``."""

from __future__ import annotations

from dalbrowser.storage.registry import config_field
from dalbrowser.utils.records import record


@record(kw_only=True)
class MemoryConfig:
    """All of it is optional."""

    name: str = config_field(
        doc="Operators with the same name share their objects within this process;"
        " without a name each has its own."
    )
    root: str = config_field(doc="The prefix under which every path is taken.")
    versioning: bool = config_field(
        doc="Keep every version of an object, and a marker for each delete.", default=False
    )
