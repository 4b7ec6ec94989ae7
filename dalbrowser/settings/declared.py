"""Every setting that exists, declared once as data: key, type, default, meaning.

Invariant: a key that is not here can be neither read nor written. Sizes are bytes,
times seconds. The README's table is compared with this one.
"""

from __future__ import annotations

from math import isnan
from types import MappingProxyType
from typing import Any

from dalbrowser.utils.records import record

MIB = 1024 * 1024


@record()
class Setting:
    """One setting. ``choices`` are the allowed values, ``minimum``/``maximum`` inclusive."""

    key: str
    kind: type
    default: Any
    doc: str
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    def check(self, value: object) -> str | None:
        """Return what is wrong with ``value``, or ``None``."""
        if self.kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, self.kind) or (isinstance(value, bool) and self.kind is not bool):
            return f"{self.key} is {value!r}; it must be of type {self.kind.__name__}."
        if self.choices and value not in self.choices:
            return f"{self.key} is {value!r}; it must be one of {', '.join(self.choices)}."
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if isnan(value):
                return f"{self.key} is not a number; give it one."
            if self.minimum is not None and value < self.minimum:
                return f"{self.key} is {value!r}; the least is {self.minimum:g}."
            if self.maximum is not None and value > self.maximum:
                return f"{self.key} is {value!r}; the most is {self.maximum:g}."
        return None


_ALL = (
    Setting(
        "appearance.theme",
        str,
        "system",
        "Colours of the window: as the desktop has them, or always light or dark.",
        choices=("system", "light", "dark"),
    ),
    Setting("window.geometry", str, "", "Where the window was, as Qt saved it (base64)."),
    Setting("window.state", str, "", "How the panels were laid out, as Qt saved it (base64)."),
    Setting("window.sidebar", bool, True, "Whether the sidebar is shown."),
    Setting("window.preview", bool, True, "Whether the preview pane is shown."),
    Setting("window.transfers", bool, False, "Whether the transfers panel is shown."),
    Setting(
        "window.tabs", dict, {}, "The places that were open, as addresses, and which was in front."
    ),
    Setting("view.hidden", bool, False, "Whether names that begin with a dot are shown."),
    Setting(
        "view.header", dict, {}, "Columns, widths, order and sorting of the list, by location."
    ),
    Setting("view.transfers", dict, {}, "Columns, widths and order of the transfers."),
    Setting(
        "transfers.concurrent_files",
        int,
        4,
        "How many large files, those in parts, are under way at once.",
        minimum=1,
        maximum=64,
    ),
    Setting(
        "transfers.concurrent_parts",
        int,
        4,
        "How many parts of one file are under way at once.",
        minimum=1,
        maximum=64,
    ),
    Setting(
        "transfers.concurrent_total",
        int,
        16,
        "How many parts are under way at once in all.",
        minimum=1,
        maximum=256,
    ),
    Setting(
        "transfers.multipart_threshold",
        int,
        16 * MIB,
        "From this size on, in bytes, a file is sent in parts and can be resumed.",
        minimum=5 * MIB,
        maximum=5 * 1024 * MIB,
    ),
    Setting(
        "transfers.limit_up",
        int,
        0,
        "How many bytes a second all uploads together may send; 0 is no limit.",
        minimum=0,
        maximum=1 << 40,
    ),
    Setting(
        "transfers.limit_down",
        int,
        0,
        "How many bytes a second all downloads together may receive; 0 is no limit.",
        minimum=0,
        maximum=1 << 40,
    ),
    Setting(
        "transfers.history_limit",
        int,
        100_000,
        "How many finished transfers are remembered.",
        minimum=0,
        maximum=1_000_000,
    ),
    Setting(
        "transfers.notifications",
        str,
        "background",
        "When to say that a batch of transfers has ended: always, while the window is not the"
        " active one, or never.",
        choices=("always", "background", "never"),
    ),
    Setting(
        "transfers.on_close",
        str,
        "ask",
        "What closing the window does while transfers run: ask, keep going in the tray, or"
        " pause them and quit.",
        choices=("ask", "tray", "pause"),
    ),
    Setting(
        "transfers.download_folder", str, "", "Folder that is shown first when asked where to."
    ),
    Setting(
        "keyring.deadline",
        float,
        30.0,
        "How long the keyring may take to answer, in seconds, before secrets are kept"
        " for the session only.",
        minimum=0.1,
        maximum=600,
    ),
)

DECLARED: MappingProxyType[str, Setting] = MappingProxyType({item.key: item for item in _ALL})
"""Every setting by its key."""
