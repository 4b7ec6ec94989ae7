"""A profile carries no secret out of memory, and comes back as it was."""

from __future__ import annotations

import pytest

from dalbrowser.profiles import Profile, secret_fields
from dalbrowser.storage import ErrorKind, StorageError

WORK = Profile("id-1", "work", "s3", {"endpoint": "http://127.0.0.1:9000", "access_key_id": "me"})


def test_json_comes_back_equal() -> None:
    assert Profile.from_json(WORK.to_json()) == WORK
    builtin = Profile("home", "home", "fs", {"root": "/srv"}, builtin=True)
    assert Profile.from_json(builtin.to_json()) == builtin


def test_json_is_the_same_whatever_the_order() -> None:
    turned = Profile("id-1", "work", "s3", dict(reversed(list(WORK.config.items()))))
    assert turned.to_json() == WORK.to_json()


def test_configuration_is_a_copy_and_frozen() -> None:
    given = {"root": "/a"}
    profile = Profile("1", "one", "fs", given)
    given["root"] = "/b"
    assert profile.config["root"] == "/a"
    with pytest.raises(TypeError):
        profile.config["root"] = "/c"  # type: ignore[index]


def test_secret_fields_of_s3() -> None:
    found = secret_fields("s3")
    assert {"secret_access_key", "session_token"} <= found
    assert "access_key_id" not in found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("secret_access_key", "hush-hush"),
        ("session_token", "hush-hush"),
        ("endpoint", "http://me:hush-hush@127.0.0.1:9000"),
        ("proxy", "http://me:hush-hush@127.0.0.1:3128"),
        ("proxy", "me:hush-hush@127.0.0.1:3128"),
        ("proxy_password", "hush-hush"),
    ],
)
def test_json_refuses_a_secret_and_does_not_repeat_it(name: str, value: str) -> None:
    profile = Profile("1", "leaky", "s3", {name: value})
    with pytest.raises(StorageError) as caught:
        profile.to_json()
    assert caught.value.kind is ErrorKind.CONFIG_INVALID
    assert name in str(caught.value)
    assert "hush-hush" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"id": "1", "name": "", "scheme": "fs"}', '{"id":1,"name":"a","scheme":"fs"}',
     '{"id": "1", "name": "a", "scheme": "fs", "config": {"root": 1}}'],
)  # fmt: skip
def test_json_that_is_no_profile_is_refused(text: str) -> None:
    with pytest.raises(StorageError, match="saved connection"):
        Profile.from_json(text)


def test_which_services_have_buckets() -> None:
    assert WORK.has_buckets
    assert not Profile("1", "one", "fs").has_buckets
