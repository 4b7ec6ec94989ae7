"""Stories over real S3 servers: connect, look around, and be told where the keys are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keyring
import keyring.backends.fail
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

if TYPE_CHECKING:
    from tests.servers.keyring import MemoryKeyring
    from tests.servers.raw import RawS3
    from tests.servers.s3_server import S3Server
    from tests.ui.stories.person import Person


def test_connecting_shows_the_buckets_in_the_list_and_in_the_tree(
    person: Person, s3_server: S3Server, s3_bucket: str, memory_keyring: MemoryKeyring
) -> None:
    async def story() -> None:
        root = await person.connect(s3_server)
        assert s3_bucket in person.names()
        assert person.cell(s3_bucket, 3) == "Bucket"
        assert not person.action("upload").isEnabled()
        kept = memory_keyring.items["dalbrowser", root.profile_id]
        assert s3_server.secret_key in kept
        person.tree.expand(person.node("work"))
        await person.stage.until(
            lambda: person.node("work", s3_bucket).isValid(), "the bucket in the tree"
        )
        spot = person.spot(person.tree, person.node("work", s3_bucket))
        QTest.mouseClick(person.tree.viewport(), Qt.MouseButton.LeftButton, pos=spot)
        await person.says("faceTitle", "empty")
        assert person.text("statusItems") == "0 items"

    person.stage.run(story())


def test_folders_filter_and_the_way_back(
    person: Person, ceph_s3: S3Server, ceph_bucket: str, ceph_raw: RawS3
) -> None:
    for key in ("a/b/deep.txt", "a/one.csv", "a/two.log", "top.txt"):
        ceph_raw.send("PUT", ceph_bucket, key, body=key.encode())

    async def story() -> None:
        place = await person.enter(ceph_s3, ceph_bucket)
        await person.listed("a", "top.txt")
        assert person.cell("top.txt", 1) == "7 B"
        assert person.cell("top.txt", 2).startswith("Today")
        person.open("a")
        await person.listed("b", "one.csv", "two.log")
        person.do("filter")
        person.edit("filterEdit", "CSV")
        await person.listed("one.csv")
        assert person.text("statusItems") == "3 items · 1 match"
        person.edit("filterEdit", "b")
        await person.listed("b")
        person.open("b")
        await person.listed("deep.txt")
        person.do("up")
        await person.listed("b", "one.csv", "two.log")
        person.do("back")
        await person.listed("deep.txt")
        person.do("back")
        person.do("back")
        await person.listed("a", "top.txt")
        person.do("forward")
        await person.listed("b", "one.csv", "two.log")
        person.do("up")
        person.do("up")
        await person.stage.until(lambda: ceph_bucket in person.names(), "the buckets")
        assert person.window.navigator.location == place.at("").parent

    person.stage.run(story())


def test_the_tree_finds_the_place_once_it_is_opened(
    person: Person, ceph_s3: S3Server, ceph_bucket: str, ceph_raw: RawS3
) -> None:
    ceph_raw.send("PUT", ceph_bucket, "a/b/deep.txt", body=b"x")

    async def story() -> None:
        place = await person.enter(ceph_s3, ceph_bucket)
        person.window.open_location(place.at("a/b/"))
        await person.listed("deep.txt")
        assert person.tree.currentIndex().data() == "work"
        person.tree.expand(person.node("work"))
        await person.stage.until(
            lambda: person.tree.currentIndex().data() == ceph_bucket, "the bucket in the tree"
        )
        person.tree.expand(person.node("work", ceph_bucket))
        await person.stage.until(
            lambda: person.tree.currentIndex().data() == "a", "the folder in the tree"
        )
        assert person.window.navigator.location == place.at("a/b/")

    person.stage.run(story())


def test_without_a_keyring_the_form_says_that_the_session_is_all(
    person: Person, ceph_s3: S3Server, ceph_bucket: str
) -> None:
    keyring.set_keyring(keyring.backends.fail.Keyring())  # type: ignore[no-untyped-call]

    async def story() -> None:
        await person.connect(ceph_s3)
        assert ceph_bucket in person.names()
        person.do("edit_connection")
        await person.says("connectionSecrets", "for this session only")
        person.press("connectionCancel")
        for path in person.stage.session.folders.config.rglob("*"):
            if path.is_file():
                assert ceph_s3.secret_key.encode() not in path.read_bytes()

    person.stage.run(story())
