"""Stories over real S3 servers: what is dropped and pasted arrives equal, and nothing else."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from dalbrowser.profiles import Location
from dalbrowser.transfer import JobState
from dalbrowser.ui.dragging.asking import MoveDialog
from tests.servers.raw import RawS3
from tests.ui.dragging.hand import SHIFT, Hand, places

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.servers.s3_server import S3Server
    from tests.ui.stories.person import Person

CTRL = Qt.KeyboardModifier.ControlModifier
MIB = 1024 * 1024


def put(raw: RawS3, bucket: str, objects: Iterable[tuple[str, bytes]]) -> None:
    """Put objects."""
    for key, data in objects:
        raw.put(bucket, key, data)


def test_objects_move_to_another_server_with_all_their_bytes(  # noqa: PLR0917 -- fixtures
    person: Person,
    ceph_s3: S3Server,
    ceph_bucket: str,
    ceph_raw: RawS3,
    rclone_s3: S3Server,
    rclone_bucket: str,
) -> None:
    odd = {
        "z +%&é.txt": b"odd",
        "large.bin": random.Random(7).randbytes(17 * MIB),
        "trip/1.txt": b"1",
        "trip/deep/2.txt": b"22",
    }
    kept = {"large.bin2": b"kept", "trip2/x": b"kept too"}
    put(ceph_raw, ceph_bucket, [*odd.items(), *kept.items()])

    async def story() -> None:
        far = await person.connect(rclone_s3, name="far")
        near = await person.enter(ceph_s3, ceph_bucket)
        await person.listed("trip", "trip2", "large.bin", "large.bin2", "z +%&é.txt")
        person.tree.expand(person.node("far"))
        await person.stage.until(
            lambda: person.node("far", rclone_bucket).isValid(), "the other bucket in the tree"
        )
        tree = person.tree
        spot = person.spot(tree, person.node("far", rclone_bucket))
        names = ["trip/", "large.bin", "z +%&é.txt"]
        hand = Hand(places(person.stage, *(near.child(name) for name in names)))
        hand.hover(tree.viewport(), spot)
        wanted = f"Copy 3 items to far:{rclone_bucket}/ · Shift moves instead"
        assert person.window.status.currentMessage() == wanted
        assert hand.drop(tree.viewport(), spot, SHIFT)
        await person.stage.until(lambda: person.window.findChildren(MoveDialog), "the question")
        await person.says("moveDialogText", "4 items in all")
        assert ceph_raw.objects(ceph_bucket) == odd | kept
        person.press("moveDialogConfirm")
        await person.listed("trip2", "large.bin2")
        await person.all_done(3)
        person.window.open_location(Location(far.profile_id, rclone_bucket))
        await person.listed("trip", "large.bin", "z +%&é.txt")

    person.stage.run(story())
    assert ceph_raw.objects(ceph_bucket) == kept
    with RawS3(rclone_s3) as raw:
        assert raw.objects(rclone_bucket) == odd


def test_cut_copy_and_duplicate_within_a_bucket(
    person: Person, ceph_s3: S3Server, ceph_bucket: str, ceph_raw: RawS3
) -> None:
    put(
        ceph_raw,
        ceph_bucket,
        [("a.txt", b"a"), ("b.txt", b"b"), ("in/b.txt", b"other"), ("in/x/1", b"1")],
    )

    async def press(key: Qt.Key) -> None:
        person.window.activateWindow()
        person.table.setFocus()
        await person.stage.until(person.table.hasFocus, "the focus")
        QTest.keyClick(person.table, key, CTRL)

    async def story() -> None:
        place = await person.enter(ceph_s3, ceph_bucket)
        await person.listed("in", "a.txt", "b.txt")
        person.select("a.txt")
        await press(Qt.Key.Key_X)
        assert person.window.view._delegate.cut == {"a.txt"}
        assert person.spoken("a.txt") == "a.txt, Text (txt), cut"
        assert person.spoken("b.txt") == "b.txt, Text (txt)"
        person.window.open_location(place.child("in/"))
        await person.listed("x", "b.txt")
        await person.stage.until(person.action("paste").isEnabled, "the capability")
        assert person.spoken("b.txt") == "b.txt, Text (txt)"
        await press(Qt.Key.Key_V)
        await person.listed("x", "a.txt", "b.txt")
        assert person.spoken("a.txt") == "a.txt, Text (txt)"
        person.select("x", "b.txt")
        await press(Qt.Key.Key_D)
        await person.listed("x (2)", "x", "a.txt", "b (2).txt", "b.txt")
        person.select("b.txt")
        await press(Qt.Key.Key_C)
        person.do("up")
        await person.listed("in", "b.txt")
        await person.stage.until(person.action("paste").isEnabled, "the capability")
        await press(Qt.Key.Key_V)
        await person.says("conflictBannerText", "b.txt")
        person.press("conflictSkip")
        await person.stage.until(
            lambda: any(job.state is JobState.SKIPPED for job in person.jobs()), "the answer"
        )

    person.stage.run(story())
    assert ceph_raw.objects(ceph_bucket) == {
        "b.txt": b"b",
        "in/a.txt": b"a",
        "in/b.txt": b"other",
        "in/b (2).txt": b"other",
        "in/x/1": b"1",
        "in/x (2)/1": b"1",
    }
