"""The tree's model under Qt's own tester."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QModelIndex
from PySide6.QtTest import QAbstractItemModelTester

from dalbrowser.profiles import Location
from dalbrowser.ui.sidebar import model as module
from dalbrowser.ui.sidebar.model import NodeKind, SidebarModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PySide6.QtWidgets import QApplication

ROOT = Location("s3")


@pytest.fixture
def model(qapp: QApplication) -> Iterator[SidebarModel]:
    model = SidebarModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.show_connections([("s3", NodeKind.CONNECTION, ROOT)])
    yield model
    tester.deleteLater()
    model.deleteLater()


def labels(model: SidebarModel, parent: QModelIndex) -> list[str]:
    return [str(model.index(row, 0, parent).data()) for row in range(model.rowCount(parent))]


def test_a_level_is_filled_and_forgotten(model: SidebarModel) -> None:
    top = model.index(0, 0)
    node = model.node_at(top)
    assert model.hasChildren(top)
    assert not model.is_loaded(node)
    model.say(node, "Loading…")
    assert labels(model, top) == ["Loading…"]
    model.add_folders(node, [Location("s3", "b1"), Location("s3", "b2")])
    model.add_folders(node, [Location("s3", "b2"), Location("s3", "b3")])
    model.loaded(node)
    assert labels(model, top) == ["b1", "b2", "b3"]
    below = model.node_at(model.index(0, 0, top))
    model.add_folders(below, [Location("s3", "b1", "a/"), Location("s3", "b1", "/")])
    assert labels(model, model.index(0, 0, top)) == ["a", "⟨empty⟩"]
    model.forget(node)
    assert model.rowCount(top) == 0
    assert model.hasChildren(top)


def test_an_empty_level_has_nothing_to_open(model: SidebarModel) -> None:
    top = model.index(0, 0)
    model.say(model.node_at(top), "Loading…")
    model.loaded(model.node_at(top))
    assert not model.hasChildren(top)


def test_the_way_to_a_place_goes_as_far_as_is_known(model: SidebarModel) -> None:
    top = model.node_at(model.index(0, 0))
    model.add_folders(top, [Location("s3", "b1"), Location("s3", "b12")])
    bucket = model.node_at(model.index(1, 0, model.index(0, 0)))
    model.add_folders(bucket, [Location("s3", "b12", "a/")])
    line = model.nodes_to(Location("s3", "b12", "a/b/c/"))
    assert [model.location(node) for node in line] == [
        ROOT,
        Location("s3", "b12"),
        Location("s3", "b12", "a/"),
    ]
    assert model.nodes_to(Location("other")) == []


def test_a_huge_level_says_that_there_is_more(
    model: SidebarModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LIMIT", 3)
    top = model.index(0, 0)
    model.add_folders(model.node_at(top), [Location("s3", f"b{n}") for n in range(5)])
    assert labels(model, top) == ["b0", "b1", "b2", "More folders in the list…"]


def test_an_old_node_means_nothing_after_a_reset(model: SidebarModel) -> None:
    node = model.node_at(model.index(0, 0))
    model.show_connections([("s3", NodeKind.CONNECTION, ROOT)])
    model.add_folders(node, [Location("s3", "b1")])
    model.loaded(node)
    assert model.location(node) is None
    assert labels(model, QModelIndex()) == ["s3"]


def test_a_folder_that_was_made_is_there_however_many_there_are(
    model: SidebarModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LIMIT", 2)
    top = model.index(0, 0)
    node, made = model.node_at(top), Location("s3", "made")
    model.put_folder(node, made)
    assert not model.is_loaded(node)  # Else its level would never be listed.
    model.add_folders(node, [Location("s3", name) for name in ("b1", "b2", "b3")])
    model.loaded(node)
    assert labels(model, top) == ["b1", "b2", "More folders in the list…"]
    assert not model.knows(made)
    model.put_folder(node, made)
    model.put_folder(node, made)
    assert labels(model, top) == ["b1", "b2", "made", "More folders in the list…"]
    assert model.knows(made)
    assert model.location(model.nodes_to(made)[-1]) == made


def test_a_folder_that_was_made_while_its_level_is_listed_is_there_once(
    model: SidebarModel,
) -> None:
    top = model.index(0, 0)
    node, made = model.node_at(top), Location("s3", "made")
    model.say(node, "Loading…")
    model.put_folder(node, made)
    model.add_folders(node, [Location("s3", "b1"), made])
    model.loaded(node)
    assert labels(model, top) == ["made", "b1"]
