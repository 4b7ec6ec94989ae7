"""Texts of the common encodings are read as themselves; bytes that are no text are not."""

from __future__ import annotations

import codecs
import gzip
import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dalbrowser.preview.encodings import guess
from dalbrowser.preview.lines import TextForm

GERMAN = "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. " * 20
FRENCH = "Voix ambiguë d'un cœur qui, au zéphyr, préfère les jattes de kiwis. " * 20
CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy. " * 20
RUSSIAN = "Съешь же ещё этих мягких французских булок, да выпей чаю. " * 30


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=("Cc", "Cs"))), st.integers(0, 3))
def test_utf8_is_utf8_wherever_the_sample_is_cut(text: str, cut: int) -> None:
    data = text.encode()
    head = data[: len(data) - cut] if len(data) > 3 else data
    assert guess(head, data[cut:]) == TextForm("utf-8", 1, b"\n", 0) or data.startswith(
        codecs.BOM_UTF8
    )


@pytest.mark.parametrize(
    ("encoding", "mark", "unit"),
    [
        ("utf-8", codecs.BOM_UTF8, 1),
        ("utf-16-le", codecs.BOM_UTF16_LE, 2),
        ("utf-16-be", codecs.BOM_UTF16_BE, 2),
        ("utf-32-le", codecs.BOM_UTF32_LE, 4),
        ("utf-32-be", codecs.BOM_UTF32_BE, 4),
    ],
)
def test_a_mark_decides(encoding: str, mark: bytes, unit: int) -> None:
    form = guess(mark + "häus\n".encode(encoding))
    assert form == TextForm(encoding, unit, "\n".encode(encoding), len(mark))


SHORT = [
    ("名前,住所\n山田太郎,東京都\n", "shift_jis"),
    ("売上データ.csv を確認してください", "shift_jis"),
    ("これはテストです。\n", "euc_jp"),
    ("姓名,年龄\n张三,25\n李四,30\n", "gbk"),
    ("你好", "gbk"),
    ("这是一个测试文件。\n你好，世界\n", "gb18030"),
    ("這是一個測試檔案。\n", "big5"),
    ("안녕하세요, 세계\n", "euc_kr"),
    ("Это проверка кодировки текста.\n", "koi8_r"),
    ("Привет мир", "cp1251"),
    ("Привет, как дела?", "cp866"),
    ("Müller GmbH\n", "cp1252"),
    ("21 °C, µm\n", "cp1252"),
    ("Ação, coração, não, São João\n", "cp1252"),
    ("Räksmörgås på Åland\n", "cp1252"),
    ("Καλημέρα κόσμε, τι κάνεις;\n", "cp1253"),
    ("مرحبا بالعالم كيف حالك اليوم\n", "cp1256"),
    ("אני הולך לבית הספר עם החברים שלי, ולפתע מצא חברה.\n", "cp1255"),
    ("ｱｲｳｴｵ ｶﾀｶﾅ 半角テスト\n", "cp932"),
]


@pytest.mark.parametrize(("text", "encoding"), SHORT, ids=[text[:12] for text, _ in SHORT])
def test_a_line_or_two_is_enough(text: str, encoding: str) -> None:
    data = text.encode(encoding)
    form = guess(data)
    assert form is not None
    assert data.decode(form.encoding) == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "text",
    ["这是一个测试文件。\n世界 123\n", "Это проверка.\n", "これはテスト\r\n", "안녕 하세요\n"],
)
def test_wide_text_without_a_mark_in_any_script(encoding: str, text: str) -> None:
    form = guess(text.encode(encoding))
    assert form is not None
    assert (form.encoding, form.unit) == (encoding, 2)


def test_words_with_zeros_between_them_are_no_chinese() -> None:
    assert guess(b"hello\0world\0all the facts\0" * 9) is None
    assert guess(b"".join(struct.pack("<i", number) for number in range(0, 90_000, 77))) is None


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_wide_text_without_a_mark(encoding: str) -> None:
    form = guess((GERMAN + "\r\n").encode(encoding))
    assert form is not None
    assert (form.encoding, form.unit) == (encoding, 2)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(GERMAN, "cp1252"), (FRENCH, "cp1252"), (CZECH, "cp1250"), (RUSSIAN, "cp1251")],
)
def test_an_old_encoding_reads_back(text: str, encoding: str) -> None:
    data = text.encode(encoding)
    form = guess(data, data)
    assert form is not None
    assert data.decode(form.encoding) == text


@pytest.mark.parametrize("text", [GERMAN, RUSSIAN])
def test_one_damaged_character_does_not_turn_a_text_into_another_language(text: str) -> None:
    data = text.encode()
    form = guess(data + b"\xff\n" + data)
    assert form == TextForm("utf-8", 1, b"\n", 0)


@pytest.mark.parametrize(
    ("text", "encoding"), [("café/crème-brûlée", "latin-1"), (RUSSIAN[:60], "cp1251")]
)
def test_words_far_down_in_a_log_are_read_as_they_were_written(text: str, encoding: str) -> None:
    plain = b"GET /index.html 200 took 14 ms\n" * 4000
    data = plain + f"GET {text} 200\n".encode(encoding) + plain[:8000]
    form = guess(data)
    assert form is not None
    assert text in data.decode(form.encoding, "replace")


def test_only_carriage_returns_end_lines_where_there_is_nothing_else() -> None:
    assert guess(b"one\rtwo\r") == TextForm("utf-8", 1, b"\r", 0)
    assert guess(b"one\r\ntwo\r") == TextForm("utf-8", 1, b"\n", 0)


@pytest.mark.parametrize(
    "data",
    [
        b"\x7fELF\x02\x01\x01\0\0\0\0",
        gzip.compress(random.Random(1).randbytes(4000)),
        random.Random(2).randbytes(5000),
        b"PK\x03\x04\x14\0\0\0",
        bytes(4096),
    ],
)
def test_binary_is_no_text(data: bytes) -> None:
    assert guess(data) is None


def test_terminal_colours_are_text() -> None:
    assert guess(b"\x1b[31mred\x1b[0m\tand\x0cform feed\n" * 9) is not None


@settings(deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=300))
def test_a_guess_never_fails_and_always_decodes(head: bytes, tail: bytes) -> None:
    form = guess(head, tail)
    if form is not None:
        assert isinstance(head.decode(form.encoding, "replace"), str)
