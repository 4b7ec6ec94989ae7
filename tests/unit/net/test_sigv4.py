"""SigV4 against the examples that AWS publishes.

Sources: S3 API Reference, "Signature calculations for the Authorization header:
transferring payload in a single chunk" and "Authenticating requests: using query
parameters"; AWS Signature Version 4 test suite, ``get-vanilla``. Keys, times and
signatures are theirs.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalbrowser.storage.net.sigv4 import (
    EMPTY_SHA256,
    Signable,
    SigningKey,
    encode,
    presign,
    query_string,
    sign_headers,
)

KEY = SigningKey("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
WHEN = datetime(2013, 5, 24, tzinfo=UTC)
HOST = "examplebucket.s3.amazonaws.com"
STAMP = "20130524T000000Z"
WELCOME = hashlib.sha256(b"Welcome to Amazon S3.").hexdigest()

EXAMPLES = [
    (
        "GET",
        "/test.txt",
        {"range": "bytes=0-9"},
        EMPTY_SHA256,
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ),
    (
        "PUT",
        "/test%24file.text",
        {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
        WELCOME,
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    ),
    (
        "GET",
        "/?lifecycle=",
        {},
        EMPTY_SHA256,
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    ),
    (
        "GET",
        "/?max-keys=2&prefix=J",
        {},
        EMPTY_SHA256,
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    ),
]


@pytest.mark.parametrize(("method", "target", "extra", "digest", "signature"), EXAMPLES)
def test_published_header_examples(
    method: str, target: str, extra: dict[str, str], digest: str, signature: str
) -> None:
    headers = {"host": HOST, "x-amz-content-sha256": digest, "x-amz-date": STAMP, **extra}
    value = sign_headers(KEY, Signable(method, target, headers, digest), WHEN)
    names = ";".join(sorted(headers))
    assert value == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        f"SignedHeaders={names},Signature={signature}"
    )


def test_published_presigned_example() -> None:
    what = Signable("GET", "/test.txt", {"host": HOST})
    assert presign(KEY, what, [], 86400, WHEN) == (
        "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )


def test_get_vanilla_of_the_test_suite() -> None:
    key = SigningKey("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", service="service")
    headers = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}
    when = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
    value = sign_headers(key, Signable("GET", "/", headers, EMPTY_SHA256), when)
    assert value.endswith(
        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    )


def test_a_changed_target_has_another_signature() -> None:
    headers = {"host": HOST, "x-amz-date": STAMP}
    signed = {sign_headers(KEY, Signable("GET", t, headers), WHEN) for t in ("/a", "/b", "/a?x=")}
    assert len(signed) == 3


def test_secrets_are_not_shown() -> None:
    key = SigningKey("id", "very-secret", "a-token")
    assert "very-secret" not in repr(key)
    assert "a-token" not in repr(key)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_encoding_is_reversible_and_plain(text: str) -> None:
    from urllib.parse import unquote

    found = encode(text, slash=True)
    assert unquote(found) == text
    assert all(c.isascii() and (c.isalnum() or c in "-._~%/") for c in found)


def test_query_is_ordered_by_encoded_name() -> None:
    assert query_string([("b", "2"), ("a", "x y+/"), ("B", "")]) == "B=&a=x%20y%2B%2F&b=2"
