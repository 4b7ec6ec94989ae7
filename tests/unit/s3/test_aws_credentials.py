"""Credentials found by botocore: profiles, processes, renewal, and what is said without any."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.options import OpDelete
from dalbrowser.storage.services.s3 import S3, S3Config
from tests.servers.lying import LyingServer, error, in_turn, reply

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("botocore")

PROCESS = """
import json, pathlib, sys
counter = pathlib.Path(sys.argv[1])
number = int(counter.read_text()) + 1 if counter.exists() else 1
counter.write_text(str(number))
print(json.dumps({"Version": 1, "AccessKeyId": f"key{number}", "SecretAccessKey": "s",
                  "SessionToken": f"token{number}", "Expiration": "2099-01-01T00:00:00Z"}))
"""


@pytest.fixture(autouse=True)
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path


def service(server: LyingServer, profile: str) -> S3:
    return S3(
        S3Config(
            endpoint=server.endpoint,
            region="us-east-1",
            bucket="b",
            credentials="aws",
            profile=profile,
        )
    )


async def test_a_profile(configuration: Path) -> None:
    (configuration / "credentials").write_text(
        "[dev]\naws_access_key_id = dev-key\naws_secret_access_key = dev-secret\n"
    )
    async with LyingServer() as server:
        s3 = service(server, "dev")
        await s3.delete("k", OpDelete())
        await s3.aclose()
    assert "Credential=dev-key/" in server.seen[0].headers["authorization"]


async def test_a_process_gives_the_keys_and_their_token(configuration: Path) -> None:
    script = configuration / "keys.py"
    script.write_text(PROCESS)
    command = f"{sys.executable} {script} {configuration / 'counter'}"
    (configuration / "config").write_text(f"[profile job]\ncredential_process = {command}\n")
    async with LyingServer(in_turn(reply(), error(403, "ExpiredToken"), reply())) as server:
        s3 = service(server, "job")
        await s3.delete("k", OpDelete())
        await s3.delete("k", OpDelete())
        await s3.aclose()
    tokens = [seen.headers["x-amz-security-token"] for seen in server.seen]
    assert tokens == ["token1", "token1", "token2"]


async def test_no_credentials_and_no_profile() -> None:
    for profile, words in (("", "aws configure"), ("absent", "absent")):
        async with LyingServer() as server:
            s3 = service(server, profile)
            with pytest.raises(StorageError) as caught:
                await s3.delete("k", OpDelete())
            await s3.aclose()
            assert server.seen == []
        assert caught.value.kind in {ErrorKind.CONFIG_INVALID, ErrorKind.PERMISSION_DENIED}
        assert words in caught.value.message
