"""Whether one local folder lies in another, by whatever names they are called.

One folder has many names: by a link, by another spelling where case is ignored, by a second
place where the same part of a file system is mounted. Invariant: names are compared last of
what they lead to, never alone.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOUNTS = "/proc/self/mountinfo"
"""Linux: what is mounted where (proc_pid_mountinfo(5)); elsewhere there is no such file."""
_OCTAL = re.compile(rb"\\([0-7]{3})")


@record()
class Mount:
    """The folder ``root`` of the file system ``device`` is seen at ``point``; both end in ``/``."""

    device: bytes
    root: str
    point: str


def is_within(inner: str, outer: str) -> bool:
    """Whether the folder ``inner``, which need not exist yet, is ``outer`` or lies in it; blocks.

    Also when it is reached through something that is mounted below ``outer``.
    """
    one, other = _slashed(os.path.realpath(inner)), _slashed(os.path.realpath(outer))
    return one.startswith(other) or _by_identity(one, other) or _by_mounts(one, other)


def _by_identity(inner: str, outer: str) -> bool:
    """Whether a folder above ``inner``, or it, is ``outer`` under another name."""
    facts = _stat(outer)
    if facts is None:
        return False
    return any(
        os.path.samestat(facts, found)
        for path in _upwards(inner)
        if (found := _stat(path)) is not None
    )


def _by_mounts(inner: str, outer: str) -> bool:
    """Whether both are in one file system, and there one in the other."""
    mounts = read_mounts()
    here, there = _real(inner, mounts), _real(outer, mounts)
    if here is None:
        return False
    seen = [(mount.device, mount.root) for mount in mounts if mount.point.startswith(outer)]
    return any(
        here[0] == device and here[1].startswith(root)
        for device, root in ([there] if there is not None else []) + seen
    )


def _real(path: str, mounts: list[Mount]) -> tuple[bytes, str] | None:
    """Return the file system that a folder is in, and where in it."""
    over = [mount for mount in mounts if path.startswith(mount.point)]
    if not over:
        return None
    # Of two at one place the one that was mounted last is seen.
    last = max(enumerate(over), key=lambda item: (len(item[1].point), item[0]))[1]
    return last.device, last.root + path[len(last.point) :]


def read_mounts() -> list[Mount]:
    """Return what is mounted, in the order of mounting; empty where nobody says it."""
    try:
        with open(_MOUNTS, "rb") as file:  # noqa: PTH123
            lines = file.read().splitlines()
    except OSError:
        return []
    # 36 35 98:0 /mnt1 /mnt2 rw,noatime …
    found = (line.split(b" ") for line in lines)
    return [
        Mount(part[2], _slashed(_plain(part[3])), _slashed(_plain(part[4])))
        for part in found
        if len(part) > 4
    ]


def _plain(text: bytes) -> str:
    return os.fsdecode(_OCTAL.sub(lambda found: bytes([int(found[1], 8)]), text))


def _upwards(path: str) -> Iterator[str]:
    """Yield a path and all above it."""
    path = path.rstrip(os.sep) or os.sep
    while True:
        yield path
        above = os.path.dirname(path)  # noqa: PTH120
        if above == path:
            return
        path = above


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116
    except (OSError, ValueError):
        return None


def _slashed(path: str) -> str:
    return path if path.endswith(os.sep) else path + os.sep
