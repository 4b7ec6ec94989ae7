"""Checksums that a server answers: compared with what was sent, and with the bytes that come."""

from __future__ import annotations

import base64
import hashlib
import sys
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import ByteRange, ErrorKind, Operator, StorageError
from dalbrowser.storage.checksums import NAMES, combined, digest, encoded, of_whole
from dalbrowser.storage.services.s3.checksums import told
from tests.servers import lying
from tests.servers.lying import LyingServer

if TYPE_CHECKING:
    from tests.servers.lying import Answer
    from tests.servers.s3_server import S3Server

DATA = bytes(range(256)) * 2000
FLIPPED = DATA[:300_001] + bytes([DATA[300_001] ^ 1]) + DATA[300_002:]


def of(algorithm: str, data: bytes) -> str:
    return encoded(digest(algorithm, [data]))


def whole(data: bytes, **sums: str) -> Answer:
    headers = {"ETag": '"e"', **{f"x-amz-checksum-{name}": value for name, value in sums.items()}}
    return lying.reply(body=data, headers=headers)


@pytest.mark.parametrize("algorithm", NAMES)
@pytest.mark.parametrize("sent", [DATA, FLIPPED])
async def test_a_flipped_byte_is_caught(algorithm: str, sent: bytes) -> None:
    answer = whole(sent, **{algorithm: of(algorithm, DATA)})
    async with (
        LyingServer(answer) as server,
        Operator("s3", **server.s3.operator_config("b")) as op,
    ):
        if sent is DATA:
            assert await op.read("a") == DATA
        else:
            with pytest.raises(StorageError, match=f"its {algorithm} is ") as caught:
                await op.read("a")
            assert caught.value.kind is ErrorKind.UNEXPECTED
            assert caught.value.is_temporary
            assert caught.value.context["code"] == "ChecksumMismatch"
            assert (caught.value.operation, caught.value.path) == ("read", "a")
            assert await op.read("a", verify_checksum=False) == FLIPPED
        assert server.seen[0].headers["x-amz-checksum-mode"] == "ENABLED"


async def test_the_last_block_of_other_bytes_is_never_handed_on() -> None:
    answer = whole(FLIPPED, crc64nvme=of("crc64nvme", DATA))
    async with (
        LyingServer(answer) as server,
        Operator("s3", **server.s3.operator_config("b")) as op,
    ):
        got = b""
        async with op.reader("a") as reader:
            while len(got) < len(DATA) - 7777:
                got += await reader.read(7777)
            with pytest.raises(StorageError, match="not the object's"):
                await reader.read()
            with pytest.raises(StorageError, match="not the object's"):
                await reader.read(1)
        assert len(got) < len(DATA)


async def test_a_reading_that_jumps_is_not_compared_and_one_begun_anew_is() -> None:
    answer = whole(FLIPPED, crc32=of("crc32", DATA))
    async with (
        LyingServer(answer) as server,
        Operator("s3", **server.s3.operator_config("b")) as op,
        op.reader("a") as reader,
    ):
        assert await reader.read(10) == DATA[:10]
        await reader.seek(0)
        with pytest.raises(StorageError, match="its crc32 is"):
            await reader.read()


async def test_a_range_is_never_compared() -> None:
    headers = {"Content-Range": f"bytes 5-9/{len(DATA)}", "x-amz-checksum-crc32": "AAAAAA=="}
    answer = lying.reply(206, DATA[5:10], headers)
    async with (
        LyingServer(answer) as server,
        Operator("s3", **server.s3.operator_config("b")) as op,
    ):
        assert await op.read("a", range=ByteRange(5, 10)) == DATA[5:10]
        assert "x-amz-checksum-mode" not in server.seen[0].headers
        async with op.reader("a", range=ByteRange(5, 10)) as reader:
            await reader.read()
            assert reader.metadata is not None
            assert reader.metadata.checksums == {}


async def test_without_the_extra_nothing_slow_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "awscrt.checksums", None)
    answer = whole(FLIPPED, crc64nvme=of_known("crc64nvme"), crc32=of("crc32", FLIPPED))
    async with (
        LyingServer(answer) as server,
        Operator("s3", **server.s3.operator_config("b")) as op,
    ):
        assert await op.read("a") == FLIPPED
    assert of_whole({"crc64nvme": "x"}) is None


def of_known(algorithm: str) -> str:
    return base64.b64encode(bytes(8 if algorithm == "crc64nvme" else 4)).decode()


@pytest.mark.parametrize("how", ["put", "part"])
async def test_another_checksum_in_the_answer_is_an_error(how: str) -> None:
    wrong = {"ETag": '"e"', "x-amz-checksum-crc64nvme": of("crc64nvme", b"other")}
    async with (
        LyingServer(lying.reply(headers=wrong)) as server,
        Operator("s3", **server.s3.operator_config("b")) as op,
    ):
        upload = op.into_multipart("a", "u", checksum="auto")
        sending = (
            op.write("a", b"bytes", checksum="auto") if how == "put" else upload.write(1, b"b")
        )
        with pytest.raises(StorageError, match="holds other bytes") as caught:
            await sending
    assert caught.value.context["code"] == "ChecksumMismatch"
    assert caught.value.is_temporary == (how == "part")
    assert len(server.seen) == 1


@pytest.mark.parametrize("algorithm", ["crc64nvme", "crc32c", "crc32"])
def test_the_checksums_of_parts_make_that_of_the_whole(algorithm: str) -> None:
    cuts = [DATA[:5], DATA[5:6], b"", DATA[6:70_000], DATA[70_000:]]
    parts = [(of(algorithm, cut), len(cut)) for cut in cuts]
    assert combined(algorithm, parts) == of(algorithm, DATA)
    assert combined(algorithm, []) is None
    assert combined(algorithm, [("no base64!", 1)]) is None
    assert combined("sha256", parts) is None


def test_a_checksum_of_parts_is_never_taken_for_one_of_the_bytes() -> None:
    sums: dict[str, Any] = {"sha256": "abc", "crc32c": "def", "crc64nvme": "ghi"}
    assert told(sums, "COMPOSITE", '"x-3"') == {
        "crc64nvme": "ghi-3", "crc32c": "def-3", "sha256": "abc-3",
    }  # fmt: skip
    assert told(sums, None, '"x-3"') == {
        "crc64nvme": "ghi", "crc32c": "def-3", "sha256": "abc-3",
    }  # fmt: skip
    assert told(sums, "FULL_OBJECT", '"x-3"') == sums
    assert told(sums, None, '"x"') == sums
    assert of_whole({"sha256": "abc-3", "crc32": "z"}) == ("crc32", "z")
    assert of_whole({"sha256": "abc-3"}) is None


async def test_whole_objects_are_verified_by_what_moto_keeps(
    moto_s3: S3Server, moto_bucket: str
) -> None:
    async with Operator("s3", **moto_s3.operator_config(moto_bucket)) as op:
        await op.write("a", DATA, checksum="crc64nvme")
        async with op.reader("a") as reader:
            assert await reader.read() == DATA
            assert reader.metadata is not None
            assert reader.metadata.checksums == {"crc64nvme": of("crc64nvme", DATA)}
        parts = bytes(5 << 20), b"tail"
        upload = await op.create_multipart("m", checksum="sha256")
        await upload.complete([await upload.write(n, part) for n, part in enumerate(parts, 1)])
        sums = (await op.stat("m")).checksums["sha256"]
        raw = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()
        assert sums == f"{encoded(raw)}-2"
        assert await op.read("m") == b"".join(parts)


def test_crc32_is_that_of_zlib() -> None:
    assert digest("crc32", [DATA]) == zlib.crc32(DATA).to_bytes(4)
