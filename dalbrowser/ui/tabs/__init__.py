"""Tabs: several places open in one window, each with its own history, listing and list."""
