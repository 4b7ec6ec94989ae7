"""Settings declared once as data, and the folders in which everything lives."""

from dalbrowser.settings.declared import DECLARED, Setting
from dalbrowser.settings.folders import Folders
from dalbrowser.settings.store import SettingError, Settings

__all__ = ["DECLARED", "Folders", "Setting", "SettingError", "Settings"]
