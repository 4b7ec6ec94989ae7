"""Names that would hide, turn or dress up what the panel says about them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextDocument

from dalbrowser.transfer import Direction, JobsChanged, JobState, JobView
from dalbrowser.ui.format import tip_text, visible_line
from dalbrowser.ui.transfers.cells import Column

if TYPE_CHECKING:
    from dalbrowser.ui.transfers.panel import TransferPanel

NAME = "new\nline \u202etxt.exe"
JOB = JobView(
    id=1,
    batch=1,
    direction=Direction.UPLOAD,
    state=JobState.NEEDS_ANSWER,
    name=NAME,
    source=f"/home/ann/{NAME}",
    target=f"minio:media/{NAME}",
    profile_id="p",
    bucket="media",
    key=NAME,
    local_path=f"/home/ann/{NAME}",
    error=f"{NAME} exists already; say what to do.",
)


def test_nothing_in_a_name_turns_or_breaks_a_cell_or_the_question(panel: TransferPanel) -> None:
    panel.model.take(JobsChanged((JOB,)))
    panel.model.flush()
    for column in (Column.NAME, Column.FROM, Column.TO, Column.ERROR):
        text = panel.model.index(0, column).data()
        assert "\n" not in text
        assert "\u202e" not in text
        assert "⟨U+202E⟩" in text
    asked = panel.conflict.text.text()
    assert asked == "new line ⟨U+202E⟩txt.exe exists already; say what to do."


def test_the_offer_to_resume_shows_the_name_as_it_is(panel: TransferPanel) -> None:
    panel.interrupted.offer([replace(JOB, state=JobState.INTERRUPTED, error="")])
    assert "new⟨U+000A⟩line ⟨U+202E⟩txt.exe" in panel.interrupted.text.text()


def test_markup_in_a_name_is_no_markup_in_its_tooltip(panel: TransferPanel) -> None:
    name = "<b>a</b> <img src=x>  &lt;.txt"
    panel.model.take(JobsChanged((replace(JOB, source=f"/{name}", error=f"{name}: <h1>502</h1>"),)))
    panel.model.flush()
    for column in (Column.NAME, Column.ERROR):
        tip = panel.model.index(0, column).data(Qt.ItemDataRole.ToolTipRole)
        shown = QTextDocument()
        shown.setHtml(tip)
        assert name in shown.toPlainText()


@pytest.mark.parametrize("text", ["", "plain & simple", "two\nlines", "5 > 4"])
def test_what_qt_takes_for_plain_stays_plain(text: str) -> None:
    assert tip_text(text) == text


def test_a_sentence_of_several_lines_is_one() -> None:
    assert visible_line("  one \r\n\r\n two\u2028three ") == "one two three"
