"""Multipart uploads, simulated in a hidden folder under the root.

``.dalbrowser-multipart/<upload id>/`` holds ``upload.json`` (the key, the metadata, the
time), one file a part, and at the end ``commit``. A part's file is named
``<number>.<sequence>.<md5>``; of one number the highest sequence counts.

Invariant: a kill at any moment leaves either the upload with all confirmed parts, or the
finished object. Every step is a rename of something that is already whole on the disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
import re
import secrets
import shutil
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.services.fs import meta
from dalbrowser.storage.services.fs.atomic import write_all
from dalbrowser.storage.services.fs.faults import not_found
from dalbrowser.storage.services.fs.root import MULTIPART_FOLDER, TEMPORARY_PREFIX, segments
from dalbrowser.storage.types import MultipartUpload, Part
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dalbrowser.storage.options import OpCreateMultipart
    from dalbrowser.storage.services.fs.core import Core
    from dalbrowser.storage.services.fs.temporary import TemporaryFile
    from dalbrowser.storage.types import Metadata

PARTS_MAX = 10_000
"""As many as S3 takes, so that a plan made for one fits the other."""

_ID = re.compile(r"[0-9a-f]{32}")
_PART = re.compile(r"(\d{5})\.(\d{20})\.([0-9a-f]{32})")
_DESCRIPTION = "upload.json"
_COMMIT = "commit"
_NEW = ".new-"
_DEAD = ".dead-"
_TRIES = 5
"""How often an upload is begun: each further time, another's clean-up came between."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


@record()
class StoredPart:
    """One part on the disk: ``name`` in the upload's folder."""

    number: int
    sequence: int
    md5: str
    name: str


class Uploads:
    """All uploads under one root, in blocking calls."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.root = core.root

    def create(self, key: str, args: OpCreateMultipart) -> str:
        """Begin an upload; it is listed from then on."""
        segments(key)
        upload_id = secrets.token_hex(16)
        description = {
            "path": key,
            "initiated": datetime.now(UTC).isoformat(),
            "extra": meta.given(args),
        }
        content = json.dumps(description).encode()
        for left in reversed(range(_TRIES)):
            try:
                with self._base(create=True) as base:
                    self._begin(base, upload_id, content)
                break
            except FileNotFoundError:
                # Another process cleared away after its own upload, and this with it.
                if not left:
                    raise
            except OSError:
                self._remove_base()
                raise
        return upload_id

    def _begin(self, base: int, upload_id: str, description: bytes) -> None:
        new = _NEW + upload_id
        os.mkdir(new, 0o700, dir_fd=base)
        try:
            with _opened(new, base) as folder:
                # Held until it has its name: what nobody holds was left by a crash.
                _hold(folder)
                self._put(folder, _DESCRIPTION, description)
                os.rename(new, upload_id, src_dir_fd=base, dst_dir_fd=base)
            self.root.sync(base)
        except OSError:
            for name in (new, upload_id):
                shutil.rmtree(name, ignore_errors=True, dir_fd=base)
            raise

    def open(self, key: str, upload_id: str) -> contextlib.AbstractContextManager[int]:
        """Open the folder of an upload of exactly this key, or raise ``NotFound``."""
        return self._open(key, upload_id)

    @contextlib.contextmanager
    def _open(self, key: str, upload_id: str) -> Iterator[int]:
        if not _ID.fullmatch(upload_id):
            raise _no_upload(upload_id)
        with contextlib.ExitStack() as stack:
            try:
                base = stack.enter_context(self._base())
                folder = stack.enter_context(_opened(upload_id, base))
                described = _read(folder, _DESCRIPTION)
            except (FileNotFoundError, NotADirectoryError):
                raise _no_upload(upload_id) from None
            if json.loads(described)["path"] != key:
                raise _no_upload(upload_id)
            yield folder

    def parts(self, key: str, upload_id: str) -> list[Part]:
        """Return the parts of an upload, in order of their numbers."""
        with self._open(key, upload_id) as folder:
            return [part_of(folder, stored) for stored in stored_parts(folder).values()]

    def uploads(self, prefix: str) -> list[MultipartUpload]:
        """Return every incomplete upload whose key begins with ``prefix``, in their order."""
        found = []
        with contextlib.suppress(FileNotFoundError), self._base() as base:
            for name in _names(base):
                with contextlib.suppress(OSError, ValueError, KeyError):
                    if not _ID.fullmatch(name):
                        continue
                    with _opened(name, base) as folder:
                        described = json.loads(_read(folder, _DESCRIPTION))
                    if described["path"].startswith(prefix):
                        begun = datetime.fromisoformat(described["initiated"])
                        found.append(MultipartUpload(described["path"], name, begun))
        return sorted(found, key=lambda upload: (upload.path, upload.upload_id))

    def begin_part(self, folder: int) -> tuple[str, int]:
        """Return the name and descriptor of a new file in an upload's folder."""
        name = f".part-{secrets.token_hex(8)}"
        return name, os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)

    def commit_part(self, folder: int, temporary: str, fd: int, number: int, md5: str) -> Part:
        """Make a written file the part of its number; an earlier one of it is dropped."""
        self.root.sync(fd)
        before = [part for part in _scan(folder) if part.number == number]
        sequence = max([time.time_ns(), *(part.sequence + 1 for part in before)])
        stored = StoredPart(number, sequence, md5, f"{number:05}.{sequence:020}.{md5}")
        try:
            os.rename(temporary, stored.name, src_dir_fd=folder, dst_dir_fd=folder)
        except FileNotFoundError:
            raise _no_upload() from None
        self.root.sync(folder)
        for part in before:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(part.name, dir_fd=folder)
        return part_of(folder, stored)

    def choose(self, folder: int, parts: Sequence[Part]) -> list[StoredPart]:
        """Return what is stored of ``parts``, or raise when one is not as it is claimed to be."""
        numbers = [part.number for part in parts]
        if not parts or any(a >= b for a, b in itertools.pairwise(numbers)):
            raise StorageError(
                ErrorKind.INVALID_INPUT,
                "The parts of a completed upload are one or more, in ascending order of their"
                " numbers, each once.",
            )
        stored = stored_parts(folder)
        for part in parts:
            found = stored.get(part.number)
            if found is None or f'"{found.md5}"' != part.etag:
                raise StorageError(
                    ErrorKind.INVALID_INPUT,
                    f"Part {part.number} is not stored with the ETag {part.etag}; list the parts"
                    " and send it again.",
                )
        return [stored[number] for number in numbers]

    def published(self, key: str, folder: int) -> Metadata | None:
        """Return the object when a crash struck after it was published, before the clean-up."""
        try:
            committed = _read(folder, _COMMIT).decode()
            with self.core.find(key) as place:
                st = place.lstat()
                if meta.etag(st) != committed:
                    return None
                return meta.describe(st, self.core.beside(place.fd, place.name))
        except FileNotFoundError:
            return None
        except StorageError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                return None
            raise

    def commit(self, folder: int, file: TemporaryFile, *, exclusive: bool) -> Metadata:
        """Publish the joined file; the note written first tells a second try that it was done."""
        extra = self.described(folder)
        st = file.finish(extra)
        self._put(folder, _COMMIT, meta.etag(st).encode())
        return meta.describe(file.publish(exclusive=exclusive), extra)

    def described(self, folder: int) -> Mapping[str, Any]:
        """Return the metadata that the upload was created with."""
        extra: Mapping[str, Any] = json.loads(_read(folder, _DESCRIPTION))["extra"]
        return extra

    def drop(self, upload_id: str) -> None:
        """Take an upload out of the list at once, then remove its files."""
        with contextlib.suppress(FileNotFoundError), self._base() as base:
            os.rename(upload_id, _DEAD + upload_id, src_dir_fd=base, dst_dir_fd=base)
            self.root.sync(base)
            _clear(base)
        self._remove_base()

    def _remove_base(self) -> None:
        """Remove the folder of all uploads, if there are none."""
        with contextlib.suppress(OSError):
            fd = self.root.open()
            try:
                os.rmdir(MULTIPART_FOLDER, dir_fd=fd)
            finally:
                os.close(fd)

    def abort(self, key: str, upload_id: str) -> None:
        """Drop an upload, also what a crash left while it was completed."""
        try:
            with self._open(key, upload_id):
                pass
        except StorageError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                return
            raise
        with (
            contextlib.suppress(OSError, StorageError),
            self.root.locate(segments(key)) as place,
        ):
            os.unlink(TEMPORARY_PREFIX + upload_id, dir_fd=place.fd)
        self.drop(upload_id)

    @contextlib.contextmanager
    def _base(self, *, create: bool = False) -> Iterator[int]:
        """Open the folder of all uploads. Made by ``create``; the last upload removes it."""
        root = self.root.open()
        try:
            for last in (False, True):
                if create:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(MULTIPART_FOLDER, 0o700, dir_fd=root)
                try:
                    fd = os.open(MULTIPART_FOLDER, _FOLDER, dir_fd=root)
                    break
                except FileNotFoundError:
                    if last or not create:
                        raise
        finally:
            os.close(root)
        try:
            yield fd
        finally:
            os.close(fd)

    def _put(self, folder: int, name: str, content: bytes) -> None:
        """Write a small file, whole and durable, under its name."""
        fd = os.open(f".{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600, dir_fd=folder)
        try:
            write_all(fd, content)
            self.root.sync(fd)
        finally:
            os.close(fd)
        os.rename(f".{name}", name, src_dir_fd=folder, dst_dir_fd=folder)
        self.root.sync(folder)


def stored_parts(folder: int) -> dict[int, StoredPart]:
    """Return the parts that count, by number, ascending."""
    newest: dict[int, StoredPart] = {}
    for part in sorted(_scan(folder), key=lambda part: (part.number, part.sequence)):
        newest[part.number] = part
    return newest


def part_of(folder: int, stored: StoredPart) -> Part:
    """Return a stored part as it is listed."""
    st = os.stat(stored.name, dir_fd=folder, follow_symlinks=False)
    modified = meta.describe(st).last_modified
    return Part(stored.number, st.st_size, f'"{stored.md5}"', {}, modified)


def _scan(folder: int) -> list[StoredPart]:
    found = []
    for name in _names(folder):
        if matched := _PART.fullmatch(name):
            found.append(StoredPart(int(matched[1]), int(matched[2]), matched[3], name))
    return found


@contextlib.contextmanager
def _opened(name: str, parent: int) -> Iterator[int]:
    fd = os.open(name, _FOLDER, dir_fd=parent)
    try:
        yield fd
    finally:
        os.close(fd)


def _hold(folder: int) -> None:
    """Lock an open folder until it is closed; ``FileNotFoundError`` where it is being removed."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise FileNotFoundError from error
    except OSError:
        # A file system without locks: there nothing is cleared, for nothing can be held.
        pass


def _clear(base: int) -> None:
    """Remove ended uploads, and beginnings that a crash left: those that nobody holds."""
    for name in _names(base):
        if name.startswith(_DEAD):
            shutil.rmtree(name, ignore_errors=True, dir_fd=base)
        elif name.startswith(_NEW):
            with contextlib.suppress(OSError), _opened(name, base) as folder:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(name, ignore_errors=True, dir_fd=base)


def _names(folder: int) -> list[str]:
    with os.scandir(folder) as scan:
        return [item.name for item in scan]


def _read(folder: int, name: str) -> bytes:
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    with os.fdopen(fd, "rb") as file:
        return file.read()


def _no_upload(upload_id: str = "") -> StorageError:
    return not_found(
        f"There is no upload {upload_id!r} of this path; it was completed, aborted, or is another"
        " path's. Begin a new one."
    )
