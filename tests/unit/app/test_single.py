"""The socket by which a second start reaches the first window."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from pathlib import Path

import pytest

from dalbrowser.app.arguments import parse
from dalbrowser.app.single import Doorbell, hand_over
from dalbrowser.settings import Folders


def sockets() -> set[str]:
    """Return the sockets that this process has open."""
    found = set()
    for number in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(str(number.readlink()))
    return {name for name in found if name.startswith("socket:")}


@pytest.mark.parametrize("turns", range(12))
async def test_an_end_while_it_is_being_opened_leaves_no_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    folders = Folders.under(tmp_path)

    async def at_once(call: object, *args: object, **kwargs: object) -> object:
        assert callable(call)
        return call(*args, **kwargs)

    # Without threads the turn at which it is cut off is always the same.
    monkeypatch.setattr("dalbrowser.app.single.asyncio.to_thread", at_once)
    before = sockets()
    bell = Doorbell(folders, lambda _asked: None)
    opening = asyncio.ensure_future(bell.open())
    for _ in range(turns):
        await asyncio.sleep(0)
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
    await bell.close()
    await asyncio.sleep(0)
    gc.collect()
    assert sockets() == before
    assert not (folders.state / "window.socket").exists()


async def test_what_was_closed_is_not_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = Folders.under(tmp_path)
    bell = Doorbell(folders, lambda _asked: None)
    await bell.close()
    await bell.open()
    assert not (folders.state / "window.socket").exists()


async def test_a_place_is_handed_over_as_it_is_meant_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://here:1")
    monkeypatch.chdir(tmp_path)
    folders = Folders.under(tmp_path / "home")
    asked: list[dict[str, object]] = []
    bell = Doorbell(folders, asked.append)
    await bell.open()
    for words in (["photos"], ["s3://b/../k"], ["work:x", "--endpoint", "http://other:2"]):
        arguments = parse(words)
        assert not isinstance(arguments, int)
        assert await hand_over(folders, arguments)
    # A file that cannot be read is for the window to say.
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path))
    unread = parse(["work:x"])
    assert not isinstance(unread, int)
    assert await hand_over(folders, unread)
    await bell.close()
    assert asked.pop()["location"] == "work:x"
    assert [(one["location"], one["endpoint"]) for one in asked] == [
        (str(tmp_path / "photos"), "http://here:1"),
        ("s3://b/../k", "http://here:1"),
        ("work:x", "http://other:2"),
    ]
