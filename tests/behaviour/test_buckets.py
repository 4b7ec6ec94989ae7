"""Behaviours of containers: listing them, and an operator that is bound to none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.storage import ErrorKind, Operator
from tests.behaviour.probes import needs

if TYPE_CHECKING:
    from tests.behaviour.subject import Subject


@needs("list_buckets")
async def test_list_buckets(subject: Subject) -> None:
    names = [bucket.name for bucket in await subject.op.list_buckets()]
    assert subject.service.config["bucket"] in names
    assert names == sorted(names)


@needs("list_buckets")
async def test_without_a_bucket_only_buckets_are_listed(subject: Subject) -> None:
    config = {**subject.service.config, "bucket": "", "addressing": "path"}
    async with Operator(subject.service.scheme, **config) as op:
        names = [bucket.name for bucket in await op.list_buckets()]
        assert subject.service.config["bucket"] in names
        await op.check()
        before = subject.requests()
        for call in (op.stat("a"), op.read("a"), op.write("a", b""), op.list("")):
            await subject.fails(ErrorKind.UNSUPPORTED, call)
        assert subject.requests() == before


@needs("list_buckets")
async def test_a_missing_bucket_is_named(subject: Subject) -> None:
    missing = "no-such-bucket-here"
    config = {**subject.service.config, "bucket": missing}
    async with Operator(subject.service.scheme, **config) as op:
        error = await subject.fails(ErrorKind.CONFIG_INVALID, op.list(""))
        assert missing in str(error)
        await subject.fails(ErrorKind.CONFIG_INVALID, op.check())
