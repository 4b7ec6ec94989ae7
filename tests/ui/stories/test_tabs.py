"""Tabs over a real S3 server: one lists while another is used, and none waits for the other."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import time
import weakref
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from dalbrowser.profiles import Location, Profile
from tests.ui.stories.gate import gate

if TYPE_CHECKING:
    from PySide6.QtWidgets import QTableView

    from dalbrowser.ui.tabs.tab import Tab
    from tests.servers.raw import RawS3
    from tests.servers.s3_server import S3Server
    from tests.ui.stories.person import Person

ROWS = 20_000


def middle(table: QTableView, person: Person, name: str) -> None:
    """Click a row with the middle button."""
    spot = person.spot(table, table.model().index(person.names().index(name), 0))
    QTest.mouseClick(table.viewport(), Qt.MouseButton.MiddleButton, pos=spot)


def test_a_folder_is_opened_behind_changed_in_front_and_found_again(
    person: Person, ceph_s3: S3Server, ceph_bucket: str, ceph_raw: RawS3
) -> None:
    for key in ("logs/a.log", "logs/b.log", "pictures/one.png", "readme.txt"):
        ceph_raw.send("PUT", ceph_bucket, key, body=key.encode())

    async def story() -> None:
        window, stage = person.window, person.stage
        place = await person.enter(ceph_s3, ceph_bucket)
        assert person.names() == ["logs", "pictures", "readme.txt"]
        middle(person.table, person, "logs")
        middle(person.table, person, "pictures")
        first, logs, pictures = window.tabs.tabs
        await stage.until(
            lambda: (len(logs.model.rows), len(pictures.model.rows)) == (2, 1), "both listings"
        )
        assert person.names() == ["logs", "pictures", "readme.txt"]
        person.do("next_tab")
        assert person.names() == ["a.log", "b.log"]
        assert window.navigator.location == place.at("logs/")
        await stage.until(person.action("upload").isEnabled, "the capability")
        person.select("a.log")
        await stage.until(person.action("delete").isEnabled, "the delete action")
        person.do("delete")
        await person.says("deleteDialogConfirm", "Delete")
        person.press("deleteDialogConfirm")
        await person.listed("b.log")
        assert ceph_raw.send("HEAD", ceph_bucket, "logs/a.log").status == 404
        person.do("close_tab")
        assert window.tab in (first, pictures)
        person.do("reopen_tab")
        await person.listed("b.log")
        source = stage.files.parent / "c.log"
        source.write_bytes(b"from the desktop")
        behind = window.tab
        person.do("previous_tab")
        assert window.tab is not behind
        window.traffic.upload_to([source], place.at("logs/"))
        await stage.until(lambda: len(behind.model.rows) == 2, "the arrival in the tab behind")
        assert ceph_raw.send("GET", ceph_bucket, "logs/c.log").body == b"from the desktop"

    person.stage.run(story())


def test_a_server_that_does_not_answer_one_tab_keeps_no_other_waiting(
    person: Person, ceph_s3: S3Server, ceph_bucket: str, ceph_raw: RawS3
) -> None:
    ceph_raw.send("PUT", ceph_bucket, "slow/a.txt", body=b"x")
    person.stage.put("here.txt", b"x")

    async def story() -> None:
        window, stage = person.window, person.stage
        async with gate(ceph_s3.endpoint) as narrow:
            place = await person.enter(ceph_s3, ceph_bucket, narrow.endpoint)
            narrow.close_after(0)
            window.open_location(place.at("slow/"))
            slow = window.tab
            window.tabs.open(Location("files"))
            await person.listed("here.txt")
            assert slow.navigator.running
            assert person.text("statusItems") == "1 item"
            window.tabs.open(place.at("slow/"))
            await person.says("statusItems", "listing…")
            stuck = weakref.ref(window.tab)
            person.do("close_tab")
            await person.listed("here.txt")
            narrow.open()
            await stage.until(lambda: len(slow.model.rows) == 1, "the listing behind")
            await stage.until(lambda: gone(stuck), "the end of the tab that was closed")

    person.stage.run(story())


def test_a_long_listing_behind_does_not_hold_the_tab_in_front(person: Person) -> None:
    session = person.stage.session
    for number in range(300):
        person.stage.put(f"{number}.txt", b"x")
    with subprocess.Popen(
        [sys.executable, "-m", "tests.perf.page_server", str(ROWS)], stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        endpoint = f"http://127.0.0.1:{int(server.stdout.readline())}"
        config = {"endpoint": endpoint, "credentials": "anonymous", "bucket": "perf"}
        session.profiles.save(Profile("long", "long", "s3", config))

        async def story() -> None:
            window, stage = person.window, person.stage
            window.open_location(Location("files"))
            await stage.until(lambda: len(window.model.rows) == 300, "the list in front")
            window.tabs.open(Location("long", "perf"), behind=True)
            behind = window.tabs.tabs[1]
            waits = []
            while behind.navigator.running:
                begun = time.perf_counter()
                QTest.keyClick(person.table, Qt.Key.Key_Down)
                await asyncio.sleep(0.01)
                await person.says("statusSelection", "1 selected")
                waits.append(time.perf_counter() - begun)
            assert behind.navigator.so_far == ROWS
            await stage.until(lambda: len(behind.model.rows) == ROWS, "all rows behind")
            assert len(waits) > 5
            # A wait is a few turns of the loop; the machine of a test may be busy.
            assert sorted(waits)[len(waits) // 2] < 0.1
            assert person.text("statusItems") == "300 items"
            person.do("next_tab")
            await person.says("statusItems", f"{ROWS:,} items")

        try:
            person.stage.run(story())
        finally:
            server.terminate()


def gone(tab: weakref.ref[Tab]) -> bool:
    """Whether nothing holds a tab any more."""
    gc.collect()
    return tab() is None
