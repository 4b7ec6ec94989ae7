"""A long delete says how far it is, and can be stopped."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from dalbrowser.profiles import Location
from dalbrowser.session import browse
from dalbrowser.storage import Operator
from tests.ui.driver import Driver

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from dalbrowser.ui.window import MainWindow
    from tests.ui.stage import Stage


def test_a_long_delete_is_told_and_can_be_stopped(
    stage: Stage, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        stage.put(f"{number}.txt", b"x")
    person = Driver(stage, window)
    delete_many = Operator.delete_many
    never = asyncio.Event()
    asked: list[list[str]] = []

    async def held(self: Operator, paths: Iterable[str], **options: Any) -> Any:
        asked.append(list(paths))
        if len(asked) == 2:
            await never.wait()
        return await delete_many(self, asked[-1], **options)

    monkeypatch.setattr(browse, "_TOGETHER", 2)
    monkeypatch.setattr(Operator, "delete_many", held)

    async def story() -> None:
        window.open_location(Location("files"))
        await person.listed(*(f"{number}.txt" for number in range(6)))
        await stage.until(person.action("upload").isEnabled, "the capability")
        person.do("select_all")
        await stage.until(person.action("delete").isEnabled, "the selection")
        person.do("delete")
        person.press("deleteDialogConfirm")
        await person.says("noticeText", "Deleting 6 items, 2 so far")
        assert person.text("noticeButton") == "Stop"
        person.press("noticeButton")
        await person.says("noticeText", "Stopped")
        await person.listed("2.txt", "3.txt", "4.txt", "5.txt")
        assert [len(some) for some in asked] == [2, 2]
        # The next one is another: it says nothing of a stop.
        person.select("2.txt")
        person.do("delete")
        person.press("deleteDialogConfirm")
        await person.listed("3.txt", "4.txt", "5.txt")
        assert not person.text("noticeText")

    stage.run(story())
