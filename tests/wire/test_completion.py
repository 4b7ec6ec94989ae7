"""What a failed completion means: the upload is asked for before it is tried again for long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.options import (
    OpAbortMultipart,
    OpCompleteMultipart,
    OpCreateMultipart,
    OpWriteMultipart,
)
from dalbrowser.storage.services.s3 import S3, S3Config
from dalbrowser.storage.services.s3.uploads import joined_etag
from dalbrowser.storage.types import Part
from tests.servers.lying import LyingServer, error, in_turn, reply

if TYPE_CHECKING:
    from tests.servers.lying import Answer
    from tests.servers.s3_server import S3Server

PARTS = [Part(1, 5, '"5d41402abc4b2a76b9719d911017c592"')]
FAILED = error(500, "InternalError")
GONE = error(404, "NoSuchUpload")


async def test_ceph_says_truthfully_that_an_upload_is_gone(
    ceph_s3: S3Server, ceph_bucket: str
) -> None:
    s3 = S3(S3Config(**ceph_s3.operator_config(ceph_bucket), preset="ceph"))  # type: ignore[arg-type]
    upload = await s3.create_multipart("a", OpCreateMultipart())
    writer = await s3.write_multipart("a", OpWriteMultipart(upload_id=upload, number=1, size=5))
    await writer.write(b"hello")
    parts = [await writer.close()]
    done = await s3.complete_multipart("a", parts, OpCompleteMultipart(upload_id=upload))
    again = await s3.complete_multipart("a", parts, OpCompleteMultipart(upload_id=upload))
    assert again.etag == done.etag == joined_etag(parts)
    other = await s3.create_multipart("b", OpCreateMultipart())
    await s3.abort_multipart("b", OpAbortMultipart(upload_id=other))
    with pytest.raises(StorageError) as caught:
        await s3.complete_multipart("b", parts, OpCompleteMultipart(upload_id=other))
    assert caught.value.kind is ErrorKind.NOT_FOUND
    assert not caught.value.is_temporary
    await s3.aclose()


async def completed(recorder: LyingServer, *answers: Answer) -> StorageError | str | None:
    """Complete once; return the object's ETag, or the error."""
    recorder.answer = in_turn(*answers)
    s3 = S3(S3Config(**recorder.s3.operator_config("bucket")))  # type: ignore[arg-type]
    try:
        return (await s3.complete_multipart("a", PARTS, OpCompleteMultipart(upload_id="u"))).etag
    except StorageError as failure:
        return failure
    finally:
        await s3.aclose()


async def test_a_gone_upload_is_its_object_or_nothing(recorder: LyingServer) -> None:
    expected = joined_etag(PARTS) or ""
    there = reply(headers={"ETag": expected})
    assert await completed(recorder, FAILED, GONE, there) == expected
    for found in (reply(headers={"ETag": '"another"'}), error(404, "NoSuchKey")):
        failure = await completed(recorder, FAILED, GONE, found)
        assert isinstance(failure, StorageError)
        assert failure.kind is ErrorKind.NOT_FOUND
        assert not failure.is_temporary


@pytest.mark.parametrize("parts", [reply(body=b"<ListPartsResult/>"), FAILED])
async def test_an_upload_that_is_there_is_tried_again(recorder: LyingServer, parts: Answer) -> None:
    failure = await completed(recorder, FAILED, parts)
    assert isinstance(failure, StorageError)
    assert failure.is_temporary
    assert [seen.method for seen in recorder.seen] == ["POST", "GET"]
