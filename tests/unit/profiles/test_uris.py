"""What is typed for a place: exact keys, and nothing remote mistaken for a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dalbrowser.profiles import (
    Location,
    Profile,
    ProfileStore,
    TargetError,
    absolute,
    builtin_profiles,
    format_location,
    parse_location,
    parse_target,
)
from dalbrowser.settings import Folders

VARIABLES = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION",
             "AWS_CA_BUNDLE")  # fmt: skip


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    # The files of whoever runs the tests say nothing here.
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    return make_store(tmp_path)


def make_store(base: Path) -> ProfileStore:
    folders = Folders.under(base)
    store = ProfileStore(folders.profiles_file, builtin_profiles(folders))
    store.save(Profile("w", "work", "s3", {"region": "eu-west-1"}))
    store.save(Profile("o", "one", "s3", {"bucket": "only"}))
    return store


ODD_KEYS = [
    "a", "a/b", "a//b", "/lead", "//two", "a/", "a//", "a/./b", "a/../b", "..", " a ", "a+b",
    "a%2Fb", "a?b=c#d", "s3://x/y", "e:f", "ключ", "👩‍🚀", "a\nb", "\x01",
]  # fmt: skip


@pytest.mark.parametrize("key", ODD_KEYS)
@pytest.mark.parametrize("head", ["s3://bucket/", "work:bucket/", "one:only/"])
def test_the_key_is_the_text_after_the_bucket(store: ProfileStore, head: str, key: str) -> None:
    target = parse_target(head + key, store)
    assert target.local is None
    assert target.location is not None
    assert target.location.path == key
    assert target.location.bucket in {"bucket", "only"}
    assert format_location(target.location, store) == head + key


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> ProfileStore:
    return make_store(tmp_path_factory.mktemp("store"))


@settings(deadline=None)  # a busy machine is no failure
@given(
    key=st.text(st.characters(exclude_categories=["Cs"])),
    bucket=st.from_regex(r"[a-z0-9.-]+", fullmatch=True),
)
def test_writing_and_reading_a_place_are_inverse(
    shared_store: ProfileStore, key: str, bucket: str
) -> None:
    for location in (Location("w", bucket, key), Location("home", "", key)):
        text = format_location(location, shared_store)
        assert parse_target(text, shared_store).location == location


def test_roots(store: ProfileStore) -> None:
    assert parse_location("work:", store) == Location("w")
    assert parse_location("work:bucket", store) == Location("w", "bucket")
    assert parse_location("work:bucket/", store) == Location("w", "bucket")
    assert parse_location("one:", store) == Location("o", "only")
    assert parse_location("home:", store) == Location("home")


@pytest.mark.parametrize(
    "text",
    ["a.txt", "./work:x", "/var/a:b", "dir/a:b", "../x", ":x", "work", "a b", "./s3://x"],
)
def test_local_paths(store: ProfileStore, text: str) -> None:
    target = parse_target(text, store)
    assert target.local == Path(text)
    assert target.location is None


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("backup:x", "backup"),
        ("gs://bucket/x", "gs"),
        ("fs://bucket/x", "saved connection"),
        ("s3:///key", "bucket"),
        ("work:/key", "bucket"),
        ("one:other/key", "only"),
        ("", "empty"),
        ("s3://bucket/\udcff", "UTF-8"),
    ],
)
def test_what_names_nothing_says_how_to_write_it(store: ProfileStore, text: str, word: str) -> None:
    with pytest.raises(TargetError, match=word):
        parse_target(text, store)


def test_adhoc_holds_no_secret_and_can_be_made_again(
    store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "me")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush")
    first = parse_target("s3://a/x", store, endpoint="http://h:1", region="r").profile
    assert first is not None
    assert first.config == {"credentials": "environment", "endpoint": "http://h:1", "region": "r"}
    assert "hush-hush" not in first.to_json()
    assert store.get(first.id) == first
    assert Profile.from_json(first.to_json()) == first
    again = parse_target("s3://b/y", store, endpoint="http://h:1", region="r").profile
    assert again == first
    elsewhere = parse_target("s3://a/x", store, endpoint="http://h:2", region="r").profile
    assert elsewhere is not None
    assert elsewhere.id != first.id


def test_environment_stands_in_for_what_is_not_given(
    store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://any:1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "default")
    profile = parse_target("s3://a/x", store).profile
    assert profile is not None
    assert (profile.config["endpoint"], profile.config["region"]) == ("http://any:1", "default")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://s3:2")
    monkeypatch.setenv("AWS_REGION", "wins")
    profile = parse_target("s3://a/x", store).profile
    assert profile is not None
    assert (profile.config["endpoint"], profile.config["region"]) == ("http://s3:2", "wins")
    profile = parse_target("s3://a/x", store, endpoint="http://given:3", region="").profile
    assert profile is not None
    assert profile.config.get("endpoint") == "http://given:3"
    assert "region" not in profile.config


def test_a_profile_of_the_aws_tools_stands_in_for_keys_that_are_not_in_the_environment(
    store: ProfileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    file = tmp_path / "aws-config"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))

    def config(**given: str) -> dict[str, str]:
        profile = parse_target("s3://a/x", store, **given).profile
        assert profile is not None
        return dict(profile.config)

    assert config() == {"credentials": "environment"}
    file.write_text(
        "[default]\nregion = eu-west-1\n[profile lab]\nregion = lab-1\nca_bundle = /ca\n"
        "endpoint_url = http://lab:1\n[profile cn]\nregion = cn-north-1\n"
    )
    default = {"credentials": "aws", "profile": "default"}
    assert config() == {**default, "region": "eu-west-1"}
    assert config(endpoint="http://h:1", region="") == {**default, "endpoint": "http://h:1"}
    monkeypatch.setenv("AWS_PROFILE", "cn")
    assert config() == {"credentials": "aws", "profile": "cn", "region": "cn-north-1"}
    monkeypatch.setenv("AWS_PROFILE", "lab")
    lab = {"endpoint": "http://lab:1", "region": "lab-1", "ca_file": "/ca"}
    assert config() == {"credentials": "aws", "profile": "lab", **lab}
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "me")
    assert config() == {"credentials": "environment", **lab}
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert "endpoint" not in config()
    file.write_text("rubbish")
    with pytest.raises(TargetError, match="cannot be read"):
        config()


def test_saved_connections_do_not_read_the_environment(
    store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://any:1")
    assert parse_target("work:b/k", store, endpoint="http://x").profile == store.get("w")


def test_a_local_path_is_a_place_in_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "dir").mkdir()
    store = make_store(tmp_path)
    assert parse_location(str(tmp_path / "dir"), store) == Location("home", "", "dir/")
    assert parse_location(str(tmp_path), store) == Location("home")
    with pytest.raises(TargetError, match="outside"):
        parse_location("/", store)
    with pytest.raises(TargetError, match="no-such-person"):
        parse_location("~no-such-person/x", store)


def test_a_relative_path_is_one_in_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home/one").mkdir(parents=True)
    (tmp_path / "home/two").mkdir()
    (tmp_path / "home/link").symlink_to("one", target_is_directory=True)
    store = make_store(tmp_path)
    monkeypatch.chdir(tmp_path / "home/link")
    assert parse_location("../two", store) == Location("home", "", "two/")
    assert parse_location("..", store) == Location("home")
    assert parse_location("~/link", store) == Location("home", "", "link/")
    (tmp_path / "other name").symlink_to("home", target_is_directory=True)
    assert parse_location(f"{tmp_path}/other name/two", store) == Location("home", "", "two/")
    with pytest.raises(TargetError, match="outside"):
        parse_location("../..", store)


def test_a_local_path_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert absolute("a") == absolute("./a") == absolute("~/a") == str(tmp_path / "a")
    assert absolute("./s3:x") == str(tmp_path / "s3:x")
    for text in ("s3://b/../k", "home:a/../b", "work:"):
        assert absolute(text) == text
