"""How the command line writes values: one line each, nothing that moves a terminal's cursor."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import TYPE_CHECKING

from dalbrowser.session.wording import describe

if TYPE_CHECKING:
    import argparse

    from dalbrowser.transfer import JobView

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_STEP = 1024


class CommandError(Exception):
    """A command cannot do what was asked; the message is the sentence for stderr."""


def one_line(text: str) -> str:
    """Return ``text`` with everything unprintable escaped, so that it stays on its line.

    A key may hold newlines and terminal escapes; shown raw they could forge a listing.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def sentence(error: BaseException) -> str:
    """Return what went wrong and what to do, on one line."""
    return one_line(" ".join(describe(error).split()))


def human_size(size: float) -> str:
    """Return bytes in IEC units, ``31.4 MiB``."""
    unit = 0
    while size >= _STEP and unit < len(_UNITS) - 1:
        size /= _STEP
        unit += 1
    return f"{size:.0f} B" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"


def rate(text: str) -> int:
    """Return the bytes a second that ``20M`` stands for; K, M and G are of 1,024.

    Raises ``ValueError``, which argparse says as a wrong argument.
    """
    number, unit = text.strip().upper().removesuffix("B").removesuffix("I"), 0
    if number[-1:] in {"K", "M", "G"}:
        number, unit = number[:-1], "KMG".index(number[-1]) + 1
    value = float(number) * _STEP**unit
    if not 1 <= value < _STEP**5:
        raise ValueError(text)
    return int(value)


def add_rate(parser: argparse.ArgumentParser) -> None:
    """Declare ``--limit-rate``, which every command has that moves bytes."""
    parser.add_argument(
        "--limit-rate",
        metavar="RATE",
        type=rate,
        default=None,
        help="bytes a second at most, each way, as in 500K, 20M or 1.5G",
    )


def local_time(moment: datetime | None) -> str:
    """Return a time in the person's zone, or ``-``; in its own at the ends of time."""
    if moment is None:
        return "-"
    with contextlib.suppress(OverflowError):
        moment = moment.astimezone()
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def epoch_time(seconds: float) -> str:
    """Return seconds since the epoch in the person's zone."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def job_name(view: JobView) -> str:
    """Return what a job is called in a sentence: ``upload of a.bin to s3://b/a.bin``."""
    return one_line(f"{view.direction.word} of {view.source} to {view.target}")
