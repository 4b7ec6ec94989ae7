"""The preview panel as widgets, over a real session."""
