"""Asking for local files and folders: the same dialog on every desktop."""

from __future__ import annotations

from PySide6.QtWidgets import QFileDialog, QWidget


def file_dialog(parent: QWidget, title: str, verb: str) -> QFileDialog:
    """Return a dialog to be opened whose button says ``verb``; it goes when it is closed."""
    dialog = QFileDialog(parent, title)
    dialog.setObjectName("fileDialog")
    # The desktop's own would run a loop of its own on some of them.
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    dialog.setLabelText(QFileDialog.DialogLabel.Accept, verb)
    dialog.finished.connect(lambda _: dialog.deleteLater())
    return dialog
