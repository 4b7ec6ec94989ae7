"""The person's settings: typed, in memory at once, on disk a moment later.

Invariant: what ``get`` returns is always valid for its declaration. Keys of a newer
version that this one does not know stay in the file untouched.
"""

from __future__ import annotations

import copy
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from dalbrowser.settings import jsonfile
from dalbrowser.settings.declared import DECLARED, Setting

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    OnChange = Callable[[str, Any], None]


class SettingError(Exception):
    """A setting that does not exist, or a value that it cannot have; says which and why."""


class Settings:
    """All settings of one installation. Safe to use from several threads.

    ``note`` is a sentence when the file was damaged, held a wrong value or cannot be
    written; the program goes on with what it has.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.note: str | None = None
        self._lock = threading.Lock()
        self._callbacks: list[OnChange] = []
        self._when_unwritten: Callable[[str], object] | None = None
        self._written = True
        self._unsaved: dict[str, Any] = {}
        # Not a daemon: the interpreter waits for the last write before it ends.
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="settings")
        self._values = self._load()

    def get(self, key: str) -> Any:
        """Return the value of ``key``; raises ``SettingError`` when there is no such setting."""
        setting = _declared(key)
        with self._lock:
            return copy.deepcopy(self._values.get(key, setting.default))

    def set(self, key: str, value: object) -> None:
        """Change ``key`` now, and on disk from a thread of its own; returns without waiting.

        Raises ``SettingError`` when the value is not one that the setting can have.
        """
        problem = _declared(key).check(value)
        if problem:
            raise SettingError(problem)
        kept = copy.deepcopy(value)
        with self._lock:
            if self._values.get(key, DECLARED[key].default) == kept:
                return
            self._values[key] = kept
            self._unsaved[key] = kept
            callbacks = tuple(self._callbacks)
        self._writer.submit(self._write)
        for callback in callbacks:
            callback(key, copy.deepcopy(kept))

    def on_change(self, callback: OnChange) -> Callable[[], None]:
        """Call ``callback(key, value)`` after each change; returns what ends that."""
        with self._lock:
            self._callbacks.append(callback)

        def forget() -> None:
            with self._lock:
                if callback in self._callbacks:
                    self._callbacks.remove(callback)

        return forget

    def on_unwritten(self, callback: Callable[[str], object] | None) -> None:
        """Call ``callback`` with a sentence when a write fails, once until one succeeds.

        It is called in another thread; ``None`` ends that.
        """
        self._when_unwritten = callback

    def flush(self) -> None:
        """Wait until everything set before is on disk. Blocking."""
        self._writer.submit(self._write).result()

    def _load(self) -> dict[str, Any]:
        try:
            stored, self.note = jsonfile.load(self.path)
        except OSError as error:
            self.note = f"The settings in {self.path} cannot be read ({error.strerror})."
            return {}
        values: dict[str, Any] = {}
        problems = []
        for key, value in stored.items():
            if key not in DECLARED:
                continue
            problem = DECLARED[key].check(value)
            if problem is None:
                values[key] = value
            else:
                problems.append(problem)
        if problems:
            self.note = f"In {self.path}: {' '.join(problems)} The defaults are used there."
        return values

    def _write(self) -> None:
        with self._lock:
            changes, self._unsaved = self._unsaved, {}
        if not changes:
            return
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Another process may have changed other keys: only ours are put over its file.
            with jsonfile.exclusive(self.path):
                stored, note = jsonfile.load(self.path)
                jsonfile.save(self.path, {**stored, **changes})
            self.note = note or self.note
            self._written = True
        except OSError as error:
            self.note = (
                f"The settings could not be written to {self.path} ({error.strerror}). What is"
                " changed holds until the program ends, unless a later write succeeds."
            )
            with self._lock:
                self._unsaved = {**changes, **self._unsaved}
            told, self._written = not self._written, False
            if self._when_unwritten is not None and not told:
                self._when_unwritten(self.note)


def _declared(key: str) -> Setting:
    try:
        return DECLARED[key]
    except KeyError:
        raise SettingError(f"There is no setting {key!r}.") from None
