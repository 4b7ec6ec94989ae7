"""What is missing on this system, what brings it, and who may install it."""

from __future__ import annotations

import os
import shutil
import time

import bootstrap
import pytest
import qtlibs
import systems
from interpreter import Stop
from qtlibs import Component

LIBRARY = Component("libEGL.so.1", "libegl1", "libglvnd-egl", "libglvnd", "libEGL1")
NOTHING = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


@pytest.mark.parametrize(
    ("os_release", "line"),
    [
        ('ID=debian\nVERSION_ID="12"', "sudo apt-get install -y --no-install-recommends libegl1"),
        ("ID=linuxmint\nID_LIKE='ubuntu debian'", "sudo apt-get install -y"),
        ("ID=fedora", "sudo dnf install -y libglvnd-egl"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"', "sudo dnf install -y libglvnd-egl"),
        ("ID=arch", "sudo pacman -S --needed libglvnd"),
        ('ID=opensuse-leap\nID_LIKE="suse opensuse"', "sudo zypper install libEGL1"),
        ("ID=something", "install what brings libEGL.so.1"),
        ("", "install what brings libEGL.so.1"),
    ],
)
def test_the_line_that_installs(
    os_release: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    system = systems.this_system(os_release)
    assert system.advice([LIBRARY]).startswith(line)
    assert not system.can_install


def test_only_root_on_debian_installs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert systems.this_system("ID=debian").can_install
    assert not systems.this_system("ID=fedora").can_install
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert not systems.this_system("ID=debian").can_install


def test_packages_are_named_once() -> None:
    twice = [*qtlibs.BASE, *qtlibs.BASE]
    packages = systems.System("debian", False).packages(twice)
    assert len(packages) == len(set(packages))
    assert {"libegl1", "libxkbcommon0", "libdbus-1-3"} <= set(packages)


def test_this_machine_has_what_the_tests_themselves_run_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in NOTHING:
        monkeypatch.delenv(name, raising=False)
    assert qtlibs.missing_components() == []


def test_the_display_decides_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qtlibs, "loads", lambda _name: False)
    monkeypatch.setattr(qtlibs, "_has_font", lambda: False)
    for name in NOTHING:
        monkeypatch.delenv(name, raising=False)
    assert qtlibs.missing_components() == [*qtlibs.BASE, qtlibs.FONT]
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert set(qtlibs.WAYLAND) <= set(qtlibs.missing_components())
    monkeypatch.setenv("DISPLAY", ":0")
    assert set(qtlibs.X11) <= set(qtlibs.missing_components())


def test_a_library_that_is_not_there_does_not_load() -> None:
    assert not qtlibs.loads("libdalbrowser-is-no-such-library.so.9")


def test_what_qt_misses_is_said_with_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "missing_components", lambda: [LIBRARY])
    monkeypatch.setattr(bootstrap, "this_system", lambda: systems.System("debian", False))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Stop, match=r"libEGL\.so\.1.*\n  sudo apt-get install .* libegl1"):
        bootstrap._provide_qt_libraries()


def test_an_installation_that_did_not_help_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "missing_components", lambda: [LIBRARY])
    monkeypatch.setattr(bootstrap, "this_system", lambda: systems.System("debian", True))
    monkeypatch.setattr(bootstrap, "install_packages", lambda _names: "E: no network")
    with pytest.raises(Stop, match=r"could not be installed\. E: no network"):
        bootstrap._provide_qt_libraries()


def test_apt_gives_its_own_error_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []
    monkeypatch.setattr(time, "sleep", naps.append)
    monkeypatch.setattr(systems, "_apt", lambda *words: "" if words[0] == "update" else "E: held")
    assert systems.install_packages(["x"]) == "apt-get install failed: E: held"
    assert len(naps) == 2, "three attempts, two pauses"
    monkeypatch.setattr(systems, "_apt", lambda *_words: "")
    assert systems.install_packages(["x"]) is None


def test_a_picture_needs_no_display_and_a_window_does(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NOTHING:
        monkeypatch.delenv(name, raising=False)
    picture = bootstrap.run_environ(["--demo", "--screenshot", "out.png"])
    assert picture["QT_QPA_PLATFORM"] == "offscreen"
    assert bootstrap.run_environ(["--screenshot=o.png"])["QT_QPA_PLATFORM"] == "offscreen"
    assert bootstrap.run_environ(["--help"])["QT_QPA_PLATFORM"] == "offscreen"
    with pytest.raises(Stop, match="no display"):
        bootstrap.run_environ(["--demo"])
    monkeypatch.setenv("DISPLAY", ":0")
    assert "QT_QPA_PLATFORM" not in bootstrap.run_environ(["--screenshot", "out.png"])


def test_what_follows_two_dashes_is_not_ours(capsys: pytest.CaptureFixture[str]) -> None:
    assert bootstrap._parse(["test", "--", "-k", "x", "--", "y"]) == (
        "test",
        ["-k", "x", "--", "y"],
    )
    assert bootstrap._parse(["run"]) == ("run", [])
    with pytest.raises(SystemExit):
        bootstrap._parse(["run", "--demo"])
    assert "bootstrap.py run -- --demo" in capsys.readouterr().err
