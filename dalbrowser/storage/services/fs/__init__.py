"""The local file system as a service: see ``docs.md`` for what it promises."""

from dalbrowser.storage.services.fs.backend import Fs
from dalbrowser.storage.services.fs.config import FsConfig

__all__ = ["Fs", "FsConfig"]
