"""dalbrowser: a desktop file browser for object storage, on an embedded async operator."""

__version__ = "0.1.0"
