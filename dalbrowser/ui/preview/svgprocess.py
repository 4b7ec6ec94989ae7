"""Draws one SVG in a process of its own, which can be ended; run as a script by ``drawn``.

Qt keeps the interpreter's lock while it draws an SVG, and a few hundred bytes can ask it for
minutes or gigabytes. Invariant: the caller's process neither stands still nor grows by more
than the finished picture, and the child ends by itself, whatever becomes of the caller.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import threading
from time import monotonic

DEADLINE = 10.0
"""Seconds; starting the child takes 0.2 s of them."""
MEMORY = 3 * 512 * 1024**2
"""Bytes of address space; the child needs about 600 MB before it draws."""
SIDE = 2048
UNREADABLE = 3
"""The exit code for what Qt does not take for an SVG."""
_LOOK = 0.1  # seconds between looks at whether to go on
_HEAD = struct.Struct("<II")


class NotDrawnError(Exception):
    """There is no picture; the text says why in a sentence."""


def drawn(data: bytes, given_up: threading.Event | None = None) -> tuple[int, int, bytes]:
    """Return width, height and the pixels (ARGB32, premultiplied) of an SVG.

    Blocking for up to ``DEADLINE``; belongs in a thread. Raises ``NotDrawnError``, also soon
    after ``given_up`` was set.
    """
    # Not as a module: the child is to load Qt and nothing of the program.
    command = [sys.executable, "-P", __file__, str(MEMORY), str(int(DEADLINE) + 1)]
    try:
        child = subprocess.Popen(  # noqa: S603 - this file, by this interpreter
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        )
    except OSError as error:
        raise NotDrawnError(f"The SVG could not be drawn ({error.strerror}).") from error
    with child:
        try:
            output = _outcome(child, data, given_up or threading.Event())
        finally:
            child.kill()  # nothing where it has ended
    if child.returncode == UNREADABLE:
        raise NotDrawnError("The SVG could not be drawn.")
    head, pixels = output[: _HEAD.size], output[_HEAD.size :]
    width, height = _HEAD.unpack(head) if len(head) == _HEAD.size else (0, 0)
    if child.returncode or not pixels or len(pixels) != width * height * 4:
        raise NotDrawnError(
            "Drawing this SVG takes more memory than a preview gives it. Download it to look at it."
        )
    return width, height, pixels


def _outcome(child: subprocess.Popen[bytes], data: bytes, given_up: threading.Event) -> bytes:
    """Feed the child, and wait for what it writes, up to the deadline or until given up."""
    ends = monotonic() + DEADLINE
    sent: bytes | None = data
    while True:
        try:
            return child.communicate(sent, timeout=_LOOK)[0]
        except subprocess.TimeoutExpired:
            sent = None  # it is kept from the first call
        if given_up.is_set():
            raise NotDrawnError("Nobody looks at this SVG any more.")
        if monotonic() > ends:
            raise NotDrawnError(
                f"Drawing this SVG takes more than {DEADLINE:g} s. Download it to look at it."
            )


def _bound(memory: int, seconds: int) -> None:
    """Let the system end this process when it takes too much, also without its caller."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - there is none on Windows

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def _draw() -> int:
    # Only the child needs these, and only after the bounds hold.
    from PySide6.QtCore import QByteArray, QRectF, QSize, Qt  # noqa: PLC0415
    from PySide6.QtGui import QGuiApplication, QImage, QPainter  # noqa: PLC0415
    from PySide6.QtSvg import QSvgRenderer  # noqa: PLC0415

    application = QGuiApplication([])  # for its fonts
    drawing = QSvgRenderer(QByteArray(sys.stdin.buffer.read()))
    if not drawing.isValid():
        return UNREADABLE
    size = drawing.defaultSize()
    if size.isEmpty():
        size = QSize(512, 512)
    size.scale(SIDE, SIDE, Qt.AspectRatioMode.KeepAspectRatio)
    size = size.expandedTo(QSize(1, 1))
    image = QImage(size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    drawing.render(painter, QRectF(0, 0, size.width(), size.height()))
    painter.end()
    sys.stdout.buffer.write(_HEAD.pack(size.width(), size.height()))
    sys.stdout.buffer.write(image.constBits())
    sys.stdout.buffer.flush()
    del application
    return 0


if __name__ == "__main__":
    _bound(int(sys.argv[1]), int(sys.argv[2]))
    sys.exit(_draw())
