"""Whether what arrived are the bytes that were sent, by SHA-256; a process of its own.

``python -m tests.perf.proof local FOLDER SUMS`` and ``… remote PREFIX SUMS`` compare with
the JSON file ``SUMS`` (name to digest), and fail unless exactly those names are there;
``… clear PREFIX`` deletes what is below a prefix. The place comes from the environment.
Invariant: it shares no code with any contender, and reads every byte.
"""

from __future__ import annotations

import hashlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tests.perf.place import Place
from tests.servers.raw import RawS3
from tests.servers.s3_server import S3Server

if TYPE_CHECKING:
    from collections.abc import Callable

_AT_ONCE = 8


def local_sums(folder: Path) -> dict[str, str]:
    """Return the digest of every file below ``folder``, by its name in it."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    with ThreadPoolExecutor(2) as pool:
        return dict(
            zip((str(f.relative_to(folder)) for f in files), pool.map(_digest, files), strict=True)
        )


def remote_sums(place: Place, prefix: str) -> dict[str, str]:
    """Return the digest of every object below ``prefix``, by the rest of its key."""
    found: dict[str, str] = {}

    def one(raw: RawS3, key: str) -> None:
        found[key.removeprefix(prefix)] = raw.sha256(place.bucket, key)

    _over_keys(place, prefix, one)
    return found


def clear(place: Place, prefix: str) -> None:
    """Delete every object, and end every upload, below ``prefix``."""

    def one(raw: RawS3, key: str) -> None:
        raw.send("DELETE", place.bucket, key)

    _over_keys(place, prefix, one)
    with RawS3(_server(place)) as raw:
        for key, upload in raw.uploads(place.bucket):
            if key.startswith(prefix):
                raw.send("DELETE", place.bucket, key, query={"uploadId": upload})


def _over_keys(place: Place, prefix: str, act: Callable[[RawS3, str], None]) -> None:
    with RawS3(_server(place)) as raw:
        keys = raw.keys(place.bucket, prefix)

    def share(number: int) -> None:
        with RawS3(_server(place)) as raw:
            for key in islice(keys, number, None, _AT_ONCE):
                act(raw, key)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(share, range(_AT_ONCE)))


def _server(place: Place) -> S3Server:
    return S3Server(place.endpoint, place.access_key, place.secret_key, region=place.region)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def difference(found: dict[str, str], expected: dict[str, str]) -> str:
    """Say in a sentence what is wrong; empty when nothing is."""
    missing, extra = expected.keys() - found.keys(), found.keys() - expected.keys()
    wrong = [name for name in expected.keys() & found.keys() if expected[name] != found[name]]
    if not (missing or extra or wrong):
        return ""
    example = next(iter([*missing, *extra, *wrong]))
    return f"{len(missing)} missing, {len(extra)} extra, {len(wrong)} wrong, such as {example!r}"


def main() -> None:
    """Compare, or clear; the exit code is 1 when something is wrong."""
    what, where, *rest = sys.argv[1:]
    if what == "clear":
        clear(Place.from_environment(), where)
        return
    here = what == "local"
    found = local_sums(Path(where)) if here else remote_sums(Place.from_environment(), where)
    if said := difference(found, json.loads(Path(rest[0]).read_text())):
        raise SystemExit(said)


if __name__ == "__main__":
    main()
