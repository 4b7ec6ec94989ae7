"""What is wrong with a connection is said in the window, in a sentence that says what to check."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import keyring
import pytest
from PySide6.QtWidgets import QLabel

from dalbrowser.profiles import Location, Profile
from tests.servers.keyring import MemoryKeyring
from tests.servers.lying import LyingServer, error
from tests.servers.process import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dalbrowser.ui.window import MainWindow
    from tests.servers.ceph import Ceph
    from tests.servers.s3_server import S3Server
    from tests.ui.stage import Stage

Config = dict[str, str]


@pytest.fixture(autouse=True)
def memory_keyring() -> Iterator[None]:
    """A keyring of the test's own."""
    before = keyring.get_keyring()
    keyring.set_keyring(MemoryKeyring())
    yield
    keyring.set_keyring(before)


async def said_when_opened(
    stage: Stage, window: MainWindow, config: Config, bucket: str, path: str = ""
) -> str:
    """Connect with ``config``, open a place, and return what the window says is wrong."""
    secrets = {name: config[name] for name in ("secret_access_key",) if name in config}
    public = {name: value for name, value in config.items() if name not in secrets and value}
    await stage.session.save_connection(Profile("work", "Work", "s3", public), secrets)
    window.open_location(Location("work", bucket, path))
    await stage.until(lambda: shown(window), "a sentence")
    return shown(window)


def shown(window: MainWindow) -> str:
    """Return the text of the error placeholder, or of the notice above the list."""
    if window.navigator.running or window.navigator.location is None:
        return window.pages.notice.text
    for label in window.findChildren(QLabel, "faceText"):
        if label.isVisible() and window.navigator.error is not None:
            return label.text()
    return window.pages.notice.text


def config_of(server: S3Server, **changes: str) -> Config:
    return {**server.operator_config(), **changes}


def test_wrong_secret(
    stage: Stage, window: MainWindow, s3_server: S3Server, s3_bucket: str
) -> None:
    config = config_of(s3_server, secret_access_key="wrong-and-secret")
    said = stage.run(said_when_opened(stage, window, config, s3_bucket))
    assert "secret key" in said
    assert "wrong-and-secret" not in said


def test_unknown_bucket(stage: Stage, window: MainWindow, s3_server: S3Server) -> None:
    said = stage.run(said_when_opened(stage, window, config_of(s3_server), "no-such-bucket"))
    assert "no-such-bucket" in said
    assert "name" in said


def test_dead_endpoint(stage: Stage, window: MainWindow, rclone_s3: S3Server) -> None:
    endpoint = f"http://127.0.0.1:{free_ports(1)[0]}"
    config = config_of(rclone_s3, endpoint=endpoint)
    said = stage.run(said_when_opened(stage, window, config, "bucket"))
    assert endpoint.removeprefix("http://") in said


def test_endpoint_without_scheme(stage: Stage, window: MainWindow, rclone_s3: S3Server) -> None:
    config = config_of(rclone_s3, endpoint="127.0.0.1:9000")
    said = stage.run(said_when_opened(stage, window, config, "bucket"))
    assert "http://" in said


def test_a_certificate_that_nobody_vouches_for(
    stage: Stage, window: MainWindow, ceph_s3_tls: S3Server
) -> None:
    config = config_of(ceph_s3_tls, ca_file="")
    said = stage.run(said_when_opened(stage, window, config, "bucket"))
    assert "certificate" in said.lower()


def test_no_permission_to_list(
    stage: Stage, window: MainWindow, ceph_cluster: Ceph, ceph_bucket: str
) -> None:
    other = ceph_cluster.second_user()
    said = stage.run(said_when_opened(stage, window, config_of(other), ceph_bucket))
    assert "permi" in said.lower()


def test_a_key_that_does_not_exist(
    stage: Stage, window: MainWindow, s3_server: S3Server, s3_bucket: str
) -> None:
    said = stage.run(
        said_when_opened(stage, window, config_of(s3_server), s3_bucket, "folder/gone.txt")
    )
    assert "gone.txt" in said


def test_a_region_that_the_server_corrects(stage: Stage, window: MainWindow) -> None:
    async def story() -> str:
        wrong = error(400, "AuthorizationHeaderMalformed", "<Region>eu-north-1</Region>")
        async with LyingServer(wrong) as server:
            config = config_of(server.s3, region="us-east-1")
            return await said_when_opened(stage, window, config, "bucket")

    assert "region" in stage.run(story()).lower()


def test_a_clock_that_is_wrong(stage: Stage, window: MainWindow) -> None:
    async def story() -> str:
        theirs = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
        skewed = error(403, "RequestTimeTooSkewed", headers={"Date": theirs})
        async with LyingServer(skewed) as server:
            return await said_when_opened(stage, window, config_of(server.s3), "bucket")

    said = stage.run(story())
    assert "clock" in said
    assert "2 hours behind" in said
