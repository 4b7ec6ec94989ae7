"""XML from servers: bombs, declarations and other encodings are refused; keys come over exactly."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.net import xml

BOMB = (
    b'<!DOCTYPE a [<!ENTITY x "ha">'
    + b"".join(
        b'<!ENTITY x%d "%s">' % (i, b"&x%s;" % (str(i - 1).encode() if i else b"") * 10)
        for i in range(9)
    )
    + b"]><a>&x8;</a>"
)


@pytest.mark.parametrize(
    "document",
    [
        BOMB,
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1/">]><a>&x;</a>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a><a/>'.encode("utf-16"),
        b"\x4c\x6f\xa7\x94\x93",
        b"",
        b"   ",
        b"not xml",
        b"<a><b></a>",
        b"<a>&undefined;</a>",
        b"<a>" + b"x" * xml.MAX_DOCUMENT + b"</a>",
        "<a>\xe9</a>".encode("latin-1"),
    ],
    ids=range(12),
)
def test_what_is_not_plain_xml_is_refused(document: bytes) -> None:
    with pytest.raises(StorageError) as caught:
        xml.parse(document, "The reply")
    assert caught.value.kind is ErrorKind.UNEXPECTED
    assert "The reply" in caught.value.message


def test_characters_that_xml_cannot_hold_are_read_as_ceph_writes_them() -> None:
    assert xml.parse(b"<a>x\x01y&#x2;z</a>", "The reply").text == "x\x01y\x02z"


def test_leading_white_space_and_namespaces() -> None:
    root = xml.parse(b'\n \n<?xml version="1.0"?><r xmlns="urn:x"><k> a </k></r>', "x")
    assert xml.local(root.tag) == "r"
    assert xml.text_of(root, "k") == " a "
    assert xml.text_of(root, "none") is None


@given(st.text(min_size=1))
def test_what_can_be_carried_comes_over_exactly(text: str) -> None:
    if xml.can_carry(text):
        assert ET.fromstring(xml.element("Key", text).encode()).text == text  # noqa: S314


@pytest.mark.parametrize("text", ["a\x01", "a\nb", "a\rb", "\ta", " a", "a ", "\ufffe", "\x85", ""])
def test_what_cannot_be_carried(text: str) -> None:
    assert xml.can_carry(text) is (text == "")


@pytest.mark.parametrize("text", ["plain", "a&b<c>", "é", "e\u0301", "😀", "a b", "\ufffd"])
def test_what_can(text: str) -> None:
    assert xml.can_carry(text)
