"""Tests whose outcomes are printed as a table of their own.

Invariant: the words come from the run that the command makes, not from a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Table(Protocol):
    """A pytest plugin that keeps what tests told it."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note one phase of one test."""

    def text(self) -> str:
        """Return the table as it is printed."""


def told_by(report: pytest.TestReport, wanted: str) -> dict[str, object] | None:
    """Return a test's properties when it has the one ``wanted`` and this phase decides on it.

    That is the call, and whatever else did not pass.
    """
    properties = dict(report.user_properties)
    if wanted not in properties or (report.when != "call" and report.passed):
        return None
    return properties


def why_skipped(report: pytest.TestReport) -> str:
    """Return the reason that a skipped test gave."""
    detail = report.longrepr
    return str(detail[2]) if isinstance(detail, tuple) else str(detail)


def print_table(folder: Path, table: Table, arguments: Sequence[str]) -> int:
    """Run the tests of a folder and print their table; the exit code is pytest's."""
    code = pytest.main([str(folder), "-q", "--no-header", *arguments], plugins=[table])
    print("\n" + table.text())
    return int(code)
