"""What a whole command loads: of a module that it does not use, it does not pay the loading."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.e2e.witness import objects

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Dal
    from tests.servers.s3_server import S3Server

_RUN = """
import json, sys
from dalbrowser.__main__ import dal
code = dal()
print(json.dumps(sorted(sys.modules)))
sys.exit(code)
"""
_UNUSED = (
    # What the window alone needs.
    "PySide6",
    "qasync",
    "charset_normalizer",
    "dalbrowser.preview",
    "dalbrowser.session.session",
    # The keyring looks for its backends among all that is installed: there is no secret to ask for.
    "keyring",
    "importlib.metadata",
    # httpx's own command line.
    "rich",
    "click",
    "pygments",
    # Its transport, which is not ours, and what only a transport of TLS reads.
    "httpcore",
    "anyio",
    "certifi",
    # The services and layers of other commands.
    "botocore",
    "dalbrowser.storage.services.fs",
    "dalbrowser.storage.services.memory",
    "dalbrowser.storage.layers.chaos",
    "dalbrowser.storage.layers.throttle",
    "dalbrowser.transfer.sync.steps",
    # Those that bring much for the little that was taken of them.
    "uuid",
    "xml.sax",
    "zipfile",
)


def test_a_copy_loads_nothing_that_it_does_not_use(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    dal = dal_on(rclone_s3)
    (work / "folder").mkdir()
    (work / "folder" / "a.txt").write_bytes(b"abc")
    done = subprocess.run(
        [sys.executable, "-c", _RUN, "cp", "-r", "folder", f"s3://{rclone_bucket}/x/"],
        cwd=work,
        env=dal.environment,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert objects(rclone_s3, rclone_bucket) == {"x/folder/a.txt": b"abc"}
    loaded = set(json.loads(done.stdout))
    assert {"dalbrowser.transfer.engine", "dalbrowser.storage.services.s3"} <= loaded
    assert sorted(loaded.intersection(_UNUSED)) == []
