"""Credentials found by botocore: profiles, roles, processes, renewal, and what is said of none."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import random
import sys
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import pytest

from dalbrowser.storage import Operator
from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.options import OpDelete
from dalbrowser.storage.services.s3 import S3, Credentials, S3Config
from tests.servers.lying import LyingServer, error, in_turn, reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.servers.lying import Seen
    from tests.servers.s3_server import S3Server

pytest.importorskip("botocore")

PART = 5 << 20
ROLE = "arn:aws:iam::123456789012:role/reader"

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
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
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


@asynccontextmanager
async def opened(server: LyingServer, profile: str) -> AsyncIterator[S3]:
    s3 = service(server, profile)
    try:
        yield s3
    finally:
        await s3.aclose()


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


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("/nowhere/keys --json", "/nowhere/keys"),
        ("echo garbage", "no credentials"),
        ("false", "no credentials"),
        (
            """echo '{"Version": 1, "AccessKeyId": "k", "SecretAccessKey": "s", "SessionToken": "t",
          "Expiration": "2001-01-01T00:00:00Z"}'""".replace("\n", ""),
            "expired",
        ),
    ],
)
async def test_a_program_that_gives_none(configuration: Path, command: str, words: str) -> None:
    (configuration / "config").write_text(f"[profile job]\ncredential_process = {command}\n")
    async with LyingServer() as server, opened(server, "job") as s3:
        with pytest.raises(StorageError, match="Log in again") as caught:
            await s3.delete("k", OpDelete())
        assert server.seen == []
    assert words in caught.value.message
    assert caught.value.kind is ErrorKind.PERMISSION_DENIED


async def test_a_network_that_is_away_while_keys_are_renewed(
    configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transfer waits for it, as for any other request, instead of failing for good."""
    (configuration / "config").write_text(
        f"[profile role]\nrole_arn = {ROLE}\nsource_profile = base\nregion = us-east-1\n"
        "[profile base]\naws_access_key_id = base-key\naws_secret_access_key = base-secret\n"
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    async with LyingServer() as server, opened(server, "role") as s3:
        with pytest.raises(StorageError) as caught:
            await s3.delete("k", OpDelete())
        assert server.seen == []
    assert caught.value.is_temporary
    assert "127.0.0.1:1" in caught.value.message


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


async def used_key(server: LyingServer) -> tuple[str, str]:
    """Return the key id and the token that one request is signed with."""
    s3 = service(server, "")
    await s3.delete("k", OpDelete())
    await s3.aclose()
    headers = server.seen[-1].headers
    key = headers["authorization"].partition("Credential=")[2].partition("/")[0]
    return key, headers.get("x-amz-security-token", "")


async def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "env-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "env-secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "env-token")
    async with LyingServer() as server:
        assert await used_key(server) == ("env-key", "env-token")


async def test_a_role_is_assumed(
    configuration: Path, moto_s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    (configuration / "credentials").write_text(
        "[base]\naws_access_key_id = base\naws_secret_access_key = secret\n"
    )
    (configuration / "config").write_text(
        f"[default]\nrole_arn = {ROLE}\nsource_profile = base\nregion = us-east-1\n"
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto_s3.endpoint)
    async with LyingServer() as server:
        key, token = await used_key(server)
    assert key.startswith("ASIA")
    assert token


async def test_a_role_that_is_denied(configuration: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (configuration / "credentials").write_text(
        "[base]\naws_access_key_id = base\naws_secret_access_key = secret\n"
    )
    (configuration / "config").write_text(
        f"[default]\nrole_arn = {ROLE}\nsource_profile = base\nregion = us-east-1\n"
    )
    denied = b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"
    async with LyingServer(reply(403, denied)) as sts, LyingServer() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.endpoint)
        with pytest.raises(StorageError, match="AccessDenied") as caught:
            await used_key(server)
        assert server.seen == []
    assert caught.value.kind is ErrorKind.PERMISSION_DENIED


async def test_a_web_identity(
    configuration: Path, moto_s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    (configuration / "token").write_text("a.jwt.token")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(configuration / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto_s3.endpoint)
    async with LyingServer() as server:
        key, token = await used_key(server)
    assert key.startswith("ASIA")
    assert token


async def test_single_sign_on(configuration: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What 'aws sso login' left in its cache buys the role's keys from the portal."""
    start = "https://example.awsapps.com/start"
    (configuration / "config").write_text(
        f"[default]\nsso_start_url = {start}\nsso_region = us-east-1\n"
        "sso_account_id = 123456789012\nsso_role_name = Reader\nregion = us-east-1\n"
    )
    cache = configuration / "cache"
    cache.mkdir()
    # botocore works out where the cache is when it is imported.
    provider = pytest.importorskip("botocore.credentials").SSOProvider
    monkeypatch.setattr(provider, "_SSO_TOKEN_CACHE_DIR", str(cache))
    name = hashlib.sha1(start.encode()).hexdigest()
    held = {"startUrl": start, "accessToken": "sso-token", "expiresAt": "2099-01-01T00:00:00Z"}
    (cache / f"{name}.json").write_text(json.dumps(held))
    keys = {"accessKeyId": "sso-key", "secretAccessKey": "s", "sessionToken": "t"}
    body = json.dumps({"roleCredentials": {**keys, "expiration": 4_070_908_800_000}}).encode()
    async with LyingServer(reply(200, body)) as portal, LyingServer() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", portal.endpoint)
        assert await used_key(server) == ("sso-key", "t")
        assert portal.seen[0].headers["x-amz-sso_bearer_token"] == "sso-token"


async def test_instance_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {
        "Code": "Success",
        "AccessKeyId": "instance-key",
        "SecretAccessKey": "s",
        "Token": "instance-token",
        "Expiration": "2099-01-01T00:00:00Z",
    }

    async def metadata(seen: Seen, writer: asyncio.StreamWriter) -> None:
        role = seen.path.endswith(b"security-credentials/")
        text = b"token" if seen.method == "PUT" else b"role" if role else json.dumps(keys).encode()
        await reply(200, text)(seen, writer)

    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    async with LyingServer(metadata) as instance, LyingServer() as server, LyingServer() as proxy:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", instance.endpoint)
        # Nobody's proxy may answer for this machine.
        monkeypatch.setenv("HTTP_PROXY", proxy.endpoint)
        assert await used_key(server) == ("instance-key", "instance-token")
        assert proxy.seen == []


async def test_a_role_is_asked_for_through_the_connections_proxy(
    configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (configuration / "credentials").write_text(
        "[base]\naws_access_key_id = base\naws_secret_access_key = secret\n"
    )
    (configuration / "config").write_text(
        f"[default]\nrole_arn = {ROLE}\nsource_profile = base\nregion = us-east-1\n"
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://sts.test")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    denied = b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"
    async with LyingServer(reply(403, denied)) as proxy:
        config = S3Config(
            endpoint="http://s3.test",
            bucket="b",
            credentials="aws",
            proxy=proxy.endpoint.removeprefix("http://"),
            proxy_user="me@corp",
            proxy_password="a/b:c",
        )
        s3 = S3(config)
        with pytest.raises(StorageError, match="AccessDenied"):
            await s3.delete("k", OpDelete())
        await s3.aclose()
    (seen,) = proxy.seen
    assert seen.target == b"http://sts.test/"
    assert base64.b64decode(seen.headers["proxy-authorization"].split()[1]) == b"me@corp:a/b:c"


class Expiring:
    """Keys that the server takes for a few requests only."""

    renewable = True

    def __init__(self) -> None:
        self.loads = 0

    async def load(self, *, fresh: bool = False) -> Credentials:
        self.loads += 1
        await asyncio.sleep(0)
        return Credentials(f"key{self.loads}", "s", f"token{self.loads}")


class Store:
    """A server of uploads that takes each token ``lives`` times, then calls it expired."""

    def __init__(self, lives: int) -> None:
        self.lives = lives
        self.used: Counter[str] = Counter()
        self.parts: dict[int, bytes] = {}
        self.object = b""
        self.refused = 0

    async def __call__(self, seen: Seen, writer: asyncio.StreamWriter) -> None:
        token = seen.headers["x-amz-security-token"]
        newest = f"token{max([1, *(int(name[5:]) for name in self.used)])}"
        self.used[token] += 1
        if self.used[token] > self.lives or token != max(newest, token, key=lambda t: int(t[5:])):
            self.refused += 1
            await error(403, "ExpiredToken")(seen, writer)
            return
        query = dict(parse_qsl(seen.query.decode(), keep_blank_values=True))
        if "uploads" in query:
            body = b"<InitiateMultipartUploadResult><UploadId>u</UploadId>"
            await reply(200, body + b"</InitiateMultipartUploadResult>")(seen, writer)
        elif seen.method == "PUT":
            self.parts[int(query["partNumber"])] = seen.body
            etag = hashlib.md5(seen.body).hexdigest()
            await reply(200, b"", {"ETag": f'"{etag}"'})(seen, writer)
        else:
            self.object = b"".join(self.parts[n] for n in sorted(self.parts))
            body = b"<CompleteMultipartUploadResult><ETag>e</ETag>"
            await reply(200, body + b"</CompleteMultipartUploadResult>")(seen, writer)


@pytest.mark.parametrize("concurrent", [1, 3])
async def test_keys_are_renewed_in_the_middle_of_a_multipart_write(concurrent: int) -> None:
    data = random.Random(5).randbytes(7 * PART + 9)
    source, store = Expiring(), Store(lives=3)
    async with LyingServer(store) as server:
        config = S3Config(**server.s3.operator_config("bucket"))  # type: ignore[arg-type]
        async with (
            Operator.from_accessor(S3(config, source)) as op,
            op.writer("k", chunk=PART, concurrent=concurrent) as writer,
        ):
            for at in range(0, len(data), PART):
                await writer.write(data[at : at + PART])
    assert store.object == data
    assert store.refused
    assert source.loads >= 3
    assert source.loads <= 1 + store.refused
