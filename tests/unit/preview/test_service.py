"""Which value an object becomes, what it costs, and that a failure is a sentence."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, ClassVar

import pytest

from dalbrowser.preview import (
    HexValue,
    ImageValue,
    MessageValue,
    PreviewService,
    Remedy,
    TextDocument,
    TextValue,
)
from dalbrowser.preview.choose import Clues, Fit, providers, ranked
from dalbrowser.preview.lines import PIECE
from dalbrowser.preview.source import BLOCK
from dalbrowser.storage import Operator
from tests.unit.preview.test_images import OPEN, jpeg, png

if TYPE_CHECKING:
    from tests.unit.preview.conftest import Recorder

MIB = 1024 * 1024
NOISE = random.Random(5).randbytes(3 * BLOCK)


@pytest.fixture
def service() -> PreviewService:
    return PreviewService()


async def document_of(service: PreviewService, op: Operator, path: str) -> TextDocument:
    preview = await service.open(op, path, await op.stat(path))
    assert isinstance(preview.value, TextValue)
    return preview.value.document


def test_content_type_comes_before_extension_before_magic() -> None:
    picture = png(1, 1)
    order = ranked(providers(), Clues.of("a.txt", "image/png", picture))
    assert [provider.name for provider in order] == ["image", "text", "hex"]
    order = ranked(providers(), Clues.of("a.txt", "application/octet-stream", picture))
    assert [provider.name for provider in order] == ["text", "image", "hex"]
    assert providers()[0].fit(Clues.of("x", None, b"")) is Fit.ANYTHING


@pytest.mark.parametrize(
    ("path", "data", "kind"),
    [
        ("notes", b"plain words\n", TextValue),
        ("data.json", b'{"a": 1}', TextValue),
        ("liar.txt", NOISE, HexValue),
        ("liar.png", b"this is no picture\n", TextValue),
        ("picture.txt", png(10, 10), ImageValue),
        ("drawing.svg", f"{OPEN}<rect/></svg>".encode(), ImageValue),
        ("broken.svg", f"{OPEN}<rect>".encode(), TextValue),
        ("program", b"\x7fELF\0\0\0", HexValue),
    ],
)
async def test_the_bytes_have_the_last_word(
    service: PreviewService, op: Operator, path: str, data: bytes, kind: type
) -> None:
    await op.write(path, data)
    preview = await service.open(op, path, await op.stat(path))
    assert isinstance(preview.value, kind)


async def test_a_large_text_opens_with_two_requests_at_both_ends(
    service: PreviewService, op: Operator, recorder: Recorder
) -> None:
    lines = [f"line {number} {'é' * (number % 50)}" for number in range(200_000)]
    data = "\n".join(lines).encode()
    await op.write("big.log", data)
    listed = await op.stat("big.log")
    recorder.stats.clear()
    preview = await service.open(op, "big.log", listed)
    assert isinstance(preview.value, TextValue)
    document = preview.value.document
    first = document.peek_rows_from(0, 40)
    last = document.peek_rows_before(document.size, 40)
    assert first is not None
    assert last is not None
    assert [row.text for row in first] == lines[:40]
    assert [row.text for row in last] == lines[-40:]
    assert len(recorder.reads) == 2
    assert recorder.stats == []
    assert preview.source.requests == 2
    assert preview.source.bytes_read <= MIB
    assert document.line_number(last[0].start) is None


async def test_line_numbers_are_known_once_everything_before_was_seen(
    service: PreviewService, op: Operator
) -> None:
    data = b"".join(b"%d\n" % number for number in range(150_000))
    await op.write("numbers.txt", data)
    document = await document_of(service, op, "numbers.txt")
    far = await document.row_start(data.index(b"\n140000\n") + 1)
    assert document.line_number(far) is None
    at = 0
    while at < document.size:
        rows = await document.rows_from(at, 5000)
        at = rows[-1].end
    assert document.fully_indexed
    assert document.lines_seen == 150_000
    assert document.line_number(far) == 140_001
    assert await document.line_start(140_001) == far
    assert await document.line_start(1) == 0
    assert await document.line_start(150_002) is None


async def test_a_line_of_a_megabyte_comes_in_pieces(service: PreviewService, op: Operator) -> None:
    data = b"start\n" + b"x" * (2 * MIB) + b"\nend"
    await op.write("long.txt", data)
    document = await document_of(service, op, "long.txt")
    rows = await document.rows_from(0, 100_000)
    assert "".join(row.text + "\n" * row.ends_line for row in rows).rstrip("\n").encode() == data
    assert max(len(row.text) for row in rows) < 2 * PIECE
    assert rows[-1].text == "end"


async def test_an_empty_object_has_its_own_face(service: PreviewService, op: Operator) -> None:
    await op.write("nothing.txt", b"")
    preview = await service.open(op, "nothing.txt", await op.stat("nothing.txt"))
    assert preview.value == MessageValue("Empty", "This object has no bytes.")


async def test_a_missing_object_is_a_sentence(service: PreviewService, op: Operator) -> None:
    preview = await service.open(op, "gone")
    assert isinstance(preview.value, MessageValue)
    assert preview.value.title == "Not found"


async def test_an_image_that_claims_too_much_is_refused_before_it_is_read(
    service: PreviewService, op: Operator, recorder: Recorder
) -> None:
    await op.write("bomb.png", png(100_000, 100_000) + bytes(4 * MIB))
    preview = await service.open(op, "bomb.png", await op.stat("bomb.png"))
    assert isinstance(preview.value, MessageValue)
    assert "100,000 × 100,000" in preview.value.text
    assert preview.source.bytes_read == BLOCK


async def test_a_large_image_waits_for_more_to_be_granted(
    service: PreviewService, op: Operator
) -> None:
    data = png(100, 100) + bytes(20 * MIB)
    await op.write("large.png", data)
    preview = await service.open(op, "large.png", await op.stat("large.png"))
    assert isinstance(preview.value, MessageValue)
    assert preview.value.remedy is Remedy.LOAD_MORE
    assert preview.source.bytes_read == BLOCK
    preview.source.grant_more(preview.value.needed)
    again = await service.open_source(preview.source)
    assert isinstance(again.value, ImageValue)
    assert again.value.data == data
    assert again.value.size == (100, 100)
    assert preview.source.bytes_read == len(data)


async def test_a_size_behind_a_long_header_is_found(service: PreviewService, op: Operator) -> None:
    filler = b"".join(b"\xff\xe1\xff\xff" + bytes(65_533) for _ in range(6))
    data = b"\xff\xd8" + filler + jpeg(30_000, 30_000)[2:]
    await op.write("exif.jpg", data)
    preview = await service.open(op, "exif.jpg", await op.stat("exif.jpg"))
    assert isinstance(preview.value, MessageValue)
    assert "30,000 × 30,000" in preview.value.text


@pytest.mark.parametrize("encoding", ["gb18030", "shift_jis", "utf-7", "rot13", "no-such", "idna"])
async def test_an_svg_that_the_parser_has_no_codec_for_is_a_text(
    service: PreviewService, op: Operator, encoding: str
) -> None:
    declared = f'<?xml version="1.0" encoding="{encoding}"?>{OPEN}<text>x</text></svg>'
    await op.write("a.svg", declared.encode())
    assert isinstance((await service.open(op, "a.svg")).value, TextValue)


async def test_a_provider_that_breaks_leaves_the_object_to_the_next(op: Operator) -> None:
    class Broken:
        name: ClassVar[str] = "broken"

        def fit(self, clues: Clues) -> Fit:
            return Fit.CONTENT_TYPE

        async def open(self, source: object, clues: Clues) -> HexValue:
            raise ZeroDivisionError

    await op.write("a", b"plain\n")
    service = PreviewService(candidates=[Broken(), *providers()])
    assert isinstance((await service.open(op, "a")).value, TextValue)


async def test_a_bomb_of_references_is_a_sentence(service: PreviewService, op: Operator) -> None:
    await op.write("x.svg", b'<!DOCTYPE svg [<!ENTITY a "b">]><svg>&a;</svg>')
    preview = await service.open(op, "x.svg", await op.stat("x.svg"))
    assert isinstance(preview.value, MessageValue)
    assert "entities" in preview.value.text


async def test_bytes_anywhere_in_a_sparse_terabyte_cost_one_block(
    tmp_path_factory: pytest.TempPathFactory, service: PreviewService
) -> None:
    root = tmp_path_factory.mktemp("sparse")
    with (root / "huge.bin").open("wb") as file:
        file.truncate(1 << 40)
        file.seek(777 << 30)
        file.write(b"\0needle")
    async with Operator("fs", root=str(root)) as op:
        preview = await service.open(op, "huge.bin", await op.stat("huge.bin"))
        assert isinstance(preview.value, HexValue)
        assert preview.source.total == 1 << 40
        assert await preview.source.read((777 << 30) + 1, (777 << 30) + 7) == b"needle"
        assert preview.source.bytes_read <= 4 * BLOCK
