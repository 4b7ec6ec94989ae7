"""Places as JSON: exact there and back, and nothing taken that was not written so."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dalbrowser.profiles import Location
from dalbrowser.session.payload import LIMIT, Payload, PayloadError, decode, encode

_KEYS = st.text(min_size=1, max_size=8)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(_KEYS, st.text(max_size=3), _KEYS), min_size=1, max_size=3), st.booleans()
)
def test_what_was_written_is_read_exactly(texts: list[tuple[str, str, str]], move: bool) -> None:
    # Objects: a folder would take in what lies below it.
    places = tuple(Location(profile, bucket, f"{key}x") for profile, bucket, key in texts)
    found = decode(encode(Payload(places, move)))
    assert found == Payload(tuple(dict.fromkeys(places)), move)


def test_odd_keys_stay_themselves() -> None:
    keys = ["/a", "a//b", " c ", "..", "%2F", "a\nb", "\udcff", "s3://x", "é", "e\u0301", "z/"]
    places = tuple(Location("id", "bucket", key) for key in keys)
    assert decode(encode(Payload(places))).places == places


def test_what_lies_in_a_folder_that_is_named_is_not_named_again() -> None:
    folder, inside = Location("id", "b", "a/"), Location("id", "b", "a/x/y")
    other = Location("id", "c", "a/x/y")
    assert decode(encode(Payload((inside, folder, other, folder)))).places == (folder, other)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b"null",
        b"[]",
        b'"text"',
        b'{"version":1,"move":false}',
        b'{"version":1,"move":false,"places":[]}',
        b'{"version":1,"move":false,"places":{}}',
        b'{"version":1,"move":false,"places":[[]]}',
        b'{"version":1,"move":false,"places":[["id","b"]]}',
        b'{"version":1,"move":false,"places":[["id","b","k","more"]]}',
        b'{"version":1,"move":false,"places":[["","b","k"]]}',
        b'{"version":1,"move":false,"places":[["id","b",7]]}',
        b'{"version":1,"move":false,"places":[["id",null,"k"]]}',
        b'{"version":1,"move":false,"places":["ibk"]}',
        b'{"version":1,"move":0,"places":[["id","b","k"]]}',
        b'{"version":1,"move":"no","places":[["id","b","k"]]}',
        b'{"version":2,"move":false,"places":[["id","b","k"]]}',
        b'{"version":true,"move":false,"places":[["id","b","k"]]}',
        b'{"version":1,"move":false,"places":[["id","b","k"]],"more":1}',
        b'{"version":1,"move":false,"places":[["id","b","k"],["id","b",null]]}',
    ],
)
def test_anything_else_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(PayloadError, match=r"^What was offered .*\w"):
        decode(data)


def test_too_many_are_refused_by_writer_and_reader() -> None:
    places = tuple(Location("id", "b", f"{number}") for number in range(LIMIT + 1))
    with pytest.raises(PayloadError, match="too many"):
        encode(Payload(places))
    assert len(decode(encode(Payload(places[:-1]))).places) == LIMIT
    many = [["id", "b", f"{number}"] for number in range(LIMIT + 1)]
    with pytest.raises(PayloadError, match="more than"):
        decode(json.dumps({"version": 1, "move": False, "places": many}).encode())
    with pytest.raises(PayloadError, match="too large"):
        decode(b" " * (32 * 1024 * 1024 + 1))


def test_nothing_of_a_connection_but_its_id_is_written() -> None:
    data = encode(Payload((Location("id", "b", "k"),), move=True))
    assert json.loads(data) == {"version": 1, "move": True, "places": [["id", "b", "k"]]}
