"""Stories over real S3 servers: connect, look around, and be told where the keys are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keyring
import keyring.backends.fail
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import pytest

    from dalbrowser.profiles import Location
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


def test_the_tree_shows_the_way_to_the_place_and_asks_only_when_it_is_opened(
    person: Person, ceph_s3: S3Server, ceph_bucket: str, ceph_raw: RawS3
) -> None:
    for key in ("a/b/deep.txt", "0/x.txt"):
        ceph_raw.send("PUT", ceph_bucket, key, body=b"x")
    asked: list[Location] = []
    listed = person.stage.session.folders_below

    def counted(location: Location) -> AsyncGenerator[list[Location], None]:
        asked.append(location)
        return listed(location)

    person.stage.session.folders_below = counted  # type: ignore[method-assign]

    def selected(*names: str) -> bool:
        node = person.node(*names)
        return node.isValid() and person.tree.currentIndex() == node

    async def story() -> None:
        place = await person.enter(ceph_s3, ceph_bucket)
        person.window.open_location(place.at("a/b/"))
        await person.listed("deep.txt")
        tree, model = person.tree, person.tree.model()
        assert selected("work", ceph_bucket, "a", "b")
        assert model.rowCount(person.node("work", ceph_bucket)) == 1
        assert asked == []
        tree.collapse(person.node("work", ceph_bucket))
        tree.expand(person.node("work", ceph_bucket))
        await person.stage.until(
            lambda: selected("work", ceph_bucket, "a", "b"), "the way, once the bucket is listed"
        )
        bucket = person.node("work", ceph_bucket)
        assert [model.index(row, 0, bucket).data() for row in range(2)] == ["0", "a"]
        assert asked == [place]
        assert person.window.navigator.location == place.at("a/b/")

    person.stage.run(story())


def test_a_place_of_a_uri_has_its_connection_in_the_tree(
    person: Person,
    ceph_s3: S3Server,
    ceph_bucket: str,
    ceph_raw: RawS3,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ceph_raw.send("PUT", ceph_bucket, "a/deep.txt", body=b"x")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ceph_s3.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", ceph_s3.secret_key)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", ceph_s3.endpoint)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    server = f"s3 · {ceph_s3.endpoint.removeprefix('http://')}"

    async def story() -> None:
        window, tree = person.window, person.tree
        window.open_text(f"s3://{ceph_bucket}/a/")
        await person.listed("deep.txt")
        assert person.node(server, ceph_bucket, "a").isValid()
        assert tree.currentIndex() == person.node(server, ceph_bucket, "a")
        assert tree.isExpanded(person.node(server, ceph_bucket))
        await person.connect(ceph_s3, name="work")
        assert tree.currentIndex() == person.node("work")
        person.do("back")
        await person.listed("deep.txt")
        assert tree.currentIndex() == person.node(server, ceph_bucket, "a")

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


def test_a_secret_that_is_mended_brings_every_tab_back_where_it_was(
    person: Person, ceph_s3: S3Server, ceph_bucket: str, ceph_raw: RawS3
) -> None:
    for key in ("a/one.txt", "two.txt"):
        ceph_raw.send("PUT", ceph_bucket, key, body=b"x")

    async def story() -> None:
        session, tabs = person.stage.session, person.window.tabs
        place = await person.enter(ceph_s3, ceph_bucket)
        tabs.open(place.at("a/"))
        await person.listed("one.txt")
        await session.secrets.set(place.profile_id, {"secret_access_key": "expired"})
        await session.connections.invalidate(place.profile_id)
        for tab in tabs.tabs:
            tab.reload()
        await person.stage.until(
            lambda: all(tab.navigator.error is not None for tab in tabs.tabs), "both to fail"
        )
        await person.says("noticeText", "This listing is incomplete")
        person.do("edit_connection")
        person.edit("connectionName", "renamed")
        person.edit("connection.secret_access_key", ceph_s3.secret_key)
        person.press("connectionSave")
        await person.stage.until(
            lambda: all(
                tab.navigator.error is None and not tab.navigator.running for tab in tabs.tabs
            ),
            "both to be listed",
        )
        assert tabs.places() == [place, place.at("a/")]
        assert not any(tab.pages.notice.text for tab in tabs.tabs)
        assert person.find(QLineEdit, "pathEdit").text() == f"renamed:{ceph_bucket}/a/"
        await person.stage.until(person.action("upload").isEnabled, "the capability")

    person.stage.run(story())
