"""What cannot mean anything is an error that names it, before any request: on every service.

The S3 operator's server is real TCP and records all that arrives; the others' accessors
count the calls that reach them. Both counts must be zero.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import Accessor, ByteRange, ErrorKind, Operator, StorageError
from dalbrowser.storage.layer import LayeredAccessor
from dalbrowser.storage.paths import exact, schemes, spell
from dalbrowser.storage.registry import build
from tests.servers import lying
from tests.servers.lying import LyingServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

UPLOAD = "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
SERVICES = ("memory", "fs", "s3")
RAW = ("stat", "read", "write", "list", "delete", "delete_batch", "copy", "rename", "create_dir")
RAW_PARTS = ("create_multipart", "write_multipart", "copy_multipart", "complete_multipart")


class Counting(LayeredAccessor):
    """Counts the calls that get past the three layers that are always on."""

    def __init__(self, inner: Accessor) -> None:
        super().__init__(inner)
        self.calls: Counter[str] = Counter()
        for name in (*RAW, *RAW_PARTS):
            setattr(self, name, self._counted(name))

    def _counted(self, name: str) -> Callable[..., Awaitable[object]]:
        call = getattr(self.inner, name)

        async def counted(*args: object) -> object:
            self.calls[name] += 1
            return await call(*args)

        return counted


class Bench:
    """An operator, and what reached its service."""

    def __init__(self, op: Operator, counting: Counting, server: LyingServer | None) -> None:
        self.op = op
        self._counting = counting
        self._server = server

    def reached(self) -> list[str]:
        """Return what reached the service, and forget it."""
        if self._server is not None:
            found = [f"{seen.method} {seen.target!r}" for seen in self._server.seen]
            self._server.seen.clear()
        else:
            found = list(self._counting.calls)
        self._counting.calls.clear()
        return found

    async def refuses(self, kind: ErrorKind, words: str, call: Awaitable[object]) -> None:
        self.reached()
        with pytest.raises(StorageError) as caught:
            await call
        assert caught.value.kind is kind, caught.value
        assert words in str(caught.value)
        assert self.reached() == []


@pytest.fixture(params=SERVICES)
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    """Each service; S3's server takes whatever it is given, so a refusal is ours."""
    answer = lying.reply(body=UPLOAD.encode(), headers={"ETag": '"e"'})
    async with LyingServer(answer) as server:
        configs: dict[str, dict[str, Any]] = {
            "memory": {},
            "fs": {"root": str(tmp_path)},
            "s3": server.s3.operator_config("bucket"),
        }
        counting = Counting(build(request.param, configs[request.param]))
        async with Operator.from_accessor(counting) as op:
            yield Bench(op, counting, server if request.param == "s3" else None)


def refused(make: Callable[[], object], kind: ErrorKind, *words: str) -> None:
    with pytest.raises(StorageError) as caught:
        make()
    assert caught.value.kind is kind
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("scheme", SERVICES)
def test_unknown_settings_are_named_with_those_known(scheme: str) -> None:
    config = {"root": "x", "buckett": "b"}
    refused(lambda: Operator(scheme, **config), ErrorKind.CONFIG_INVALID, "'buckett'", "root")
    uri = f"{scheme}:///x?colour=red"
    refused(lambda: Operator.from_uri(uri), ErrorKind.CONFIG_INVALID, "'colour'")


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("just/a/path", "no scheme"),
        ("s3:bucket/key", "no scheme"),
        ("ftp://host/x", "'ftp'"),
        ("s3://bucket?novalue", "does not parse"),
        ("s3://[bucket", "does not parse"),
        ("s3://bucket?bucket=other", "'bucket' twice"),
        ("s3://bucket?addressing=sideways", "'addressing' is 'sideways'"),
        ("s3://bucket?verify_tls=perhaps", "'verify_tls' is 'perhaps'"),
        ("fs://host/path", "names 'host'"),
    ],
)
def test_uris_that_do_not_parse_or_are_of_another_service(uri: str, words: str) -> None:
    refused(lambda: Operator.from_uri(uri), ErrorKind.CONFIG_INVALID, words)


def test_settings_of_another_service_are_named() -> None:
    refused(lambda: Operator("fs", root="/", bucket="b"), ErrorKind.CONFIG_INVALID, "'bucket'")
    refused(lambda: Operator("memory", endpoint="x"), ErrorKind.CONFIG_INVALID, "'endpoint'")


@pytest.mark.parametrize(("start", "end"), [(5, 4), (-1, 4), (0, -1), (-3, None)], ids=str)
async def test_wrong_ranges(bench: Bench, start: int, end: int | None) -> None:
    async def read() -> object:
        return await bench.op.read("k", range=ByteRange(start, end))

    await bench.refuses(ErrorKind.INVALID_INPUT, str(start if start < 0 else end), read())


async def test_other_numbers_that_cannot_be(bench: Bench) -> None:
    op, invalid = bench.op, ErrorKind.INVALID_INPUT
    await bench.refuses(invalid, "limit=0", op.list("", limit=0))
    await bench.refuses(invalid, "chunk", op.write("k", b"x", chunk=0))
    await bench.refuses(invalid, "concurrent", op.read("k", chunk=1, concurrent=0))


@pytest.mark.parametrize("number", [0, -1, 10_001])
async def test_part_numbers_out_of_bounds(bench: Bench, number: int) -> None:
    upload = await bench.op.create_multipart("k")
    invalid, words = ErrorKind.INVALID_INPUT, f"Part number {number} is not between 1 and 10000"
    await bench.refuses(invalid, words, upload.write(number, b"x"))
    if bench.op.capability.multipart_copy:
        copy = upload.copy_part(number, "source", ByteRange(0, 5))
        await bench.refuses(invalid, words, copy)


async def test_parts_of_the_wrong_size(bench: Bench) -> None:
    upload = await bench.op.create_multipart("k")
    for size, data, kind in (
        (3, b"abcd", ErrorKind.CONTENT_TRUNCATED),
        (5, b"abcd", ErrorKind.CONTENT_INCOMPLETE),
    ):
        bench.reached()
        with pytest.raises(StorageError, match=str(size)) as caught:
            async with upload.writer(1, size=size) as part:
                await part.write(data)
        assert caught.value.kind is kind
        assert not [seen for seen in bench.reached() if seen.startswith(("PUT", "complete"))]


@pytest.mark.parametrize(
    ("declared", "kind"),
    [(3, ErrorKind.CONTENT_TRUNCATED), (5, ErrorKind.CONTENT_INCOMPLETE)],
)
async def test_bodies_of_the_wrong_size(bench: Bench, declared: int, kind: ErrorKind) -> None:
    bench.reached()
    with pytest.raises(StorageError, match=str(declared)) as caught:
        async with bench.op.writer("k", content_length=declared) as writer:
            await writer.write(b"abcd")
    assert caught.value.kind is kind
    assert not [seen for seen in bench.reached() if seen.startswith("PUT")]
    if bench.op.info().scheme != "s3":
        assert not await bench.op.exists("k")


@pytest.mark.parametrize("scheme", schemes())
async def test_paths_of_another_service(bench: Bench, scheme: str) -> None:
    """The worst is a delete: of what does not exist it would succeed."""
    op, path, words = bench.op, f"{scheme}://bucket/k", f"'{scheme}://bucket/k"
    for call in (
        lambda: op.read(path),
        lambda: op.stat(path),
        lambda: op.exists(path),
        lambda: op.write(path, b"x"),
        lambda: op.list(path),
        lambda: op.create_dir(f"{path}/"),
        lambda: op.delete(path),
        lambda: op.delete_many(["a", path]),
        lambda: op.remove_all(path),
        lambda: op.copy(path, "b"),
        lambda: op.copy("a", path),
        lambda: op.rename("a", path),
        lambda: op.create_multipart(path),
    ):

        async def act(call: Callable[[], Awaitable[object]] = call) -> object:
            return await call()

        await bench.refuses(ErrorKind.INVALID_INPUT, words, act())


async def test_the_key_of_that_name_is_still_reached() -> None:
    async with Operator("memory") as op:
        await op.write("/s3://bucket/k", b"odd")
        (entry,) = await op.list("", recursive=True)
        assert entry.path == "s3://bucket/k"
        assert exact(spell(entry.path)) == entry.path
        assert await op.read(spell(entry.path)) == b"odd"
        await op.write("https://example.org/page", b"no service of ours")
