"""Each failure gets the placeholder that helps: the title, the sentence, the one button."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dalbrowser.session import action
from dalbrowser.storage import ErrorKind, StorageError
from dalbrowser.ui import placeholders
from dalbrowser.ui.resources import resource

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

OWN = {"clear_filter"}


@pytest.mark.parametrize(
    ("error", "editable", "title", "help_action"),
    [
        (StorageError(ErrorKind.PERMISSION_DENIED, "no"), True, "Not allowed", "edit_connection"),
        (StorageError(ErrorKind.PERMISSION_DENIED, "no"), False, "Not allowed", "reload"),
        (StorageError(ErrorKind.NOT_FOUND, "no"), True, "Not found", "up"),
        (
            StorageError(ErrorKind.CONFIG_INVALID, "no"),
            True,
            "The connection is not set up right",
            "edit_connection",
        ),
        (StorageError(ErrorKind.UNEXPECTED, "no"), True, "Could not be reached", "reload"),
        (
            StorageError(ErrorKind.UNEXPECTED, "no", context={"status": "500"}),
            True,
            "This could not be listed",
            "reload",
        ),
        (TimeoutError("slow"), True, "Could not be reached", "reload"),
        (OSError(5, "Input/output error"), True, "This could not be listed", "reload"),
    ],
)
def test_a_failure_has_its_face(
    error: Exception, editable: bool, title: str, help_action: str, qapp: QApplication
) -> None:
    placeholder = placeholders.failed(error, editable=editable)
    assert (placeholder.title, placeholder.action) == (title, help_action)
    assert placeholder.text


def test_every_face_has_a_picture_and_an_action_that_exists(qapp: QApplication) -> None:
    shown = [
        placeholders.loading(),
        placeholders.empty(can_upload=True, buckets=False),
        placeholders.empty(can_upload=False, buckets=False),
        placeholders.empty(can_upload=False, buckets=True),
        placeholders.nothing_matches("x"),
        placeholders.all_hidden(),
    ]
    for placeholder in shown:
        assert resource(f"icons/{placeholder.icon}.svg").is_file()
        assert bool(placeholder.button) == bool(placeholder.action)
        if placeholder.action and placeholder.action not in OWN:
            assert action(placeholder.action).id == placeholder.action
