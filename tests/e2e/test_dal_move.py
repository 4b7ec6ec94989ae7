"""A move that is killed: no object is gone from the first place before it is whole at the next."""

from __future__ import annotations

import hashlib
import random
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.e2e.link import link
from tests.servers.raw import RawS3

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Dal
    from tests.servers.s3_server import S3Server

MIB = 1 << 20


def planted(server: S3Server, bucket: str) -> dict[str, str]:
    """Put small and large objects below ``tree/``; returns their SHA-256 by name."""
    sums = {}
    with RawS3(server) as raw:
        for number in range(8):
            body = random.Random(number).randbytes((number % 3) * 10 * MIB + number)
            key = f"deep/{number}.bin" if number % 2 else f"{number}.bin"
            assert raw.send("PUT", bucket, f"tree/{key}", body=body).status == 200
            sums[key] = hashlib.sha256(body).hexdigest()
    return sums


def there(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that has its real name."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


@pytest.mark.parametrize("arrived", [1, 3, 6])
def test_a_folder_moved_to_another_service_is_killed_and_goes_on(
    dal_on: Callable[[S3Server], Dal],
    ceph_s3: S3Server,
    ceph_bucket: str,
    tmp_path: Path,
    arrived: int,
) -> None:
    sums = planted(ceph_s3, ceph_bucket)
    target = tmp_path / "store"
    target.mkdir()
    with link(ceph_s3, rate=80e6) as wire, RawS3(ceph_s3) as raw:
        dal = dal_on(wire.server)
        assert dal("connections", "add", "store", "fs", f"root={target}").code == 0
        process = dal.start("mv", "-r", f"s3://{ceph_bucket}/tree", "store:")
        limit = time.monotonic() + 60
        while sum((target / "tree" / key).exists() for key in sums) < arrived:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < limit, "nothing arrives within a minute"
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL

        found = there(target / "tree")
        assert found.items() <= sums.items(), "no half file under its name"
        left = {key.removeprefix("tree/") for key in raw.keys(ceph_bucket)}
        assert left | set(found) == set(sums), "gone here only when it is there"

        numbers = [line.split("\t")[0] for line in dal("transfers", "list").lines]
        resumed = dal("transfers", "resume", *numbers)
        assert (resumed.code, resumed.err) == (0, "")
        assert dal("transfers", "list").lines == []
        assert raw.keys(ceph_bucket) == []
    assert there(target) == {f"tree/{key}": digest for key, digest in sums.items()}
