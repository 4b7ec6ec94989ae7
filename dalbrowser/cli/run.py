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
        with asyncio.Runner(loop_factory=new_loop) as runner:
            code = runner.run(_run(arguments))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except asyncio.CancelledError:
        return _TERMINATED
    except BrokenPipeError:
        _forget_stdout()
        return _PIPE
    finally:
        if alone and not sys.flags.dev_mode:
            # All is closed. What is left in memory goes with the process, and is not searched
            # for cycles before: a hundredth of a second after some thousand files.
            gc.freeze()
    return code


def new_loop() -> asyncio.AbstractEventLoop:
    """Return the loop of a command: libuv's, and asyncio's own where that is not to be had."""
    try:
        import uvloop  # noqa: PLC0415 - there is none on Windows
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def _run(arguments: argparse.Namespace) -> int:
    _stop_on_terminate()
    try:
        context = Context.build(arguments)
    except EXPECTED as error:
        complain(sentence(error))
        return _FAILED
    try:
        code: int = await arguments.run(context, arguments)
    except BrokenPipeError:
        raise
    except EXPECTED as error:
        complain(sentence(error))
        return _FAILED
    finally:
        await context.aclose()
    return code


def _stop_on_terminate() -> None:
    """Let SIGTERM cancel the command, as asyncio lets SIGINT; the second one ends at once."""
    task = asyncio.current_task()
    signals: list[int] = []

    def stop() -> None:
        signals.append(signal.SIGTERM)
        if len(signals) > 1:
            os._exit(_TERMINATED)
        if task is not None:
            task.cancel()

    # Windows, and a call from a thread other than the main one, have no such handler.
    with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)


def _forget_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's last flush is silent."""
    with contextlib.suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)
