"""The tags of what is copied through here, on real servers: kept, or spoken of."""

from __future__ import annotations

import dataclasses
import uuid
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import CapabilityOverrideLayer, Operator
from dalbrowser.transfer import ConflictPolicy, JobState
from tests.faults.rig import MiB, Rig, make_file
from tests.servers.raw import RawS3, buckets
from tests.servers.relay import Said, relay
from tests.unit.transfer.gate import Gate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dalbrowser.profiles import Profile
    from dalbrowser.transfer import JobView
    from tests.servers.lying import LyingServer, Seen
    from tests.servers.s3_server import S3Server

TAGS = {"a&b": "v=2 ü+", "colour": "red"}
SMALL, LARGE = 1000, 6 * MiB


class TwoServices(Rig):
    """A rig whose bucket is copied from; ``far`` is what stands for any other."""

    far: Operator

    async def operator(self, profile: Profile, bucket: str) -> Operator:
        assert profile.id == self.profile.id
        return self.op if bucket == self.bucket else self.far


@dataclasses.dataclass
class Stand:
    """A bucket behind a relay that sees every request, and may answer in the server's stead."""

    rig: TwoServices
    server: LyingServer
    real: S3Server
    refused: str = ""

    async def put(self, size: int, tags: dict[str, str]) -> bytes:
        """Write the object that is to be copied."""
        make_file(self.rig.folder / "f", size)
        data = (self.rig.folder / "f").read_bytes()
        await self.rig.op.write("from/f", data, tags=tags)
        self.server.seen.clear()
        return data

    async def copy(self, bucket: str, **options: Any) -> JobView:
        """Copy it to a bucket and return how that settled."""
        target = dataclasses.replace(self.rig.at("to/"), bucket=bucket)
        async with self.rig.engine(**options) as engine:
            ids = await engine.copy([self.rig.at("from/f")], target, ConflictPolicy.ASK)
            return (await engine.wait(ids))[0]

    def asked_for_tags(self) -> int:
        """How often the service was asked for tags."""
        return sum(1 for s in self.server.seen if s.method == "GET" and b"tagging" in s.query)

    def tags(self, bucket: str) -> dict[str, str]:
        """Return the tags of the copy, as another client sees them."""
        with RawS3(self.real) as raw:
            reply = raw.send("GET", bucket, "to/f", query={"tagging": ""})
        root = ET.fromstring(reply.body)  # noqa: S314 - a server of the tests
        pairs = [tag for tag in root.iter() if tag.tag.endswith("}Tag")]
        return {tag[0].text or "": tag[1].text or "" for tag in pairs}


@pytest.fixture
async def stand(tmp_path: Path, ceph_s3: S3Server) -> AsyncIterator[Stand]:
    names = [f"tags-{uuid.uuid4().hex[:10]}" for _ in range(2)]
    made: list[Stand] = []

    def instead(seen: Seen) -> Said | None:
        refused = made[0].refused
        tagging = seen.headers.get("x-amz-tagging") if seen.method == "PUT" else None
        reads = seen.method == "GET" and b"tagging" in seen.query
        if (refused == "write" and tagging) or (refused == "read" and reads):
            body = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
            return Said(403, {"Content-Type": "application/xml"}, body)
        if refused == "ignore" and reads:
            # A server that does not know the question answers with the object.
            return Said(200, {}, b"<a><Tag><Key>of</Key><Value>bytes</Value></Tag></a>")
        return None

    with buckets(ceph_s3, *names):
        async with relay(ceph_s3.endpoint, lambda _seen, _said: None, instead) as before:
            near = dataclasses.replace(ceph_s3, endpoint=before.endpoint)
            config = {**near.operator_config(names[0]), "preset": "ceph"}
            options: dict[str, Any] = {"multipart_above": 5 * MiB, "part_floor": 5 * MiB}
            rig = TwoServices(tmp_path, "s3", config, names[0], options | {"event_interval": 0.01})
            # Another connection to the server by its other name: not one that it copies from.
            rig.far = Operator("s3", **{**config, "bucket": names[1], "cross_bucket_copies": False})
            made.append(Stand(rig, before, ceph_s3))
            yield made[0]
            await rig.op.aclose()
            await rig.far.aclose()


@pytest.mark.parametrize("size", [0, SMALL, LARGE])
async def test_a_streamed_copy_has_the_tags_of_its_source(stand: Stand, size: int) -> None:
    data = await stand.put(size, TAGS)
    far = stand.rig.far.info().name
    view = await stand.copy(far)
    assert view.state is JobState.DONE, view.error
    assert view.note == ""
    assert not [seen for seen in stand.server.seen if "x-amz-copy-source" in seen.headers]
    assert await stand.rig.far.read("to/f") == data
    assert stand.tags(far) == TAGS
    assert stand.asked_for_tags() == 1


async def test_what_has_no_tags_costs_no_request_for_them(stand: Stand) -> None:
    await stand.put(SMALL, {})
    view = await stand.copy(stand.rig.far.info().name)
    assert view.state is JobState.DONE, view.error
    assert view.note == ""
    assert [seen for seen in stand.server.seen if b"tagging" in seen.query] == []


async def test_a_server_that_does_not_say_how_many_there_are_is_asked(stand: Stand) -> None:
    await stand.put(SMALL, {})
    config = {**stand.rig.config, "preset": "", "tag_counts": False}
    async with Operator("s3", **config) as unknown:
        stand.rig.op = unknown
        view = await stand.copy(stand.rig.far.info().name)
    assert view.state is JobState.DONE, view.error
    assert view.note == ""
    assert stand.asked_for_tags() == 1


async def test_a_copy_by_the_server_has_them_and_asks_for_none(stand: Stand) -> None:
    await stand.put(SMALL, TAGS)
    view = await stand.copy(stand.rig.bucket)
    assert view.state is JobState.DONE, view.error
    assert stand.asked_for_tags() == 0
    assert stand.tags(stand.rig.bucket) == TAGS


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_what_a_server_would_not_copy_has_them_too(stand: Stand, size: int) -> None:
    await stand.put(size, TAGS)
    stand.rig.op = stand.rig.op.layer(CapabilityOverrideLayer(copy=False))
    view = await stand.copy(stand.rig.bucket)
    assert view.state is JobState.DONE, view.error
    assert stand.tags(stand.rig.bucket) == TAGS


@pytest.mark.parametrize("tags", [TAGS, {"one": "1"}])
async def test_a_target_that_keeps_none_is_spoken_of(
    stand: Stand, tmp_path: Path, tags: dict[str, str]
) -> None:
    data = await stand.put(SMALL, tags)
    (tmp_path / "folder").mkdir()
    async with Operator("fs", root=str(tmp_path / "folder")) as folder:
        stand.rig.far = folder
        view = await stand.copy("")
    assert view.state is JobState.DONE, view.error
    many = "Its 2 tags were" if len(tags) == 2 else "Its tag was"
    assert view.note == f"{many} left behind: the service there keeps none."
    assert (tmp_path / "folder" / "to" / "f").read_bytes() == data


async def test_a_source_without_tags_says_nothing_to_a_target_that_keeps_none(
    stand: Stand, tmp_path: Path
) -> None:
    await stand.put(SMALL, {})
    (tmp_path / "folder").mkdir()
    async with Operator("fs", root=str(tmp_path / "folder")) as folder:
        stand.rig.far = folder
        view = await stand.copy("")
    assert (view.state, view.note) == (JobState.DONE, "")


async def test_tags_that_are_refused_are_left_behind_and_spoken_of(stand: Stand) -> None:
    data = await stand.put(SMALL, TAGS)
    stand.refused = "write"
    far = stand.rig.far.info().name
    view = await stand.copy(far)
    assert view.state is JobState.DONE, view.error
    assert view.note == "Its 2 tags were left behind: the service there refused them."
    assert await stand.rig.far.read("to/f") == data
    assert stand.tags(far) == {}


@pytest.mark.parametrize("refused", ["read", "ignore"])
async def test_tags_that_cannot_be_read_are_spoken_of(stand: Stand, refused: str) -> None:
    data = await stand.put(SMALL, TAGS)
    stand.refused = refused
    view = await stand.copy(stand.rig.far.info().name)
    assert view.state is JobState.DONE, view.error
    assert view.note == "Whether it had tags could not be read; it has none there."
    assert await stand.rig.far.read("to/f") == data


async def test_they_are_kept_by_a_large_copy_that_goes_on_after_a_restart(stand: Stand) -> None:
    data = await stand.put(LARGE, TAGS)
    far = stand.rig.far.info().name
    target = dataclasses.replace(stand.rig.at("to/"), bucket=far)
    gate = Gate(stand.rig, "read", 1)
    async with stand.rig.engine(parts_per_file=1) as engine:
        ids = await engine.copy([stand.rig.at("from/f")], target)
        await gate.reached.wait()
    stand.rig.wire.before = None
    async with stand.rig.engine() as engine:
        await engine.resume(ids)
        (view,) = await engine.wait(ids)
    assert view.state is JobState.DONE, view.error
    assert await stand.rig.far.read("to/f") == data
    assert stand.tags(far) == TAGS
