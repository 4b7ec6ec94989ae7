"""The command line ``dal``: the same engine from a terminal, without the window."""

from dalbrowser.cli.run import main

__all__ = ["main"]
