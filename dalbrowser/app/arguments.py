"""What the ``dalbrowser`` command takes, and what of it Qt must find in the environment."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dalbrowser import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

_LOWEST_SCALE, _HIGHEST_SCALE = 0.5, 4.0


@dataclass(frozen=True, slots=True)
class Arguments:
    """The parsed command line. ``location`` is a URI or ``None`` for where one was last."""

    location: str | None
    demo: bool
    screenshot: Path | None
    theme: str | None
    scale: float
    endpoint: str | None
    region: str | None
    size: tuple[int, int] | None
    select: str | None

    def prepare_environment(self) -> str | None:
        """Set what Qt reads once, when its application object is made.

        Returns a sentence where no window can be shown: Qt itself would abort.
        """
        if self.scale != 1:
            os.environ["QT_SCALE_FACTOR"] = f"{self.scale:g}"
        named = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
        if not sys.platform.startswith("linux") or any(os.environ.get(name) for name in named):
            return None
        if self.screenshot is None:
            return (
                "There is no display: neither DISPLAY nor WAYLAND_DISPLAY is set, so no window can"
                " be shown. Start it from a desktop session (or with ssh -X), or use --screenshot."
            )
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        return None


def parse(argv: Sequence[str]) -> Arguments | int:
    """Parse ``argv``; an exit code instead where it asks for help or makes no sense."""
    try:
        found = _parser().parse_args(list(argv))
    except SystemExit as stop:
        return int(stop.code or 0)
    return Arguments(
        location=found.location or found.place or ("demo:" if found.demo else None),
        demo=found.demo,
        screenshot=found.screenshot,
        theme=found.theme,
        scale=found.scale,
        endpoint=found.endpoint,
        region=found.region,
        size=found.size,
        select=found.select,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dalbrowser", description="Browse, preview and transfer objects in a window."
    )
    parser.add_argument("place", nargs="?", metavar="URI", help="what to open")
    parser.add_argument("--location", metavar="URI", help="what to open: s3://bucket/, name:path")
    parser.add_argument("--demo", action="store_true", help="open the demo workspace")
    parser.add_argument("--endpoint", metavar="URL", help="the server of an s3:// URI")
    parser.add_argument("--region", help="the region of an s3:// URI")
    parser.add_argument(
        "--theme",
        choices=("light", "dark", "auto"),
        help="colours of this run; else those of the settings",
    )
    parser.add_argument("--scale", type=_scale, default=1.0, metavar="N", help="0.5 to 4")
    parser.add_argument(
        "--screenshot", type=Path, metavar="FILE", help="draw the window to a PNG file and exit"
    )
    parser.add_argument(
        "--size",
        type=_size,
        metavar="WxH",
        help="the window's size; else as it was left, a picture's 1280x800",
    )
    parser.add_argument("--select", metavar="NAME", help="select the entry of that name")
    parser.add_argument("--version", action="version", version=f"dalbrowser {__version__}")
    return parser


def _scale(text: str) -> float:
    value = float(text)
    if not _LOWEST_SCALE <= value <= _HIGHEST_SCALE:
        raise argparse.ArgumentTypeError(f"{text} is not between 0.5 and 4")
    return value


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    try:
        return int(width), int(height)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not like 1280x800") from None
