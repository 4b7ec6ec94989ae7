"""Behaviours of presigned requests, driven by a plain HTTP client."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx

from dalbrowser.storage import ByteRange, ErrorKind
from tests.behaviour.probes import HOUR, needs

if TYPE_CHECKING:
    from dalbrowser.storage import PresignedRequest
    from tests.behaviour.subject import Subject


async def send(
    subject: Subject, request: PresignedRequest, data: bytes | None = None, url: str = ""
) -> httpx.Response:
    """Send a presigned request as anybody would."""
    ca = subject.service.config.get("ca_file")
    verify: ssl.SSLContext | bool = ssl.create_default_context(cafile=ca) if ca else True
    target = httpx.URL(url or request.url)
    headers = dict(request.headers)
    if target.host.endswith(".localhost"):
        # Not every resolver knows these names (RFC 6761, 6.3); they are this machine.
        headers["Host"] = target.netloc.decode()
        target = target.copy_with(host="127.0.0.1")
    async with httpx.AsyncClient(verify=verify, trust_env=False) as client:
        return await client.request(request.method, target, headers=headers, content=data)


@needs("presign_write")
async def test_presign_write(subject: Subject) -> None:
    data = subject.random(5000)
    request = await subject.op.presign_write(
        subject.key(), expires=HOUR, content_type="text/x-test"
    )
    assert (await send(subject, request, data)).is_success
    assert await subject.op.read(subject.key()) == data
    assert (await subject.op.stat(subject.key())).content_type == "text/x-test"


@needs("presign_read")
async def test_presign_read(subject: Subject) -> None:
    data = await subject.put("a b+ü.bin", 5000)
    path = subject.key("a b+ü.bin")
    response = await send(subject, await subject.op.presign_read(path, expires=HOUR))
    assert (response.status_code, response.content) == (200, data)
    request = await subject.op.presign_read(path, expires=HOUR, range=ByteRange(10, 20))
    response = await send(subject, request)
    assert response.content == data[10:20]


@needs(
    "presign_read",
    "read_with_override_cache_control",
    "read_with_override_content_disposition",
    "read_with_override_content_type",
)
async def test_presign_read_with_overrides(subject: Subject) -> None:
    await subject.put()
    request = await subject.op.presign_read(
        subject.key(),
        expires=HOUR,
        override_cache_control="no-store",
        override_content_disposition='attachment; filename="x y.txt"',
        override_content_type="text/x-other",
    )
    response = await send(subject, request)
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-disposition"] == 'attachment; filename="x y.txt"'
    assert response.headers["content-type"] == "text/x-other"


@needs("presign_stat", "stat_with_tags")
async def test_presign_stat_has_no_tags(subject: Subject) -> None:
    call = subject.op.presign_stat(subject.key(), expires=HOUR, tags=True)
    await subject.fails(ErrorKind.UNSUPPORTED, call)


@needs("presign_stat")
async def test_presign_stat(subject: Subject) -> None:
    await subject.put(data=4321)
    request = await subject.op.presign_stat(subject.key(), expires=HOUR)
    response = await send(subject, request)
    assert (response.status_code, response.headers["content-length"]) == (200, "4321")


@needs("presign_delete")
async def test_presign_delete(subject: Subject) -> None:
    await subject.put()
    request = await subject.op.presign_delete(subject.key(), expires=HOUR)
    assert (await send(subject, request)).is_success
    assert not await subject.op.exists(subject.key())


@needs("presign_read")
async def test_presign_is_offline_and_secret(subject: Subject) -> None:
    before = subject.requests()
    request = await subject.op.presign_read(subject.key(), expires=HOUR)
    assert subject.requests() == before
    assert "Signature" in request.url
    assert "Signature" not in repr(request)
    assert request.expires_at is not None
    assert abs(request.expires_at - datetime.now(UTC) - HOUR) < timedelta(minutes=1)


@needs("presign_read")
async def test_presign_expired(subject: Subject) -> None:
    await subject.put()
    request = await subject.op.presign_read(subject.key(), expires=timedelta(seconds=1))
    assert request.expires_at is not None
    deadline = request.expires_at + timedelta(seconds=30)
    while datetime.now(UTC) < deadline:
        response = await send(subject, request)
        if response.status_code != 200:
            break
        await asyncio.sleep(0.3)
    assert response.status_code in {400, 403}


@needs("presign_read")
async def test_presign_tampered(subject: Subject) -> None:
    await subject.put("mine")
    await subject.put("other")
    request = await subject.op.presign_read(subject.key("mine"), expires=HOUR)
    tampered = request.url.replace("/mine", "/other")
    assert tampered != request.url
    response = await send(subject, request, url=tampered)
    assert response.status_code in {400, 403}
