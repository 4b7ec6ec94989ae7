"""The transfers panel as widgets, over a real session."""
