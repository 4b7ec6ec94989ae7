"""A place: a connection, a bucket, an exact key.

Invariant: ``path`` is the key itself, nothing trimmed or decoded. An operator is given
``spell(path)``, since its own arguments drop one leading slash.
"""

from __future__ import annotations

from dalbrowser.storage import paths
from dalbrowser.utils.records import record


@record()
class Location:
    """One place in one connection.

    ``bucket`` is empty for a service without buckets, and at the root that lists buckets.
    ``path`` is empty at the root, ends in ``/`` for a folder, else it is an object's key.
    """

    profile_id: str
    bucket: str = ""
    path: str = ""

    @property
    def is_folder(self) -> bool:
        """Whether this is a folder, a bucket's root, or the connection's."""
        return paths.is_dir_path(self.path)

    @property
    def is_root(self) -> bool:
        """Whether this is the connection's own root."""
        return not self.path and not self.bucket

    @property
    def parent(self) -> Location:
        """The folder that holds this; a bucket's is the root, the root's is itself."""
        if self.path:
            return Location(self.profile_id, self.bucket, paths.parent(self.path))
        return Location(self.profile_id)

    @property
    def name(self) -> str:
        """The last segment, a folder's with its slash; at a bucket's root the bucket."""
        return paths.basename(self.path) if self.path else self.bucket

    def child(self, name: str) -> Location:
        """Return the place ``name`` in this folder (a folder's name ends in ``/``)."""
        return Location(self.profile_id, self.bucket, self.path + name)

    def at(self, path: str) -> Location:
        """Return another exact key in the same bucket."""
        return Location(self.profile_id, self.bucket, path)
