"""Behaviours of ``create_dir``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.storage import EntryMode, ErrorKind
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
