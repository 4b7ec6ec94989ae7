"""Nothing leads out of the root, and no key is mapped to another file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage import Operator
from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.options import OpCopy, OpCreateDir, OpList, OpRename
from dalbrowser.storage.services.fs import Fs, FsConfig

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.fs.conftest import Disk

DENIED = ErrorKind.PERMISSION_DENIED
INVALID = ErrorKind.INVALID_INPUT


@pytest.fixture
def outside(tmp_path: Path, disk: Disk) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_bytes(b"secret")
    (disk.root / "out").symlink_to(folder)
    (disk.root / "relative").symlink_to("../outside")
    (disk.root / "file").symlink_to(folder / "secret")
    (disk.root / "sneaky").symlink_to("inside/../../outside")
    (disk.root / "inside").mkdir()
    return folder


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("..", DENIED),
        ("../outside/secret", DENIED),
        ("a/../b", DENIED),
        ("a/..", DENIED),
        ("a\0b", DENIED),
        (".dalbrowser-multipart", DENIED),
        (".dalbrowser-multipart/x", DENIED),
        ("d/.dalbrowser-tmp-1", DENIED),
        ("a//b", INVALID),
        ("/a", INVALID),
        ("a/./b", INVALID),
        (".", INVALID),
        ("/", INVALID),
        ("d//", INVALID),
        ("\ud800", INVALID),
        ("n" * 256, INVALID),
    ],
)
async def test_keys_that_a_file_system_cannot_hold_are_refused(
    disk: Disk, path: str, kind: ErrorKind
) -> None:
    await disk.put("b", b"kept")
    calls = [disk.stat(path), disk.get(path), disk.put(path), disk.delete(path)]
    calls.append(disk.put(path, append=True))
    for call in calls:
        with pytest.raises(StorageError) as caught:
            await call
        assert caught.value.kind is kind
    assert disk.files() == ["b"]


@pytest.mark.parametrize("path", ["out/secret", "relative/secret", "sneaky/secret", "file"])
async def test_links_that_lead_outside_are_not_read(disk: Disk, outside: Path, path: str) -> None:
    for call in (disk.stat(path), disk.get(path)):
        with pytest.raises(StorageError) as caught:
            await call
        assert caught.value.kind is DENIED
    assert outside.joinpath("secret").read_bytes() == b"secret"


@pytest.mark.parametrize("path", ["out/new", "relative/new", "out/deep/new", "sneaky/new"])
async def test_nothing_is_written_or_made_outside(disk: Disk, outside: Path, path: str) -> None:
    await disk.put("inside/a")
    for call in (
        disk.put(path),
        disk.fs.create_dir(f"{path}/", OpCreateDir()),
        disk.fs.copy("inside/a", path, OpCopy()),
        disk.fs.rename("inside/a", path, OpRename()),
        disk.delete("out/secret"),
        disk.keys("out/"),
    ):
        with pytest.raises(StorageError) as caught:
            await call
        assert caught.value.kind is DENIED
    assert os.listdir(outside) == ["secret"]  # noqa: PTH208 - pathlib says blocking in a coroutine


async def test_writing_over_a_link_replaces_the_link_only(disk: Disk, outside: Path) -> None:
    await disk.put("file", b"mine")
    assert await disk.get("file") == b"mine"
    assert outside.joinpath("secret").read_bytes() == b"secret"


async def test_appending_to_a_link_that_leads_outside_is_refused(disk: Disk, outside: Path) -> None:
    with pytest.raises(StorageError):
        await disk.put("file", b"more", append=True)
    assert outside.joinpath("secret").read_bytes() == b"secret"


async def test_links_outside_are_listed_and_deleted_as_links(disk: Disk, outside: Path) -> None:
    assert {"out", "relative", "file", "sneaky"} <= set(await disk.keys())
    for name in ("out", "relative", "file", "sneaky"):
        await disk.delete(name)
    assert await disk.keys() == ["inside/"]
    assert outside.joinpath("secret").read_bytes() == b"secret"


async def test_links_inside_are_followed(disk: Disk) -> None:
    await disk.put("real/a", b"one")
    (disk.root / "rel").symlink_to("real")
    (disk.root / "abs").symlink_to(disk.root / "real")
    (disk.root / "chain").symlink_to("rel/../abs/a")
    assert await disk.get("rel/a") == b"one"
    assert await disk.get("abs/a") == b"one"
    assert await disk.get("chain") == b"one"
    assert await disk.keys("rel/") == ["rel/", "rel/a"]
    await disk.put("rel/new/b", b"two")
    assert await disk.get("real/new/b") == b"two"


async def test_nothing_is_deleted_through_a_link(disk: Disk) -> None:
    await disk.put("precious/a")
    (disk.root / "d").mkdir()
    (disk.root / "d/link").symlink_to("../precious")
    assert await disk.keys("d/", recursive=True) == ["d/", "d/link/"]
    with pytest.raises(StorageError, match=r"d/link.*precious/a"):
        await disk.delete("d/link/a")
    await disk.delete("d/link")  # not the key of what is there: a folder
    assert await disk.keys("d/") == ["d/", "d/link/"]
    await disk.delete("d/link/")
    assert await disk.keys("d/") == ["d/"]
    assert await disk.get("precious/a") == b"x"


async def test_removing_a_link_with_everything_in_it_removes_the_link(disk: Disk) -> None:
    (disk.root / "kept" / "deep").mkdir(parents=True)
    (disk.root / "kept" / "deep" / "file").write_bytes(b"x")
    op = Operator.from_accessor(disk.fs)
    for path in ("link/", "link"):
        (disk.root / "link").symlink_to("kept")
        assert await op.remove_all(path) == 1
        assert disk.files() == ["kept", "kept/deep", "kept/deep/file"]
    assert await op.remove_all("nothing/") == 0
    assert await op.remove_all("kept/") == 3
    assert disk.files() == []


async def test_a_tree_with_a_link_to_its_own_folder_is_removed_whole(disk: Disk) -> None:
    """As every virtual environment of Python has one: ``lib64`` leads to ``lib``."""
    (disk.root / "venv" / "lib").mkdir(parents=True)
    (disk.root / "venv" / "lib" / "file").write_bytes(b"x")
    (disk.root / "venv" / "lib64").symlink_to("lib")
    assert await Operator.from_accessor(disk.fs).remove_all("venv/") == 4
    assert disk.files() == []


async def test_links_in_a_circle_are_refused(disk: Disk) -> None:
    (disk.root / "a").symlink_to("b")
    (disk.root / "b").symlink_to("a")
    with pytest.raises(StorageError) as caught:
        await disk.stat("a")
    assert caught.value.kind is DENIED
    assert await disk.keys() == ["a", "b"]


async def test_a_link_to_the_root_itself_is_what_the_user_named(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a").write_bytes(b"one")
    (tmp_path / "alias").symlink_to("real")
    (tmp_path / "real/back").symlink_to(tmp_path / "alias/a")
    fs = Fs(FsConfig(str(tmp_path / "alias")))
    lister = await fs.list("", OpList())
    page = await lister.next_page()
    assert page is not None
    assert [entry.path for entry in page.entries] == ["a", "back"]
    assert [entry.metadata.content_length for entry in page.entries] == [3, 3]
    await fs.aclose()


async def test_a_pipe_does_not_block_and_is_not_a_file(disk: Disk) -> None:
    os.mkfifo(disk.root / "pipe")
    with pytest.raises(StorageError) as caught:
        await disk.get("pipe")
    assert caught.value.kind is ErrorKind.UNSUPPORTED
    assert await disk.keys() == ["pipe"]


async def test_a_pipe_is_not_even_opened(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening its reading end lets a waiting writer go, and closing it kills that writer."""
    os.mkfifo(disk.root / "pipe")
    opened, real = [], os.open

    def noting(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        opened.append(path)
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", noting)
    with pytest.raises(StorageError):
        await disk.get("pipe")
    with pytest.raises(StorageError):
        await disk.fs.copy("pipe", "copy", OpCopy())
    assert str(disk.root) in opened
    assert "pipe" not in opened


async def test_a_missing_root_says_what_to_do(tmp_path: Path) -> None:
    fs = Fs(FsConfig(str(tmp_path / "none")))
    with pytest.raises(StorageError, match="does not exist") as caught:
        await fs.check()
    assert caught.value.kind is ErrorKind.CONFIG_INVALID
    await fs.aclose()


def test_a_relative_root_is_refused() -> None:
    with pytest.raises(StorageError, match="absolute") as caught:
        Fs(FsConfig("here"))
    assert caught.value.kind is ErrorKind.CONFIG_INVALID
