"""What a transfer brought is in the list of the folder that is shown, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.profiles import Location
from dalbrowser.transfer import JobState
from tests.ui.driver import Driver

if TYPE_CHECKING:
    from pathlib import Path

    from dalbrowser.ui.window import MainWindow
    from tests.ui.stage import Stage


def test_the_folder_that_is_shown_is_no_row_of_itself(
    stage: Stage, window: MainWindow, tmp_path: Path
) -> None:
    local = tmp_path / "trip"
    (local / "deep").mkdir(parents=True)
    (local / "deep" / "2.txt").write_bytes(b"2")
    (local / "1.txt").write_bytes(b"1")
    (stage.files / "trip").mkdir()

    async def story() -> None:
        person = Driver(stage, window)
        window.open_location(Location("files", "", "trip/"))
        await person.listed()
        ids = await stage.session.transfers.upload([local], Location("files", "", ""))
        views = await stage.session.transfers.wait(ids)
        assert [view.state for view in views] == [JobState.DONE]
        assert [view.key for view in views] == ["trip/"]
        await person.listed("deep", "1.txt")
        job = window.panels.transfers.model
        await stage.until(
            lambda: [view.state for view in job.jobs() if view.is_folder] == [JobState.DONE],
            "the end of the folder in the panel",
        )
        window.tab.traffic._settle.timeout.emit()
        await stage.until(lambda: not stage.session.tasks.live, "the look at what arrived")
        await person.listed("deep", "1.txt")

    stage.run(story())
