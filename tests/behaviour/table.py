"""Prints behaviour × service: ``python -m tests.behaviour.table [pytest arguments]``.

One line a behaviour: ``pass``, ``unsupported`` (refused before any request, as its capability
says), ``deviation`` (with its reason below the table), ``left out`` (a server is missing) or
``FAIL``.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.tables import print_table, told_by, why_skipped

if TYPE_CHECKING:
    import pytest

_WORST = ("FAIL", "left out", "deviation", "unsupported", "pass")


@dataclass
class Collected:
    """A pytest plugin that keeps the outcome of every behaviour on every service."""

    outcomes: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    reasons: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    services: list[str] = field(default_factory=list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note one phase of one test."""
        properties = told_by(report, "behaviour")
        if properties is None:
            return
        behaviour = re.sub(r"\[.*", "", str(properties["behaviour"]))
        service = str(properties["service"])
        operation = Path(report.nodeid.split("::")[0]).stem.removeprefix("test_")
        row = f"{operation}: {behaviour}"
        if row not in self.order:
            self.order.append(row)
        if service not in self.services:
            self.services.append(service)
        word, reason = _word(report, properties)
        self.outcomes.setdefault((row, service), []).append(word)
        if reason:
            self.reasons.setdefault(reason, set()).add((service, row))

    def text(self) -> str:
        """Return the table, and under it each deviation's reason."""
        order = sorted(self.order, key=lambda row: row.split(":")[0])
        width = max(map(len, order), default=0)
        columns = [[name, *(self._cell(row, name) for row in order)] for name in self.services]
        widths = [max(map(len, column)) for column in columns]
        lines = [
            "  ".join(
                [
                    first.ljust(width),
                    *(cell.ljust(w) for cell, w in zip(cells, widths, strict=True)),
                ]
            ).rstrip()
            for first, *cells in zip(["", *order], *columns, strict=True)
        ]
        for reason, where in sorted(self.reasons.items()):
            rows = sorted({row for _, row in where})
            services = sorted({service for service, _ in where})
            lines += ["", f"{', '.join(services)}: {reason}", f"    {'; '.join(rows)}"]
        return "\n".join(lines)

    def _cell(self, row: str, service: str) -> str:
        words = self.outcomes.get((row, service), [])
        if not words:
            return "-"
        worst = min(words, key=_WORST.index)
        same = words.count(worst)
        return worst if same == len(words) else f"{worst} {same}/{len(words)}"


def _word(report: pytest.TestReport, properties: dict[str, object]) -> tuple[str, str]:
    """Return one test's word, and its reason when it deviates or was left out."""
    if hasattr(report, "wasxfail"):
        expected = report.skipped
        return ("deviation", str(report.wasxfail)) if expected else ("FAIL", "")
    if report.failed:
        return "FAIL", ""
    if report.skipped:
        return "left out", why_skipped(report)
    if "deviation" in properties:
        return "deviation", str(properties["deviation"])
    return ("unsupported" if "unsupported" in properties else "pass"), ""


def main(arguments: list[str]) -> int:
    """Run the suite and print the table; the exit code is pytest's."""
    return print_table(Path(__file__).parent, Collected(), arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
