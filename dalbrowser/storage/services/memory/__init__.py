"""The service ``memory``: objects in this process, gone with it."""

from dalbrowser.storage.services.memory.backend import Memory
from dalbrowser.storage.services.memory.config import MemoryConfig

__all__ = ["Memory", "MemoryConfig"]
