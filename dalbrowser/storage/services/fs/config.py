"""The configuration of the fs service: one folder, and how patient a write is."""

from __future__ import annotations

from dalbrowser.storage.registry import config_field
from dalbrowser.utils.records import record


@record()
class FsConfig:
    """A folder of this machine; every path is taken under it and nothing leads out of it."""

    root: str = config_field(
        label="Folder",
        required=True,
        doc="The folder that this connection shows, absolute or beginning with ~. It must exist.",
    )
    durable: bool = config_field(
        label="Wait for the disk",
        default=True,
        doc="Whether a write is only done once the disk has it (fsync), so that it survives a"
        " power cut. Off is faster for many small files.",
    )
