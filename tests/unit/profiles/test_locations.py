"""Places: parents, names and children of exact keys."""

from __future__ import annotations

import pytest

from dalbrowser.profiles import Location


@pytest.mark.parametrize(
    ("path", "parent", "name"),
    [
        ("a", "", "a"),
        ("a/b", "a/", "b"),
        ("a/b/", "a/", "b/"),
        ("a//", "a/", "/"),
        ("/x", "/", "x"),
        ("/", "", "/"),
    ],
)
def test_parent_and_name_put_together_are_the_key(path: str, parent: str, name: str) -> None:
    place = Location("p", "b", path)
    assert place.parent == Location("p", "b", parent)
    assert place.name == name
    assert place.parent.child(place.name) == place


def test_above_a_bucket_is_the_root_and_above_that_itself() -> None:
    bucket = Location("p", "b")
    assert bucket.name == "b"
    assert bucket.parent == Location("p")
    assert bucket.parent.parent == Location("p")
    assert bucket.parent.is_root
    assert not bucket.is_root


def test_folders() -> None:
    assert Location("p").is_folder
    assert Location("p", "b").is_folder
    assert Location("p", "b", "a/").is_folder
    assert not Location("p", "b", "a").is_folder
