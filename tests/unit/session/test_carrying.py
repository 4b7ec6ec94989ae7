"""What may go where: the usual, what keys ask for, and every refusal with its reason."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from dalbrowser.profiles import Location, Profile, ProfileStore
from dalbrowser.session.carrying import Cargo, Deed, Refusal, Verdict, judge

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    """Two servers, one of them by two connections; one folder, and a folder in it."""
    found = ProfileStore(tmp_path / "connections.json")
    one = {"endpoint": "http://127.0.0.1:1", "region": "us-east-1"}
    found.save(Profile("one", "one", "s3", one))
    found.save(Profile("one too", "one too", "s3", {**one, "bucket": "photos"}))
    found.save(Profile("rooted", "rooted", "s3", {**one, "bucket": "photos", "root": "2024/"}))
    found.save(Profile("two", "two", "s3", {**one, "endpoint": "http://127.0.0.1:2"}))
    (tmp_path / "files" / "deep").mkdir(parents=True)
    found.save(Profile("disk", "disk", "fs", {"root": str(tmp_path / "files")}))
    found.save(Profile("deep", "deep", "fs", {"root": str(tmp_path / "files" / "deep")}))
    return found


def at(text: str) -> Location:
    profile, _, rest = text.partition(":")
    bucket, slash, key = rest.partition("/") if profile not in {"disk", "deep"} else ("", "", rest)
    return Location(profile, bucket, key if slash or not bucket else "")


def ask(store: ProfileStore, items: str, target: str, wish: Deed | None = None) -> Verdict:
    cargo = Cargo(tuple(at(item) for item in items.split()))
    return judge(cargo, at(target), store, wish=wish)


@pytest.mark.parametrize(
    ("items", "target", "wish", "deed"),
    [
        ("one:photos/a", "one:photos/sub/", None, Deed.MOVE),
        ("one:photos/a", "one:photos/sub/", Deed.COPY, Deed.COPY),
        ("one:photos/a/b", "one:photos/", None, Deed.MOVE),
        ("one:photos/a", "one:other/", None, Deed.COPY),
        ("one:photos/a", "two:photos/", None, Deed.COPY),
        ("one:photos/a", "two:photos/", Deed.MOVE, Deed.MOVE),
        ("one:photos/a", "disk:", None, Deed.COPY),
        ("disk:a", "disk:deep/", None, Deed.MOVE),
        ("one:photos/a", "one:photos/", Deed.COPY, Deed.COPY),
        ("one:photos/a/", "one:photos/", Deed.COPY, Deed.COPY),
        ("one:photos/ab/", "one:photos/a/", None, Deed.MOVE),
        ("one:photos/a//", "one:photos/", None, Deed.MOVE),
    ],
)
def test_what_is_done(
    store: ProfileStore, items: str, target: str, wish: Deed | None, deed: Deed
) -> None:
    found = ask(store, items, target, wish)
    assert (found.deed, found.refusal) == (deed, None)


@pytest.mark.parametrize(
    ("items", "target", "wish", "refusal"),
    [
        ("one:photos/a", "one:photos/", None, Refusal.ALREADY_THERE),
        ("one:photos/a/", "one:photos/", None, Refusal.ALREADY_THERE),
        ("one:photos/x/a one:photos/b", "one:photos/", None, Refusal.ALREADY_THERE),
        ("one:photos/a/", "one:photos/a/", None, Refusal.INTO_ITSELF),
        ("one:photos/a/", "one:photos/a/", Deed.COPY, Refusal.INTO_ITSELF),
        ("one:photos/a/", "one:photos/a/b/c/", Deed.COPY, Refusal.INTO_ITSELF),
        # The same place by another connection.
        ("one:photos/a", "one too:photos/", Deed.MOVE, Refusal.ALREADY_THERE),
        ("one:photos/a/", "one too:photos/a/b/", Deed.COPY, Refusal.INTO_ITSELF),
        ("one:photos/2024/", "rooted:photos/x/", Deed.COPY, Refusal.INTO_ITSELF),
        ("one:photos/2024/a", "rooted:photos", Deed.MOVE, Refusal.ALREADY_THERE),
        ("disk:deep/", "deep:", Deed.COPY, Refusal.INTO_ITSELF),
        ("disk:deep/a", "deep:", Deed.MOVE, Refusal.ALREADY_THERE),
        ("one:photos/a", "one:", None, Refusal.BUCKETS),
        ("one:photos", "two:photos/", None, Refusal.WHOLE_BUCKET),
        ("one:photos/a", "one:photos/file", None, Refusal.NO_PLACE),
        ("gone:photos/a", "one:photos/", None, Refusal.UNKNOWN),
        ("one:photos/a", "gone:photos/", None, Refusal.UNKNOWN),
    ],
)
def test_what_is_refused(
    store: ProfileStore, items: str, target: str, wish: Deed | None, refusal: Refusal
) -> None:
    found = ask(store, items, target, wish)
    assert found.refusal is refusal
    assert not found.allowed


def test_a_connection_bound_to_a_bucket_takes_files_at_its_root(store: ProfileStore) -> None:
    found = judge(Cargo((at("two:b/a"),)), Location("one too"), store)
    assert (found.deed, found.refusal) == (Deed.COPY, None)


def test_files_are_uploaded_but_not_onto_themselves(store: ProfileStore, tmp_path: Path) -> None:
    def upload(path: Path, target: str) -> Verdict:
        return judge(Cargo(paths=(path,)), at(target), store, wish=Deed.MOVE)

    files = tmp_path / "files"
    assert upload(tmp_path / "x", "one:photos/").deed is Deed.UPLOAD
    assert upload(tmp_path / "x", "disk:").allowed
    assert upload(files / "x", "deep:").allowed
    assert upload(files / "x", "disk:").refusal is Refusal.ALREADY_THERE
    assert upload(files / "deep", "deep:").refusal is Refusal.INTO_ITSELF
    assert upload(tmp_path, "disk:deep/").refusal is Refusal.INTO_ITSELF
    assert judge(Cargo(), at("disk:"), store).refusal is Refusal.NOTHING
    assert judge(Cargo(paths=(files,)), None, store).refusal is Refusal.NO_PLACE


def test_links_are_seen_through_when_asked_for(store: ProfileStore, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "files")
    store.save(Profile("linked", "linked", "fs", {"root": str(tmp_path / "link")}))
    cargo, target = Cargo((at("disk:a"),)), Location("linked")
    assert judge(cargo, target, store, wish=Deed.MOVE).allowed
    found = judge(cargo, target, store, wish=Deed.MOVE, resolve=os.path.realpath)
    assert found.refusal is Refusal.ALREADY_THERE


def test_only_moves_of_many_and_of_folders_are_asked_about(store: ProfileStore) -> None:
    many = " ".join(f"one:photos/{number}" for number in range(11))
    few = " ".join(f"one:photos/{number}" for number in range(10))
    assert ask(store, many, "one:photos/sub/").asks
    assert not ask(store, few, "one:photos/sub/").asks
    assert ask(store, "one:photos/a/", "one:photos/sub/").asks
    assert not ask(store, many, "one:other/").asks


def test_a_copy_beside_itself_is_known_as_one(store: ProfileStore) -> None:
    assert ask(store, "one:photos/a", "one:photos/", Deed.COPY).beside
    assert not ask(store, "one:photos/a", "one:photos/b/", Deed.COPY).beside
