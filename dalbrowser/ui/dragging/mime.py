"""What a drag or the clipboard holds, as Qt's data and back.

Invariants: our own places come first, else local files; a list of files is read byte for
byte, so that no name becomes another; what is neither is named and refused.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from PySide6.QtCore import QByteArray, QCoreApplication, QMimeData

from dalbrowser.profiles import Location, format_location
from dalbrowser.session.carrying import Cargo, local_path
from dalbrowser.session.payload import MIME, Payload, PayloadError, decode, encode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dalbrowser.profiles import ProfileStore

URIS = "text/uri-list"
GNOME = "x-special/gnome-copied-files"
"""Nautilus and its kin: the first line is ``copy`` or ``cut``, the others are URIs."""
KDE = "application/x-kde-cutselection"
"""Dolphin: ``1`` beside a list of URIs that were cut."""
_QUOTED = re.compile(rb"[^A-Za-z0-9_.~/-]")
"""RFC 3986: what is not unreserved, but for the slash."""
_HOSTS = (b"", b"localhost")


def read_cargo(data: QMimeData | None) -> Cargo:
    """Return what is offered; its ``problem`` says why it cannot be taken."""
    if data is None:
        return Cargo()
    if data.hasFormat(MIME):
        return _read_places(bytes(data.data(MIME).data()))
    if data.hasFormat(GNOME):
        verb, _, rest = bytes(data.data(GNOME).data()).partition(b"\n")
        return _read_files(rest, move=verb.strip() == b"cut")
    if data.hasFormat(URIS):
        cut = bytes(data.data(KDE).data()).strip(b"\0 \n") == b"1"
        return _read_files(bytes(data.data(URIS).data()), move=cut)
    return Cargo()


@lru_cache(maxsize=2)
def _read_places(data: bytes) -> Cargo:
    """Read our own format; what hovers over one widget after another is read once."""
    try:
        payload = decode(data)
    except PayloadError as error:
        return Cargo(problem=str(error))
    return Cargo(payload.places, move=payload.move)


@lru_cache(maxsize=2)
def _read_files(listed: bytes, *, move: bool) -> Cargo:
    lines = [line.strip() for line in listed.splitlines()]
    uris = [line for line in lines if line and not line.startswith(b"#") and line != b"\0"]
    paths = [path for path in map(_path, uris) if path is not None]
    if len(paths) < len(uris):
        text = QCoreApplication.translate(
            "mime", "Only files of this computer can be taken; save the others to a file first."
        )
        return Cargo(problem=text)
    return Cargo(paths=tuple(paths), move=move)


def _path(uri: bytes) -> Path | None:
    scheme, _, rest = uri.partition(b"://")
    host, slash, path = rest.partition(b"/")
    if scheme.lower() != b"file" or not slash or host.lower() not in _HOSTS:
        return None
    name = unquote_to_bytes(path)
    return None if b"\0" in name else Path(os.fsdecode(b"/" + name))


def file_uri(path: str | Path) -> bytes:
    """Return the ``file:`` URI of a local path, exact to the byte."""
    quoted = _QUOTED.sub(lambda found: b"%%%02X" % found[0][0], os.fsencode(path))
    return b"file://" + quoted


def uri_list(paths: Sequence[str | Path]) -> QByteArray:
    """Return local paths in the form that other programs read (RFC 2483)."""
    return _lines([file_uri(path) for path in paths])


def _lines(uris: Sequence[bytes]) -> QByteArray:
    return QByteArray(b"".join(uri + b"\r\n" for uri in uris))


def local_paths_of(places: Sequence[Location], profiles: ProfileStore) -> list[str]:
    """Return the local files behind places; empty unless there is one behind each."""
    known = {number: profiles.get(number) for number in {place.profile_id for place in places}}
    paths = [local_path(place, known[place.profile_id]) for place in places]
    found = [path for path in paths if path is not None]
    return found if len(found) == len(paths) else []


def make_mime(
    places: Sequence[Location], profiles: ProfileStore, *, move: bool = False
) -> QMimeData:
    """Return places for the clipboard or a drag: ours, their addresses, local files if any.

    Raises ``PayloadError`` when they are too many.
    """
    data = QMimeData()
    data.setData(MIME, QByteArray(encode(Payload(tuple(places), move))))
    data.setText("\n".join(_addresses(places, profiles)))
    uris = [file_uri(path) for path in local_paths_of(places, profiles)]
    if uris:
        data.setData(URIS, _lines(uris))
        verb = b"cut" if move else b"copy"
        data.setData(GNOME, QByteArray(b"\n".join([verb, *uris])))
    return data


def _addresses(places: Sequence[Location], profiles: ProfileStore) -> Iterator[str]:
    """Write each place as it would be typed; what comes before the key is looked up once."""
    heads: dict[tuple[str, str], str] = {}
    for place in places:
        bucket = (place.profile_id, place.bucket)
        if bucket not in heads:
            heads[bucket] = format_location(Location(*bucket), profiles)
        yield heads[bucket] + place.path
