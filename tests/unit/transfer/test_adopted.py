"""Uploads begun by another program or machine: which of their parts are trusted, and why.

The parts are cut and sent as another tool would; what a service lists of them is what it
lists, or what a relay makes of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage.checksums import digest, encoded
from dalbrowser.storage.types import Metadata
from dalbrowser.transfer import JobState, JobView, TransferError
from dalbrowser.transfer.integrity import PROOFS, judge, sums_of_parts
from dalbrowser.transfer.model import Integrity
from tests.faults.rig import MiB, make_file
from tests.unit.transfer.gate import cut_off_upload
from tests.unit.transfer.relayed import PART

if TYPE_CHECKING:
    from tests.faults.rig import Rig
    from tests.servers.lying import Seen
    from tests.servers.relay import Said
    from tests.unit.transfer.relayed import Place

LARGE = 2 * PART + MiB
SMALL_PART = 256 * 1024
ETAG = re.compile(rb"[0-9a-f]{32}")


async def test_adopted_upload_is_proven_and_finished(rig: Rig) -> None:
    sha = make_file(rig.folder / "big", 2 * MiB)
    data = (rig.folder / "big").read_bytes()
    upload = await rig.op.create_multipart("big")
    await upload.write(1, data[: 512 * 1024])
    await upload.write(3, data[1024 * 1024 : 1536 * 1024])
    rig.wire.calls.clear()
    async with rig.engine() as engine:
        number = await engine.adopt(rig.folder / "big", rig.at("big"), upload.upload_id)
        view = (await engine.wait([number]))[0]
    assert view.words == "done (verified (md5))"
    sent = [args.number for name, _, args in rig.wire.calls if name == "write_multipart"]
    assert sorted(sent) == [2, 4]
    assert await rig.sha("big") == sha
    assert await rig.uploads_left() == []


async def test_upload_of_another_file_is_not_adopted(rig: Rig) -> None:
    make_file(rig.folder / "big", 2 * MiB)
    upload = await rig.op.create_multipart("big")
    await upload.write(1, b"z" * SMALL_PART)
    async with rig.engine() as engine:
        with pytest.raises(TransferError, match="not begun from"):
            await engine.adopt(rig.folder / "big", rig.at("big"), upload.upload_id)
        assert engine.jobs() == []
    assert (await upload.list_parts())[0].size == SMALL_PART


async def test_an_upload_of_a_transfer_here_is_left_to_it(rig: Rig) -> None:
    await cut_off_upload(rig)
    (upload,) = [item async for item in rig.op.list_multiparts("big")]
    async with rig.engine() as engine:
        with pytest.raises(TransferError, match="Transfer 1 of this machine"):
            await engine.adopt(rig.folder / "big", rig.at("big"), upload.upload_id)
        assert [view.id for view in engine.jobs()] == [1]


async def test_an_upload_that_is_gone_is_said(rig: Rig) -> None:
    make_file(rig.folder / "big", 2 * MiB)
    upload = await rig.op.create_multipart("big")
    await upload.abort()
    async with rig.engine() as engine:
        with pytest.raises(TransferError, match="does not know this upload any more"):
            await engine.adopt(rig.folder / "big", rig.at("big"), upload.upload_id)
        assert engine.jobs() == []


async def begun(rig: Rig, numbers: tuple[int, ...], checksum: str | None) -> str:
    """Begin an upload of the file ``f`` with some of its parts, and return its id."""
    make_file(rig.folder / "f", LARGE)
    data = (rig.folder / "f").read_bytes()
    options = {"checksum": checksum} if checksum else {}
    upload = await rig.op.create_multipart("f", **options)
    for number in numbers:
        await upload.write(number, data[(number - 1) * PART : number * PART])
    rig.wire.calls.clear()
    return upload.upload_id


async def adopt(rig: Rig, upload_id: str) -> JobView:
    """Go on with an upload, and return how it settled."""
    async with rig.engine() as engine:
        number = await engine.adopt(rig.folder / "f", rig.at("f"), upload_id)
        return (await engine.wait([number]))[0]


def sent(rig: Rig) -> list[int]:
    return sorted(args.number for name, _, args in rig.wire.calls if name == "write_multipart")


async def require_arrived(rig: Rig, view: JobView) -> None:
    assert view.state is JobState.DONE, view.error
    assert await rig.op.read("f") == (rig.folder / "f").read_bytes()
    assert await rig.uploads_left() == []


def listed(seen: Seen) -> bool:
    """Whether a request asks for the parts of an upload."""
    return seen.method == "GET" and seen.query.startswith(b"uploadId")


def other_checksum(algorithm: str, number: int) -> tuple[str, bytes, bytes]:
    """Return the field of a listed checksum, and a pattern and what it becomes for a part."""
    field = f"Checksum{algorithm.upper()}"
    size = len(digest(algorithm, [b""]))
    pattern = rb"(<PartNumber>%d</PartNumber>.*?<%b>)[^<]*" % (number, field.encode())
    return field, pattern, rb"\g<1>" + encoded(bytes(size)).encode()


@pytest.mark.parametrize("algorithm", ["crc64nvme", "crc32c", "crc32", "sha256", "sha1"])
async def test_a_part_with_another_checksum_is_sent_again(place: Place, algorithm: str) -> None:
    rig = place.rig
    field, pattern, other = other_checksum(algorithm, 3)

    def change(seen: Seen, said: Said) -> None:
        if listed(seen):
            assert said.body.count(f"<{field}>".encode()) == 2
            said.body = re.sub(pattern, other, said.body, flags=re.DOTALL)

    upload_id = await begun(rig, (1, 3), algorithm)
    place.change = change
    place.server.seen.clear()
    view = await adopt(rig, upload_id)
    await require_arrived(rig, view)
    assert sent(rig) == [2, 3]
    # As S3 demands of the parts of such an upload.
    puts = [seen for seen in place.server.seen if seen.method == "PUT"]
    assert len(puts) == 2
    assert all(f"x-amz-checksum-{algorithm}" in seen.headers for seen in puts)


async def test_equal_checksums_are_no_reason_to_send_a_part_again(place: Place) -> None:
    upload_id = await begun(place.rig, (1, 3), "crc64nvme")
    view = await adopt(place.rig, upload_id)
    await require_arrived(place.rig, view)
    assert sent(place.rig) == [2]
    assert view.words == "done (verified (crc64nvme))"


def without_md5(place: Place) -> None:
    """Let no ETag be an MD5, as where a service encrypts by a key of its own."""

    def change(seen: Seen, said: Said) -> None:
        for name in ("etag", "ETag"):
            if name in said.headers:
                said.headers[name] = turned(said.headers[name].encode()).decode()
        if b"ETag>" in said.body:
            said.body = turned(said.body)

    place.change = change
    place.asked = lambda seen: turned(seen.body) if b"<ETag>" in seen.body else seen.body


def turned(text: bytes) -> bytes:
    """Turn each ETag round, or back."""
    return ETAG.sub(lambda found: found[0][::-1], text)


@pytest.mark.parametrize("algorithm", ["crc64nvme", "crc32", "sha256"])
async def test_checksums_prove_parts_whose_etags_are_no_md5s(place: Place, algorithm: str) -> None:
    rig = place.rig
    without_md5(place)
    upload_id = await begun(rig, (1, 3), algorithm)
    view = await adopt(rig, upload_id)
    await require_arrived(rig, view)
    assert sent(rig) == [2]
    assert view.words == f"done (verified ({algorithm}))"


@pytest.mark.parametrize("algorithm", ["crc32", "sha1", "sha256"])
def test_checksums_of_checksums_prove_or_say_nothing(algorithm: str) -> None:
    """How a service joins them is its own affair: an unequal one is no sign of other bytes."""
    parts = [b"one" * 1000, b"two"]
    raw = [digest(algorithm, [part]) for part in parts]
    told = [f"{algorithm}:{encoded(each)}" for each in raw]
    sums = sums_of_parts(told, map(len, parts))
    made = encoded(digest(algorithm, [b"".join(raw)]))

    def proven(value: str) -> Integrity:
        return judge(Metadata(etag='"opaque-2"', checksums={algorithm: value}), None, (), sums)

    assert proven(f"{made}-2") is PROOFS[algorithm]
    assert proven(f"{made}-3") is Integrity.SIZE_ONLY
    assert proven(f"{encoded(raw[0])}-2") is Integrity.SIZE_ONLY
    assert sums_of_parts([told[0], ""], map(len, parts)) == {}
    whole = encoded(digest(algorithm, parts))
    if algorithm == "crc32":
        assert proven(whole) is PROOFS[algorithm]
        assert proven(encoded(raw[0])) is Integrity.NONE
    else:
        assert proven(whole) is Integrity.SIZE_ONLY


async def test_of_parts_that_prove_nothing_no_upload_is_adopted(place: Place) -> None:
    """Neither MD5s nor checksums: the parts may come from any file."""
    rig = place.rig
    upload_id = await begun(rig, (1, 2), None)

    def change(seen: Seen, said: Said) -> None:
        if listed(seen):
            said.body = ETAG.sub(b"opaque", said.body)

    place.change = change
    with pytest.raises(TransferError, match="no MD5 and no checksum"):
        await adopt(rig, upload_id)
    place.change = None
    assert len(await rig.op.into_multipart("f", upload_id).list_parts()) == 2


async def test_a_checksum_does_not_outvote_an_md5(place: Place) -> None:
    """One part's ETag is its MD5, so another's that differs says that it holds other bytes."""
    rig = place.rig
    upload_id = await begun(rig, (1, 3), "crc32")
    pattern = rb"(<PartNumber>3</PartNumber>.*?)[0-9a-f]{32}"

    def change(seen: Seen, said: Said) -> None:
        if listed(seen):
            said.body = re.sub(pattern, rb"\g<1>" + b"0" * 32, said.body, flags=re.DOTALL)

    place.change = change
    view = await adopt(rig, upload_id)
    await require_arrived(rig, view)
    assert sent(rig) == [2, 3]


async def test_a_file_with_another_checksum_is_not_the_upload_s(place: Place) -> None:
    """Its ETags may be no MD5s; its checksums say enough."""
    rig = place.rig
    without_md5(place)
    upload_id = await begun(rig, (1, 2), "crc32c")
    make_file(rig.folder / "f", LARGE, seed=2)
    with pytest.raises(TransferError, match="not begun from"):
        await adopt(rig, upload_id)
    assert sent(rig) == []
    assert len(await rig.op.into_multipart("f", upload_id).list_parts()) == 2
