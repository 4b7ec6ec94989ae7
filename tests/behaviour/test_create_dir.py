"""Behaviours of ``create_dir``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.storage import EntryMode, ErrorKind
from dalbrowser.storage.options import OpStat, OpWrite
from tests.behaviour.probes import needs

if TYPE_CHECKING:
    from tests.behaviour.subject import Subject


@needs("create_dir")
async def test_create_dir(subject: Subject) -> None:
    await subject.op.create_dir(subject.key("dir/"))
    assert (await subject.op.stat(subject.key("dir/"))).mode is EntryMode.DIR


@needs("create_dir")
async def test_create_dir_again(subject: Subject) -> None:
    await subject.op.create_dir(subject.key("dir/"))
    await subject.put("dir/file", b"kept")
    await subject.op.create_dir(subject.key("dir/"))
    assert await subject.op.read(subject.key("dir/file")) == b"kept"


@needs("create_dir")
async def test_create_dir_spares_a_marker_with_bytes(subject: Subject) -> None:
    """Some programs keep bytes under the folder's own key; they are not overwritten."""
    if subject.is_file_system:
        subject.note("unsupported", "a folder has no bytes")
        return
    raw, path = subject.service.accessor(), subject.key("dir/")
    writer = await raw.write(path, OpWrite())
    await writer.write(b"bytes")
    await writer.close()
    await subject.op.create_dir(path)
    assert (await raw.stat(path, OpStat())).content_length == 5
    await raw.aclose()


@needs("create_dir")
async def test_create_dir_nested(subject: Subject) -> None:
    await subject.op.create_dir(subject.key("a/b/c/"))
    assert (await subject.op.stat(subject.key("a/b/c/"))).mode is EntryMode.DIR
    assert await subject.keys("a/") == ["a/b/"]


@needs("create_dir")
async def test_create_dir_without_slash(subject: Subject) -> None:
    call = subject.op.create_dir(subject.key("dir"))
    await subject.fails_unsent(ErrorKind.NOT_A_DIRECTORY, call)


@needs("create_dir")
async def test_create_dir_root(subject: Subject) -> None:
    await subject.op.create_dir("")
    await subject.op.create_dir("/")
