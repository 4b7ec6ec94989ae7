"""What of the folders is still to be expanded, as statements.

Invariant: each runs within a transaction that somebody else begins and commits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.transfer.journal.rows import PlanRow, from_column, to_column

if TYPE_CHECKING:
    import sqlite3


def read_plans(db: sqlite3.Connection, job: int, limit: int) -> list[PlanRow]:
    """Return the plans of a job, the latest first; all of them when ``limit`` is negative."""
    found = db.execute("SELECT * FROM plan WHERE job = ? ORDER BY id DESC LIMIT ?", (job, limit))
    return [
        PlanRow(
            id=row["id"],
            job=row["job"],
            source=from_column(row["source"]),
            target=from_column(row["target"]),
            cursor=from_column(row["cursor"]),
            fresh=bool(row["fresh"]),
        )
        for row in found
    ]


def add_plan(db: sqlite3.Connection, plan: PlanRow) -> None:
    """Write a new plan; its ``id`` is not set."""
    db.execute(
        "INSERT INTO plan (job, source, target, cursor, fresh) VALUES (?,?,?,?,?)",
        (
            plan.job,
            to_column(plan.source),
            to_column(plan.target),
            to_column(plan.cursor),
            plan.fresh,
        ),
    )


def end_step(db: sqlite3.Connection, plan: PlanRow, *, finished: bool) -> None:
    """Move the cursor of a plan, or delete it once it is through."""
    if finished:
        db.execute("DELETE FROM plan WHERE id = ?", (plan.id,))
    else:
        db.execute(
            "UPDATE plan SET cursor = ?, fresh = ? WHERE id = ?",
            (to_column(plan.cursor), plan.fresh, plan.id),
        )


def drop_plans(db: sqlite3.Connection, job: int) -> None:
    """Delete the plans of a job."""
    db.execute("DELETE FROM plan WHERE job = ?", (job,))
