"""The AWS tools' files are read as botocore reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.session import Session

from dalbrowser.utils.awsfiles import AwsFileError, named_profile, read_profile

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
# what several tools write
[default]
region = eu-west-1
s3 =
    addressing_style = path
[profile  "with space"]
endpoint_url=http://any:1
services = mine
[services mine]
ec2 =
  endpoint_url = http://ec2:2
s3 =
  endpoint_url = http://s3:3
[profile plain]
endpoint_url = http://plain:4
aws_access_key_id = in-config
aws_secret_access_key = hush-config
[profile role]
role_arn = arn:aws:iam::1:role/r
source_profile = default
[profile program]
credential_process = /bin/false
aws_access_key_id = later
aws_secret_access_key = hush-later
"""
CREDENTIALS = """\
[default]
aws_access_key_id = AK1
aws_secret_access_key = hush%%1
aws_session_token = token
[role]
aws_access_key_id = AK2
aws_secret_access_key = hush2
[half]
aws_access_key_id = AK3
"""


@pytest.fixture
def aws_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose files are those above."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CONFIG_FILE", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("AWS_SHARED_CREDENTIALS_FILE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text(CONFIG)
    (tmp_path / ".aws/credentials").write_text(CREDENTIALS)
    return tmp_path / ".aws"


@pytest.mark.usefixtures("aws_home")
def test_a_profile_says_what_botocore_hears() -> None:
    for name in ("default", "with space", "plain"):
        session = Session(profile=name)
        ours = read_profile(name)
        assert ours.exists
        assert ours.config.get("region") == session.get_config_variable("region")
        found = session.get_credentials() if name != "with space" else None
        keys = (found.access_key, found.secret_key, found.token or "") if found else None
        assert ours.keys() == keys
    assert read_profile("default").endpoint == ""
    assert read_profile("with space").endpoint == "http://s3:3"
    assert read_profile("plain").endpoint == "http://plain:4"
    assert "hush" not in repr(read_profile("default"))


@pytest.mark.usefixtures("aws_home")
def test_keys_that_come_from_elsewhere_are_left_to_botocore() -> None:
    for name in ("role", "program", "half", "none such"):
        assert read_profile(name).keys() is None
    assert not read_profile("none such").exists
    assert read_profile("half").exists


def test_the_profile_in_force(aws_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_profile().name == "default"
    monkeypatch.setenv("AWS_PROFILE", "plain")
    assert named_profile() == read_profile().name == Session().profile == "plain"
    monkeypatch.setenv("AWS_DEFAULT_PROFILE", "role")
    assert named_profile() == Session().profile == "role"
    (aws_home / "config").rename(aws_home / "moved")
    assert read_profile("plain").config == {}
    monkeypatch.setenv("AWS_CONFIG_FILE", "~/.aws/moved")
    assert read_profile("plain").endpoint == "http://plain:4"


def test_a_file_that_cannot_be_read_is_named_and_not_quoted(aws_home: Path) -> None:
    file = aws_home / "credentials"
    file.write_text("[default]\naws_secret_access_key hush-hush\n")
    with pytest.raises(AwsFileError, match=r"credentials cannot be read") as caught:
        read_profile()
    assert "hush" not in str(caught.value)
    assert caught.value.__context__ is None
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(AwsFileError):
        read_profile()
    file.unlink()
    file.mkdir()
    with pytest.raises(AwsFileError, match="Is a directory"):
        read_profile()
    file.rmdir()
    assert read_profile().keys() is None
