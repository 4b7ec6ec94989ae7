"""The model under Qt's own tester, and what the view keeps over every change of order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QTextDocument
from PySide6.QtTest import QAbstractItemModelTester, QSignalSpy

from dalbrowser.storage import Entry, EntryMode, Metadata
from dalbrowser.ui import slices
from dalbrowser.ui.entries import model as module
from dalbrowser.ui.entries import sorting
from dalbrowser.ui.entries.cells import Column
from dalbrowser.ui.entries.columns import EntryColumns
from dalbrowser.ui.entries.feed import ListingFeed
from dalbrowser.ui.entries.model import EntryModel
from dalbrowser.ui.entries.view import EntryView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PySide6.QtWidgets import QApplication

    from dalbrowser.session import Listing

ASCENDING = Qt.SortOrder.AscendingOrder
DESCENDING = Qt.SortOrder.DescendingOrder


def file(name: str, size: int = 1) -> Entry:
    return Entry(f"p/{name}", Metadata(mode=EntryMode.FILE, content_length=size))


def folder(name: str) -> Entry:
    return Entry(f"p/{name}/", Metadata(mode=EntryMode.DIR))


@pytest.fixture
def model(qapp: QApplication) -> Iterator[EntryModel]:
    model = EntryModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.start("p/")
    yield model
    tester.deleteLater()
    model.deleteLater()


@pytest.fixture
def view(model: EntryModel) -> Iterator[EntryView]:
    view = EntryView(model)
    view.resize(900, 400)
    view.show()
    yield view
    view.close()
    view.deleteLater()


def names(model: EntryModel) -> list[str]:
    return [str(model.index(row, Column.NAME).data()) for row in range(model.rowCount())]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Order in slices from 50 rows on; the tester looks at every row at every change."""
    monkeypatch.setattr(module, "_AT_ONCE", 50)
    monkeypatch.setattr(slices, "SLICE", 0)
    monkeypatch.setattr(sorting, "_SLICE", 16)
    monkeypatch.setattr(sorting, "_BUCKET", 16)


def settle(model: EntryModel) -> None:
    while model.arranging:
        QCoreApplication.processEvents()


def test_folders_first_then_names_as_people_count(model: EntryModel) -> None:
    model.append([file("b10"), file("B9"), folder("z"), file("a"), folder("y")])
    assert names(model) == ["y", "z", "a", "B9", "b10"]


def test_sorting_by_size_keeps_folders_first(model: EntryModel) -> None:
    model.append([file("a", 3), file("b", 1), folder("z"), file("c", 2)])
    model.sort(Column.SIZE, DESCENDING)
    assert names(model) == ["z", "a", "c", "b"]
    model.sort(Column.SIZE, ASCENDING)
    assert names(model) == ["z", "b", "c", "a"]


def test_a_filter_narrows_and_gives_back(model: EntryModel) -> None:
    model.append([file("a.log"), file("b.txt"), file(".hidden")])
    model.set_filter("LOG")
    assert names(model) == ["a.log"]
    model.append([file("c.log"), file("d.txt")])
    assert names(model) == ["a.log", "c.log"]
    assert model.total == 5
    model.set_filter("")
    model.set_show_hidden(False)
    assert names(model) == ["a.log", "b.txt", "c.log", "d.txt"]


@pytest.mark.usefixtures("slow")
def test_many_rows_are_ordered_in_slices(model: EntryModel) -> None:
    count = 300
    for start in range(0, count, 50):
        model.append([file(f"n{(k * 79) % count}") for k in range(start, start + 50)])
    assert model.rowCount() == count
    model.arrange()
    assert model.arranging
    settle(model)
    assert names(model)[:3] == ["n0", "n1", "n2"]
    assert sorted(model.rows) == list(range(count))


@pytest.mark.usefixtures("slow")
def test_what_arrives_while_an_order_is_made_is_not_lost(model: EntryModel) -> None:
    model.append([file(f"n{k:06d}") for k in range(200)])
    model.set_filter("9")
    model.sort(Column.NAME, DESCENDING)
    assert model.arranging
    model.append([file("late-9"), file("late-x")])
    settle(model)
    assert model.total == 202
    assert "late-9" in names(model)
    assert "late-x" not in names(model)
    model.set_filter("")
    settle(model)
    assert sorted(model.rows) == list(range(202))


def test_put_renews_and_adds_and_remove_takes_out(model: EntryModel) -> None:
    model.append([file("a"), file("b")])
    model.put([file("a", 77), file("c")])
    assert names(model) == ["a", "b", "c"]
    assert model.columns.size(0) == 77
    model.remove([1])
    assert names(model) == ["a", "c"]
    model.put([file("b", 5)])
    assert names(model) == ["a", "b", "c"]


def test_an_edited_name_asks_and_changes_nothing(model: EntryModel) -> None:
    model.append([file("a"), folder("d")])
    asked: list[tuple[int, str]] = []
    model.rename_requested.connect(lambda row, name: asked.append((row, name)))
    model.can_rename = True
    index = model.index(1, Column.NAME)
    assert index.flags() & Qt.ItemFlag.ItemIsEditable
    assert not model.index(0, Column.NAME).flags() & Qt.ItemFlag.ItemIsEditable
    assert not model.setData(index, "a")
    assert model.setData(index, " new ")
    assert asked == [(0, " new ")]
    assert names(model) == ["d", "a"]


def test_odd_names_are_shown_and_their_tooltip_is_exact(model: EntryModel) -> None:
    model.append([Entry("p//", Metadata(mode=EntryMode.DIR)), file(" x\n")])
    assert names(model) == ["⟨empty⟩", "␣x⟨U+000A⟩"]
    assert model.index(0, Column.NAME).data(Qt.ItemDataRole.ToolTipRole) == "p//"
    assert model.index(1, Column.NAME).data(Qt.ItemDataRole.ToolTipRole) == "'p/ x\\n'"


def test_markup_in_a_name_or_an_etag_is_no_markup_in_its_tooltip(model: EntryModel) -> None:
    markup = '<img src="/etc/hostname"><b>bold</b>'
    model.append([Entry(f"p/{markup}", Metadata(mode=EntryMode.FILE, etag=markup))])
    for column in (Column.NAME, Column.ETAG):
        shown = QTextDocument()
        shown.setHtml(model.index(0, column).data(Qt.ItemDataRole.ToolTipRole))
        assert shown.toPlainText().removeprefix("p/") == markup


def selected_names(view: EntryView, model: EntryModel) -> set[str]:
    return {model.columns.names[row] for row in view.selected_rows()}


def test_selection_and_place_survive_order_and_filter(model: EntryModel, view: EntryView) -> None:
    model.append([file(f"n{k:04d}", k) for k in range(600)])
    view.select_row(500)
    view.selectionModel().select(
        model.index(model.rows.index(3), 0),
        view.selectionModel().SelectionFlag.Select | view.selectionModel().SelectionFlag.Rows,
    )
    model.sort(Column.SIZE, DESCENDING)
    assert selected_names(view, model) == {"n0500", "n0003"}
    assert view.current_row() == 500
    top = model.rows[view.rowAt(0)]
    model.set_filter("n")
    model.sort(Column.NAME, ASCENDING)
    assert model.rows[view.rowAt(0)] == top
    model.set_filter("n05")
    assert selected_names(view, model) == {"n0500"}


def test_all_of_a_filtered_list_does_not_become_all(model: EntryModel, view: EntryView) -> None:
    model.append([file(f"n{k:04d}") for k in range(300)])
    model.set_filter("n01")
    view.selectAll()
    model.set_filter("")
    assert len(view.selected_rows()) == 100
    assert all(name.startswith("n01") for name in selected_names(view, model))


class Page:
    """As much of a listing as the feed looks at."""

    def __init__(self, generation: int) -> None:
        self.generation = generation


def listing(generation: int) -> Listing:
    return Page(generation)  # type: ignore[return-value]


def test_a_late_page_of_a_listing_that_was_left_is_dropped(model: EntryModel) -> None:
    feed = ListingFeed(model)
    feed.expect("p/", buckets=False, reload=False)
    feed.listing_started(listing(1))
    feed.listing_page(listing(1), [file("old")])
    feed.expect("p/", buckets=False, reload=False)
    feed.listing_page(listing(1), [file("late")])
    feed.listing_started(listing(2))
    feed.listing_page(listing(1), [file("later")])
    feed.listing_page(listing(2), [file("new")])
    feed.listing_finished(listing(2))
    assert names(model) == ["new"]


def test_a_reload_that_fails_leaves_what_was_there(model: EntryModel) -> None:
    feed = ListingFeed(model)
    model.append([file("a"), file("b")])
    errors: list[object] = []
    feed.failed.connect(errors.append)
    feed.expect("p/", buckets=False, reload=True)
    feed.listing_started(listing(3))
    feed.listing_page(listing(3), [file("a")])
    feed.listing_failed(listing(3), OSError("gone"))
    assert names(model) == ["a", "b"]
    assert len(errors) == 1


def test_a_reload_keeps_the_selection_by_name(model: EntryModel, view: EntryView) -> None:
    model.append([file("a"), file("b"), file("c")])
    view.select_row(1)
    columns = EntryColumns("p/")
    columns.append([file("0"), file("c"), file("b")])
    model.load(columns)
    assert selected_names(view, model) == {"b"}
    assert names(model) == ["0", "b", "c"]


def test_letters_go_to_the_next_name(model: EntryModel, view: EntryView) -> None:
    model.append([file("alpha"), file("beta"), file("berta"), file("gamma")])
    view.keyboardSearch("b")
    assert selected_names(view, model) == {"berta"}
    view.keyboardSearch("e")
    view.keyboardSearch("t")
    assert selected_names(view, model) == {"beta"}


def test_what_was_cut_is_told_to_who_cannot_see_it(model: EntryModel, view: EntryView) -> None:
    model.append([folder("b"), file("a"), file("c"), file("d")])
    heard = QSignalSpy(model.dataChanged)

    def spoken() -> list[bool]:
        role = Qt.ItemDataRole.AccessibleTextRole
        told = [str(model.index(row, Column.NAME).data(role)) for row in range(4)]
        return [text.endswith(", cut") for text in told]

    view.show_cut(frozenset({"b/", "c", "gone"}))
    assert spoken() == [True, False, True, False]
    assert model.index(2, Column.SIZE).data(Qt.ItemDataRole.AccessibleTextRole) == "1 B"
    view.show_cut(frozenset({"b/", "c", "gone"}))
    view.show_cut(frozenset({"c"}))
    view.show_cut(frozenset())
    assert spoken() == [False] * 4
    spans = [(heard.at(n)[0].row(), heard.at(n)[1].row()) for n in range(heard.count())]
    assert spans == [(0, 2), (0, 0), (2, 2)]
