"""Prints fault × outcome: ``python -m tests.faults.table [pytest arguments]``.

One line for each fault and service: what was seen of the transfer, in the order in which it
was seen; ``FAIL`` where a test failed, ``left out`` where something was missing.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.tables import print_table, told_by, why_skipped

if TYPE_CHECKING:
    import pytest


@dataclass
class Collected:
    """A pytest plugin that keeps what every test saw, by fault and by service."""

    stories: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note one phase of one test."""
        properties = told_by(report, "fault")
        if properties is None:
            return
        story = [str(value) for name, value in report.user_properties if name == "outcome"]
        if report.failed:
            story.append("FAIL")
        elif report.skipped:
            story.append(f"left out ({why_skipped(report)})")
        told = " → ".join(dict.fromkeys(story)) or "pass"
        by_service = self.stories.setdefault(str(properties["fault"]), {})
        stories = by_service.setdefault(str(properties["on"]), [])
        if told not in stories:
            stories.append(told)

    def lines(self) -> list[tuple[str, str, str]]:
        """Return (fault, services, outcome); services with the same outcome share a line."""
        found = []
        for fault, by_service in self.stories.items():
            same: dict[str, list[str]] = {}
            for service, stories in by_service.items():
                for told in stories:
                    same.setdefault(told, []).append(service)
            found += [(fault, ", ".join(services), told) for told, services in same.items()]
        return found

    def text(self) -> str:
        """Return the table in Markdown."""
        rows = [("fault", "on", "seen"), ("---", "---", "---"), *self.lines()]
        previous, written = "", []
        for fault, services, told in rows:
            written.append(f"| {'' if fault == previous else fault} | {services} | {told} |")
            previous = "" if fault == "---" else fault
        return "\n".join(written)


def main(arguments: list[str]) -> int:
    """Run the fault tests and print the table; the exit code is pytest's."""
    return print_table(Path(__file__).parent, Collected(), arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
