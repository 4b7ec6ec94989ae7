"""The form of a connection: made from the service's own fields, tested before it is saved.

Invariants: a secret typed here goes to the secret store and nowhere else; a secret left
empty while editing keeps the one there is; what is wrong is said in the form, in words.
"""

from __future__ import annotations

import uuid
from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QFrame,
    QLabel,
    QLineEdit,
    QScrollArea,
    QToolButton,
    QWidget,
)

from dalbrowser.profiles import Profile, SecretsKept, check_name
from dalbrowser.session import describe
from dalbrowser.storage import StorageError
from dalbrowser.storage.registry import config_fields, schemes
from dalbrowser.ui.dialogs.fields import FieldEdit
from dalbrowser.ui.dialogs.sheet import Sheet
from dalbrowser.ui.theme import theme

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from dalbrowser.session import Session

_BASIC = {
    "s3": (
        "preset",
        "endpoint",
        "region",
        "bucket",
        "access_key_id",
        "secret_access_key",
        "session_token",
    ),
    "fs": ("root",),
    "memory": ("name",),
}
_TITLES = {"s3": "S3 and compatible", "fs": "Folder on this computer", "memory": "Memory"}
_HINTS = {
    "endpoint": "https://s3.example.com — empty for Amazon",
    "region": "found by itself when empty",
    "bucket": "all buckets when empty",
    "proxy": "the environment's or the system's when empty",
    "session_token": "only with temporary keys",
    "fs.root": "/path/to/folder",
}
_WIDTH = 560
_ROW = 32
_LABEL = 144
"""Logical pixels: wide enough for every label, so that all fields begin on one line."""


class ConnectionDialog(Sheet):
    """Adds a connection, or edits ``profile``.

    Signals:
        saved: the ``Profile``, and whether its secrets went to the keyring (``SecretsKept``).
    """

    saved = Signal(object, object)

    def __init__(
        self, session: Session, profile: Profile | None = None, parent: QWidget | None = None
    ) -> None:
        title = self.tr("Add connection") if profile is None else self.tr("Edit connection")
        super().__init__("connectionDialog", title, parent)
        self._session = session
        self._profile = profile
        self._id = profile.id if profile is not None else uuid.uuid4().hex
        self._fields: dict[str, FieldEdit] = {}
        self._saving = False
        self.setMinimumWidth(_WIDTH)
        self.add_title(title)
        self._build_head()
        self._holder = QFrame()
        self.body.addWidget(self._holder)
        self._advanced = QToolButton()
        self._build_advanced()
        self._where = self.add_text("", "connectionSecrets")
        self._test = self.add_aside("connectionTest", self.tr("Test"))
        self._test.clicked.connect(lambda: self._spawn(self._run_test(), "test"))
        self._cancel = self.add_verb("connectionCancel", self.tr("Cancel"))
        self._cancel.clicked.connect(self.reject)
        save_text = self.tr("Add") if profile is None else self.tr("Save")
        self._save = self.add_verb("connectionSave", save_text, default=True)
        # A window that is closed waits for it: a secret that is not kept is lost.
        self._save.clicked.connect(lambda: self._spawn(self._run_save(), "save", awaited=True))
        self._say_where()
        self._show_scheme(self._scheme.currentData())
        self.finished.connect(lambda _code: session.tasks.cancel_group(self._group("test")))
        self._name.setFocus()

    def _build_head(self) -> None:
        form = _form()
        self._name = QLineEdit()
        self._name.setObjectName("connectionName")
        self._name.setAccessibleName(self.tr("Name"))
        self._name.setPlaceholderText(self.tr("What you call it"))
        self._name.textEdited.connect(lambda _text: self._edited())
        self._scheme = QComboBox()
        self._scheme.setObjectName("connectionScheme")
        self._scheme.setAccessibleName(self.tr("Service"))
        for scheme in sorted(schemes(), key=lambda name: (name != "s3", name)):
            self._scheme.addItem(self.tr(_TITLES.get(scheme, scheme)), scheme)
        if self._profile is not None:
            self._name.setText(self._profile.name)
            self._scheme.setCurrentIndex(self._scheme.findData(self._profile.scheme))
            self._scheme.setEnabled(False)
        self._scheme.currentIndexChanged.connect(
            lambda _index: self._show_scheme(self._scheme.currentData())
        )
        form.addRow(_label(self.tr("Name"), self._name), self._name)
        form.addRow(_label(self.tr("Service"), self._scheme), self._scheme)
        self.body.addLayout(form)

    def _build_advanced(self) -> None:
        self._advanced.setObjectName("connectionAdvanced")
        self._advanced.setText(self.tr("More settings"))
        self._advanced.setCheckable(True)
        self._advanced.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._advanced.toggled.connect(self._show_more)
        self.body.addWidget(self._advanced)
        self._more = QScrollArea()
        self._more.setObjectName("connectionMore")
        self._more.setWidgetResizable(True)
        self._more.setFrameShape(QFrame.Shape.NoFrame)
        self._more.setMinimumHeight(200)
        self.body.addWidget(self._more, 1)
        self._show_more(shown=False)

    def _show_more(self, shown: bool) -> None:
        self._more.setVisible(shown)
        theme().dress(self._advanced, "chevron-down" if shown else "chevron-right")
        self.grow()

    def _show_scheme(self, scheme: str) -> None:
        """Show the fields of a service: what everybody needs above, the rest below."""
        self._fields = {item.name: FieldEdit(item, self) for item in config_fields(scheme)}
        config = dict(self._profile.config) if self._profile is not None else {}
        basic = _BASIC.get(scheme, tuple(self._fields))
        above, below = _form(), _form()
        for name in (*basic, *(other for other in self._fields if other not in basic)):
            edit = self._fields[name]
            edit.set_value(config.get(name, edit.item.default))
            edit.edited.connect(self._edited)
            edit.set_hint(self._hint(edit))
            form = above if name in basic else below
            if edit.item.kind is bool:
                form.addRow("", edit.widget)
            else:
                form.addRow(_label(edit.item.label, edit.widget), edit.widget)
        holder = QFrame()
        holder.setLayout(above)
        self.body.replaceWidget(self._holder, holder)
        self._holder.deleteLater()
        self._holder = holder
        rest = QWidget()
        rest.setLayout(below)
        self._more.setWidget(rest)
        self._advanced.setVisible(len(basic) < len(self._fields))
        self._where.setVisible(any(edit.item.secret for edit in self._fields.values()))
        self._order_keys([self._fields[name].widget for name in basic])
        self._edited()
        self.grow()

    def _order_keys(self, above: Sequence[QWidget]) -> None:
        """Let Tab go from the top to the bottom; by itself it goes in the order of making."""
        edits = [edit.widget for edit in self._fields.values()]
        below = [widget for widget in edits if widget not in above]
        foot = (self._test, self._cancel, self._save)
        line = (self._name, self._scheme, *above, self._advanced, *below, *foot)
        for one, other in pairwise(line):
            QWidget.setTabOrder(one, other)

    def _hint(self, edit: FieldEdit) -> str:
        if edit.item.secret and self._profile is not None:
            return self.tr("unchanged")
        scheme = self._scheme.currentData()
        hint = _HINTS.get(f"{scheme}.{edit.item.name}") or _HINTS.get(edit.item.name)
        return self.tr(hint) if hint else ""

    def _say_where(self) -> None:
        problem = self._session.secrets.problem
        if problem is None:
            text = self.tr("The secret goes to the system's keyring, never to a file.")
        else:
            text = self.tr("The secret is kept for this session only, because: {why}").format(
                why=problem
            )
        self._where.setText(text)

    def _edited(self) -> None:
        self.note.say("")
        self._save.setEnabled(bool(self._name.text().strip()))
        for edit in self._fields.values():
            edit.mark(wrong=False)

    def reject(self) -> None:
        """Close, but not while the connection is being saved: half of it might be lost."""
        if not self._saving:
            super().reject()

    # What was typed.

    def _typed_profile(self) -> Profile:
        config = {
            name: edit.value
            for name, edit in self._fields.items()
            if edit.touched and not edit.item.secret
        }
        return Profile(self._id, self._name.text().strip(), self._scheme.currentData(), config)

    def _typed_secrets(self) -> dict[str, str]:
        return {
            name: edit.value
            for name, edit in self._fields.items()
            if edit.item.secret and edit.value
        }

    async def _all_secrets(self) -> dict[str, str]:
        """Return the secrets typed; those left empty while editing are the ones there are."""
        if self._profile is None:
            return self._typed_secrets()
        return {**await self._session.secrets.get(self._profile.id), **self._typed_secrets()}

    async def _run_test(self) -> None:
        self.note.say(self.tr("Testing…"))
        self._test.setEnabled(False)
        try:
            await self._session.check(self._typed_profile(), await self._all_secrets())
        except (StorageError, OSError) as error:
            self._tell(error)
        else:
            self.note.say(self.tr("It works: the service answered and took the keys."), "success")
        finally:
            self._test.setEnabled(True)
            self._say_where()

    async def _run_save(self) -> None:
        profile = self._typed_profile()
        self._save.setEnabled(False)
        self._saving = True
        try:
            check_name(profile.name)
            kept = await self._session.save_connection(profile, self._typed_secrets())
        except (StorageError, OSError) as error:
            self._tell(error)
            return
        finally:
            self._saving = False
            self._save.setEnabled(True)
        self.saved.emit(profile, kept if isinstance(kept, SecretsKept) else None)
        self.accept()

    def _tell(self, error: Exception) -> None:
        """Say what is wrong, and mark the field that the sentence is about."""
        text = describe(error)
        self.note.say(text, "error")
        for name, edit in self._fields.items():
            edit.mark(wrong=name in text.replace("'", " ").split())

    def _group(self, name: str) -> str:
        return f"connection-{name}-{self._id}"

    def _spawn(
        self, coro: Coroutine[object, object, None], name: str, *, awaited: bool = False
    ) -> None:
        self._session.tasks.spawn(
            coro,
            owner="connection dialog",
            name=name,
            group=self._group(name),
            awaited=awaited,
        )


def _form() -> QFormLayout:
    form = QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setHorizontalSpacing(16)
    form.setVerticalSpacing(8)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
    form.setLabelAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return form


def _label(text: str, field: QWidget) -> QLabel:
    label = QLabel(text)
    label.setProperty("muted", True)
    label.setMinimumSize(_LABEL, _ROW)
    label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    if not isinstance(field, QCheckBox):
        label.setBuddy(field)
    return label
