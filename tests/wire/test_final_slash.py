"""A key that ends in ``/`` is that key, or no request leaves: with no preset, on any server.

rclone serve s3 drops the slash, so a delete of ``a/`` would delete the object ``a``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import pytest

from dalbrowser.storage import Operator
from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.options import (
    OpCopy,
    OpCreateDir,
    OpCreateMultipart,
    OpDelete,
    OpPresign,
    OpRead,
    OpStat,
    OpWrite,
)
from dalbrowser.storage.services.s3 import S3, S3Config
from tests.servers.lying import LyingServer, error, in_turn, reply
from tests.servers.raw import RawS3
from tests.wire.test_neighbours import read, refusal, write

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from dalbrowser.storage.types import HttpExchange
    from tests.servers.lying import Answer
    from tests.servers.s3_server import S3Server


@pytest.fixture
async def on_rclone(rclone_s3: S3Server, rclone_bucket: str) -> AsyncIterator[S3]:
    """A service that was told nothing about rclone."""
    service = S3(S3Config(**rclone_s3.operator_config(rclone_bucket)))  # type: ignore[arg-type]
    yield service
    await service.aclose()


@pytest.fixture
async def on_ceph(ceph_s3: S3Server, ceph_bucket: str) -> AsyncIterator[S3]:
    """A service that was told nothing about Ceph."""
    service = S3(S3Config(**ceph_s3.operator_config(ceph_bucket)))  # type: ignore[arg-type]
    yield service
    await service.aclose()


@pytest.fixture
def witness(rclone_s3: S3Server) -> Iterator[RawS3]:
    """A client that shares no code with the service."""
    with RawS3(rclone_s3) as raw:
        yield raw


def writes(s3: S3) -> dict[str, Callable[[], Awaitable[object]]]:
    """Return everything that would make or change ``a/``."""
    life = timedelta(minutes=1)
    return {
        "write": lambda: write(s3, "a/", b"other"),
        "create_dir": lambda: s3.create_dir("a/", OpCreateDir()),
        "copy": lambda: s3.copy("src", "a/", OpCopy()),
        "multipart": lambda: s3.create_multipart("a/", OpCreateMultipart()),
        "presign write": lambda: s3.presign("a/", OpPresign(operation=OpWrite(), expires=life)),
        "presign delete": lambda: s3.presign("a/", OpPresign(operation=OpDelete(), expires=life)),
    }


@pytest.mark.parametrize("name", writes(None))  # type: ignore[arg-type]
@pytest.mark.parametrize("there", [True, False])
async def test_rclone_no_write_with_a_slash_leaves(
    on_rclone: S3, witness: RawS3, rclone_bucket: str, name: str, there: bool
) -> None:
    """``there`` says whether the bucket holds ``a``, or nothing at all."""
    if there:
        for key in ("a", "src"):
            witness.send("PUT", rclone_bucket, key, body=b"precious")
    assert await refusal(writes(on_rclone)[name]()) is ErrorKind.UNSUPPORTED
    assert witness.keys(rclone_bucket) == (["a", "src"] if there else [])
    assert witness.uploads(rclone_bucket) == []
    if there:
        assert witness.send("GET", rclone_bucket, "a").body == b"precious"


async def test_rclone_a_slash_deletes_and_reads_nothing(
    on_rclone: S3, witness: RawS3, rclone_bucket: str
) -> None:
    await on_rclone.delete("a/", OpDelete())
    for key in ("a", "b"):
        witness.send("PUT", rclone_bucket, key, body=b"precious")
    await on_rclone.delete("a/", OpDelete())
    outcomes = await on_rclone.delete_batch([("a/", OpDelete()), ("b", OpDelete())])
    assert [(o.path, o.error) for o in outcomes] == [("a/", None), ("b", None)]
    assert await refusal(on_rclone.stat("a/", OpStat())) is ErrorKind.NOT_FOUND
    assert await refusal(on_rclone.read("a/", OpRead())) is ErrorKind.NOT_FOUND
    assert await refusal(on_rclone.copy("a/", "c", OpCopy())) is ErrorKind.NOT_FOUND
    assert witness.keys(rclone_bucket) == ["a"]
    assert await read(on_rclone, "a") == b"precious"


async def test_rclone_remove_all_of_a_folder(
    rclone_s3: S3Server, witness: RawS3, rclone_bucket: str
) -> None:
    async with Operator("s3", **rclone_s3.operator_config(rclone_bucket)) as op:
        for key in ("a/x", "a/b/y", "ab", "c"):
            witness.send("PUT", rclone_bucket, key, body=b"1")
        await op.create_dir("a/")  # It is one already.
        assert (await op.stat("a/")).is_dir
        assert await op.remove_all("a/") == 2
        assert witness.keys(rclone_bucket) == ["ab", "c"]
        assert await op.remove_all("c/") == 0
        assert witness.keys(rclone_bucket) == ["ab", "c"]


@pytest.mark.parametrize("there", [True, False])
async def test_ceph_keeps_the_slash(on_ceph: S3, ceph_s3: S3Server, there: bool) -> None:
    with RawS3(ceph_s3) as witness:
        bucket = on_ceph.info().name
        if there:
            await write(on_ceph, "a", b"precious")
        kept = ["a"] if there else []
        exchanges: list[HttpExchange] = []
        on_ceph.observe(exchanges.append)
        await on_ceph.create_dir("a/", OpCreateDir())
        assert witness.keys(bucket) == [*kept, "a/"]
        # A listing and two HEADs, or a listing and a key made, listed and removed; once.
        assert len(exchanges) == 2 + (3 if there else 4)
        await write(on_ceph, "a/", b"other")
        assert await read(on_ceph, "a/") == b"other"
        await on_ceph.delete("a/", OpDelete())
        assert len(exchanges) == 2 + (3 if there else 4) + 3
        assert witness.keys(bucket) == kept
        if there:
            assert await read(on_ceph, "a") == b"precious"


def page(*keys: str) -> bytes:
    found = "".join(f"<Contents><Key>{escape(key)}</Key></Contents>" for key in keys)
    return f"<ListBucketResult>{found}<IsTruncated>false</IsTruncated></ListBucketResult>".encode()


async def test_an_object_that_vanished_proves_nothing(recorder: LyingServer) -> None:
    """``k/`` is not found, and then ``k`` is not either: the next one is asked for."""
    gone = error(404, "NoSuchKey")
    recorder.answer = in_turn(reply(body=page("k", "l")), gone, gone, reply(), reply(body=page()))
    s3 = S3(S3Config(**recorder.s3.operator_config("bucket")))  # type: ignore[arg-type]
    await s3.delete("a/", OpDelete())
    assert [seen.method for seen in recorder.seen] == ["GET", "HEAD", "HEAD", "HEAD", "GET"]
    assert [seen.key("bucket") for seen in recorder.seen[1:4]] == [b"k/", b"k", b"l/"]
    await s3.delete("a/", OpDelete())
    assert len(recorder.seen) == 5
    await s3.aclose()


@pytest.mark.parametrize("answer", [error(403, "AccessDenied"), error(500, "InternalError")])
async def test_a_question_without_an_answer_sends_nothing(
    recorder: LyingServer, answer: Answer
) -> None:
    recorder.answer = answer
    s3 = S3(S3Config(**recorder.s3.operator_config("bucket")))  # type: ignore[arg-type]
    with pytest.raises(StorageError):
        await s3.delete("a/", OpDelete())
    with pytest.raises(StorageError):
        await write(s3, "a/", b"")
    assert [seen.method for seen in recorder.seen] == ["GET", "GET"]
    await s3.aclose()
