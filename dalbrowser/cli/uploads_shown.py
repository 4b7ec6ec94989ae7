"""Incomplete uploads as lines of a terminal, and what all of them add up to."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dalbrowser.cli.asjson import json_line, utc
from dalbrowser.cli.context import complain, say
from dalbrowser.cli.wording import human_size, local_time, one_line, sentence
from dalbrowser.storage import StorageError
from dalbrowser.transfer import TransferError
from dalbrowser.transfer.failures import is_gone
from dalbrowser.transfer.uploading.incomplete import Kept, age_of, own_of, survey

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from dalbrowser.cli.context import Context
    from dalbrowser.storage import MultipartUpload, Operator
    from dalbrowser.transfer.journal.own import OwnUpload

_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60


class Shown:
    """Shows uploads in the order given, and counts. ``failed`` are those that told nothing."""

    def __init__(self, context: Context, bucket: str, *, as_json: bool = False) -> None:
        self._journal = context.folders.journal_file
        self._bucket = bucket
        self._on_terminal = sys.stdout.isatty() and not as_json
        self._write = _json if as_json else _columns if self._on_terminal else _tabs
        self._sum = Kept()
        self._count = 0
        self.failed = 0

    async def show(self, op: Operator, uploads: Sequence[MultipartUpload]) -> None:
        """Ask what each holds, and write a line for each that is still there."""
        found: dict[MultipartUpload, Kept | StorageError] = {}
        await survey(op, uploads, found.__setitem__)
        mine = await self._own(uploads)
        for upload in uploads:
            kept = found[upload]
            if isinstance(kept, StorageError):
                if not is_gone(kept):
                    self.failed += 1
                    complain(sentence(kept))
                continue
            self._count += 1
            self._sum += kept
            say(self._write(upload, kept, mine.get(upload)))
        sys.stdout.flush()

    async def _own(self, uploads: Sequence[MultipartUpload]) -> dict[MultipartUpload, OwnUpload]:
        try:
            return await own_of(self._journal, self._bucket, uploads)
        except TransferError as error:
            complain(sentence(error))
            return {}

    @property
    def nothing(self) -> bool:
        """Whether a terminal was shown nothing, and has heard of no failure either."""
        return self._on_terminal and not self._count and not self.failed

    def sum_up(self) -> None:
        """Write the sum to a terminal; a file of lines has no use for it."""
        if self._on_terminal and self._count:
            complain(f"{self._said()}.")

    def question(self) -> str:
        """Return what is to be asked before these are aborted."""
        return f"Abort {self._said()}?"

    def _said(self) -> str:
        word = "upload" if self._count == 1 else "uploads"
        size = human_size(self._sum.bytes)
        return f"{self._count:,} {word} ({size}, {self._sum.gib_days:.2f} GiB-days so far)"


def facts_of(upload: MultipartUpload) -> dict[str, object]:
    """Return what the listing itself tells of an upload."""
    age = age_of(upload)
    return {
        "key": upload.path,
        "upload_id": upload.upload_id,
        "begun": utc(upload.initiated),
        "age": None if age is None else int(age.total_seconds()),
    }


def _json(upload: MultipartUpload, kept: Kept, mine: OwnUpload | None) -> str:
    told = {
        "parts": kept.parts,
        "bytes": kept.bytes,
        "gib_days": kept.gib_days,
        "transfer": None if mine is None else {"id": mine.job, "state": mine.state.value},
    }
    return json_line({**facts_of(upload), **told})


def _tabs(upload: MultipartUpload, kept: Kept, mine: OwnUpload | None) -> str:
    del mine
    age = age_of(upload)
    seconds = "?" if age is None else str(int(age.total_seconds()))
    fields = (
        local_time(upload.initiated),
        seconds,
        kept.parts,
        kept.bytes,
        f"{kept.gib_days:.3f}",
        upload.upload_id,
        one_line(upload.path),
    )
    return "\t".join(map(str, fields))


def _columns(upload: MultipartUpload, kept: Kept, mine: OwnUpload | None) -> str:
    line = (
        f"{_short(age_of(upload)):>8}  {kept.parts:>5} parts  {human_size(kept.bytes):>10}"
        f"  {kept.gib_days:>8.2f} GiB-days  {upload.upload_id}  {one_line(upload.path)}"
    )
    if mine is None:
        return line
    return f"{line}  (transfer {mine.job} here, {mine.state.word})"


def _short(age: timedelta | None) -> str:
    """Return an age in its largest units, ``3d 2h``."""
    if age is None:
        return "?"
    seconds = int(age.total_seconds())
    if seconds >= _DAY:
        return f"{seconds // _DAY}d {seconds % _DAY // _HOUR}h"
    if seconds >= _HOUR:
        return f"{seconds // _HOUR}h {seconds % _HOUR // _MINUTE}m"
    return f"{seconds // _MINUTE}m"
