"""What stands on a service: whether a folder has anything in it."""

from __future__ import annotations

import pytest

from dalbrowser.storage import Operator
from dalbrowser.transfer.remote import is_empty


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
