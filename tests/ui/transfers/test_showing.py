"""*Show in folder*: the file itself where a file manager can, else the folder it is in."""

from __future__ import annotations

import shutil
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QUrl

from dalbrowser.transfer import JobState
from dalbrowser.ui import showing
from tests.servers.desktop import services

if TYPE_CHECKING:
    from pathlib import Path

    from dalbrowser.ui.transfers.panel import TransferPanel
    from tests.ui.stage import Stage

NAME = "a b#é.txt"
BUS = "DBUS_SESSION_BUS_ADDRESS"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where downloads go."""
    made = tmp_path / "down é"
    made.mkdir()
    return made


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that the desktop would open."""
    paths: list[str] = []

    def note(url: QUrl) -> bool:
        paths.append(url.toLocalFile())
        return True

    monkeypatch.setattr(showing, "QDesktopServices", SimpleNamespace(openUrl=note))
    return paths


async def download(stage: Stage, panel: TransferPanel, folder: Path) -> Path:
    """Download a file into a folder and press *Show in folder*."""
    await stage.session.transfers.start()
    await stage.session.transfers.download([(stage.put(NAME, b"1"), None)], folder)
    await stage.until(
        lambda: panel.model.rowCount() and panel.model.job_at(0).state is JobState.DONE, "its end"
    )
    panel.view.selectRow(0)
    panel.actions_by_id["show_transfer"].trigger()
    return folder / NAME


def test_a_file_manager_is_asked_to_select_it(
    stage: Stage,
    panel: TransferPanel,
    folder: Path,
    opened: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert shutil.which("dbus-daemon"), "dbus-daemon is not installed (apt install dbus-daemon)"
    with services({}) as there:
        monkeypatch.setenv(BUS, there.environment[BUS])

        async def story() -> None:
            path = await download(stage, panel, folder)
            await stage.until(lambda: there.shown, "what the file manager was asked")
            assert [QUrl(url).toLocalFile() for url in there.shown] == [str(path)]
            assert path.read_bytes() == b"1"

        stage.run(story())
    assert opened == []


@pytest.mark.parametrize("bus", ["", "unix:path=/nowhere/bus"])
def test_without_one_its_folder_is_opened(  # noqa: PLR0917 -- fixtures
    stage: Stage,
    panel: TransferPanel,
    folder: Path,
    opened: list[str],
    monkeypatch: pytest.MonkeyPatch,
    bus: str,
) -> None:
    monkeypatch.setenv(BUS, bus)

    async def story() -> None:
        path = await download(stage, panel, folder)
        await stage.until(lambda: opened, "the folder")
        assert opened == [str(path.parent)]

    stage.run(story())
