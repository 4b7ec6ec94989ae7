"""Pictures of the transfers panel with a job in every state, from a real engine and server.

    python -m tests.ui.panel_states FOLDER

Each state is brought about as in life: behind a relay to a Ceph gateway that holds, slows or
refuses requests by the object's name, with a wrong secret, without a network, with a source
that changes, over a restart of the engine. Nothing on the pictures is painted by this script.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from PySide6.QtWidgets import QApplication

    from dalbrowser.ui.transfers.panel import TransferPanel
    from tests.servers.s3_server import S3Server
    from tests.ui.stage import Stage

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

MIB = 1024 * 1024
BUCKET = "media"
SIZE = (1480, 760)
_PAINTED = 0.01
"""Seconds for the loop to lay out and paint."""
_REFUSED = (
    b"HTTP/1.1 %d Refused\r\nConnection: close\r\nContent-Type: application/xml\r\n"
    b"Retry-After: 300\r\nContent-Length: %d\r\n\r\n%b"
)
_ERROR = b"<Error><Code>%b</Code><Message>%b</Message></Error>"
_ERRORS = {
    "expired": (403, _ERROR % (b"ExpiredToken", b"The provided token has expired.")),
    "slow down": (503, _ERROR % (b"SlowDown", b"Please reduce your request rate.")),
    "broken": (500, _ERROR % (b"InternalError", b"We encountered an internal error.")),
}


class Relay:
    """Passes requests on to ``endpoint``, one a connection, but for what ``_judge`` says."""

    def __init__(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        self._to = (parts.hostname or "", parts.port or 80)
        self._written: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.endpoint = ""

    def _judge(self, method: str, target: str) -> str:
        """Return what is done with a request: ``pass``, ``hold``, ``slow``, or an error."""
        parts = urlsplit(target)
        name = unquote(parts.path).rpartition("/")[2]
        query = parse_qs(parts.query, keep_blank_values=True)
        number = int(query.get("partNumber", ["0"])[0])
        what = name.partition(".")[0]
        held = {
            "preparing": method == "HEAD",
            "finalising": method == "POST" and "uploadId" in query,
            "verifying": method == "HEAD" and name in self._written,
            "interrupted": number > 2,
            "paused": number > 1,
            "cancelled": number > 1,
            "source changed": number > 1,
        }
        if method == "PUT":
            self._written.add(name)
        if held.get(what):
            return "hold"
        if what == "running" and number:
            return "slow"
        wrong = {
            "credentials": ("expired", True),
            "limit": ("slow down", "uploads" in query),
            "retrying": ("broken", "uploads" in query),
        }
        error, applies = wrong.get(what, ("", False))
        if applies:
            return error
        return "no digest" if what in ("size only", "verifying") else "pass"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._exchange(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head[:-4].split(b"\r\n")
        length = 0
        for line in lines:
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        body = await reader.readexactly(length)
        method, target = lines[0].decode().split(" ")[:2]
        verdict = self._judge(method, target)
        if verdict == "hold":
            await asyncio.Event().wait()
        if verdict == "slow":
            await asyncio.sleep(0.8)
        if verdict in _ERRORS:
            status, text = _ERRORS[verdict]
            writer.write(_REFUSED % (status, len(text), b"" if method == "HEAD" else text))
            await writer.drain()
            return
        answer = await self._forward(lines, body)
        if verdict == "no digest":
            status_line, _, rest = answer.partition(b"\r\n")
            kept = [line for line in rest.split(b"\r\n") if not line.lower().startswith(b"etag:")]
            answer = b"\r\n".join([status_line, b'ETag: "opaque"', *kept])
        writer.write(answer)
        await writer.drain()

    async def _forward(self, lines: list[bytes], body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*self._to)
        try:
            kept = [line for line in lines if not line.lower().startswith(b"connection:")]
            writer.write(b"\r\n".join([*kept, b"Connection: close", b"", b""]) + body)
            await writer.drain()
            return await reader.read()
        finally:
            writer.close()

    async def end(self) -> None:
        """Let go of what is held."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def relay(endpoint: str) -> AsyncIterator[Relay]:
    """Run a relay on a free port until the context ends."""
    made = Relay(endpoint)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, limit=64 * MIB)
    made.endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
        await made.end()
        with contextlib.suppress(OSError):
            await server.wait_closed()


class Scene:
    """Brings the engine of a stage into every state at once."""

    def __init__(self, stage: Stage, panel: TransferPanel, server: S3Server, folder: Path) -> None:
        self.stage = stage
        self.host = stage.session.transfers
        self.panel = panel
        self.server = server
        self.folder = folder

    async def connect(self, name: str, endpoint: str, secret: str = "") -> None:
        """Save a connection whose id is its name."""
        from dalbrowser.profiles import Profile

        config = {"endpoint": endpoint, "region": "us-east-1"}
        secrets = {
            "access_key_id": self.server.access_key,
            "secret_access_key": secret or self.server.secret_key,
        }
        public = {**config, "access_key_id": secrets.pop("access_key_id")}
        await self.stage.session.save_connection(Profile(name, name, "s3", public), secrets)

    async def send(self, name: str, size: int, to: str = "work", policy: str = "ask") -> int:
        """Queue the upload of a new file; returns its job."""
        from dalbrowser.profiles import Location
        from dalbrowser.transfer import ConflictPolicy

        path = self.folder / name
        await asyncio.to_thread(path.write_bytes, os.urandom(size))
        target = Location(to, BUCKET, "2026/")
        return (await self.host.upload([path], target, ConflictPolicy(policy)))[0]

    def states(self) -> dict[str, str]:
        """Return the state of each job by its name."""
        return {view.name.partition(".")[0]: view.words for view in self.panel.model.jobs()}

    async def until(self, name: str, *words: str, parts: int = 0) -> None:
        """Wait until the job of that name is in one of these states."""
        for _ in range(3000):
            for view in self.panel.model.jobs():
                if view.name.partition(".")[0] != name or view.parts_done < parts:
                    continue
                if view.words.startswith(words) or view.state.value in words:
                    return
            await asyncio.sleep(0.02)
        raise AssertionError(f"{name} is {self.states().get(name)}, not {words}")

    async def play(self) -> None:
        """Bring about every state; those that pass by are reached last."""
        await self._cut_off()
        for name, policy, ends in (
            ("verified.jpg", "ask", "done (verified"),
            ("size only.jpg", "ask", "done (size only"),
            ("skipped.txt", "skip", "skipped"),
            ("needs answer.txt", "ask", "needs-answer"),
        ):
            await self.send(name, 3 * MIB if "txt" not in name else 5000, policy=policy)
            await self.until(name.partition(".")[0], ends)
        await self.send("failed.jpg", MIB, to="wrong key")
        await self.until("failed", "failed")
        cancelled = await self.send("cancelled.mov", 24 * MIB)
        paused = await self.send("paused.mov", 24 * MIB)
        changed = await self.send("source changed.mov", 24 * MIB)
        for name in ("cancelled", "paused", "source changed"):
            await self.until(name, "running", parts=1)
        await self.host.cancel([cancelled])
        await self.host.pause([paused, changed])
        await asyncio.to_thread((self.folder / "source changed.mov").write_bytes, b"other")
        await self.host.resume([changed])
        await self.until("source changed", "source-changed")
        await self.send("credentials.jpg", MIB)
        await self.send("offline.jpg", MIB, to="cut off")
        await self.send("preparing.jpg", MIB)
        await self.send("verifying.jpg", MIB)
        await self.send("finalising.mov", 24 * MIB)
        await self.send("limit.mov", 24 * MIB)
        await self.send("retrying.mov", 24 * MIB)
        await self.send("running.mov", 480 * MIB)
        await self.send("queued.mov", 24 * MIB)
        for name, word in (
            ("credentials", "waiting-credentials"),
            ("offline", "waiting-network"),
            ("preparing", "preparing"),
            ("verifying", "verifying"),
            ("finalising", "finalising"),
            ("limit", "waiting-limit"),
            ("retrying", "retrying"),
            ("queued", "queued"),
        ):
            await self.until(name, word)
        await self.until("running", "running", parts=4)

    async def _cut_off(self) -> None:
        """Leave an upload behind as the end of the program does, and start again."""
        await self.host.start()
        await self.send("interrupted.mov", 24 * MIB)
        await self.until("interrupted", "running", parts=2)
        await self.host.close()
        await self.host.start()
        await self.until("interrupted", "interrupted")


async def pictures(panel: TransferPanel, folder: Path, scheme: str) -> None:
    """Draw the panel as it is, and the row of each job with the buttons that it has."""
    from PySide6.QtCore import QPoint, QRect
    from PySide6.QtGui import QPainter, QPixmap

    from dalbrowser.ui.transfers.bar import TransferBar

    panel.view.clearSelection()
    panel.view.scrollToTop()
    panel.view.setFocus()
    await asyncio.sleep(_PAINTED)
    panel.grab().save(str(folder / f"transfers-{scheme}.png"))
    bar = panel.findChild(TransferBar)
    assert isinstance(bar, TransferBar)
    for row in range(panel.model.rowCount()):
        view = panel.model.job_at(row)
        panel.view.selectRow(row)
        await asyncio.sleep(_PAINTED)
        place = panel.view.visualRect(panel.model.index(row, 0))
        port = panel.view.viewport()
        cut = QRect(0, place.top(), port.width(), place.height())
        head = panel.view.horizontalHeader()
        parts = [bar.grab(), head.grab(), port.grab(cut)]
        whole = QPixmap(panel.width(), sum(part.height() for part in parts))
        whole.fill(panel.palette().window().color())
        painter = QPainter(whole)
        at = 0
        for part in parts:
            painter.drawPixmap(QPoint(0, at), part)
            at += part.height()
        painter.end()
        name = view.name.partition(".")[0].replace(" ", "-")
        whole.save(str(folder / f"{name}-{scheme}.png"))


async def draw(stage: Stage, server: S3Server, base: Path, folder: Path) -> None:
    """Play the scene and take the pictures, light and dark."""
    from dalbrowser.ui.theme import Scheme, theme
    from dalbrowser.ui.transfers.panel import TransferPanel
    from tests.servers.raw import RawS3

    with RawS3(server) as raw:
        raw.create_bucket(BUCKET)
        for name in ("skipped.txt", "needs answer.txt"):
            raw.send("PUT", BUCKET, f"2026/{name}", body=b"what was there before")
    settings = stage.session.settings
    settings.set("transfers.concurrent_files", 4)
    settings.set("transfers.concurrent_parts", 2)
    panel = TransferPanel(stage.session)
    panel.resize(*SIZE)
    panel.show()
    local = base / "local"
    local.mkdir()
    async with relay(server.endpoint) as before:
        scene = Scene(stage, panel, server, local)
        await scene.connect("work", before.endpoint)
        await scene.connect("wrong key", server.endpoint, "not the secret")
        await scene.connect("cut off", "http://127.0.0.1:9")
        await scene.play()
        for scheme in (Scheme.LIGHT, Scheme.DARK):
            theme().apply(scheme)
            await pictures(panel, folder, scheme.value)
        for name, words in sorted(scene.states().items()):
            print(f"{name}: {words}")
        await stage.session.transfers.close()
    panel.close()
    panel.deleteLater()


def main() -> None:
    """Run a gateway and a window of its own, and write the pictures."""
    import keyring
    from PySide6.QtWidgets import QApplication as Application

    from dalbrowser.app.collector import collected_here
    from tests.servers.ceph import ceph
    from tests.servers.keyring import MemoryKeyring
    from tests.ui.stage import set_stage

    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    application: QApplication = Application(sys.argv[:1])
    keyring.set_keyring(MemoryKeyring())
    with (
        ceph() as running,
        tempfile.TemporaryDirectory() as base,
        collected_here(),
        set_stage(application, Path(base)) as stage,
    ):
        work = draw(stage, running.http, Path(base), folder)
        stage.loop.run_until_complete(asyncio.wait_for(work, 180))


if __name__ == "__main__":
    main()
