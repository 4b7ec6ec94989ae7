"""Hostile keys, and links laid out in the chosen folder: nothing is written outside of it."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dalbrowser.transfer import ConflictPolicy, JobState
from tests.faults.rig import Rig

USUAL = 15
EXAMPLES = int(os.environ.get("DALBROWSER_HOSTILE_EXAMPLES", USUAL))
"""The same ones in each run, unless more are asked for."""
SEGMENT = st.sampled_from(
    ["..", ".", "", "a", "b", "link", "file", "%2e%2e", "..%2f", "\\..\\..", "con", "~", "-rf",
     "x" * 300, "ü" * 130, "\x01", "a\nb", "a b", "%", "%_", "C:", "....", " ..", ".. "]
)  # fmt: skip
KEY = (
    st.lists(SEGMENT, min_size=1, max_size=5)
    .map("/".join)
    .filter(lambda key: key.strip("/") and key[-1] != "/")
)
LINK = st.tuples(
    st.sampled_from(["link", "file", "a", "b", "a/link", "b/file", ".a.dalpart", "...dalpart"]),
    st.sampled_from(["folder", "folder/precious", "folder/new", "."]),
)


@pytest.mark.fault("hostile names from the server, links inside the chosen folder", on="memory")
@settings(
    max_examples=EXAMPLES,
    derandomize=EXAMPLES == USUAL,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    keys=st.lists(KEY, min_size=1, max_size=8, unique=True),
    links=st.lists(LINK, max_size=4),
    policy=st.sampled_from([ConflictPolicy.OVERWRITE, ConflictPolicy.KEEP_BOTH]),
)
def test_nothing_leaves_the_folder(
    keys: list[str], links: list[tuple[str, str]], policy: ConflictPolicy
) -> None:
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        outside = base / "outside"
        (outside / "folder").mkdir(parents=True)
        (outside / "folder" / "precious").write_bytes(b"precious")
        chosen = base / "chosen"
        (chosen / "evil").mkdir(parents=True)
        _lay(chosen / "evil", links, outside)
        before = _tree(outside)
        (base / "journal").mkdir()

        arrived = asyncio.run(_download(Rig(base / "journal"), keys, chosen, policy))

        assert _tree(outside) == before
        assert sorted(path.name for path in base.iterdir()) == ["chosen", "journal", "outside"]
        # Whatever is called done lies inside, links followed.
        root = chosen.resolve()
        for path in arrived:
            assert Path(path).resolve().is_relative_to(root), path
            assert not Path(path).is_symlink()


async def _download(rig: Rig, keys: list[str], chosen: Path, policy: ConflictPolicy) -> list[str]:
    """Fetch all keys below ``evil/``; returns the local paths of those that are done."""
    for key in keys:
        await rig.op.write(f"evil/{key}", key.encode("utf-8", "surrogateescape") + b"!")
    async with rig.engine() as engine:
        ids = await engine.download([(rig.at("evil/"), None)], chosen, policy)
        ids += await engine.download(
            [(rig.at(f"evil/{key}"), None) for key in keys], chosen, policy
        )
        await engine.wait(ids)
        views = [view for view in engine.jobs() if not view.is_folder]
        done = [view.local_path for view in views if view.state is JobState.DONE]
        assert all(view.error for view in views if view.state is JobState.FAILED)
    await rig.op.aclose()
    return done


def _lay(folder: Path, links: list[tuple[str, str]], outside: Path) -> None:
    for name, target in links:
        path = folder / name
        if path.parent.is_symlink():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_symlink() and not path.exists():
            path.symlink_to(outside / target)


def _tree(folder: Path) -> dict[str, bytes]:
    found = {}
    for path in folder.rglob("*"):
        found[str(path.relative_to(folder))] = path.read_bytes() if path.is_file() else b""
    return found
