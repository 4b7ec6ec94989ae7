"""Behaviours of ``delete``, ``delete_many`` and ``remove_all``."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from dalbrowser.storage import ErrorKind
from dalbrowser.storage.options import OpDelete
from tests.behaviour.probes import needs
from tests.behaviour.test_list import put_all
from tests.behaviour.test_read import SPECIAL

if TYPE_CHECKING:
    from tests.behaviour.subject import Subject


async def test_delete_file(subject: Subject) -> None:
    await subject.put()
    await subject.put("file-2")
    await subject.op.delete(subject.key())
    assert not await subject.op.exists(subject.key())
    assert await subject.op.exists(subject.key("file-2"))


async def test_delete_empty_dir(subject: Subject) -> None:
    await subject.op.create_dir(subject.key("dir/"))
    await subject.op.delete(subject.key("dir/"))
    assert not await subject.op.exists(subject.key("dir/"))


async def test_delete_with_special_chars(subject: Subject) -> None:
    await subject.put(f"{SPECIAL}.txt")
    await subject.op.delete(subject.key(f"{SPECIAL}.txt"))
    assert not await subject.op.exists(subject.key(f"{SPECIAL}.txt"))


async def test_delete_not_existing(subject: Subject) -> None:
    await subject.op.delete(subject.key("none"))
    await subject.op.delete(subject.key("none/"))
    await subject.op.delete(subject.key("none/at/all"))


async def test_delete_stream(subject: Subject) -> None:
    names = await put_all(subject, [f"file-{n}" for n in range(100)])
    await subject.put("kept")
    outcomes = await subject.op.delete_many(subject.key(n) for n in names)
    assert [(o.path, o.error) for o in outcomes] == [(subject.key(n), None) for n in names]
    assert await subject.files() == ["kept"]


async def test_delete_leading_slash(subject: Subject) -> None:
    await subject.put()
    await subject.op.delete("/" + subject.key())
    assert not await subject.op.exists(subject.key())


async def test_delete_root(subject: Subject) -> None:
    await subject.fails_unsent(ErrorKind.INVALID_INPUT, subject.op.delete(""))
    await subject.fails_unsent(ErrorKind.INVALID_INPUT, subject.op.remove_all(""))


async def test_delete_dir_spares_what_it_holds(subject: Subject) -> None:
    await subject.op.create_dir(subject.key("dir/"))
    await subject.put("dir/file")
    if subject.is_file_system:
        await subject.fails(ErrorKind.INVALID_INPUT, subject.op.delete(subject.key("dir/")))
    else:
        await subject.op.delete(subject.key("dir/"))
    assert await subject.op.exists(subject.key("dir/file"))


async def test_remove_all(subject: Subject) -> None:
    await put_all(subject, ["x/a", "x/b/c", "x/b/d", "x-kept", "xx/kept"])
    await subject.op.create_dir(subject.key("x/empty/"))
    await subject.op.remove_all(subject.key("x/"))
    assert await subject.files(recursive=True) == ["x-kept", "xx/kept"]
    assert not await subject.op.exists(subject.key("x/"))


async def test_remove_all_without_slash(subject: Subject) -> None:
    names = ["x/a", "x/b/c", "x-kept", "xx/kept"]
    await put_all(subject, names if subject.is_file_system else [*names, "x"])
    await subject.op.remove_all(subject.key("x"))
    assert await subject.files(recursive=True) == ["x-kept", "xx/kept"]


async def test_remove_all_of_one_file(subject: Subject) -> None:
    await put_all(subject, ["file", "file-2"])
    await subject.op.remove_all(subject.key("file"))
    assert await subject.files() == ["file-2"]


async def test_remove_all_not_existing(subject: Subject) -> None:
    assert await subject.op.remove_all(subject.key("none/")) == 0


@needs("delete_with_version", "stat_with_version")
async def test_delete_with_version(subject: Subject) -> None:
    """A plain delete keeps the version; deleting the version is final."""
    version = (await subject.put_meta("file", b"old")).version
    await subject.op.delete(subject.key())
    await subject.fails(ErrorKind.NOT_FOUND, subject.op.stat(subject.key()))
    assert (await subject.op.stat(subject.key(), version=version)).content_length == 3
    await subject.op.delete(subject.key(), version=version)
    call = subject.op.stat(subject.key(), version=version)
    await subject.fails(ErrorKind.NOT_FOUND, call)


@needs("delete_with_version")
async def test_delete_with_not_existing_version(subject: Subject) -> None:
    foreign = (await subject.put_meta("other", b"other")).version
    await subject.put(data=b"kept")
    await subject.op.delete(subject.key(), version=foreign)
    assert await subject.op.read(subject.key()) == b"kept"


@needs("delete_with_if_match")
async def test_delete_with_if_match(subject: Subject) -> None:
    etag = (await subject.put_meta("file", b"kept")).etag
    call = subject.op.delete(subject.key(), if_match='"other"')
    await subject.fails(ErrorKind.CONDITION_NOT_MATCH, call)
    assert await subject.op.read(subject.key()) == b"kept"
    await subject.op.delete(subject.key(), if_match=etag)
    assert not await subject.op.exists(subject.key())


async def test_delete_batch(subject: Subject) -> None:
    names = await put_all(subject, ["a", "b", "c d", "é", "x&y<z>"])
    paths = [*(subject.key(n) for n in names), subject.key("none")]
    outcomes = await subject.op.accessor.delete_batch([(path, OpDelete()) for path in paths])
    assert [(o.path, o.error) for o in outcomes] == [(path, None) for path in paths]
    assert await subject.files() == []


@needs("delete_with_version")
async def test_delete_batch_with_versions(subject: Subject) -> None:
    olds = [(n, (await subject.put_meta(n, b"old")).version) for n in ("a", "b")]
    for name, _ in olds:
        await subject.put(name, b"new")
    outcomes = await subject.op.delete_many((subject.key(n), v) for n, v in olds)
    assert [(o.path, o.version, o.error) for o in outcomes] == [
        (subject.key(n), v, None) for n, v in olds
    ]
    assert await subject.op.read(subject.key("a")) == b"new"
    assert len(await subject.op.list(subject.base, versions=True)) == 2


async def test_delete_batch_in_which_one_is_denied(subject: Subject) -> None:
    """That one is reported, the others are deleted."""
    await put_all(subject, ["a", "b", "c"])
    paths = [subject.key(n) for n in ("a", "b", "c")]
    if subject.is_file_system:
        paths[1] = subject.key("../b")
        outcomes = await subject.op.delete_many(paths)
    elif subject.service.deny is not None:
        with subject.service.deny(paths[1]):
            outcomes = await subject.op.delete_many(paths)
    else:
        subject.note("unsupported", "this service can deny no single key")
        return
    assert [o.path for o in outcomes] == paths
    denied = ErrorKind.PERMISSION_DENIED
    assert [o.error and o.error.kind for o in outcomes] == [None, denied, None]
    assert await subject.files() == ["b"]


async def test_delete_uuid_named(subject: Subject) -> None:
    name = str(uuid.uuid4())
    await subject.put(name)
    await subject.op.delete(subject.key(name))
    assert not await subject.op.exists(subject.key(name))
