"""A desktop with a tray, messages and a file manager, on a display and a D-Bus of its own.

Xvfb draws for nobody; a thread speaks D-Bus as the tray's watcher, the notification service
and a file manager do, and notes what programs ask of it. Nothing of the person's desktop is
touched.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jeepney import (
    DBusAddress,
    HeaderFields,
    Message,
    MessageType,
    message_bus,
    new_error,
    new_method_call,
    new_method_return,
)
from jeepney.io.blocking import open_dbus_connection

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = ("Xvfb", "dbus-daemon")
LIBRARIES = (
    "libX11-xcb.so.1",
    "libxkbcommon-x11.so.0",
    "libxcb-cursor.so.0",
    "libxcb-icccm.so.4",
    "libxcb-image.so.0",
    "libxcb-keysyms.so.1",
    "libxcb-randr.so.0",
    "libxcb-render-util.so.0",
    "libxcb-shape.so.0",
    "libxcb-shm.so.0",
    "libxcb-sync.so.1",
    "libxcb-xfixes.so.0",
    "libxcb-xkb.so.1",
)
"""What Qt loads besides, to draw on an X11 display."""
_WATCHER = "org.kde.StatusNotifierWatcher"
_MESSAGES = "org.freedesktop.Notifications"
_FILES = "org.freedesktop.FileManager1"
_WATCHER_XML = f"""
<node><interface name="{_WATCHER}">
<property name="IsStatusNotifierHostRegistered" type="b" access="read"/>
<property name="ProtocolVersion" type="i" access="read"/>
<property name="RegisteredStatusNotifierItems" type="as" access="read"/>
<method name="RegisterStatusNotifierItem"><arg type="s" direction="in"/></method>
</interface></node>
"""
_PROPERTIES: dict[str, tuple[str, Any]] = {
    "IsStatusNotifierHostRegistered": ("b", True),
    "ProtocolVersion": ("i", 0),
    "RegisteredStatusNotifierItems": ("as", []),
}
_TURN = 0.2


def missing() -> list[str]:
    """Return the programs and libraries that are not installed."""
    gone = [name for name in PROGRAMS if shutil.which(name) is None]
    for name in LIBRARIES:
        try:
            ctypes.CDLL(name)
        except OSError:
            gone.append(name)
    return gone


@dataclass
class Desktop:
    """What programs asked for.

    ``messages`` as (summary, body), ``items`` of the tray by address, and the addresses of
    files ``shown`` selected.
    """

    environment: dict[str, str]
    messages: list[tuple[str, str]] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def wait(self, for_what: str, seconds: float = 60) -> None:
        """Wait until there is something in ``messages``, ``items`` or ``shown``."""
        with self.changed:
            there = self.changed.wait_for(lambda: getattr(self, for_what), seconds)
        assert there, f"no {for_what}"

    def click(self) -> None:
        """Click the icon in the tray."""
        address = DBusAddress("/StatusNotifierItem", self.items[-1], "org.kde.StatusNotifierItem")
        with open_dbus_connection(self.environment["DBUS_SESSION_BUS_ADDRESS"]) as connection:
            connection.send_and_get_reply(
                new_method_call(address, "Activate", "ii", (0, 0)), timeout=10
            )

    def answer(self, call: Message) -> Message:
        """Answer one call as the watcher, the notification service or the file manager."""
        fields = call.header.fields
        member, sender = fields[HeaderFields.member], fields[HeaderFields.sender]
        plain: dict[str, tuple[str, tuple[Any, ...]]] = {
            "Introspect": ("s", (_WATCHER_XML,)),
            "GetCapabilities": ("as", (["body", "actions"],)),
            "GetServerInformation": ("ssss", ("test", "test", "1", "1.2")),
        }
        if member in plain:
            return new_method_return(call, *plain[member])
        if member == "Get":
            return new_method_return(call, "v", (_PROPERTIES[call.body[1]],))
        if member == "GetAll":
            return new_method_return(call, "a{sv}", (_PROPERTIES,))
        with self.changed:
            self.changed.notify_all()
            if member in {"RegisterStatusNotifierItem", "ShowItems"}:
                self.items += [sender] if member == "RegisterStatusNotifierItem" else []
                self.shown += call.body[0] if member == "ShowItems" else []
                return new_method_return(call)
            if member == "Notify":
                self.messages.append((call.body[3], call.body[4]))
                return new_method_return(call, "u", (len(self.messages),))
        return new_error(call, "org.freedesktop.DBus.Error.UnknownMethod")


@contextlib.contextmanager
def desktop(environment: dict[str, str]) -> Iterator[Desktop]:
    """Run a display and a session; programs find both through the desktop's environment."""
    with contextlib.ExitStack() as stack:
        number = _spawn(stack, ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x800x24"])
        shown_on = {"DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb"}
        yield stack.enter_context(services({**environment, **shown_on}))


@contextlib.contextmanager
def services(environment: dict[str, str]) -> Iterator[Desktop]:
    """Run a session that draws nothing; its bus is in the desktop's environment."""
    with contextlib.ExitStack() as stack:
        bus = _spawn(stack, ["dbus-daemon", "--session", "--print-address=1", "--nofork"])
        there = Desktop({**environment, "DBUS_SESSION_BUS_ADDRESS": bus})
        ready, ended = threading.Event(), threading.Event()
        serving = threading.Thread(target=_serve, args=(there, bus, ready, ended))
        serving.start()
        assert ready.wait(20), "the services did not start"
        try:
            yield there
        finally:
            ended.set()
            serving.join()


def _spawn(stack: contextlib.ExitStack, command: list[str]) -> str:
    """Start a server that tells its address in its first line; it ends with the stack."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "XAUTHORITY": "/dev/null"},
    )

    def end() -> None:
        process.terminate()
        process.wait(20)
        if process.stdout is not None:
            process.stdout.close()

    stack.callback(end)
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line, f"{command[0]} did not start"
    return line


def _serve(there: Desktop, bus: str, ready: threading.Event, ended: threading.Event) -> None:
    with open_dbus_connection(bus) as connection:
        for name in (_WATCHER, _MESSAGES, _FILES):
            connection.send_and_get_reply(message_bus.RequestName(name))
        ready.set()
        while not ended.is_set():
            try:
                call = connection.receive(timeout=_TURN)
            except TimeoutError:
                continue
            if call.header.message_type is MessageType.method_call:
                connection.send(there.answer(call))
