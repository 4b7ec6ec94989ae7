"""Every failure is one sentence that says what to check, with its kind and its status."""

from __future__ import annotations

import base64
import hashlib
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError
from dalbrowser.storage.net import dates
from dalbrowser.storage.net.message import Origin
from dalbrowser.storage.options import (
    OpCompleteMultipart,
    OpCopy,
    OpCreateMultipart,
    OpDelete,
    OpList,
    OpRead,
    OpStat,
    OpWrite,
    OpWriteMultipart,
)
from dalbrowser.storage.services.s3 import S3, Credentials, S3Config, endpoint
from dalbrowser.storage.types import ByteRange, Part
from dalbrowser.transfer.failures import Wait, wait_for
from tests.servers import lying
from tests.servers.lying import LyingServer
from tests.servers.process import free_ports
from tests.unit.s3.conftest import s3_config

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.servers.ceph import Ceph
    from tests.servers.s3_server import S3Server

K, S = ErrorKind, ErrorStatus


async def failed(act: Awaitable[object]) -> StorageError:
    with pytest.raises(StorageError) as caught:
        await act
    return caught.value


@asynccontextmanager
async def opened(service: S3) -> AsyncIterator[S3]:
    try:
        yield service
    finally:
        await service.aclose()


@asynccontextmanager
async def liar(answer: lying.Answer, **more: object) -> AsyncIterator[tuple[S3, LyingServer]]:
    async with LyingServer(answer) as server:
        values: dict[str, object] = {**server.s3.operator_config("bucket"), **more}
        async with opened(S3(S3Config(**values))) as service:  # type: ignore[arg-type]
            yield service, server


# Real servers: the mistakes that people make.


async def test_wrong_secret(s3_server: S3Server, s3_bucket: str) -> None:
    async with opened(S3(s3_config(s3_server, s3_bucket, secret_access_key="wrong"))) as s3:
        error = await failed(s3.check())
    assert error.kind is K.PERMISSION_DENIED
    assert "secret key" in error.message
    assert "wrong" not in str(error)


async def test_wrong_access_key(s3_server: S3Server, s3_bucket: str) -> None:
    async with opened(S3(s3_config(s3_server, s3_bucket, access_key_id="nobody"))) as s3:
        error = await failed(s3.check())
    assert error.kind is K.PERMISSION_DENIED
    assert "access key" in error.message


async def test_unknown_bucket(s3_server: S3Server) -> None:
    async with opened(S3(s3_config(s3_server, "no-such-bucket-here"))) as s3:
        for act in (s3.check(), _write(s3), _list(s3)):
            error = await failed(act)
            assert error.kind is K.CONFIG_INVALID
            assert "'no-such-bucket-here'" in error.message


async def test_no_list_permission(ceph_cluster: Ceph, ceph_bucket: str) -> None:
    async with opened(S3(s3_config(ceph_cluster.second_user(), ceph_bucket))) as s3:
        error = await failed(s3.check())
    assert error.kind is K.PERMISSION_DENIED
    assert "list the bucket" in error.message
    assert "permissions" in error.message


async def test_dead_endpoint() -> None:
    config = S3Config(
        endpoint=f"http://127.0.0.1:{free_ports(1)[0]}",
        bucket="b",
        access_key_id="a",
        secret_access_key="s",
    )
    async with opened(S3(config)) as s3:
        error = await failed(s3.check())
    assert (error.kind, error.status) == (K.UNEXPECTED, S.TEMPORARY)
    assert "Nothing answers at" in error.message


async def test_untrusted_certificate(ceph_s3_tls: S3Server, ceph_bucket: str) -> None:
    async with opened(S3(s3_config(ceph_s3_tls, ceph_bucket, ca_file=""))) as s3:
        error = await failed(s3.check())
    assert error.kind is K.CONFIG_INVALID
    assert "not trusted" in error.message


async def test_https_with_the_private_ca(ceph_s3_tls: S3Server, ceph_bucket: str) -> None:
    async with opened(S3(s3_config(ceph_s3_tls, ceph_bucket))) as s3:
        writer = await s3.write("k", OpWrite())
        await writer.write(bytes(3_000_000))
        await writer.close()
        assert (await s3.stat("k", OpStat())).content_length == 3_000_000


async def test_virtual_host_style(ceph_s3: S3Server, ceph_bucket: str) -> None:
    endpoint = ceph_s3.endpoint.replace("127.0.0.1", "localhost")
    config = s3_config(ceph_s3, ceph_bucket, endpoint=endpoint, addressing="virtual")
    async with opened(S3(config)) as s3:
        await _write(s3, b"by host")
        assert (await s3.stat("k", OpStat())).content_length == len(b"by host")
        assert ceph_bucket in [bucket.name for bucket in await s3.list_buckets()]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"endpoint": "s3.example.com"}, "must begin with http"),
        ({"endpoint": "http://"}, "names no host"),
        ({"access_key_id": ""}, "access key is missing"),
        ({"secret_access_key": ""}, "secret key is missing"),
        ({"bucket": "a/b"}, "cannot be a bucket's name"),
        ({"bucket": "A_b", "addressing": "virtual"}, "cannot stand in a host name"),
        ({"preset": "b2"}, "needs a region"),
        ({"preset": "r2"}, "needs your own endpoint"),
    ],
)
def test_configurations_that_cannot_work(values: dict[str, str], words: str) -> None:
    base = {"access_key_id": "a", "secret_access_key": "s", "bucket": "b"}
    with pytest.raises(StorageError, match=words) as caught:
        S3(S3Config(**(base | values)))  # type: ignore[arg-type]
    assert caught.value.kind is K.CONFIG_INVALID


async def test_without_a_bucket_only_buckets_are_listed(s3_server: S3Server) -> None:
    async with opened(S3(s3_config(s3_server))) as s3:
        await s3.check()
        error = await failed(s3.stat("x", OpStat()))
        assert error.kind is K.CONFIG_INVALID
        assert not s3.info().native.read


# A server that lies.


@pytest.mark.parametrize(
    ("status", "code", "kind", "retry"),
    [
        (403, "AccessDenied", K.PERMISSION_DENIED, S.PERMANENT),
        (403, "ExpiredToken", K.PERMISSION_DENIED, S.PERMANENT),
        (404, "NoSuchKey", K.NOT_FOUND, S.PERMANENT),
        (404, "NoSuchBucket", K.CONFIG_INVALID, S.PERMANENT),
        (409, "OperationAborted", K.UNEXPECTED, S.TEMPORARY),
        (409, "", K.CONDITION_NOT_MATCH, S.TEMPORARY),
        (412, "PreconditionFailed", K.CONDITION_NOT_MATCH, S.PERMANENT),
        (304, "", K.CONDITION_NOT_MATCH, S.PERMANENT),
        (416, "InvalidRange", K.RANGE_NOT_SATISFIED, S.PERMANENT),
        (429, "", K.RATE_LIMITED, S.TEMPORARY),
        (503, "SlowDown", K.RATE_LIMITED, S.TEMPORARY),
        (400, "RequestTimeout", K.UNEXPECTED, S.TEMPORARY),
        (500, "InternalError", K.UNEXPECTED, S.TEMPORARY),
        (502, "", K.UNEXPECTED, S.TEMPORARY),
        (504, "", K.UNEXPECTED, S.TEMPORARY),
        (501, "NotImplemented", K.UNSUPPORTED, S.PERMANENT),
        (400, "Strange", K.INVALID_INPUT, S.PERMANENT),
        (403, "Strange", K.PERMISSION_DENIED, S.PERMANENT),
        (418, "", K.UNEXPECTED, S.PERMANENT),
    ],
)
async def test_statuses_and_codes(
    status: int, code: str, kind: ErrorKind, retry: ErrorStatus
) -> None:
    answer = lying.error(status, code) if code else lying.reply(status)
    async with liar(answer) as (s3, _):
        error = await failed(s3.read("k", OpRead(range=ByteRange(0, 1))))
    assert (error.kind, error.status) == (kind, retry)
    assert error.context["status"] == str(status)
    assert len(error.message) > 20
    assert "lying-secret" not in str(error)


async def test_retry_after_is_passed_on() -> None:
    async with liar(lying.error(503, "SlowDown", headers={"Retry-After": "7"})) as (s3, _):
        assert (await failed(s3.check())).retry_after == 7.0


@pytest.mark.parametrize("space", [b"", b" " * 3000 + b"\n"])
async def test_a_200_that_carries_an_error(space: bytes) -> None:
    body = space + b'<?xml version="1.0"?>\n<Error><Code>InternalError</Code></Error>'
    async with liar(lying.reply(200, body)) as (s3, _):
        for act in (
            s3.copy("a", "b", OpCopy()),
            s3.complete_multipart("a", [Part(1, 1, "e")], OpCompleteMultipart(upload_id="u")),
        ):
            error = await failed(act)
            assert (error.kind, error.status) == (K.UNEXPECTED, S.TEMPORARY)


async def test_a_200_that_says_nothing_is_no_completion() -> None:
    async with liar(lying.reply(200, b"")) as (s3, _):
        done = s3.complete_multipart("a", [Part(1, 1, "e")], OpCompleteMultipart(upload_id="u"))
        assert (await failed(done)).kind is K.UNEXPECTED


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Log in to the hotel's network</html>",
        b"<ListBucketResult><Contents>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><ListBucketResult>&a;</ListBucketResult>',
        b"\xff\xfe\x00garbage",
        b"",
    ],
)
async def test_garbage_listings(body: bytes) -> None:
    async with liar(lying.reply(200, body)) as (s3, _):
        error = await failed(_list(s3))
    assert error.kind is K.UNEXPECTED
    assert "S3 server" in error.message


async def test_listing_that_goes_on_from_nowhere_is_an_error() -> None:
    body = b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>"
    for version in ("1", "2"):
        async with liar(lying.reply(200, body), list_version=version) as (s3, _):
            assert "goes on" in (await failed(_list(s3))).message


async def test_ten_megabytes_of_error_are_not_read() -> None:
    async with liar(lying.reply(500, b"<Error>" + b"x" * 10_000_000)) as (s3, _):
        error = await failed(s3.check())
    assert error.status is S.TEMPORARY
    assert len(error.message) < 500


async def test_never_ending_answers() -> None:
    for status, kind in ((200, K.UNEXPECTED), (500, K.UNEXPECTED)):
        async with liar(lying.never_ending(status)) as (s3, _):
            assert (await failed(s3.check())).kind is kind


async def test_credentials_do_not_follow_a_redirect() -> None:
    async with LyingServer() as thief:
        answer = lying.reply(301, b"", {"Location": f"{thief.endpoint}/bucket/k"})
        async with liar(answer) as (s3, _):
            error = await failed(s3.stat("k", OpStat()))
        assert thief.seen == []
    assert error.kind is K.CONFIG_INVALID
    assert "redirects elsewhere" in error.message


@pytest.mark.parametrize(
    ("off", "words"),
    [(timedelta(hours=3), "3 hours behind"), (timedelta(minutes=-20), "20 minutes ahead of")],
)
async def test_clock_skew_says_how_far(off: timedelta, words: str) -> None:
    theirs = dates.to_http(datetime.now(UTC) + off)
    for answer in (
        lying.error(403, "RequestTimeTooSkewed", headers={"Date": theirs}),
        lying.reply(403, b"", {"Date": theirs}),
    ):
        async with liar(answer) as (s3, _):
            error = await failed(s3.check())
        assert error.kind is K.PERMISSION_DENIED
        assert words in error.message


async def test_a_wrong_clock_is_made_up_for_on_a_real_server(
    ceph: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) - timedelta(hours=2)

    monkeypatch.setattr("dalbrowser.storage.services.s3.core.datetime", Late)
    monkeypatch.setattr("dalbrowser.storage.services.s3.errors.datetime", Late)
    exchanges: list[int | None] = []
    ceph.observe(lambda exchange: exchanges.append(exchange.status))
    await ceph.check()
    await _write(ceph, b"body")
    assert (await ceph.stat("k", OpStat())).content_length == 4
    assert exchanges == [403, 200, 200, 200]


async def test_wrong_region_is_named() -> None:
    answer = lying.reply(301, b"", {"x-amz-bucket-region": "eu-north-1"})
    async with liar(answer, region="us-west-2") as (s3, server):
        error = await failed(s3.check())
    assert error.kind is K.CONFIG_INVALID
    assert "'eu-north-1'" in error.message
    assert "'us-west-2'" in error.message
    assert len(server.seen) == 1


async def test_region_is_found_out_when_none_is_given() -> None:
    page = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
    malformed = lying.error(400, "AuthorizationHeaderMalformed", "<Region>eu-north-1</Region>")
    for first in (malformed, lying.reply(301, b"", {"x-amz-bucket-region": "eu-north-1"})):
        async with liar(lying.in_turn(first, lying.reply(200, page)), region="") as (s3, server):
            await s3.check()
            await s3.check()
        regions = [seen.headers["authorization"].split("/")[2] for seen in server.seen]
        assert regions == ["us-east-1", "eu-north-1", "eu-north-1"]


async def test_a_bucket_of_amazons_is_followed_into_its_region(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the AWS tools do: the region of the environment is not that of every bucket."""
    page = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
    moved = lying.reply(301, b"", {"x-amz-bucket-region": "eu-north-1"})
    async with LyingServer(lying.in_turn(moved, lying.reply(200, page))) as server:
        here = Origin.parse(server.s3.endpoint)
        monkeypatch.setattr(endpoint, "service_origin", lambda _config, _region: here)
        values = {**server.s3.operator_config("bucket"), "endpoint": "", "region": "us-west-2"}
        config = S3Config(**values, addressing="path")  # type: ignore[arg-type]
        async with opened(S3(config)) as s3:
            await s3.check()
            await s3.check()
    regions = [seen.headers["authorization"].split("/")[2] for seen in server.seen]
    assert regions == ["us-west-2", "eu-north-1", "eu-north-1"]


async def test_expired_credentials_are_renewed_in_the_middle() -> None:
    class Source:
        renewable = True
        loads = 0

        async def load(self, *, fresh: bool = False) -> Credentials:
            self.loads += 1
            return Credentials(f"key{self.loads}", "s", f"token{self.loads}")

    source = Source()
    expired = lying.error(403, "ExpiredToken")
    async with LyingServer(lying.in_turn(lying.reply(), expired, lying.kept())) as server:
        config = S3Config(**server.s3.operator_config("bucket"))  # type: ignore[arg-type]
        async with opened(S3(config, source)) as s3:
            await s3.delete("a", OpDelete())
            await _write(s3, b"body")
    tokens = [seen.headers["x-amz-security-token"] for seen in server.seen]
    assert tokens == ["token1", "token1", "token2"]
    assert [seen.body for seen in server.seen] == [b"", b"body", b"body"]


async def test_credentials_are_loaded_anew_before_they_end() -> None:
    class Source:
        renewable = True
        loads = 0

        async def load(self, *, fresh: bool = False) -> Credentials:
            self.loads += 1
            return Credentials("key", "s", "", datetime.now(UTC) + timedelta(minutes=4))

    source = Source()
    async with LyingServer() as server:
        config = S3Config(**server.s3.operator_config("bucket"))  # type: ignore[arg-type]
        async with opened(S3(config, source)) as s3:
            for _ in range(3):
                await s3.delete("a", OpDelete())
    assert source.loads == 3


async def test_environment_and_anonymous(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    none = {"access_key_id": "", "secret_access_key": ""}
    async with liar(lying.reply(), **none, credentials="environment") as (s3, server):
        assert "AWS_ACCESS_KEY_ID" in (await failed(s3.delete("a", OpDelete()))).message
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "env-key")
        assert "AWS_SECRET_ACCESS_KEY" in (await failed(s3.delete("a", OpDelete()))).message
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "env-secret")
        await s3.delete("a", OpDelete())
        assert "Credential=env-key/" in server.seen[0].headers["authorization"]
    async with liar(lying.reply(), **none, credentials="anonymous") as (s3, server):
        await s3.delete("a", OpDelete())
        assert "authorization" not in server.seen[0].headers
        assert not s3.info().native.presign


async def test_the_aws_extra_is_named_when_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "botocore.session", None)
    async with liar(lying.reply(), credentials="aws") as (s3, server):
        error = await failed(s3.check())
        assert server.seen == []
    assert error.kind is K.CONFIG_INVALID
    assert "'aws'" in error.message


async def test_a_wrong_range_is_never_handed_on() -> None:
    for headers in (
        {},
        {"Content-Range": "bytes 0-4/10"},
        {"Content-Range": "bytes 2-9/10"},
        {"Content-Range": "rubbish"},
    ):
        async with liar(lying.reply(206, b"01234", headers)) as (s3, _):
            error = await failed(s3.read("k", OpRead(range=ByteRange(2, 7))))
            assert error.kind is K.UNEXPECTED
    async with liar(lying.reply(200, b"0123456789")) as (s3, _):
        error = await failed(s3.read("k", OpRead(range=ByteRange(2, 7))))
        assert "honour ranges" in error.message


async def test_secrets_are_never_shown() -> None:
    config = S3Config(
        access_key_id="a", secret_access_key="s3cret", session_token="t0ken", sse_customer_key="k3y"
    )
    assert not {"s3cret", "t0ken", "k3y"} & set(repr(config).replace("'", " ").split())
    assert "s3cret" not in repr(Credentials("a", "s3cret", "t0ken"))


async def _write(s3: S3, data: bytes = b"") -> None:
    writer = await s3.write("k", OpWrite())
    await writer.write(data)
    await writer.close()


async def _list(s3: S3) -> None:
    await (await s3.list("", OpList())).next_page()


@pytest.mark.parametrize(
    ("more", "signed", "md5"),
    [
        ({}, True, False),
        ({"payload_signing": "never"}, False, True),
        ({"content_md5": "always"}, True, True),
        ({"content_md5": "never", "payload_signing": "never"}, False, False),
        ({"credentials": "anonymous"}, False, True),
    ],
)
async def test_a_body_is_always_covered_unless_told_otherwise(
    more: dict[str, str], signed: bool, md5: bool
) -> None:
    async with liar(lying.kept(), **more) as (s3, server):
        await _write(s3, b"covered")
        headers = server.seen[0].headers
    digest = hashlib.sha256(b"covered").hexdigest()
    assert (headers.get("x-amz-content-sha256") == digest) is signed
    expected = base64.b64encode(hashlib.md5(b"covered").digest()).decode()
    assert headers.get("content-md5") == (expected if md5 else None)


async def test_damaged_bytes_are_refused_by_the_server(ceph: S3) -> None:
    """The digest of other bytes stands for a body that was damaged on its way."""
    upload = await ceph.create_multipart("k", OpCreateMultipart())
    wrong = hashlib.md5(b"what was read").digest()
    args = OpWriteMultipart(upload_id=upload, number=1, size=4, md5=wrong)
    writer = await ceph.write_multipart("k", args)
    await writer.write(b"sent")
    error = await failed(writer.close())
    assert (error.kind, error.status) == (K.UNEXPECTED, S.TEMPORARY)
    assert "damaged" in error.message


PAGE = {"Content-Type": "text/html; charset=utf-8"}


async def written(s3: S3, data: bytes) -> None:
    writer = await s3.write("k", OpWrite())
    await writer.write(data)
    await writer.close()


@pytest.mark.parametrize(
    "act",
    [
        lambda s3: s3.stat("k", OpStat()),
        lambda s3: s3.read("k", OpRead()),
        lambda s3: s3.delete("k", OpDelete()),
        lambda s3: written(s3, b"data"),
    ],
)
async def test_a_page_that_asks_to_log_in_is_nothing_of_the_service(
    act: Callable[[S3], Awaitable[object]],
) -> None:
    async with liar(lying.reply(200, b"<html>log in</html>", PAGE)) as (s3, _):
        error = await failed(act(s3))
    assert (error.kind, error.status) == (K.UNEXPECTED, S.TEMPORARY)
    assert wait_for(error) is Wait.NETWORK
    assert "log in" in error.message


@pytest.mark.parametrize("sign", ["ETag", "x-amz-request-id", "x-amzn-requestid"])
async def test_an_object_that_is_a_page_is_read(sign: str) -> None:
    answer = lying.reply(200, b"<html></html>", {**PAGE, sign: '"e"'})
    async with liar(answer) as (s3, _):
        assert (await s3.stat("k", OpStat())).content_type == PAGE["Content-Type"]
