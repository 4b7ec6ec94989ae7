"""The connection form: what is typed is tested, said in words, and kept where it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QLineEdit, QWidget

from dalbrowser.profiles import Location, Profile
from dalbrowser.ui.connecting import Connecting
from tests.ui.driver import Driver

if TYPE_CHECKING:
    from dalbrowser.ui.window import MainWindow
    from tests.servers.s3_server import S3Server
    from tests.ui.stage import Stage


@pytest.fixture
def person(stage: Stage, window: MainWindow) -> Driver:
    return Driver(stage, window)


def fill(person: Driver, **fields: str) -> None:
    person.edit("connectionName", fields.pop("name", "work"))
    for name, value in fields.items():
        person.edit(f"connection.{name}", value)


async def closed(person: Driver) -> None:
    """Wait until the form is gone, which it is once all is saved."""
    await person.stage.until(
        lambda: not any(one.isVisible() for one in person.window.findChildren(QDialog)),
        "the form to close",
    )


def test_an_endpoint_without_scheme_is_marked_and_explained(person: Driver) -> None:
    async def story() -> None:
        person.do("add_connection")
        fill(person, endpoint="127.0.0.1:9000", access_key_id="k", secret_access_key="s")
        person.press("connectionTest")
        await person.says("noticeText", "http://")
        assert person.find(QLineEdit, "connection.endpoint").property("invalid")
        person.press("connectionCancel")

    person.stage.run(story())


def test_a_dead_endpoint_is_explained(person: Driver) -> None:
    async def story() -> None:
        person.do("add_connection")
        fill(person, endpoint="http://127.0.0.1:1", access_key_id="k", secret_access_key="s")
        person.press("connectionTest")
        await person.says("noticeText", "127.0.0.1:1")
        person.press("connectionCancel")

    person.stage.run(story())


def test_a_name_that_is_taken_is_refused_and_nothing_is_saved(person: Driver) -> None:
    async def story() -> None:
        person.do("add_connection")
        fill(person, name="files", endpoint="http://127.0.0.1:1")
        person.press("connectionSave")
        await person.says("noticeText", "files")
        assert len([one for one in person.stage.session.profiles.all() if not one.builtin]) == 1
        person.press("connectionCancel")

    person.stage.run(story())


def test_the_form_follows_the_service(person: Driver) -> None:
    person.do("add_connection")
    scheme = person.find(QComboBox, "connectionScheme")
    scheme.setCurrentIndex(scheme.findData("fs"))
    assert person.find(QLineEdit, "connection.root").isEnabled()
    scheme.setCurrentIndex(scheme.findData("s3"))
    secret = person.find(QLineEdit, "connection.secret_access_key")
    assert secret.echoMode() is QLineEdit.EchoMode.Password
    assert person.find(QCheckBox, "connection.verify_tls").isChecked()
    person.press("connectionCancel")
    person.find(QDialog, "connectionDialog").close()


def test_a_folder_is_saved_opened_edited_and_removed(person: Driver) -> None:
    person.stage.put("sub/x.txt", b"x")

    async def story() -> None:
        stage = person.stage
        person.do("add_connection")
        scheme = person.find(QComboBox, "connectionScheme")
        scheme.setCurrentIndex(scheme.findData("fs"))
        fill(person, name="sub", root=str(stage.files / "sub"))
        person.press("connectionSave")
        await person.listed("x.txt")
        saved = stage.session.profiles.by_name("sub")
        assert saved is not None
        assert dict(saved.config) == {"root": str(stage.files / "sub")}
        person.do("edit_connection")
        assert person.find(QLineEdit, "connectionName").text() == "sub"
        person.edit("connectionName", "renamed")
        person.press("connectionSave")
        await closed(person)
        assert stage.session.profiles.by_name("renamed") is not None
        await stage.until(person.action("remove_connection").isEnabled, "the action")
        person.do("remove_connection")
        person.press("removeConnectionDialogConfirm")
        await stage.until(lambda: not stage.session.profiles.by_name("renamed"), "the removal")
        await stage.until(lambda: person.window.navigator.location is None, "the start page")

    person.stage.run(story())


def test_keys_are_tested_against_a_real_server_and_kept_out_of_the_file(
    person: Driver, rclone_s3: S3Server
) -> None:
    async def story() -> None:
        stage = person.stage
        person.do("add_connection")
        fill(
            person,
            endpoint=rclone_s3.endpoint,
            access_key_id=rclone_s3.access_key,
            secret_access_key="wrong",
        )
        person.press("connectionTest")
        await stage.until(
            lambda: person.text("noticeText") and "Testing" not in person.text("noticeText"),
            "the verdict",
        )
        assert "works" not in person.text("noticeText")
        person.edit("connection.secret_access_key", rclone_s3.secret_key)
        person.press("connectionTest")
        await person.says("noticeText", "It works")
        person.press("connectionSave")
        await stage.until(lambda: stage.session.profiles.by_name("work"), "the saved profile")
        saved = stage.session.profiles.by_name("work")
        assert saved is not None
        await stage.until(
            lambda: person.window.navigator.location == Location(saved.id), "its buckets"
        )
        await stage.until(lambda: not person.window.navigator.running, "the listing")
        assert person.window.navigator.error is None
        for path in stage.session.folders.config.rglob("*"):
            if path.is_file():
                assert rclone_s3.secret_key.encode() not in path.read_bytes()

    person.stage.run(story())


def test_a_kind_that_only_a_newer_version_knows_is_not_edited(stage: Stage) -> None:
    connecting = Connecting(stage.session, QWidget())
    said: list[tuple[str, str]] = []
    connecting.said.connect(lambda text, tone: said.append((text, tone)))
    connecting.edit(Profile("id", "future", "newer", {"bucket": "b"}))
    ((text, tone),) = said
    assert "'newer'" in text
    assert tone == "error"
