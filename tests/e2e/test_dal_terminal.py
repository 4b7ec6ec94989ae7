"""Questions, Ctrl-C and the line of progress at a real terminal; a process without streams."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.terminal import INTERRUPT, seated
from tests.e2e.witness import MIB, body_of, objects, put

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Dal
    from tests.servers.s3_server import S3Server


def test_ctrl_c_ends_a_question_and_nothing_is_deleted(bare_dal: Dal, work: Path) -> None:
    kept = work.parent / "home/t/a"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"a")
    with seated(bare_dal, "rm", "-r", "home:t/") as seat:
        seat.until("[y/N] ")
        seat.type_in(INTERRUPT)
        assert seat.end() == 130
    assert kept.exists()
    with seated(bare_dal, "rm", "-r", "home:t/") as seat:
        seat.until("[y/N] ")
        seat.type_in("y\n")
        assert seat.end() == 0
    assert not kept.exists()


@pytest.mark.parametrize("answer", [INTERRUPT, "hush\n"])
def test_a_secret_is_not_shown_and_the_terminal_shows_again_afterwards(
    bare_dal: Dal, answer: str
) -> None:
    command = ["connections", "add", "work", "s3", "access_key_id=a", "--ask", "secret_access_key"]
    with seated(bare_dal, *command) as seat:
        seat.until("secret_access_key: ")
        assert not seat.echoes()
        seat.type_in(answer)
        # There is no keyring to keep it.
        assert seat.end() == (130 if answer == INTERRUPT else 1)
        assert seat.echoes()
        assert b"hush" not in seat.shown
        assert b"Traceback" not in seat.shown


def test_ctrl_c_leaves_one_clean_line_that_says_how_to_go_on(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    dal, body = dal_on(rclone_s3), body_of(40 * MIB)
    (work / "big").write_bytes(body)
    with seated(dal, "cp", "--limit-rate", "8M", "big", f"s3://{rclone_bucket}/big") as seat:
        seat.until("of 40.0 MiB")
        seat.type_in(INTERRUPT)
        assert seat.end() == 130
        # What follows the last time that the line was taken away.
        last = seat.shown.rpartition(b"\x1b[K")[2]
        assert re.fullmatch(rb"dal: Stopped; go on with: dal transfers resume 1\r\n", last), last
    assert dal("transfers", "resume", "1").code == 0
    assert objects(rclone_s3, rclone_bucket) == {"big": body}


def test_progress_fits_in_its_line_whatever_the_letters(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    name = "長い名前" * 12
    (work / name).write_bytes(body_of(3 * MIB))
    # What the terminal says counts, and not what was once exported.
    dal = dal_on(rclone_s3).with_environment(LC_ALL="C.UTF-8", COLUMNS="80")
    with seated(
        dal, "cp", "--limit-rate", "2M", name, f"s3://{rclone_bucket}/x", columns=60
    ) as seat:
        assert seat.end() == 0
        drawn = [line.decode() for line in seat.shown.split(b"\r\x1b[K") if line]
    assert drawn
    for line in drawn:
        assert sum(2 if ord(letter) > 0x2E80 else 1 for letter in line) < 60, line


def test_a_terminal_that_cannot_move_its_cursor_is_not_asked_to(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str
) -> None:
    put(rclone_s3, rclone_bucket, "a", b"a")
    dal = dal_on(rclone_s3).with_environment(TERM="dumb")
    with seated(dal, "cp", f"s3://{rclone_bucket}/a", "a") as seat:
        assert seat.end() == 0
        assert seat.shown == b""


def test_ctrl_c_while_it_loads_is_silent(bare_dal: Dal, work: Path) -> None:
    # Half way through loading; which module that is is of no concern.
    program = (
        "import os, signal, sys\n"
        "class Press:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'dalbrowser.cli.jobs': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Press())\n"
        "sys.argv = ['dal', 'cp', 'a', 'home:']\n"
        "from dalbrowser.__main__ import dal\n"
        "sys.exit(dal())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=work,
        env=bare_dal.environment,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_a_process_without_streams_copies_all_the_same(
    bare_dal: Dal, work: Path, closed: tuple[int, ...]
) -> None:
    body = body_of(MIB)
    (work / "a").write_bytes(body)
    shell = " ".join(f"{number}>&-" for number in closed)
    dal = bare_dal.command()[0]
    done = subprocess.run(
        ["/bin/sh", "-c", f'"{dal}" cp -v a home:b {shell}'],
        cwd=work,
        env=bare_dal.environment,
        capture_output=True,
        check=False,
        timeout=60,
    )
    # What -v says cannot be written to a stdout that is closed.
    assert done.returncode == (1 if 1 in closed else 0), done.stderr
    assert (work.parent / "home/b").read_bytes() == body
    assert b"Traceback" not in done.stderr
    assert bare_dal("transfers", "list").code == 0


def test_a_full_disk_behind_stdout_is_said(bare_dal: Dal, work: Path) -> None:
    (work.parent / "home/a").write_bytes(b"a" * MIB)
    for command in (["cat", "home:a"], ["ls", "home:"], ["stat", "home:a"]):
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(
                bare_dal.command(*command),
                cwd=work,
                env={**os.environ, **bare_dal.environment, "PYTHONUNBUFFERED": ""},
                stdout=full,
                stderr=subprocess.PIPE,
                check=False,
                timeout=60,
            )
        assert (done.returncode, done.stderr) == (1, b"dal: No space left on device.\n"), command
