"""Runs one upload again and again, killed one step later each time, and prints what was left.

A step is a call that the interpreter audits (open, rename, remove, …): the kill happens just
before it. ``python -m tests.unit.fs.crash_child FOLDER`` prints a line of JSON per kill; the
line of the first run that was not killed is the last.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import StorageError
from dalbrowser.storage.options import (
    OpAbortMultipart,
    OpCompleteMultipart,
    OpCreateMultipart,
    OpListMultiparts,
    OpListParts,
    OpRead,
    OpWriteMultipart,
)
from dalbrowser.storage.services.fs import Fs, FsConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from dalbrowser.storage.types import Part

KEY = "d/big"
OLD = b"old content"
CONTENT = (b"one" * 1000, b"two" * 1000)
STEPS = ("open", "os.", "shutil.", "fcntl.")
KILLED = 77


def main() -> None:
    """Print one report for each kill."""
    folder = Path(sys.argv[1])
    for step in range(1, 400):
        root = folder / str(step)
        (root / "d").mkdir(parents=True)
        (root / KEY).write_bytes(OLD)
        code = in_child(partial(upload_once, root, step))
        report = root / "report.json"
        checked = in_child(partial(report_on, root, report))
        print(json.dumps({"step": step, "code": code, "check": checked, **read(report)}))
        if code != KILLED:
            return


def read(report: Path) -> dict[str, object]:
    """Return what the checking child wrote; nothing when it failed."""
    found: dict[str, object] = json.loads(report.read_text()) if report.exists() else {}
    return found


def in_child(action: Callable[[], object]) -> int:
    """Run ``action`` in a fork and return its exit code."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            action()
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def upload_once(root: Path, kill_at: int) -> None:
    """Run ``upload`` in a loop of its own."""
    asyncio.run(upload(root, kill_at))


async def upload(root: Path, kill_at: int) -> None:
    """Upload two parts, the first twice, and complete; killed before the given step."""
    fs = Fs(FsConfig(str(root), durable=False))
    await fs.check()
    await asyncio.to_thread(int)
    count = 0

    def hook(event: str, args: object) -> None:
        nonlocal count
        if event.startswith(STEPS):
            count += 1
            if count == kill_at:
                os._exit(KILLED)

    sys.addaudithook(hook)
    upload_id = await fs.create_multipart(KEY, OpCreateMultipart())
    await part(fs, upload_id, 1, b"x" * 10)
    parts = [await part(fs, upload_id, n, CONTENT[n - 1]) for n in (1, 2)]
    await fs.complete_multipart(KEY, parts, OpCompleteMultipart(upload_id=upload_id))


async def part(fs: Fs, upload_id: str, number: int, data: bytes) -> Part:
    """Send one part."""
    args = OpWriteMultipart(upload_id=upload_id, number=number, size=len(data))
    writer = await fs.write_multipart(KEY, args)
    await writer.write(data)
    return await writer.close()


def report_on(root: Path, report: Path) -> None:
    """Write what ``check`` found, and every name that is left."""
    firsts = len(list(root.glob(".dalbrowser-multipart/*/00001.*")))
    found = {**asyncio.run(check(root)), "firsts": firsts}
    left = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
    report.write_text(json.dumps({**found, "left": left}))


async def check(root: Path) -> dict[str, object]:
    """Say what is there, resume what can be, abort what cannot, and say what is left."""
    fs = Fs(FsConfig(str(root), durable=False))
    before = await content(fs)
    uploads = await (await fs.list_multiparts("", OpListMultiparts())).next_page() or []
    finished = "none"
    parts: list[Part] = []
    for upload in uploads:
        lister = await fs.list_parts(KEY, OpListParts(upload_id=upload.upload_id))
        parts = list(await lister.next_page() or [])
        try:
            for number in (1, 2):
                await part(fs, upload.upload_id, number, CONTENT[number - 1])
            lister = await fs.list_parts(KEY, OpListParts(upload_id=upload.upload_id))
            parts_now = await lister.next_page() or []
            # Published already? Then completing again must not be taken for a second object.
            done = before == b"".join(CONTENT)
            args = OpCompleteMultipart(upload_id=upload.upload_id, if_not_exists=done)
            await fs.complete_multipart(KEY, parts_now, args)
            finished = "resumed"
        except StorageError as error:
            finished = str(error)
            await fs.abort_multipart(KEY, OpAbortMultipart(upload_id=upload.upload_id))
    after = await content(fs)
    names = {OLD: "old", b"".join(CONTENT): "new"}
    return {
        "before": names.get(before, "WRONG"),
        "after": names.get(after, "WRONG"),
        "uploads": len(uploads),
        "parts": [part.number for part in parts],
        "sizes": [part.size for part in parts],
        "finished": finished,
    }


async def content(fs: Fs) -> bytes:
    """Return the object's bytes."""
    reply = await fs.read(KEY, OpRead())
    data = await reply.body.read(1 << 20)
    await reply.body.aclose()
    return data


if __name__ == "__main__":
    main()
