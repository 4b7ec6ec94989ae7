"""``dal`` as a person runs it: a real process, a fresh home, credentials in its environment."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers.s3_server import S3Server

_DEADLINE = 90.0


@dataclass(frozen=True, slots=True)
class Result:
    """What a run left: its exit code and its two streams."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """What came on stdout, as text."""
        return self.out.decode()

    @property
    def lines(self) -> list[str]:
        """The lines on stdout."""
        return self.text.splitlines()

    def complaint(self) -> str:
        """Return the one line that a failed run has on stderr."""
        assert self.code != 0, self.text
        assert self.err.startswith("dal: "), self.err
        assert self.err.count("\n") == 1, self.err
        return self.err


@dataclass(frozen=True, slots=True)
class Dal:
    """The program in one environment. ``folder`` is where it is started."""

    folder: Path
    environment: dict[str, str] = field(repr=False)
    started: list[subprocess.Popen[bytes]] = field(repr=False)

    def __call__(self, *arguments: str | Path, stdin: bytes = b"") -> Result:
        """Run to the end and return what it left."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            input=stdin,
            capture_output=True,
            timeout=_DEADLINE,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr.decode())

    def start(self, *arguments: str | Path) -> subprocess.Popen[bytes]:
        """Start and return the process; the fixture ends it with the test at the latest."""
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.started.append(process)
        return process

    def with_environment(self, **changes: str) -> Dal:
        """Return the same program with variables changed; an empty one is removed."""
        merged = {**self.environment, **changes}
        return replace(self, environment={k: v for k, v in merged.items() if v})

    @staticmethod
    def command(*arguments: str | Path) -> list[str]:
        """Return the command line: the installed script beside this Python."""
        return [str(Path(sys.executable).with_name("dal")), *map(str, arguments)]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The folder in which the program is started."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def bare_dal(tmp_path: Path, work: Path) -> Iterator[Dal]:
    """The program with a fresh home, no credentials and no keyring."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    foreign = ("AWS_", "XDG_", "DBUS_", "DISPLAY", "WAYLAND_", "PYTHON_KEYRING")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
    # Warnings stay out of stderr as for anybody; a task that was never awaited is a defect.
    dal = Dal(work, {**environment, "HOME": str(home), "PYTHONWARNINGS": ""}, [])
    yield dal
    for process in dal.started:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def credentials(server: S3Server) -> dict[str, str]:
    """Return the environment that reaches ``server``."""
    return {
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
        "AWS_ENDPOINT_URL": server.endpoint,
        "AWS_REGION": server.region,
    }


@pytest.fixture
def dal_on(bare_dal: Dal) -> Callable[[S3Server], Dal]:
    """Make the program that reaches a server through its environment."""
    return lambda server: bare_dal.with_environment(**credentials(server))


@pytest.fixture
def dal(s3_server: S3Server, dal_on: Callable[[S3Server], Dal]) -> Dal:
    """The program on each S3 server in turn."""
    return dal_on(s3_server)
