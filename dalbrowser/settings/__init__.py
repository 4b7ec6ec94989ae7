"""Settings declared once as data, and the folders in which everything lives."""

from dalbrowser.settings.declared import DECLARED, Setting
from dalbrowser.settings.folders import Folders, home_folder
from dalbrowser.settings.store import SettingError, Settings

__all__ = ["DECLARED", "Folders", "Setting", "SettingError", "Settings", "home_folder"]
