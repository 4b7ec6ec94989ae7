"""*Open* and *Show in folder* of what was deleted or moved on this computer since."""

from __future__ import annotations

import shutil
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QUrl

from dalbrowser.transfer import JobState
from dalbrowser.ui.transfers import arrived
from tests.ui.transfers.hands import all_in, press, select

if TYPE_CHECKING:
    from pathlib import Path

    from dalbrowser.ui.transfers.panel import TransferPanel
    from tests.ui.stage import Stage


@pytest.mark.parametrize("verb", ["open_transfer", "show_transfer"])
def test_what_is_gone_from_the_disk_is_said(
    stage: Stage,
    panel: TransferPanel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
) -> None:
    opened: list[str] = []
    desktop = SimpleNamespace(openUrl=lambda url: opened.append(QUrl(url).toLocalFile()))
    monkeypatch.setattr(arrived, "QDesktopServices", desktop)

    async def story() -> None:
        target = tmp_path / "down"
        target.mkdir()
        await stage.session.transfers.start()
        await stage.session.transfers.download([(stage.put("a.txt", b"1"), None)], target)
        await all_in(stage, panel, JobState.DONE, 1)
        select(panel, "a.txt")
        panel.actions_by_id["open_transfer"].trigger()
        await stage.until(lambda: opened == [str(target / "a.txt")], "the file on the desktop")
        assert panel.arrived.banner.isHidden()
        shutil.rmtree(target)
        panel.actions_by_id[verb].trigger()
        await stage.until(panel.arrived.banner.isVisible, "what is wrong")
        assert str(target / "a.txt") in panel.arrived.banner.text.text()
        assert len(opened) == 1
        press(panel, "transferGoneClose")
        assert panel.arrived.banner.isHidden()

    stage.run(story())
