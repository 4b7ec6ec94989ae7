"""The pane over real files: what it shows, what it says it cost, and that it never freezes."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QImageWriter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QToolButton, QWidget

from dalbrowser.preview import ImageValue, TextValue
from dalbrowser.preview.source import BLOCK
from dalbrowser.profiles import Location
from dalbrowser.ui.preview.facts import cost_text
from dalbrowser.ui.preview.hexview import HexView
from dalbrowser.ui.preview.imageview import ImageView
from dalbrowser.ui.preview.pages import parse_offset
from dalbrowser.ui.preview.pane import PreviewPane
from dalbrowser.ui.preview.textview import TextView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.ui.stage import Stage

LINES = [f"line {number}: " + "words " * (number % 17) for number in range(120_000)]
TEXT = "\n".join(LINES).encode()


@pytest.fixture
def pane(stage: Stage) -> Iterator[PreviewPane]:
    pane = PreviewPane(stage.session)
    pane.resize(640, 800)
    pane.show()
    yield pane
    pane.close()
    pane.deleteLater()


def text(pane: PreviewPane, name: str) -> str:
    label = pane.findChild(QLabel, name)
    assert isinstance(label, QLabel)
    return label.text()


def shown(pane: PreviewPane, kind: type[QWidget]) -> QWidget | None:
    return next((view for view in pane.findChildren(kind) if view.isVisible()), None)


async def show(stage: Stage, pane: PreviewPane, location: Location) -> None:
    metadata = await stage.session.stat(location)
    pane.show_entry(location, metadata)
    await stage.until(lambda: pane.preview is not None, "the preview")
    await idle(stage)


async def idle(stage: Stage) -> None:
    await stage.until(lambda: not stage.session.tasks.live, "the reads to end")


def text_view(pane: PreviewPane) -> TextView:
    view = shown(pane, TextView)
    assert isinstance(view, TextView)
    return view


def hex_view(pane: PreviewPane) -> HexView:
    view = shown(pane, HexView)
    assert isinstance(view, HexView)
    return view


def first_lines(view: TextView) -> list[str]:
    return [row.text for row in view.rows[:5]]


def picture(width: int, height: int, form: bytes = b"PNG") -> bytes:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor("teal"))
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    assert QImageWriter(buffer, QByteArray(form)).write(image)
    return bytes(buffer.data().data())


def test_text_from_both_ends_and_the_middle(stage: Stage, pane: PreviewPane) -> None:
    async def story() -> None:
        await show(stage, pane, stage.put("logs/big.log", TEXT))
        view = text_view(pane)
        assert first_lines(view) == LINES[:5]
        assert "of 6" in text(pane, "previewCost")
        assert "2 requests" in text(pane, "previewCost")
        view.go_to_end()
        assert view.rows[-1].text == LINES[-1]
        assert pane.preview is not None
        assert pane.preview.source.requests == 2
        view.go_to(TEXT.index(b"line 60000:") + 3)
        await idle(stage)
        assert first_lines(view) == LINES[60_000:60_005]
        view.move_lines(-2)
        assert first_lines(view) == LINES[59_998:60_003]
        view.move_lines(10_000)
        await idle(stage)
        await stage.until(lambda: first_lines(view) == LINES[69_998:70_003], "the far row")
        QTest.keyClick(view, Qt.Key.Key_Home, Qt.KeyboardModifier.ControlModifier)
        assert first_lines(view) == LINES[:5]
        QTest.keyClick(view, Qt.Key.Key_PageDown)
        QTest.keyClick(view, Qt.Key.Key_PageUp)
        assert first_lines(view) == LINES[:5]
        assert text(pane, "previewCost") == cost_text(pane.preview.source)

    stage.run(story())


def test_the_slider_reaches_the_last_line(stage: Stage, pane: PreviewPane) -> None:
    async def story() -> None:
        await show(stage, pane, stage.put("big.log", TEXT))
        view = text_view(pane)
        bar = view.verticalScrollBar()
        bar.setValue(bar.maximum())
        await idle(stage)
        assert view.rows[-1].text == LINES[-1]
        bar.setValue(0)
        assert first_lines(view) == LINES[:5]

    stage.run(story())


def test_wrapping_shows_all_of_a_long_line(stage: Stage, pane: PreviewPane) -> None:
    async def story() -> None:
        data = b"begin\n" + b"0123456789" * 120_000 + b"\nend"
        await show(stage, pane, stage.put("long.txt", data))
        view = text_view(pane)
        wrap = pane.findChild(QToolButton, "previewWrap")
        assert isinstance(wrap, QToolButton)
        wrap.click()
        assert view.horizontalScrollBar().maximum() == 0
        view.go_to_end()
        assert view.rows[-1].text == "end"
        view.go_to(0)
        view.move_lines(3)
        assert view.top == len(b"begin\n")
        view.move_lines(-3)
        assert view.top == 0
        pane.grab()

    stage.run(story())


def test_what_is_selected_is_copied(stage: Stage, pane: PreviewPane) -> None:
    async def story() -> None:
        content = "first\r\nsecönd 😀 row\nthird\n"
        await show(stage, pane, stage.put("a.txt", content.encode()))
        view = text_view(pane)
        view.select_all()
        QTest.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
        await idle(stage)
        assert QGuiApplication.clipboard().text() == "first\nsecönd 😀 row\nthird\n"
        pane.grab()

    stage.run(story())


def test_bytes_at_any_offset(stage: Stage, pane: PreviewPane) -> None:
    async def story() -> None:
        path = stage.files / "huge.bin"
        with path.open("wb") as file:
            file.write(b"\0\1\2")
            file.seek(3 << 39)
            file.write(b"needle")
        await show(stage, pane, Location("files", "", "huge.bin"))
        view = hex_view(pane)
        assert view.data[:3] == b"\0\1\2"
        field = pane.findChild(QLineEdit, "previewOffset")
        assert isinstance(field, QLineEdit)
        field.setText(hex(3 << 39))
        QTest.keyClick(field, Qt.Key.Key_Return)
        await idle(stage)
        at = (3 << 39) - view.top
        assert view.data[at : at + 6] == b"needle"
        assert view.selection == (3 << 39, (3 << 39) + 1)
        QTest.keyClick(view, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
        await idle(stage)
        assert view.data.endswith(b"needle")
        view.copy()
        await idle(stage)
        assert QGuiApplication.clipboard().text() == "6e"
        assert "TiB" in text(pane, "previewCost")
        assert pane.preview is not None
        assert pane.preview.source.bytes_read <= 4 * BLOCK
        pane.grab()
        field.setText("nonsense")
        QTest.keyClick(field, Qt.Key.Key_Return)
        assert field.property("invalid") is True

    stage.run(story())


@pytest.mark.parametrize(
    ("written", "offset"),
    [("12", 12), (" 0x1F ", 31), ("1,000", 1000), ("-1", None), ("0x", None), ("ten", None)],
)
def test_offsets_as_people_write_them(written: str, offset: int | None) -> None:
    assert parse_offset(written) == offset


def test_an_image_fits_and_zooms(stage: Stage, pane: PreviewPane) -> None:
    async def story() -> None:
        await show(stage, pane, stage.put("photo", picture(3000, 1000)))
        view = shown(pane, ImageView)
        assert isinstance(view, ImageView)
        assert pane.preview is not None
        assert isinstance(pane.preview.value, ImageValue)
        assert view.is_fitted
        assert view.zoom == pytest.approx(view.viewport().width() / 3000)
        view.set_zoom(1.0)
        assert view.horizontalScrollBar().maximum() == 3000 - view.viewport().width()
        view.fit()
        assert view.horizontalScrollBar().maximum() == 0
        color = view.grab().toImage().pixelColor(view.rect().center())
        assert color.name() == QColor("teal").name()

    stage.run(story())


def test_orientation_is_applied(stage: Stage, pane: PreviewPane) -> None:
    async def story() -> None:
        plain = picture(60, 20, b"JPEG")
        exif = bytes.fromhex("4578696600004d4d002a00000008000101120003000000010006000000000000")
        turned = plain[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + plain[2:]
        await show(stage, pane, stage.put("turned.jpg", turned))
        note = next(
            label.text() for label in pane.findChildren(QLabel) if label.text().startswith("JPEG")
        )
        assert note.startswith("JPEG · 20 × 60")

    stage.run(story())


def test_a_broken_image_is_a_sentence(stage: Stage, pane: PreviewPane) -> None:
    async def story() -> None:
        location = stage.put("broken.png", picture(50, 50)[:60])
        pane.show_entry(location, await stage.session.stat(location))
        await stage.until(lambda: text(pane, "previewFaceTitle") == "Could not be read", "the face")
        assert "decoded" in text(pane, "previewFaceText")

    stage.run(story())


def test_a_large_image_is_loaded_when_asked_for(stage: Stage, pane: PreviewPane) -> None:
    async def story() -> None:
        location = stage.put("large.png", picture(40, 40) + bytes(18 << 20))
        await show(stage, pane, location)
        button = pane.findChild(QPushButton, "previewFaceButton")
        assert isinstance(button, QPushButton)
        assert button.text() == "Load more"
        button.click()
        await stage.until(lambda: shown(pane, ImageView), "the image")

    stage.run(story())


def test_the_budget_stops_a_view_and_more_lets_it_go_on(stage: Stage, pane: PreviewPane) -> None:
    async def story() -> None:
        await show(stage, pane, stage.put("big.bin", random.Random(3).randbytes(20 << 20)))
        view = hex_view(pane)
        assert pane.preview is not None
        pane.preview.source.budget = 2 * BLOCK
        view.go_to(10 << 20)
        await idle(stage)
        view.go_to(15 << 20)
        await idle(stage)
        assert view.data == b""
        button = pane.findChild(QPushButton, "previewNoticeButton")
        assert isinstance(button, QPushButton)
        assert button.text() == "Load more"
        button.click()
        await idle(stage)
        assert view.data != b""
        assert not button.isVisible()

    stage.run(story())


def test_an_object_replaced_meanwhile_is_said_and_reloaded(stage: Stage, pane: PreviewPane) -> None:
    async def story() -> None:
        await show(stage, pane, stage.put("big.log", TEXT))
        stage.put("big.log", b"another content\n" * 100_000)
        view = text_view(pane)
        view.go_to(2 << 20)
        await idle(stage)
        assert "replaced" in text(pane, "previewNoticeText")
        button = pane.findChild(QPushButton, "previewNoticeButton")
        assert isinstance(button, QPushButton)
        button.click()
        await stage.until(lambda: pane.preview is not None, "the new content")
        assert first_lines(text_view(pane))[0] == "another content"

    stage.run(story())


def test_faces_of_what_has_no_picture(stage: Stage, pane: PreviewPane) -> None:
    async def story() -> None:
        assert text(pane, "previewFaceTitle") == "Nothing selected"
        await show(stage, pane, stage.put("empty", b""))
        assert text(pane, "previewFaceTitle") == "Empty"
        pane.show_entry(Location("files", "", "missing.txt"))
        await stage.until(lambda: text(pane, "previewFaceTitle") == "Not found", "the face")
        pane.show_entry(Location("files", "", "folder/"))
        assert text(pane, "previewFaceTitle") == "folder"
        assert not stage.session.tasks.live
        pane.clear()
        assert text(pane, "previewCost") == ""

    stage.run(story())


def test_the_next_row_cancels_the_one_before(stage: Stage, pane: PreviewPane) -> None:
    async def story() -> None:
        first, second = stage.put("first.log", TEXT), stage.put("second.txt", b"second\n")
        metadata = await stage.session.stat(first)
        for _ in range(30):
            pane.show_entry(first, metadata)
            await asyncio.sleep(0)
            pane.show_entry(second, None)
            await asyncio.sleep(0)
        assert sum(name == "preview/open" for name in stage.session.tasks.live) <= 2
        await stage.until(lambda: pane.preview is not None, "the preview")
        await idle(stage)
        assert pane.location == second
        assert first_lines(text_view(pane)) == ["second"]

    stage.run(story())


def test_the_same_row_again_reads_nothing(stage: Stage, pane: PreviewPane) -> None:
    async def story() -> None:
        location = stage.put("a.txt", b"text\n")
        await show(stage, pane, location)
        before = pane.preview
        pane.show_entry(location, await stage.session.stat(location))
        assert pane.preview is before
        assert not stage.session.tasks.live

    stage.run(story())


def test_text_as_bytes_and_back(stage: Stage, pane: PreviewPane) -> None:
    async def story() -> None:
        await show(stage, pane, stage.put("a.txt", b"text\n"))
        button = next(
            button
            for button in pane.findChildren(QToolButton, "previewAsHex")
            if button.isVisible()
        )
        button.click()
        assert hex_view(pane).data == b"text\n"
        back = pane.findChild(QToolButton, "previewBack")
        assert isinstance(back, QToolButton)
        back.click()
        assert isinstance(text_view(pane), TextView)
        assert pane.preview is not None
        assert isinstance(pane.preview.value, TextValue)

    stage.run(story())
