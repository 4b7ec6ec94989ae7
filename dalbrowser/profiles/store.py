"""The saved connections: one JSON file, shared between threads and processes.

Invariant: no secret reaches the file, names are unique, and an entry that this version
does not understand is kept as it is. Reading is from memory; ``save`` and ``remove`` write.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dalbrowser.profiles.model import Profile, without_secrets
from dalbrowser.settings import jsonfile
from dalbrowser.storage import registry
from dalbrowser.storage.errors import ErrorKind, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_KEY = "connections"


class ProfileStore:
    """All connections: the saved ones, then the built-in ones.

    ``note`` is a sentence when the file was damaged or cannot be read.
    """

    def __init__(self, path: Path, builtin: Iterable[Profile] = ()) -> None:
        self.path = path
        self.note: str | None = None
        self._lock = threading.RLock()
        self._builtin = tuple(builtin)
        self._adhoc: dict[str, Profile] = {}
        self._callbacks: list[Callable[[], None]] = []
        self._saved: tuple[Profile, ...] = ()
        self._read()

    def all(self) -> tuple[Profile, ...]:
        """Return every connection that a person sees, by name, the built-in ones last."""
        with self._lock:
            return (*sorted(self._saved, key=lambda p: p.name.casefold()), *self._builtin)

    def get(self, profile_id: str) -> Profile:
        """Return one connection; raises ``NotFound``. Ad-hoc ones are found here too."""
        with self._lock:
            for profile in (*self._saved, *self._builtin):
                if profile.id == profile_id:
                    return profile
            adhoc = self._adhoc.get(profile_id)
        if adhoc is not None:
            return adhoc
        raise StorageError(
            ErrorKind.NOT_FOUND, "The connection is no longer saved; add it again to go on."
        )

    def by_name(self, name: str) -> Profile | None:
        """Return the connection called ``name`` exactly, or ``None``."""
        with self._lock:
            return next((p for p in self.all() if p.name == name), None)

    def add_adhoc(self, profile: Profile) -> None:
        """Remember a connection that a URI made, for this process only."""
        with self._lock:
            self._adhoc[profile.id] = profile

    def save(self, profile: Profile) -> None:
        """Add or replace a connection on disk. Blocking, a few milliseconds.

        Raises ``ConfigInvalid`` for a bad or taken name, a secret in the configuration or a
        built-in connection; ``OSError`` when the file cannot be written.
        """
        if profile.builtin:
            raise _invalid(f"{profile.name!r} comes with the program and cannot be changed.")
        check_name(profile.name)
        without_secrets(profile)
        with self._lock:
            self._change(profile)
        self._tell()

    def remove(self, profile_id: str) -> None:
        """Forget a connection on disk; succeeds when it is not there. Blocking."""
        with self._lock:
            if any(p.id == profile_id for p in self._builtin):
                raise _invalid("This connection comes with the program and cannot be removed.")
            with self._file() as rows:
                rows[:] = [row for row in rows if _id_of(row) != profile_id]
        self._tell()

    def on_change(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` after each change made here; returns what ends that."""
        with self._lock:
            self._callbacks.append(callback)

        def forget() -> None:
            with self._lock:
                if callback in self._callbacks:
                    self._callbacks.remove(callback)

        return forget

    def _change(self, profile: Profile) -> None:
        with self._file() as rows:
            taken = {_name_of(row).casefold() for row in rows if _id_of(row) != profile.id} | {
                p.name.casefold() for p in self._builtin
            }
            if profile.name.casefold() in taken:
                raise _invalid(
                    f"There is a connection called {profile.name!r} already; choose another name."
                )
            at = next((i for i, row in enumerate(rows) if _id_of(row) == profile.id), None)
            if at is None:
                rows.append(profile.to_dict())
            else:
                rows[at] = profile.to_dict()

    @contextlib.contextmanager
    def _file(self) -> Iterator[list[Any]]:
        """Give the file's rows for changing; they are saved unless the change failed."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with jsonfile.exclusive(self.path):
                stored = self._load()
                rows = list(stored[_KEY])
                yield rows
                changed = {**stored, _KEY: rows}
                jsonfile.save(self.path, changed)
                self._take(changed)
        except OSError as error:
            message = (
                f"The connections in {self.path} cannot be changed ({error.strerror}); see that"
                " the file and its folder are yours, and that the disk has space"
            )
            raise OSError(error.errno, message) from error

    def _read(self) -> None:
        try:
            self._take(self._load())
        except OSError as error:
            self.note = (
                f"The connections in {self.path} cannot be read ({error.strerror}); see that the"
                " file is yours, then start again."
            )

    def _load(self) -> dict[str, Any]:
        stored, note = jsonfile.load(self.path)
        rows = stored.setdefault(_KEY, [])
        if not isinstance(rows, list):
            note = jsonfile.set_aside(self.path, f"{_KEY!r} is not a list")
            stored = {_KEY: []}
        self.note = note or self.note
        return stored

    def _take(self, stored: dict[str, Any]) -> None:
        """Take the rows that make sense; two of one name or id would stand for each other."""
        found: list[Profile] = []
        taken = {p.id for p in self._builtin}, {p.name.casefold() for p in self._builtin}
        for row in stored[_KEY]:
            try:
                profile = Profile.from_dict(row)
            except StorageError:
                self.note = f"{self.path} holds a connection that this version cannot read."
                continue
            words = profile.id, profile.name.casefold()
            if any(word in those for word, those in zip(words, taken, strict=True)):
                self.note = (
                    f"{self.path} holds a second connection with the name or the id of"
                    f" {profile.name!r}, which is left out; change them there, or remove it."
                )
                continue
            for word, those in zip(words, taken, strict=True):
                those.add(word)
            found.append(replace(profile, builtin=False))
        self._saved = tuple(found)

    def _tell(self) -> None:
        with self._lock:
            callbacks = tuple(self._callbacks)
        for callback in callbacks:
            callback()


def check_name(name: str) -> None:
    """Raise ``ConfigInvalid`` when ``name`` cannot stand before the colon of ``name:path``."""
    if not name or name != name.strip():
        raise _invalid("A connection needs a name that neither begins nor ends with a space.")
    bad = sorted({c for c in name if c in ":/\\" or not c.isprintable()})
    if bad:
        raise _invalid(f"The name {name!r} has {', '.join(map(repr, bad))} in it; leave that out.")
    if name.startswith(("-", ".")):
        raise _invalid(f"The name {name!r} begins with {name[0]!r}; begin it with a letter.")
    if len(name) == 1 and name.isascii() and name.isalpha():
        raise _invalid(f"The name {name!r} reads like a drive; use two characters or more.")
    if name.casefold() in {*registry.schemes(), "file", "http", "https"}:
        raise _invalid(f"{name!r} is the name of a kind of storage; choose another name.")


def _id_of(row: object) -> str:
    return str(row.get("id", "")) if isinstance(row, dict) else ""


def _name_of(row: object) -> str:
    return str(row.get("name", "")) if isinstance(row, dict) else ""


def _invalid(text: str) -> StorageError:
    return StorageError(ErrorKind.CONFIG_INVALID, text)
