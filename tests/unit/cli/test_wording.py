"""What is written stays on its line and says what is meant."""

from __future__ import annotations

import argparse
from dataclasses import replace

import pytest

from dalbrowser.cli.commands.cat import byte_range
from dalbrowser.cli.commands.uploads import age
from dalbrowser.cli.jobs import tell
from dalbrowser.cli.progress import progress_line
from dalbrowser.cli.wording import human_size, one_line, sentence
from dalbrowser.storage import ByteRange, ErrorKind, StorageError
from dalbrowser.transfer import Direction, JobState, JobView

VIEW = JobView(
    id=1, batch=1, direction=Direction.UPLOAD, state=JobState.RUNNING, name="a.bin",
    source="/a.bin", target="s3://b/a.bin", profile_id="p", bucket="b", key="a.bin",
    local_path="/a.bin", done=31 << 20, total=256 << 20, speed=float(75 << 20),
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b/é😀", "a b/é😀"),
        ("a\nb", "a\\nb"),
        ("\x1b[2Jx", "\\x1b[2Jx"),
        ("\u202eevil", "\\u202eevil"),
        ("\udcff", "\\udcff"),
    ],
)
def test_one_line(text: str, shown: str) -> None:
    assert one_line(text) == shown


def test_a_sentence_is_one_line_whatever_the_server_said() -> None:
    error = StorageError(ErrorKind.UNEXPECTED, "it\nsaid \x1b[31mno", path="a\nb", operation="stat")
    assert "\n" not in sentence(error)
    assert "\x1b" not in sentence(error)


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (31 << 20, "31.0 MiB"),
        (2**70, "1048576.0 PiB"),
    ],
)
def test_sizes(size: int, shown: str) -> None:
    assert human_size(size) == shown


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("0-0", ByteRange(0, 1)),
        ("5-9", ByteRange(5, 10)),
        ("5-", ByteRange(5)),
        ("0-", ByteRange()),
        ("-5", ByteRange.suffix(5)),
        ("bytes=1-2", ByteRange(1, 3)),
    ],
)
def test_ranges_are_inclusive_as_in_http(text: str, meant: ByteRange) -> None:
    assert byte_range(text) == meant


@pytest.mark.parametrize("text", ["", "-", "5", "9-5", "a-b", "1-2,4-5", "١-٢", "--1"])
def test_a_wrong_range_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="no range"):
        byte_range(text)


def test_ages() -> None:
    assert age("36h").total_seconds() == 36 * 3600
    assert age("2w") == age("14d")
    with pytest.raises(argparse.ArgumentTypeError):
        age("2")


def test_progress_says_how_far_how_fast_and_how_long() -> None:
    assert progress_line([VIEW]) == "12 %  31.0 MiB of 256.0 MiB  75.0 MiB/s  0:03  a.bin"
    unknown = replace(VIEW, total=None, speed=0.0)
    assert progress_line([unknown]) == "31.0 MiB  a.bin"
    both = progress_line([VIEW, replace(VIEW, id=2, done=225 << 20)])
    assert both.startswith("50 %  256.0 MiB of 512.0 MiB")


def test_progress_says_what_is_waited_for() -> None:
    waiting = replace(VIEW, state=JobState.WAITING_NETWORK, error="Nothing\nanswers.", speed=0.0)
    assert progress_line([waiting]).endswith("waiting (network): Nothing\\nanswers.")


@pytest.mark.parametrize(
    ("state", "done", "kept", "said"),
    [
        (JobState.FAILED, 0, False, "make room and resume. It is not kept: run the command again"),
        (JobState.WAITING_CREDENTIALS, 0, False, "It is not kept: run the command again"),
        (JobState.FAILED, 0, True, "make room and resume. Go on with: dal transfers resume 1"),
        (JobState.FAILED, 9, False, "make room and resume.\n"),
        (JobState.SOURCE_CHANGED, 9, True, "Go on with: dal transfers resume 1 --start-over\n"),
        (JobState.NEEDS_ANSWER, 0, True, "resume 1 with --overwrite, --skip or --keep-both\n"),
    ],
)
def test_what_is_not_kept_is_not_to_be_resumed(
    state: JobState, done: int, kept: bool, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    view = replace(VIEW, state=state, done=done, error="The disk is full; make room and resume.")
    assert not tell(view, [], {1} if kept else set(), verbose=False)
    assert said in capsys.readouterr().err
