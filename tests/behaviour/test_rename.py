"""Behaviours of ``rename``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.storage import ErrorKind
from tests.behaviour.probes import needs

if TYPE_CHECKING:
    from tests.behaviour.subject import Subject


@needs("rename")
async def test_rename_file(subject: Subject) -> None:
    data = await subject.put("source", 5000)
    await subject.op.rename(subject.key("source"), subject.key("target"))
    assert await subject.op.read(subject.key("target")) == data
    await subject.fails(ErrorKind.NOT_FOUND, subject.op.stat(subject.key("source")))


@needs("rename")
async def test_rename_missing_source(subject: Subject) -> None:
    await subject.put("target", b"intact")
    call = subject.op.rename(subject.key("none"), subject.key("target"))
    await subject.fails(ErrorKind.NOT_FOUND, call)
    assert await subject.op.read(subject.key("target")) == b"intact"


@needs("rename")
async def test_rename_dirs(subject: Subject) -> None:
    await subject.put()
    for source, target in (("dir/", "file"), ("file", "dir/")):
        call = subject.op.rename(subject.key(source), subject.key(target))
        await subject.fails_unsent(ErrorKind.IS_A_DIRECTORY, call)


@needs("rename")
async def test_rename_self(subject: Subject) -> None:
    data = await subject.put()
    call = subject.op.rename(subject.key(), subject.key())
    await subject.fails_unsent(ErrorKind.IS_SAME_FILE, call)
    assert await subject.op.read(subject.key()) == data


@needs("rename")
async def test_rename_nested(subject: Subject) -> None:
    data = await subject.put("a/b/c")
    await subject.op.rename(subject.key("a/b/c"), subject.key("x/y/z"))
    assert await subject.op.read(subject.key("x/y/z")) == data
    assert await subject.files(recursive=True) == ["x/y/z"]


@needs("rename")
async def test_rename_overwrite(subject: Subject) -> None:
    data = await subject.put("source", 500)
    await subject.put("target", 999)
    await subject.op.rename(subject.key("source"), subject.key("target"))
    assert await subject.op.read(subject.key("target")) == data
    assert await subject.files() == ["target"]


@needs("rename_with_if_not_exists")
async def test_rename_with_if_not_exists(subject: Subject) -> None:
    data = await subject.put("source")
    await subject.op.rename(subject.key("source"), subject.key("new"), if_not_exists=True)
    await subject.op.rename(subject.key("new"), subject.key("d/e/new"), if_not_exists=True)
    assert await subject.op.read(subject.key("d/e/new")) == data
    await subject.put("target", b"intact")
    call = subject.op.rename(subject.key("d/e/new"), subject.key("target"), if_not_exists=True)
    await subject.fails(ErrorKind.CONDITION_NOT_MATCH, call)
    assert await subject.op.read(subject.key("target")) == b"intact"
    assert await subject.op.read(subject.key("d/e/new")) == data
