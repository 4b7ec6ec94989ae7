"""Signatures of any request are those of botocore, which shares no code with this project."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalbrowser.storage.net import dates, sigv4

auth = pytest.importorskip("botocore.auth")
awsrequest = pytest.importorskip("botocore.awsrequest")
credentials = pytest.importorskip("botocore.credentials")

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
KEY = sigv4.SigningKey("AKIDEXAMPLE", SECRET, region="eu-north-1")
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
value = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)
name = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12).map("x-amz-meta-".__add__)


@given(
    method=st.sampled_from(["GET", "PUT", "POST", "HEAD", "DELETE"]),
    key=text,
    query=st.lists(st.tuples(text, text), max_size=4),
    headers=st.dictionaries(name, value, max_size=4),
    body=st.binary(max_size=20),
    when=st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)),  # noqa: DTZ001 - made aware
)
def test_signatures_are_botocores(
    *,
    method: str,
    key: str,
    query: list[tuple[str, str]],
    headers: dict[str, str],
    body: bytes,
    when: datetime,
) -> None:
    when = when.replace(tzinfo=UTC)
    digest = hashlib.sha256(body).hexdigest()
    target = f"/bucket/{sigv4.encode(key, slash=True)}"
    if query:
        target += f"?{sigv4.query_string(query)}"
    sent = {
        **headers,
        "host": "127.0.0.1:9000",
        "x-amz-date": dates.amz(when),
        "x-amz-content-sha256": digest,
    }
    ours = sigv4.sign_headers(KEY, sigv4.Signable(method, target, sent, digest), when)

    request = awsrequest.AWSRequest(
        method, f"http://127.0.0.1:9000{target}", headers=sent, data=body
    )
    assert urlsplit(request.url).path == target.partition("?")[0]
    request.context["timestamp"] = dates.amz(when)
    signer = auth.S3SigV4Auth(
        credentials.Credentials(KEY.access_key_id, SECRET), KEY.service, KEY.region
    )
    words = signer.string_to_sign(request, signer.canonical_request(request))
    assert ours.rpartition("Signature=")[2] == signer.signature(words, request)
    assert f"Credential={signer.scope(request)}," in ours
