"""From arguments to an exit code: the loop, signals, and one line for every failure.

Exit codes: 0 when everything that was asked is done, 1 when not, 2 for arguments that make
no sense, 130 after Ctrl-C, 143 after SIGTERM, 141 when the reader of stdout went away.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
from typing import TYPE_CHECKING

from dalbrowser.cli.arguments import parser
from dalbrowser.cli.context import Context, complain
from dalbrowser.cli.wording import CommandError, sentence
from dalbrowser.profiles import TargetError
from dalbrowser.storage import StorageError
from dalbrowser.transfer import JournalHeld, TransferError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

EXPECTED = (CommandError, TargetError, StorageError, TransferError, JournalHeld, OSError)
"""The failures that have a sentence; anything else is a defect and shows its traceback."""

_COLLECT_AT = 20_000
"""New objects that a collection waits for; ten megabytes at most."""

_FAILED, _USAGE, _INTERRUPTED, _PIPE, _TERMINATED = 1, 2, 130, 141, 143


def main(argv: Sequence[str], *, alone: bool = False) -> int:
    """Run ``dal`` with ``argv`` (without the program's name) and return its exit code.

    ``alone`` says that the process is this command's; then its garbage is looked for as
    suits a command, which is not before everything is loaded.
    """
    if alone:
        open_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A name that the terminal's encoding lacks must not end a listing.
            stream.reconfigure(errors="backslashreplace")
    try:
        arguments = parser(argv).parse_args(list(argv))
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else _USAGE
    if alone:
        # What is loaded by now stays, and what a transfer makes dies by itself: looking for
        # cycles at every 700 objects took a twentieth of the time of 10,000 small files.
        gc.freeze()
        gc.set_threshold(_COLLECT_AT)
        gc.enable()
    try:
        return _in_loop(arguments, alone=alone)
    except BrokenPipeError:
        _forget_stdout()
        return _PIPE
    finally:
        if alone:
            _settle_process()


def _in_loop(arguments: argparse.Namespace, *, alone: bool) -> int:
    signals: list[int] = []
    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            try:
                return runner.run(_run(arguments, signals))
            except asyncio.CancelledError:
                if alone:
                    # All is closed but threads that nobody waits for any more: one that hashes
                    # a large file would hold the process for minutes.
                    _leave(signals)
                raise
    except KeyboardInterrupt:
        return _INTERRUPTED
    except asyncio.CancelledError:
        return _stopped_by(signals)


def _settle_process() -> None:
    """Prepare for the end of the process: all is closed."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Nothing is left to be ended in order.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if not sys.flags.dev_mode:
        # What is left in memory goes with the process, and is not searched for cycles before:
        # a hundredth of a second after some thousand files.
        gc.freeze()


def new_loop() -> asyncio.AbstractEventLoop:
    """Return the loop of a command: libuv's, and asyncio's own where that is not to be had."""
    try:
        import uvloop  # noqa: PLC0415 - there is none on Windows
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def _run(arguments: argparse.Namespace, signals: list[int]) -> int:
    _stop_on_signals(signals)
    try:
        context = Context.build(arguments)
    except EXPECTED as error:
        complain(sentence(error))
        return _FAILED
    try:
        code: int = await arguments.run(context, arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except EXPECTED as error:
        _settle_stdout()
        complain(sentence(error))
        return _FAILED
    finally:
        await context.aclose()
    return code


def _stop_on_signals(signals: list[int]) -> None:
    """Let Ctrl-C and SIGTERM cancel the command; the second one ends at once.

    ``signals`` takes what came. A signal that the parent has switched off stays off.
    """
    task = asyncio.current_task()

    def stop(number: int) -> None:
        signals.append(number)
        if len(signals) > 1:
            os._exit(_stopped_by(signals))
        if task is not None:
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_IGN:
            continue
        # Windows, and a call from a thread other than the main one, have no such handler.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            asyncio.get_running_loop().add_signal_handler(number, stop, number)


def _stopped_by(signals: list[int]) -> int:
    return _INTERRUPTED if signals[:1] == [signal.SIGINT] else _TERMINATED


def _leave(signals: list[int]) -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(_stopped_by(signals))


def open_streams() -> None:
    """Give a process that was started without stdin, stdout or stderr something in their place.

    The next file that is opened would get the number of one of them: the journal would be
    written over by what is said, and libuv ends the process. What is written to a stdout that
    was closed fails, as it does for other programs.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - for as long as the process
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - likewise
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - likewise


def _settle_stdout() -> None:
    """Write out what is left for stdout; what cannot be written is not tried once more."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError:
        _forget_stdout()


def _forget_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's last flush is silent."""
    with contextlib.suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)
