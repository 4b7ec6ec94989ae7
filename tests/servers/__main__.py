"""``python -m tests.servers ceph|rclone``: run a server until Ctrl-C, for hands and benchmarks."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from typing import TYPE_CHECKING

from tests.servers.ceph import ceph
from tests.servers.raw import RawS3
from tests.servers.rclone import rclone

if TYPE_CHECKING:
    from tests.servers.s3_server import S3Server


def _serve(server: S3Server, bucket: str, *extra: str) -> None:
    """Print how to reach ``server`` as shell exports, and wait."""
    if bucket:
        with RawS3(server) as raw:
            raw.create_bucket(bucket)
    lines = [
        f"export AWS_ENDPOINT_URL={server.endpoint}",
        f"export AWS_ACCESS_KEY_ID={server.access_key}",
        f"export AWS_SECRET_ACCESS_KEY={server.secret_key}",
        f"export AWS_REGION={server.region}",
        f"export DALBROWSER_TEST_{server.name.upper()}"
        f"={server.endpoint},{server.access_key},{server.secret_key}",
        *extra,
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.servers", description=__doc__)
    parser.add_argument("server", choices=("ceph", "rclone"))
    parser.add_argument("--port", type=int, default=0, help="HTTP port; a free one by default")
    parser.add_argument("--bucket", default="", help="create this bucket first")
    given = parser.parse_args()
    if given.server == "rclone":
        with rclone(port=given.port) as server:
            _serve(server, given.bucket)
        return
    with ceph(port=given.port) as running:
        _serve(running.http, given.bucket, f"# {running.https.endpoint} with CA {running.https.ca}")


if __name__ == "__main__":
    main()
