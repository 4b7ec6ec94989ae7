"""For each flag of ``Capability`` the smallest call that needs it.

Invariant: on a service whose flag is false the call answers ``Unsupported`` before any
request, on one whose flag is true it succeeds. ``test_capability`` holds every service to
that; a behaviour whose flag is false asserts the first half.
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, cast

from dalbrowser.storage import ByteRange, ErrorKind, Metadata
from dalbrowser.storage.options import OpRead, OpStat
from dalbrowser.storage.types import SeekableBody, StreamBody

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from dalbrowser.storage import Multipart
    from tests.behaviour.subject import Subject

P = ParamSpec("P")

PAST = datetime(2001, 1, 1, tzinfo=UTC)
FUTURE = datetime.now(UTC) + timedelta(days=1)
HOUR = timedelta(hours=1)
CONTENT = b"0123456789"


class Probe:
    """An object that is there (where writing is possible), and calls upon it."""

    def __init__(self, subject: Subject) -> None:
        self.s = subject
        self.op = subject.op
        self.path = subject.key("probe")
        self.meta = Metadata()

    async def prepare(self) -> Probe:
        """Write the object."""
        await self.op.write(self.path, CONTENT)
        self.meta = await self.op.stat(self.path)
        return self

    def other(self, name: str = "other") -> str:
        """Return a key that is not there yet."""
        return self.s.key(name)

    async def stat(self, **options: Any) -> object:
        """Stat with any option, also those that only presigned requests carry."""
        return await self.op.accessor.stat(self.path, OpStat(**options))

    async def read(self, **options: Any) -> object:
        """Read with any option, to the end."""
        reply = await self.op.accessor.read(self.path, OpRead(**options))
        try:
            while await reply.body.read(1024):
                pass
        finally:
            await reply.body.aclose()
        return reply

    async def write(self, **options: Any) -> object:
        """Write another object."""
        return await self.op.write(self.other(), b"x", **options)

    async def two_blocks(self) -> None:
        """Write an object of unknown length."""
        async with self.op.writer(self.other()) as writer:
            await writer.write(b"one")
            await writer.write(b"two")

    async def body(self, kind: type) -> None:
        """Read by a body of some kind."""
        reply = await self.op.accessor.read(self.path, OpRead())
        await reply.body.aclose()
        assert isinstance(reply.body, kind)

    async def multipart(self, what: str) -> None:
        """Begin an upload, do one thing with it, abort it; what is refused needs no upload."""
        if what != "begin" and not getattr(self.s.cap, f"multipart_{what}"):
            if what == "list_uploads":
                _ = [u async for u in self.op.list_multiparts(self.other())]
            handle = self.op.into_multipart(self.other(), "none")
            await (handle.list_parts() if what == "list_parts" else self._copy_part(handle))
        upload = await self.op.create_multipart(self.other())
        try:
            if what == "list_uploads":
                found = [u.upload_id async for u in self.op.list_multiparts(self.other())]
                assert found == [upload.upload_id]
            elif what == "list_parts":
                assert await upload.list_parts() == []
            elif what == "copy":
                await self._copy_part(upload)
        finally:
            await upload.abort()

    async def _copy_part(self, upload: Multipart) -> object:
        return await upload.copy_part(1, self.path, ByteRange(0, 5))


def _stat(**options: Any) -> Callable[[Probe], Awaitable[object]]:
    return lambda p: p.stat(**options)


def _read(**options: Any) -> Callable[[Probe], Awaitable[object]]:
    return lambda p: p.read(**options)


def _write(**options: Any) -> Callable[[Probe], Awaitable[object]]:
    return lambda p: p.write(**options)


def _list(**options: Any) -> Callable[[Probe], Awaitable[object]]:
    return lambda p: p.op.list(p.s.base, **options)


PROBES: dict[str, Callable[[Probe], Awaitable[object]]] = {
    "stat": _stat(),
    "stat_with_if_match": lambda p: p.stat(if_match=p.meta.etag or "x"),
    "stat_with_if_none_match": _stat(if_none_match='"other"'),
    "stat_with_if_modified_since": _stat(if_modified_since=PAST),
    "stat_with_if_unmodified_since": _stat(if_unmodified_since=FUTURE),
    "stat_with_override_cache_control": _stat(override_cache_control="no-store"),
    "stat_with_override_content_disposition": _stat(override_content_disposition="inline"),
    "stat_with_override_content_type": _stat(override_content_type="text/x"),
    "stat_with_version": lambda p: p.stat(version=p.meta.version or "x"),
    "stat_with_tags": _stat(tags=True),
    "read": _read(),
    "read_can_seek": lambda p: p.body(SeekableBody),
    "read_can_next": lambda p: p.body(StreamBody),
    "read_with_range": _read(range=ByteRange(2, 5)),
    "read_with_suffix": _read(range=ByteRange.suffix(3)),
    "read_with_if_match": lambda p: p.read(if_match=p.meta.etag or "x"),
    "read_with_if_none_match": _read(if_none_match='"other"'),
    "read_with_if_modified_since": _read(if_modified_since=PAST),
    "read_with_if_unmodified_since": _read(if_unmodified_since=FUTURE),
    "read_with_override_cache_control": _read(override_cache_control="no-store"),
    "read_with_override_content_disposition": _read(override_content_disposition="inline"),
    "read_with_override_content_type": _read(override_content_type="text/x"),
    "read_with_version": lambda p: p.read(version=p.meta.version or "x"),
    "write": _write(),
    "write_can_empty": lambda p: p.op.write(p.other(), b""),
    "write_can_append": _write(append=True),
    "write_can_multi": lambda p: p.two_blocks(),
    "write_with_content_type": _write(content_type="text/x"),
    "write_with_content_disposition": _write(content_disposition="inline"),
    "write_with_content_encoding": _write(content_encoding="gzip"),
    "write_with_cache_control": _write(cache_control="no-store"),
    "write_with_user_metadata": _write(user_metadata={"k": "v"}),
    "write_with_if_match": lambda p: p.op.write(p.path, b"x", if_match=p.meta.etag or "x"),
    "write_with_if_none_match": lambda p: p.op.write(p.path, b"x", if_none_match='"other"'),
    "write_with_if_not_exists": _write(if_not_exists=True),
    "write_with_storage_class": _write(storage_class="STANDARD"),
    "write_with_tags": _write(tags={"k": "v"}),
    "write_with_acl": _write(acl="private"),
    "write_with_checksum": _write(checksum="sha256"),
    "create_dir": lambda p: p.op.create_dir(p.other("folder/")),
    "delete": lambda p: p.op.delete(p.path),
    "delete_with_version": lambda p: p.op.delete(p.path, version=p.meta.version or "x"),
    "delete_with_if_match": lambda p: p.op.delete(p.path, if_match=p.meta.etag or "x"),
    "copy": lambda p: p.op.copy(p.path, p.other()),
    "copy_with_if_not_exists": lambda p: p.op.copy(p.path, p.other(), if_not_exists=True),
    "copy_with_if_match": lambda p: p.op.copy(p.path, p.other(), if_match=p.meta.etag or "x"),
    "copy_with_source_version": lambda p: p.op.copy(
        p.path, p.other(), source_version=p.meta.version or "x"
    ),
    "copy_with_source_bucket": lambda p: p.op.copy(
        p.path, p.other(), source_bucket=p.op.info().name or "x"
    ),
    "rename": lambda p: p.op.rename(p.path, p.other()),
    "rename_with_if_not_exists": lambda p: p.op.rename(p.path, p.other(), if_not_exists=True),
    "list": _list(),
    "list_with_limit": _list(limit=1),
    "list_with_start_after": lambda p: p.op.list(p.s.base, start_after=p.s.key("a")),
    "list_with_recursive": _list(recursive=True),
    "list_with_prefix": lambda p: p.op.list(p.s.key("pro")),
    "list_with_versions": _list(versions=True),
    "list_with_deleted": _list(deleted=True),
    "list_buckets": lambda p: p.op.list_buckets(),
    "multipart": lambda p: p.multipart("begin"),
    "multipart_list_uploads": lambda p: p.multipart("list_uploads"),
    "multipart_list_parts": lambda p: p.multipart("list_parts"),
    "multipart_copy": lambda p: p.multipart("copy"),
    "presign_read": lambda p: p.op.presign_read(p.path, expires=HOUR),
    "presign_write": lambda p: p.op.presign_write(p.path, expires=HOUR),
    "presign_stat": lambda p: p.op.presign_stat(p.path, expires=HOUR),
    "presign_delete": lambda p: p.op.presign_delete(p.path, expires=HOUR),
}


async def refuses(subject: Subject, flag: str) -> None:
    """Assert that what a false flag stands for answers ``Unsupported``, unsent."""
    await subject.fails_unsent(ErrorKind.UNSUPPORTED, PROBES[flag](Probe(subject)))


def needs(
    *flags: str,
) -> Callable[
    [Callable[Concatenate[Subject, P], Awaitable[None]]],
    Callable[Concatenate[Subject, P], Coroutine[Any, Any, None]],
]:
    """Gate a behaviour: where a flag is false it asserts the refusal instead."""

    def gate(
        test: Callable[Concatenate[Subject, P], Awaitable[None]],
    ) -> Callable[Concatenate[Subject, P], Coroutine[Any, Any, None]]:
        @functools.wraps(test)
        async def gated(subject: Subject, *args: P.args, **kwargs: P.kwargs) -> None:
            missing = [flag for flag in flags if not getattr(subject.cap, flag)]
            if not missing:
                await test(subject, *args, **kwargs)
                return
            for flag in missing:
                await refuses(subject, flag)
            subject.note("unsupported", ", ".join(missing))

        return cast("Callable[Concatenate[Subject, P], Coroutine[Any, Any, None]]", gated)

    return gate
