r"""Keys as local paths, by one reversible rule; nothing ever leads outside the chosen folder.

The rule, segment by segment (a key is cut at ``/``):

- ``%XX`` stands for the UTF-8 byte XX wherever a character cannot be in a name: control
  characters and NUL; on Windows also ``< > : " | ? * \``, a final dot or space, and the
  first letter of a reserved name (``CON``, ``NUL``, ``COM1`` …).
- ``.`` and ``..`` are written ``%2E`` and ``%2E%2E``; an empty segment (a leading ``/``,
  ``//``, a final ``/``) is written ``%``.
- ``.….dalpart`` is written ``%2E….dalpart``: those are the names of downloads in progress.
- A ``%`` of the key itself is written ``%25`` where it could be mistaken for one of these:
  ``a%0Ab``. All others stay: keys are full of ``%20`` and ``%3A`` that are theirs.
- A segment over 240 bytes (names end at 255, and a download in progress needs 9) is cut
  into folders, each but the last ending in ``%_``.

``key_of`` undoes it, on the same system. Invariant: ``key_of(segments_of(key)) == key`` for
every key, and no segment is empty, ``.``, ``..``, or holds a separator.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from dalbrowser.transfer.model import TargetUnwritableError

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST = 240
"""Bytes of one local name: 255 on every common file system, less what a ``.dalpart`` adds."""

_OTHER_NAME = "A file here cannot have all of its name, so some of it is written with %."
_CONTINUES = "%_"
_LEAST_REST = 12
_POSIX_BAD = re.compile("[\x00-\x1f\x7f/]")
_WINDOWS_BAD = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?$")
_UNFINISHED = re.compile(r"(?is)\..+\.dalpart$")
_POSIX_CODE = "[01][0-9A-F]|7F|25|2E"
# What Windows refuses, a final space, and the letters that reserved names begin with.
_WINDOWS_CODE = rf"{_POSIX_CODE}|2[02AF]|3[ACEF]|5C|7C|[46][13CE]|[57]0"
_CODES = {False: _POSIX_CODE, True: _WINDOWS_CODE}
_OWN_PERCENT = {system: re.compile(f"%(?={code})") for system, code in _CODES.items()}
_CODED = {system: re.compile(f"%({code})".encode()) for system, code in _CODES.items()}
"""By whether the system is Windows: exactly the codes that are ever written there."""


def segments_of(key: str, *, windows: bool = os.name == "nt") -> list[str]:
    """Return the local path of ``key`` as names, outermost folder first."""
    names: list[str] = []
    for segment in key.split("/"):
        names += _cut(_encode(segment, windows), windows)
    return names


def key_of(names: Sequence[str], *, windows: bool = os.name == "nt") -> str:
    """Return the key whose local path is ``names``."""
    joined: list[str] = []
    begun = ""
    for name in names:
        if name.endswith(_CONTINUES):
            begun += name[: -len(_CONTINUES)]
            continue
        joined.append(_decode(begun + name, windows))
        begun = ""
    return "/".join(joined)


def local_path(folder: str, key: str) -> str:
    """Return the path below ``folder`` for ``key``."""
    return os.path.join(folder, *segments_of(key))  # noqa: PTH118 -- surrogates stay as they are


def name_note(path: str, key: str) -> str:
    """Return what is to be said of a file whose path does not end as its key does, or nothing."""
    return "" if path.endswith(key.replace("/", os.sep)) else _OTHER_NAME


def make_parents(root: str, path: str) -> None:
    """Create the folders between ``root`` and ``path``; blocks.

    Raises ``TargetUnwritableError`` when ``path`` is not below ``root``, or when anything
    between them is a link or not a folder: what lies behind a link is not the chosen folder.
    """
    relative = os.path.relpath(path, root)
    names = list(PurePath(relative).parts)
    if os.pardir in names or PurePath(relative).is_absolute():
        message = f"{path} is outside of {root}; nothing was written."
        raise TargetUnwritableError(message)
    here = root
    if not Path(here).is_dir():
        message = f"The folder {root} is not there any more; make it again and resume."
        raise TargetUnwritableError(message)
    for name in names[:-1]:
        here = os.path.join(here, name)  # noqa: PTH118
        try:
            os.mkdir(here)  # noqa: PTH102
        except FileExistsError:
            _require_folder(here)
        except OSError as error:
            raise unwritable(here, error) from error


def unwritable(path: str, error: OSError) -> TargetUnwritableError:
    """Return the error for a local target that cannot be written."""
    reason = error.strerror or str(error)
    return TargetUnwritableError(
        f"{path} could not be written ({reason}); make room or allow writing, then resume."
    )


def _require_folder(path: str) -> None:
    if Path(path).is_symlink():
        message = f"{path} is a link, and downloads do not follow links; remove it and resume."
        raise TargetUnwritableError(message)
    if not Path(path).is_dir():
        message = f"{path} is a file, and a folder of that name is needed; move it and resume."
        raise TargetUnwritableError(message)


def _encode(segment: str, windows: bool) -> str:
    if not segment:
        return "%"
    if segment in (".", ".."):
        return segment.replace(".", "%2E")
    text = _OWN_PERCENT[windows].sub("%25", segment)
    if text == "%" or text.endswith(_CONTINUES):
        cut = text.rindex("%")
        text = f"{text[:cut]}%25{text[cut + 1 :]}"
    text = (_WINDOWS_BAD if windows else _POSIX_BAD).sub(_code, text)
    if windows and text[-1] in ". ":
        text = text[:-1] + _code_text(text[-1])
    return _unlike_others(text, windows)


def _unlike_others(name: str, windows: bool) -> str:
    """Return a name that the system, and a download in progress, do not have for themselves."""
    if _UNFINISHED.match(name) or (windows and _RESERVED.match(name)):
        return _code_text(name[0]) + name[1:]
    return name


def _cut(name: str, windows: bool) -> list[str]:
    """Cut an encoded name into names that fit, never inside a character or a ``%XX``.

    What is left keeps some length, so that it is never ``.``, ``..`` or ``%``.
    """
    names: list[str] = []
    while len(os.fsencode(name)) > LONGEST:
        most = len(name) - _LEAST_REST
        take = 0
        used = len(_CONTINUES)
        for piece in re.findall(r"%[0-9A-Fa-f]{2}|.", name, flags=re.DOTALL):
            used += len(os.fsencode(piece))
            if used > LONGEST or take + len(piece) > most:
                break
            take += len(piece)
        names.append(name[:take] + _CONTINUES)
        name = _unlike_others(name[take:], windows)
    return [*names, name]


def _code(match: re.Match[str]) -> str:
    return _code_text(match.group())


def _code_text(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in os.fsencode(text))


def _decode(name: str, windows: bool) -> str:
    if name == "%":
        return ""
    plain = _CODED[windows].sub(lambda m: bytes([int(m.group(1), 16)]), os.fsencode(name))
    return os.fsdecode(plain)
