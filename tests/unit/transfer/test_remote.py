"""What stands on a service: whether a folder has anything in it, and what is asked about a name."""

from __future__ import annotations

import pytest

from dalbrowser.storage import Metadata, Operator
from dalbrowser.transfer.remote import describe_existing, is_empty


@pytest.mark.parametrize(
    ("keys", "empty", "nothing"),
    [
        ((), True, True),
        (("ab", "b/c"), True, True),
        (("a/",), True, False),
        (("a/", "a/b"), False, False),
        (("a/b/c",), False, False),
    ],
)
async def test_the_marker_of_a_folder_counts_only_where_asked(
    keys: tuple[str, ...], empty: bool, nothing: bool
) -> None:
    op = Operator("memory")
    for key in keys:
        if key.endswith("/"):
            await op.create_dir(key)
        else:
            await op.write(key, b"x")
    assert await is_empty(op, "a/") is empty
    assert await is_empty(op, "a/", with_marker=True) is nothing
    assert await is_empty(op, "") is not bool(keys)


def test_a_name_that_would_fill_the_question_is_shortened_in_the_middle() -> None:
    there = Metadata(content_length=4)
    assert describe_existing("a/b.txt", there).startswith("b.txt exists already (4 bytes)")
    name = f"{'first ' * 20}and {'last ' * 20}.mov"
    asked = describe_existing(f"a/{name}", there).partition(" exists")[0]
    assert len(asked) < 100
    assert asked.startswith("first first")
    assert asked.endswith("last last .mov")
