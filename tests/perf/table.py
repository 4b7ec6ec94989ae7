"""Turns of contenders, and the table of their medians as ratios to the fastest peer."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OURS = ("dalbrowser", "dalbrowser-unsigned", "dal")


@dataclass(slots=True)
class Row:
    """One contender at one task: seconds of each turn, and bytes of memory at most."""

    contender: str
    seconds: list[float] = field(default_factory=list)
    peak: float = 0.0
    failure: str = ""

    @property
    def median(self) -> float:
        """Seconds."""
        return statistics.median(self.seconds)


def take_turns(
    contenders: Sequence[str],
    turns: int,
    run: Callable[[str], dict[str, float]],
    note: Callable[[str], None],
) -> list[Row]:
    """Let each contender run ``turns`` times, in turns, each round begun by another.

    One that fails is left out from then on, and its row says why.
    """
    rows = {name: Row(name) for name in contenders}
    for turn in range(turns):
        shift = turn % len(contenders)
        for name in [*contenders[shift:], *contenders[:shift]]:
            if rows[name].failure:
                continue
            try:
                result = run(name)
            except SystemExit as stop:
                rows[name].failure = str(stop)
                note(f"    {name}: {stop}")
                continue
            rows[name].seconds.append(result["seconds"])
            rows[name].peak = max(rows[name].peak, result["peak"])
            note(f"    {name:<19} {result['seconds']:8.2f} s")
    return list(rows.values())


def render(title: str, rows: Sequence[Row], amount: float, unit: str) -> str:
    """Return a table in Markdown; ``amount`` over the median is the rate.

    The ratio is ours over the fastest peer's rate: at least 1 is the target.
    """
    good = sorted((row for row in rows if row.seconds), key=lambda row: row.median)
    peers = [row for row in good if row.contender not in OURS]
    lines = [
        f"### {title}",
        "",
        f"| contender | median s | min–max s | {unit} | rate / fastest peer | peak MiB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for row in good:
        ratio = f"{peers[0].median / row.median:.2f}" if peers else "–"
        memory = f"{row.peak / (1 << 20):.0f}" if row.peak else "–"
        lines.append(
            f"| {row.contender} | {row.median:.2f} | {min(row.seconds):.2f}–{max(row.seconds):.2f}"
            f" | {amount / row.median:,.0f} | {ratio} | {memory} |"
        )
    lines += [f"| {row.contender} | failed: {row.failure} | | | | |" for row in rows if row.failure]
    return "\n".join(lines) + "\n"
