"""SIGINT and SIGTERM as an orderly request to quit, also while Qt waits for events.

Python runs signal handlers between its own instructions only, and Qt's wait is none of
them; the wake-up file descriptor makes the loop turn once.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator


@contextlib.contextmanager
def quit_signals(
    loop: asyncio.AbstractEventLoop, ask_to_quit: Callable[[], None]
) -> Iterator[None]:
    """Call ``ask_to_quit`` on the loop for SIGINT and SIGTERM while the block runs.

    Does nothing outside the main thread, where Python takes no signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reader, writer = socket.socketpair()
    reader.setblocking(False)
    writer.setblocking(False)
    before_fd = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    before = {
        number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)
    }

    def woken() -> None:
        with contextlib.suppress(BlockingIOError):
            if {signal.SIGINT, signal.SIGTERM} & set(reader.recv(64)):
                ask_to_quit()

    loop.add_reader(reader.fileno(), woken)
    try:
        yield
    finally:
        loop.remove_reader(reader.fileno())
        signal.set_wakeup_fd(before_fd)
        for number, handler in before.items():
            signal.signal(number, handler)
        reader.close()
        writer.close()
