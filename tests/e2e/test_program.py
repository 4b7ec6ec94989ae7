"""The ``dalbrowser`` command as a process: pictures, wrong words, signals, a second instance."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QLabel

from dalbrowser.transfer.journal.lock import JournalLock
from tests.e2e.driver import Driver, drive

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

ROOT = Path(__file__).resolve().parents[2]


def environment(home: Path) -> dict[str, str]:
    """Return an environment in which the program finds nothing of anybody's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    hidden = {"DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "QT_QPA_PLATFORM"}
    return {**{k: v for k, v in kept.items() if k not in hidden}, "HOME": str(home)}


def run(home: Path, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return python(home, "-m", "dalbrowser", *words, **changes)


def python(home: Path, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        env={**environment(home), **changes},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize(("scale", "theme"), [("1", "light"), ("2", "dark")])
def test_a_picture_of_the_demo_without_a_display(tmp_path: Path, scale: str, theme: str) -> None:
    target = tmp_path / "window.png"
    words = ("--demo", "--screenshot", str(target), "--scale", scale, "--theme", theme)
    done = run(tmp_path, *words, "--size", "1000x720")
    assert done.returncode == 0, done.stderr
    picture = QImage(str(target))
    assert picture.size() == QSize(1000, 720) * int(scale)
    corner = picture.pixelColor(5, 5).lightness()
    assert corner > 200 if theme == "light" else corner < 80
    # A window that shows something has many colours.
    shades = {
        picture.pixel(x, y)
        for x in range(0, picture.width(), 7)
        for y in range(0, picture.height(), 7)
    }
    assert len(shades) > 20


def test_the_window_starts_without_reading_the_source_of_its_modules(tmp_path: Path) -> None:
    code = """
import linecache, sys
from dalbrowser.app import main
code = main(["--screenshot", sys.argv[1]])
print(*[name for name in linecache.cache if "dalbrowser" in name], file=sys.stderr)
sys.exit(code)
"""
    done = python(tmp_path, "-c", code, str(tmp_path / "window.png"))
    assert done.returncode == 0, done.stderr
    # What is loaded before Qt may have been read: no module of the window's own is.
    assert [name for name in done.stderr.split() if "/ui/" in name] == []


def test_pictures_are_of_one_size_and_leave_the_window_as_it_was(tmp_path: Path) -> None:
    settings = tmp_path / ".config/dalbrowser/settings.json"
    for number in (1, 2):
        target = tmp_path / f"{number}.png"
        assert run(tmp_path, "--demo", "--screenshot", str(target)).returncode == 0
        assert QImage(str(target)).size() == QSize(1280, 800)
        stored = json.loads(settings.read_text()) if settings.exists() else {}
        assert not {"window.geometry", "window.state"} & set(stored)


def test_a_picture_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    done = run(tmp_path, "--screenshot", str(tmp_path / "no folder" / "window.png"))
    assert done.returncode == 1
    assert "no folder" in done.stderr


@pytest.mark.parametrize("words", [["--scale", "9"], ["--theme", "pink"], ["--size", "big"]])
def test_words_that_make_no_sense_open_no_window(tmp_path: Path, words: list[str]) -> None:
    done = run(tmp_path, *words)
    assert done.returncode == 2
    assert words[1] in done.stderr


def test_without_a_display_a_window_is_not_tried(tmp_path: Path) -> None:
    done = run(tmp_path, DISPLAY="", QT_QPA_PLATFORM="")
    assert done.returncode == 1
    assert done.stderr.startswith("dalbrowser: There is no display:")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "named", [{"QT_QPA_PLATFORM": "nonsense"}, {"QT_QPA_PLATFORM": "xcb", "DISPLAY": ":987"}]
)
def test_a_display_that_cannot_be_used_is_said_in_a_line(
    tmp_path: Path, named: dict[str, str]
) -> None:
    done = run(tmp_path, **named)
    assert done.returncode == 1
    assert done.stderr.startswith("dalbrowser: No window can be shown here")
    assert all(f"{name}={value}" in done.stderr for name, value in named.items())
    assert done.stderr.count("\n") == 1


def test_a_home_that_cannot_be_used_is_said_in_a_line(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("a file")
    done = run(home, QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 1
    assert done.stderr.startswith("dalbrowser: There is no place for settings and transfers:")
    assert str(home) in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_window_in_order(tmp_path: Path, number: signal.Signals) -> None:
    journal = tmp_path / ".local/state/dalbrowser/journal.sqlite"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.tell_when_open"],
        env={**environment(tmp_path), "QT_QPA_PLATFORM": "offscreen"},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        process.send_signal(number)
        assert process.wait(30) == 0
    # The lock is free again, and the journal was closed whole.
    assert journal.exists()
    assert not journal.with_name("journal.sqlite-wal").exists()


def test_a_second_instance_is_told_who_has_the_transfers(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    journal = tmp_path / "XDG_STATE_HOME/dalbrowser/journal.sqlite"
    journal.parent.mkdir(parents=True)
    lock = JournalLock(journal.with_name(journal.name + ".lock"))
    lock.acquire("a test")

    async def story(driver: Driver) -> None:
        await driver.until(lambda: driver.shown("transferProblem"), "who holds the transfers")
        text = driver.find(QLabel, "transferProblemText").text()
        assert "a test" in text
        assert str(os.getpid()) in text
        driver.click("transferTryAgain")
        await driver.until(lambda: driver.shown("transferProblem"), "the same")
        lock.release()
        driver.click("transferTryAgain")
        await driver.until(lambda: not driver.shown("transferProblem"), "transfers that run")

    try:
        assert drive([], story) == 0
    finally:
        lock.release()
