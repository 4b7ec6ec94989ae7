"""The question about a target that exists: what it says, and what a hasty hand does to it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QAction, QMouseEvent
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from dalbrowser.transfer import JobState
from tests.ui.transfers.hands import INBOX, all_in, press, rows, sources, states

if TYPE_CHECKING:
    from pathlib import Path

    from dalbrowser.ui.transfers.panel import TransferPanel
    from tests.ui.stage import Stage


def second_click(button: QWidget) -> None:
    """Do what the second half of a double click does."""
    where = QPointF(button.rect().center())
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    for kind, held in (
        (QEvent.Type.MouseButtonDblClick, left),
        (QEvent.Type.MouseButtonRelease, Qt.MouseButton.NoButton),
    ):
        at = button.mapToGlobal(where)
        QApplication.sendEvent(button, QMouseEvent(kind, where, at, left, held, none))


def test_a_double_click_answers_one_question(
    stage: Stage, panel: TransferPanel, tmp_path: Path
) -> None:
    async def story() -> None:
        await stage.session.transfers.start()
        for number in range(2):
            stage.put(f"inbox/{number}.bin", b"before")
        await stage.session.transfers.upload(sources(tmp_path, 2, 500), INBOX)
        await all_in(stage, panel, JobState.NEEDS_ANSWER, 2)
        button = panel.conflict.findChild(QPushButton, "conflictOverwrite")
        assert isinstance(button, QPushButton)
        press(panel, "conflictOverwrite")
        await stage.until(lambda: "1.bin" in panel.conflict.text.text(), "the next question")
        second_click(button)
        await stage.until(lambda: not stage.session.tasks.live, "what was asked of the engine")
        asked = [view.state for view in await stage.session.transfers.jobs()]
        assert asked[1] is JobState.NEEDS_ANSWER
        await stage.until(
            lambda: states(panel) == [JobState.DONE, JobState.NEEDS_ANSWER], "the first"
        )
        assert (stage.files / "inbox" / "1.bin").read_bytes() == b"before"
        press(panel, "conflictOverwrite")
        await all_in(stage, panel, JobState.DONE, 2)

    stage.run(story())


def test_for_all_is_offered_with_the_first_question_of_a_batch(
    stage: Stage, panel: TransferPanel, tmp_path: Path
) -> None:
    async def story() -> None:
        await stage.session.transfers.start()
        stage.put("inbox/1.bin", b"before")
        await stage.session.transfers.upload(sources(tmp_path, 3, 500), INBOX)
        await stage.until(panel.conflict.isVisible, "the question")
        check = panel.conflict.findChild(QWidget, "conflictForAll")
        assert check is not None
        assert check.isVisible()
        press(panel, "conflictSkip")
        await stage.until(panel.conflict.isHidden, "the question to go")
        stage.put("inbox/0.bin", b"before")
        await stage.session.transfers.upload(sources(tmp_path, 1, 500), INBOX)
        await stage.until(panel.conflict.isVisible, "the question about one")
        assert not check.isVisible()

    stage.run(story())


def test_a_file_within_a_folder_is_asked_about_with_its_place(
    stage: Stage, panel: TransferPanel, tmp_path: Path
) -> None:
    async def story() -> None:
        await stage.session.transfers.start()
        stage.put("inbox/site/deep/index.html", b"before")
        local = tmp_path / "site" / "deep"
        local.mkdir(parents=True)
        (local / "index.html").write_bytes(b"mine")
        await stage.session.transfers.upload([tmp_path / "site"], INBOX)
        await stage.until(panel.conflict.isVisible, "the question")
        assert panel.conflict.text.text().endswith("In files:inbox/site/deep.")

    stage.run(story())


@pytest.mark.parametrize(
    ("answer", "content", "mtime", "ends"),
    [
        ("conflictIfNewer", b"later", 2_000_000_000, JobState.DONE),
        ("conflictIfNewer", b"later", 1_000_000_000, JobState.SKIPPED),
        ("conflictIfSizeDiffers", b"longer than it was", 1_000_000_000, JobState.DONE),
        ("conflictIfSizeDiffers", b"BEFORE", 2_000_000_000, JobState.SKIPPED),
    ],
)
def test_an_answer_can_look_at_both_files_first(  # noqa: PLR0917 -- a table's columns
    stage: Stage,
    panel: TransferPanel,
    tmp_path: Path,
    answer: str,
    content: bytes,
    mtime: int,
    ends: JobState,
) -> None:
    async def story() -> None:
        await stage.session.transfers.start()
        stage.put("inbox/a.txt", b"before")
        local = tmp_path / "a.txt"
        local.write_bytes(content)
        os.utime(local, (mtime, mtime))
        await stage.session.transfers.upload([local], INBOX)
        await stage.until(panel.conflict.isVisible, "the question")
        action = panel.findChild(QAction, answer)
        assert isinstance(action, QAction)
        action.trigger()
        await all_in(stage, panel, ends, 1)
        kept = (stage.files / "inbox" / "a.txt").read_bytes()
        assert kept == (content if ends is JobState.DONE else b"before")
        assert [view.name for view in rows(panel)] == ["a.txt"]

    stage.run(story())


def test_no_line_of_a_question_is_cut_off_in_a_low_and_narrow_panel(
    stage: Stage, panel: TransferPanel, tmp_path: Path
) -> None:
    name = "a name of many words " * 9 + ".bin"

    async def story() -> None:
        await stage.session.transfers.start()
        local = [tmp_path / name, tmp_path / "b.txt"]
        for path in local:
            path.write_bytes(b"mine")
            stage.put(f"inbox/{path.name}", b"theirs")
        panel.resize(640, 160)
        await stage.session.transfers.upload(local, INBOX)
        await all_in(stage, panel, JobState.NEEDS_ANSWER, 2)
        text = panel.conflict.text
        for width in (1100, 640, 900):
            panel.resize(width, 160)
            await stage.until(
                lambda: text.isVisible() and text.height() >= text.heightForWidth(text.width()),
                f"all lines at {width}",
            )

    stage.run(story())
