"""Uploads whose ETags are no digests (SSE-KMS, SSE-C), and whose last answer was lost."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import ErrorKind, LayeredAccessor, StorageError
from dalbrowser.transfer import ConflictPolicy, JobState
from dalbrowser.transfer.integrity import multipart_etag
from tests.faults.rig import MiB, Rig, make_file
from tests.unit.transfer.gate import cut_off_upload
from tests.unit.transfer.test_upload_resumed import resumed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dalbrowser.storage import Accessor, Metadata, Part
    from dalbrowser.storage.options import (
        OpCompleteMultipart,
        OpListParts,
        OpRead,
        OpStat,
        OpWriteMultipart,
    )
    from dalbrowser.storage.types import RawPartLister, RawPartWriter, ReadReply


class Encrypted(LayeredAccessor):
    """Tells other ETags of the same form; of parts put together, one that ``follows`` theirs."""

    def __init__(self, inner: Accessor, *, follows: bool) -> None:
        super().__init__(inner)
        self._follows = follows
        self._real: dict[str, str] = {}
        self._whole: dict[str, str] = {}

    def other(self, etag: str) -> str:
        """Return the ETag to be told in place of ``etag``."""
        if etag in self._whole:
            return self._whole[etag]
        text, _, count = etag.strip('"').partition("-")
        made = hashlib.md5(text.encode()).hexdigest() + (f"-{count}" if count else "")
        self._real[f'"{made}"'] = etag
        return f'"{made}"'

    def _said(self, there: Metadata) -> Metadata:
        return replace(there, etag=self.other(there.etag or ""), checksums={})

    def part(self, part: Part) -> Part:
        """Return a part as it is told."""
        return replace(part, etag=self.other(part.etag), checksums={})

    async def stat(self, path: str, args: OpStat) -> Metadata:
        return self._said(await super().stat(path, args))

    async def read(self, path: str, args: OpRead) -> ReadReply:
        pinned = self._real.get(args.if_match or "", args.if_match)
        reply = await super().read(path, replace(args, if_match=pinned))
        return replace(reply, metadata=self._said(reply.metadata))

    async def write_multipart(self, path: str, args: OpWriteMultipart) -> RawPartWriter:
        return _Writer(await super().write_multipart(path, args), self)

    async def list_parts(self, path: str, args: OpListParts) -> RawPartLister:
        return _Parts(await super().list_parts(path, args), self)

    async def complete_multipart(
        self, path: str, parts: Sequence[Part], args: OpCompleteMultipart
    ) -> Metadata:
        real = [replace(part, etag=self._real[part.etag]) for part in parts]
        raw = [bytes.fromhex(part.etag.strip('"')) for part in real]
        if self._follows:
            told = [bytes.fromhex(part.etag.strip('"')) for part in parts]
            self._whole[f'"{multipart_etag(raw)}"'] = f'"{multipart_etag(told)}"'
        return self._said(await super().complete_multipart(path, real, args))


class _Writer:
    def __init__(self, inner: RawPartWriter, layer: Encrypted) -> None:
        self._inner, self._layer = inner, layer
        self.write, self.abort = inner.write, inner.abort

    async def close(self) -> Part:
        return self._layer.part(await self._inner.close())


class _Parts:
    def __init__(self, inner: RawPartLister, layer: Encrypted) -> None:
        self._inner, self._layer = inner, layer

    async def next_page(self) -> list[Part] | None:
        page = await self._inner.next_page()
        return None if page is None else [self._layer.part(part) for part in page]


class _Encryption:
    def __init__(self, *, follows: bool) -> None:
        self._follows = follows

    def layer(self, inner: Accessor) -> Accessor:
        return Encrypted(inner, follows=self._follows)


@pytest.fixture(params=[True, False], ids=["follows", "own"])
def kms(rig: Rig, request: pytest.FixtureRequest) -> Rig:
    rig.op = rig.op.layer(_Encryption(follows=request.param))
    return rig


@pytest.fixture(params=[True, False], ids=["readable", "large"])
def readable(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether an object may be read once more to be known."""
    if not request.param:
        monkeypatch.setattr("dalbrowser.transfer.equality.READ_BOTH", 1000)
        monkeypatch.setattr("dalbrowser.transfer.ownership.READ_BACK", 1000)
    return bool(request.param)


@pytest.mark.usefixtures("readable")
async def test_completed_without_an_answer_is_found_done(kms: Rig) -> None:
    sha = await cut_off_upload(kms, "complete_multipart", free=0, after=True)
    view = await resumed(kms)
    assert view.state is JobState.DONE, (view.words, view.error)
    assert kms.wire.count("write_multipart") == kms.wire.count("create_multipart") == 0
    assert await kms.sha("big") == sha


@pytest.mark.usefixtures("readable")
@pytest.mark.parametrize(
    ("answer", "policy"),
    [
        (ErrorKind.CONDITION_NOT_MATCH, ConflictPolicy.SKIP),
        (ErrorKind.NOT_FOUND, ConflictPolicy.ASK),
    ],
)
async def test_completion_that_a_layer_repeated_is_found_done(
    kms: Rig, answer: ErrorKind, policy: ConflictPolicy
) -> None:
    sha = make_file(kms.folder / "big", 2 * MiB)

    async def repeated(name: str, _path: str, _args: Any) -> None:
        if name == "complete_multipart":
            raise StorageError(answer, "It is there, or gone.", context={"status": "412"})

    kms.wire.after = repeated
    view = await kms.upload(kms.folder / "big", "big", policy)
    assert view.state is JobState.DONE, (view.words, view.error)
    assert kms.wire.count("write_multipart") == 8
    assert await kms.sha("big") == sha


@pytest.mark.usefixtures("readable")
@pytest.mark.parametrize("in_parts", [True, False])
async def test_object_of_somebody_else_is_asked_about(kms: Rig, in_parts: bool) -> None:
    await cut_off_upload(kms, "complete_multipart", free=0)
    async for item in kms.op.list_multiparts("big"):
        await kms.op.into_multipart("big", item.upload_id).abort()
    theirs = b"y" * (2 * MiB)
    if in_parts:
        made = await kms.op.create_multipart("big")
        parts = [await made.write(n, theirs[: 256 * 1024]) for n in range(1, 9)]
        await made.complete(parts)
    else:
        await kms.op.write("big", theirs)
    view = await resumed(kms)
    assert view.state is JobState.NEEDS_ANSWER, (view.words, view.note)
    assert await kms.op.read("big") == theirs
