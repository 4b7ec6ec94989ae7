"""The system's package installer: as root on Debian it is run, elsewhere its line is said.

Invariant: nothing is installed without root, and no question is ever asked; a failed
installation is told with the installer's own last lines.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from qtlibs import Component

_INSTALLERS = {
    "debian": "apt-get install -y --no-install-recommends",
    "fedora": "dnf install -y",
    "arch": "pacman -S --needed",
    "suse": "zypper install",
}
_FAMILIES = {
    "debian": "debian",
    "ubuntu": "debian",
    "fedora": "fedora",
    "rhel": "fedora",
    "arch": "arch",
    "suse": "suse",
    "opensuse": "suse",
}
_APT_OPTIONS = ("-q", "-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=120")
_ATTEMPTS = 3


class System(NamedTuple):
    """A system's family (a field of ``Component``, or empty) and whether we may install."""

    family: str
    can_install: bool

    def packages(self, components: Iterable[Component]) -> list[str]:
        """Return the packages that bring ``components``, each once, in order."""
        if not self.family:
            return []
        names = (str(getattr(component, self.family)) for component in components)
        return list(dict.fromkeys(name for name in names if name))

    def advice(self, components: Sequence[Component]) -> str:
        """Return the one line that installs ``components`` here."""
        packages = self.packages(components)
        if not packages:
            return "install what brings " + ", ".join(component.what for component in components)
        prefix = "" if _is_root() else "sudo "
        return prefix + _INSTALLERS[self.family] + " " + " ".join(packages)


def this_system(os_release: str | None = None) -> System:
    """Return what this machine runs, from the text of os-release(5)."""
    if os_release is None:
        try:
            os_release = Path("/etc/os-release").read_text("utf-8", "replace")
        except OSError:
            os_release = ""
    fields = {}
    for line in os_release.splitlines():
        name, _, value = line.partition("=")
        fields[name.strip()] = value.strip().strip("\"'")
    words = (fields.get("ID", "") + " " + fields.get("ID_LIKE", "")).lower().split()
    family = next((_FAMILIES[word] for word in words if word in _FAMILIES), "")
    return System(family, family == "debian" and _is_root() and shutil.which("apt-get") is not None)


def install_packages(packages: Sequence[str]) -> str | None:
    """Install Debian ``packages`` as root; return ``None``, or why it failed."""
    print("Installing with apt-get: " + " ".join(packages), flush=True)
    failure = ""
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(5 * attempt)  # a mirror or a lock that was busy
        # A list of packages may be absent or old; when it cannot be had, the old one may do.
        _apt("update")
        failure = _apt("install", "-y", "--no-install-recommends", *packages)
        if not failure:
            return None
    return "apt-get install failed: " + failure


def _apt(*arguments: str) -> str:
    """Run apt-get and return its last error lines, or nothing when it succeeded."""
    done = subprocess.run(
        ["apt-get", *_APT_OPTIONS, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=dict(os.environ, DEBIAN_FRONTEND="noninteractive", LC_ALL="C.UTF-8"),
        check=False,
    )
    if done.returncode == 0:
        return ""
    lines = [line for line in done.stdout.decode("utf-8", "replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("E:")]
    return " ".join((errors or lines)[-3:]) or f"exit code {done.returncode}"


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
