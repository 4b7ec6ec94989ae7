"""Copies between two buckets of one server: what is asked of it, and that no byte passes here."""

from __future__ import annotations

import asyncio
import dataclasses
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import Operator
from dalbrowser.transfer import JobState
from tests.faults.rig import MiB, Rig, make_file
from tests.servers.raw import RawS3, buckets
from tests.servers.relay import Said, relay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dalbrowser.profiles import Location, Profile
    from dalbrowser.transfer import JobView
    from tests.servers.lying import LyingServer, Seen
    from tests.servers.relay import Change, Instead
    from tests.servers.s3_server import S3Server

PART = 5 * MiB
ODD = "日本語/a+b %2F c&d?x=1#ü.bin"
REFUSALS = [(403, "AccessDenied"), (501, "NotImplemented"), (400, "InvalidRequest")]


class TwoBuckets(Rig):
    """A rig whose connection has two buckets; ``other`` is the one that is copied from."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.other = ""
        self.origin = self.op

    def join(self, bucket: str) -> None:
        """Name the other bucket."""
        self.other = bucket
        self.origin = Operator(self.scheme, **{**self.config, "bucket": bucket})

    async def operator(self, profile: Profile, bucket: str) -> Operator:
        assert profile.id == self.profile.id
        return self.op if bucket == self.bucket else self.origin

    def there(self, path: str) -> Location:
        """Return a place in the other bucket."""
        return dataclasses.replace(self.at(path), bucket=self.other)


@dataclasses.dataclass
class Stand:
    """Two buckets behind a relay that sees every request; ``change`` may alter the answers."""

    rig: TwoBuckets
    server: LyingServer
    real: S3Server
    change: Change | None = None
    instead: Instead | None = None

    def copies(self) -> list[Seen]:
        """Return the requests that named a source to copy."""
        return [seen for seen in self.server.seen if "x-amz-copy-source" in seen.headers]

    def bytes_through(self) -> int:
        """Return the bytes of objects that were sent or fetched."""
        sent = sum(len(seen.body) for seen in self.server.seen if seen.method == "PUT")
        gets = [s for s in self.server.seen if s.method == "GET" and s.path.count(b"/") > 1]
        return sent + sum(1 for seen in gets if b"tagging" not in seen.query and not seen.query)

    async def run(self, key: str, **more: Any) -> JobView:
        """Copy (or move) from the other bucket and return how that settled."""
        options = {name: more.pop(name) for name in ("move", "policy") if name in more}
        async with self.rig.engine(**more) as engine:
            ids = await engine.copy([self.rig.there(key)], self.rig.at("to/"), **options)
            return (await engine.wait(ids))[0]


@pytest.fixture(params=["ceph", "rclone"])
def server(request: pytest.FixtureRequest) -> S3Server:
    found: S3Server = request.getfixturevalue(f"{request.param}_s3")
    return found


@pytest.fixture
async def stand(tmp_path: Path, server: S3Server) -> AsyncIterator[Stand]:
    names = [f"wire-{uuid.uuid4().hex[:10]}" for _ in range(2)]
    made: list[Stand] = []

    def change(seen: Seen, said: Said) -> None:
        if made[0].change is not None:
            made[0].change(seen, said)

    def instead(seen: Seen) -> Said | None:
        return made[0].instead(seen) if made[0].instead is not None else None

    with buckets(server, *names):
        async with relay(server.endpoint, change, instead) as before:
            near = dataclasses.replace(server, endpoint=before.endpoint)
            config = {**near.operator_config(names[0]), "preset": server.name}
            options: dict[str, Any] = {"copy_at_once": PART, "copy_part": PART}
            options |= {"event_interval": 0.01, "backoff_base": 0.01, "attempts": 2}
            rig = TwoBuckets(tmp_path, "s3", config, names[0], options)
            rig.join(names[1])
            made.append(Stand(rig, before, server))
            yield made[0]
            await rig.op.aclose()
            await rig.origin.aclose()


async def put(stand: Stand, key: str, size: int, **more: Any) -> bytes:
    make_file(stand.rig.folder / "f", size)
    data = (stand.rig.folder / "f").read_bytes()
    await stand.rig.origin.write(key, data, chunk=PART, **more)
    stand.server.seen.clear()
    return data


def refusing(status: int, code: str) -> Instead:
    """Answer each copy with an error, unheard by the server."""

    def instead(seen: Seen) -> Said | None:
        if "x-amz-copy-source" not in seen.headers:
            return None
        body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        return Said(status, {"Content-Type": "application/xml"}, body)

    return instead


@pytest.mark.parametrize("move", [False, True])
async def test_no_byte_passes_here(stand: Stand, move: bool) -> None:
    data = await put(
        stand, ODD, 3 * MiB, content_type="text/x-own", user_metadata={"mtime": "17.5"}
    )
    view = await stand.run(ODD, move=move)
    assert view.words == "done (verified (md5))", view.error
    assert stand.bytes_through() == 0
    (copy,) = stand.copies()
    source = (
        f"/{stand.rig.other}/%E6%97%A5%E6%9C%AC%E8%AA%9E/a%2Bb%20%252F%20c%26d%3Fx%3D1%23%C3%BC.bin"
    )
    assert copy.headers["x-amz-copy-source"] == source
    found = await stand.rig.op.stat("to/" + ODD.rpartition("/")[2])
    assert found.content_type == "text/x-own"
    assert {k.lower(): v for k, v in found.user_metadata.items()}["mtime"] == "17.5"
    assert await stand.rig.op.read("to/" + ODD.rpartition("/")[2]) == data
    assert await stand.rig.origin.exists(ODD) != move


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_refusal_is_met_by_streaming(stand: Stand, refusal: tuple[int, str]) -> None:
    data = await put(stand, "f", 70_000, content_type="text/x-own")
    stand.instead = refusing(*refusal)
    view = await stand.run("f", move=True)
    assert view.words == "done (verified (md5))", view.error
    assert "went through here" in view.note
    assert await stand.rig.op.read("to/f") == data
    assert (await stand.rig.op.stat("to/f")).content_type == "text/x-own"
    assert not await stand.rig.origin.exists("f")


async def test_what_is_there_is_not_overwritten_unasked(stand: Stand) -> None:
    await put(stand, "f", 1000)
    await stand.rig.op.write("to/f", b"old")
    assert (await stand.run("f")).state is JobState.NEEDS_ANSWER
    assert await stand.rig.op.read("to/f") == b"old"
    assert not stand.copies()


# -- in parts: of the servers here Ceph alone copies them

IN_PARTS = pytest.mark.parametrize("server", ["ceph"], indirect=True)


def part_copies(stand: Stand) -> list[str]:
    """Return the ranges that were copied, in order."""
    return [seen.headers["x-amz-copy-source-range"] for seen in stand.copies()]


@IN_PARTS
@pytest.mark.parametrize("near", [False, True])
async def test_a_large_copy_is_made_of_parts_and_has_all_of_its_source(
    stand: Stand, near: bool
) -> None:
    rig = stand.rig
    origin = rig.op if near else rig.origin
    make_file(rig.folder / "f", 2 * PART + 77)
    data = (rig.folder / "f").read_bytes()
    await origin.write(
        "f",
        data,
        chunk=PART,
        content_type="text/x-own",
        user_metadata={"k": "v"},
        tags={"a": "b&c"},
    )
    stand.server.seen.clear()
    async with rig.engine() as engine:
        ids = await engine.copy([rig.at("f") if near else rig.there("f")], rig.at("to/"))
        view = (await engine.wait(ids))[0]
    # Cut as its source was, so their ETags are equal, and prove that their bytes are.
    assert view.words == "done (verified (md5))", view.error
    assert sorted(part_copies(stand)) == [
        "bytes=0-5242879",
        "bytes=10485760-10485836",
        "bytes=5242880-10485759",
    ]
    assert not [
        seen
        for seen in stand.server.seen
        if seen.method == "PUT" and seen.body and b"tagging" not in seen.query
    ]
    found = await rig.op.stat("to/f")
    assert (found.content_type, dict(found.user_metadata)) == ("text/x-own", {"k": "v"})
    with RawS3(stand.real) as raw:
        tags = raw.send("GET", rig.bucket, "to/f", query={"tagging": ""}).body
    assert b"<Key>a</Key><Value>b&amp;c</Value>" in tags
    assert await rig.op.read("to/f") == data
    assert await rig.uploads_left() == []


@IN_PARTS
@pytest.mark.parametrize("moment", ["part", "complete", "tags"])
async def test_a_large_copy_goes_on_in_another_process(stand: Stand, moment: str) -> None:
    rig = stand.rig
    data = await put(stand, "f", 4 * PART, tags={"a": "b"})
    reached = asyncio.Event()
    seen_parts = 0

    def change(seen: Seen, said: Said) -> None:
        nonlocal seen_parts
        del said
        part = "x-amz-copy-source" in seen.headers
        seen_parts += part
        ends = {
            "part": part and seen_parts == 3,
            "complete": seen.method == "POST" and b"uploadId" in seen.query,
            "tags": seen.method == "PUT" and b"tagging" in seen.query,
        }
        if ends[moment]:
            reached.set()
            raise ConnectionError

    stand.change = change
    async with rig.engine(parts_per_file=1, attempts=1, part_attempts=1) as engine:
        ids = await engine.copy([rig.there("f")], rig.at("to/"), move=True)
        await reached.wait()
    stand.change = None
    before = len(stand.copies())
    async with rig.engine() as engine:
        await engine.resume(ids)
        view = (await engine.wait(ids))[0]
    assert view.state is JobState.DONE, view.error
    assert len(stand.copies()) - before == {"part": 2, "complete": 0, "tags": 0}[moment]
    assert await rig.op.read("to/f") == data
    assert not await rig.origin.exists("f")
    assert await rig.uploads_left() == []
    with RawS3(stand.real) as raw:
        tags = raw.send("GET", rig.bucket, "to/f", query={"tagging": ""}).body
    assert b"<Key>a</Key><Value>b</Value>" in tags


@IN_PARTS
async def test_a_source_that_was_replaced_meanwhile_is_not_joined(stand: Stand) -> None:
    """Ceph pins no part, so the source is looked at before the parts are joined."""
    rig = stand.rig
    data = await put(stand, "f", 3 * PART)
    count = 0

    def change(seen: Seen, said: Said) -> None:
        nonlocal count
        del said
        if "x-amz-copy-source" in seen.headers:
            count += 1
            if count == 2:
                with RawS3(stand.real) as raw:
                    raw.send("PUT", rig.other, "f", body=data[::-1])

    stand.change = change
    view = await stand.run("f", move=True, parts_per_file=1)
    assert view.state is JobState.SOURCE_CHANGED
    assert not await rig.op.exists("to/f")
    assert await rig.origin.read("f") == data[::-1]


@IN_PARTS
async def test_a_refused_part_leaves_no_upload_and_is_met_by_streaming(stand: Stand) -> None:
    data = await put(stand, "f", 2 * PART)
    stand.instead = refusing(403, "AccessDenied")
    view = await stand.run("f", parts_per_file=1)
    assert view.words == "done (verified (md5))", view.error
    assert await stand.rig.op.read("to/f") == data
    assert await stand.rig.uploads_left() == []


@IN_PARTS
async def test_a_cancelled_copy_leaves_nothing(stand: Stand) -> None:
    rig, reached = stand.rig, asyncio.Event()
    await put(stand, "f", 4 * PART)

    def change(seen: Seen, said: Said) -> None:
        del said
        if "x-amz-copy-source" in seen.headers:
            reached.set()

    stand.change = change
    async with rig.engine(parts_per_file=1) as engine:
        ids = await engine.copy([rig.there("f")], rig.at("to/"))
        await reached.wait()
        await engine.cancel(ids)
        assert (await engine.wait(ids))[0].state is JobState.CANCELLED
    assert await rig.uploads_left() == []
    assert not await rig.op.exists("to/f")
