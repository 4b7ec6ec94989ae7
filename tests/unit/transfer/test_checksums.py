"""What a checksum of the whole object proves of a transfer, and what happens when it differs.

moto keeps checksums and believes them; a relay before it damages bytes or answers.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage.checksums import digest, encoded
from dalbrowser.transfer import ConflictPolicy, JobState
from tests.faults.rig import MiB, Rig, make_file, sha_of

if TYPE_CHECKING:
    from tests.servers.lying import Seen
    from tests.servers.relay import Change, Said
    from tests.unit.transfer.relayed import Place

LARGE = 11 * MiB
WRONG = encoded(bytes(8))


def wrong_checksum(methods: str) -> Change:
    """Answer requests with another checksum of the object."""

    def change(seen: Seen, said: Said) -> None:
        if seen.method in methods and "x-amz-checksum-crc64nvme" in said.headers:
            said.headers["x-amz-checksum-crc64nvme"] = WRONG

    return change


@pytest.mark.parametrize("size", [0, 70_000, LARGE])
async def test_an_upload_is_proven_by_the_checksum_of_the_whole(place: Place, size: int) -> None:
    rig = place.rig
    sha = make_file(rig.folder / "f", size)
    view = await rig.upload(rig.folder / "f", "f")
    assert view.words == "done (verified (crc64nvme))", view.error
    assert await rig.sha("f") == sha
    sums = (await rig.op.stat("f")).checksums
    assert sums == {"crc64nvme": encoded(digest("crc64nvme", [(rig.folder / "f").read_bytes()]))}
    carried = [seen for seen in place.server.seen if seen.method == "PUT"]
    assert all("x-amz-checksum-crc64nvme" in seen.headers for seen in carried)
    ends = [seen for seen in place.server.seen if seen.query.startswith(b"uploadId")]
    ends = [seen for seen in ends if seen.method == "POST"]
    assert len(ends) == (size == LARGE)
    assert all(seen.headers["x-amz-checksum-crc64nvme"] == sums["crc64nvme"] for seen in ends)


@pytest.mark.parametrize(("size", "methods"), [(70_000, "PUT"), (LARGE, "HEAD")])
async def test_another_checksum_in_the_answer_is_never_done(
    place: Place, size: int, methods: str
) -> None:
    rig, place.change = place.rig, wrong_checksum(methods)
    make_file(rig.folder / "f", size)
    view = await rig.upload(rig.folder / "f", "f")
    assert view.state is JobState.FAILED
    assert "other bytes" in view.error or "another crc64nvme" in view.error


@pytest.mark.parametrize(("lists", "proof"), [(True, "crc64nvme"), (False, "md5")])
async def test_parts_with_another_checksum_in_the_answer_are_proven_anew(
    place: Place, lists: bool, proof: str
) -> None:
    """What counts then is what the service lists: digests of each part, recomputed here."""
    place.lists_checksums = lists
    rig, place.change = place.rig, wrong_checksum("PUT")
    sha = make_file(rig.folder / "f", LARGE)
    view = await rig.upload(rig.folder / "f", "f")
    assert view.attempts > 0
    assert view.words == f"done (verified ({proof}))", view.error
    assert await rig.sha("f") == sha


async def test_another_checksum_in_the_answer_to_the_end_is_never_done(place: Place) -> None:
    rig = place.rig

    def change(seen: Seen, said: Said) -> None:
        ours = seen.headers.get("x-amz-checksum-crc64nvme")
        if seen.method == "POST" and ours:
            end = b"</CompleteMultipartUploadResult>"
            told = b"<ChecksumCRC64NVME>%b</ChecksumCRC64NVME>" % WRONG.encode()
            kept = said.body.replace(ours.encode(), WRONG.encode())
            said.body = kept if kept != said.body else kept.replace(end, told + end)

    place.change = change
    make_file(rig.folder / "f", LARGE)
    view = await rig.upload(rig.folder / "f", "f")
    assert view.state is JobState.FAILED
    assert "holds other bytes" in view.error


async def test_an_upload_that_another_process_ends_is_proven_too(place: Place) -> None:
    rig = place.rig
    make_file(rig.folder / "f", LARGE)
    one_by_one: dict[str, Any] = {"parts_per_file": 1}

    async def stop(name: str, _path: str, args: Any) -> None:
        if name == "write_multipart" and args.number == 3:
            raise KeyError

    rig.wire.before = stop
    assert (await rig.upload(rig.folder / "f", "f", **one_by_one)).state is JobState.FAILED
    assert rig.on_disk("SELECT substr(crc, 1, 10) FROM part WHERE done") == [("crc64nvme:",)] * 2
    rig.wire.before = None
    sent = rig.wire.count("write_multipart")
    async with rig.engine() as engine:
        ids = [view.id for view in engine.jobs()]
        await engine.resume(ids)
        view = (await engine.wait(ids))[0]
    assert view.words == "done (verified (crc64nvme))", view.error
    assert rig.wire.count("write_multipart") == sent + 1
    assert await rig.sha("f") == sha_of(rig.folder / "f")


async def put_odd(rig: Rig, key: str, size: int) -> str:
    """Write an object in parts of a size that nobody guesses."""
    sha = make_file(rig.folder / "source", size)
    data = (rig.folder / "source").read_bytes()
    async with rig.op.writer(key, chunk=5 * MiB + 13, checksum="crc64nvme") as writer:
        await writer.write(data)
    return sha


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("size", [1 * MiB, LARGE])
async def test_a_download_is_proven_by_the_checksum_of_the_whole(
    place: Place, size: int, listed: bool
) -> None:
    rig = place.rig
    sha = await put_odd(rig, "o", size)
    entry = (await rig.op.list("o"))[0] if listed else None
    async with rig.engine() as engine:
        known = entry.metadata if entry is not None else None
        ids = await engine.download([(rig.at("o"), known)], rig.folder)
        view = (await engine.wait(ids))[0]
    proven = "crc64nvme" if size == LARGE else view.integrity[10:-1]
    assert view.words == f"done (verified ({proven}))", view.error
    assert proven in ("md5", "crc64nvme")
    assert sha_of(rig.folder / "o") == sha


@pytest.mark.parametrize("size", [1 * MiB, LARGE])
@pytest.mark.parametrize("always", [False, True])
async def test_a_byte_flipped_on_the_way_is_caught(place: Place, size: int, always: bool) -> None:
    rig = place.rig
    sha = await put_odd(rig, "o", size)
    flipped = 0

    def change(seen: Seen, said: Said) -> None:
        nonlocal flipped
        if seen.method == "GET" and said.body and b"list" not in seen.query:
            if not always and flipped:
                return
            flipped += 1
            said.body = bytes([said.body[0] ^ 1]) + said.body[1:]

    place.change = change
    async with rig.engine(parts_per_file=1) as engine:
        number = await engine.download_file(rig.at("o"), rig.folder / "o")
        view = (await engine.wait([number]))[0]
    assert flipped
    if always:
        assert view.state is JobState.FAILED
        assert "checksum" in view.error or "crc64nvme" in view.error
        assert not (rig.folder / "o").exists()
    else:
        assert view.state is JobState.DONE, view.error
        assert sha_of(rig.folder / "o") == sha


async def test_an_object_that_denies_its_own_bytes_is_not_put_in_place(place: Place) -> None:
    rig = place.rig
    await put_odd(rig, "o", LARGE)
    place.change = wrong_checksum("HEAD GET")
    async with rig.engine() as engine:
        number = await engine.download_file(rig.at("o"), rig.folder / "o")
        view = (await engine.wait([number]))[0]
    assert view.state is JobState.FAILED
    assert "checksum" in view.error
    assert not (rig.folder / "o").exists()


async def test_without_the_extra_uploads_are_proven_by_md5(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "awscrt.checksums", None)
    rig = place.rig
    for name, size in (("small", 70_000), ("large", LARGE)):
        make_file(rig.folder / name, size)
        view = await rig.upload(rig.folder / name, name, ConflictPolicy.OVERWRITE)
        assert view.words == "done (verified (md5))", view.error
    assert not any(
        name.startswith("x-amz-checksum") and "mode" not in name
        for seen in place.server.seen
        for name in seen.headers
    )
