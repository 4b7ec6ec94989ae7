"""Dialogs: opened, never executed; each button says what it does."""
