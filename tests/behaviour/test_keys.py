"""Exact keys: an odd key is written, found, read and deleted exactly, its neighbour untouched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage import ErrorKind, StorageError
from dalbrowser.storage.paths import exact
from tests.behaviour.probes import needs

if TYPE_CHECKING:
    from tests.behaviour.subject import Subject

ODD = {
    "empty segment": ("a//b", "a/b"),
    "spaces around": (" a ", "a"),
    "space only": (" ", "a"),
    "dot segment": ("a/./b", "a/b"),
    "dot-dot segment": ("a/../b", "b"),
    "dot at the end": ("a/.", "a"),
    "dot-dot at the end": ("a/b/..", "a"),
    "dots as a name": ("...", "a"),
    "plus": ("a+b", "a b"),
    "percent": ("%2F", "x"),
    "percent slash": ("a%2Fb", "a/b"),
    "percent alone": ("100%", "100"),
    "percent dot": ("%2E%2E/a", "a"),
    "question": ("a?b=c", "a"),
    "hash": ("a#b", "a"),
    "ampersand": ("a&b=c;d", "a"),
    "quotes": ("a'b\"c`d", "abcd"),
    "brackets": ("a[b]{c}<d>|e", "abcde"),
    "backslash": ("a\\b", "a/b"),
    "emoji": ("😀👩‍👩‍👧", "x"),
    "cjk": ("日本語/ファイル", "x"),
    "nfc": ("caf\u00e9", "cafe\u0301"),
    "nfd": ("cafe\u0301", "caf\u00e9"),
    "rtl": ("אב/ג\u202e", "x"),
    "case": ("Key", "key"),
    "control": ("a\x01b\x1f", "ab"),
    "newline": ("a\nb\rc\td", "abcd"),
    "delete character": ("a\x7fb", "ab"),
    "non-character": ("a\ufffeb", "ab"),
    "astral": ("\U00010348\U0001f4a9", "x"),
    "trailing dot": ("a.", "a"),
    "dash": ("-rf", "x"),
    "tilde": ("~", "x"),
    "colon": ("C:\\x:y", "x"),
    "asterisk": ("*?*", "x"),
    "equals": ("=a=", "a"),
    "reserved name": ("CON", "con"),
    "long": ("n" * 200 + "/" + "m" * 200 + "/" + "ü" * 100 + "/" + "k" * 200, "n"),
}
WHOLE = {
    "leading slash": ("/{base}lead", "{base}lead"),
    "dot alone": (".", "x-{base}n"),
    "dot-dot alone": ("..", "x-{base}n"),
    "1024 bytes": ("{base}" + "d" * 240 + ("/" + "e" * 240) * 3, "{base}d"),
}
INEXPRESSIBLE_IN_A_FILE_SYSTEM: dict[str, ErrorKind] = {
    "empty segment": ErrorKind.INVALID_INPUT,
    "dot segment": ErrorKind.INVALID_INPUT,
    "dot at the end": ErrorKind.INVALID_INPUT,
    "dot-dot segment": ErrorKind.PERMISSION_DENIED,
    "dot-dot at the end": ErrorKind.PERMISSION_DENIED,
    "leading slash": ErrorKind.INVALID_INPUT,
    "dot alone": ErrorKind.INVALID_INPUT,
    "dot-dot alone": ErrorKind.PERMISSION_DENIED,
}


UNSUPPORTED = ErrorKind.UNSUPPORTED
REFUSED = "it cannot keep '.', '..' and empty segments apart: such keys are refused"


def keeps_no_odd_segments(subject: Subject) -> bool:
    """Whether the service is, or serves, a real file system."""
    return subject.is_file_system or "exact-keys" in subject.service.limits


@pytest.mark.parametrize("name", [*ODD, *WHOLE])
async def test_keys(subject: Subject, name: str) -> None:
    if name in ODD:
        key, neighbour = (subject.key(k) for k in ODD[name])
    else:
        key, neighbour = (k.format(base=subject.base) for k in WHOLE[name])
    # One leading slash of a path is a convenience: the key "/a" is written "//a".
    path = f"/{key}" if key.startswith("/") else key
    assert exact(path) == key
    await subject.op.write(neighbour, b"neighbour")
    refusal = INEXPRESSIBLE_IN_A_FILE_SYSTEM.get(name)
    if refusal and keeps_no_odd_segments(subject):
        await _refused(subject, path, refusal if subject.is_file_system else UNSUPPORTED)
        subject.note("deviation", REFUSED)
    else:
        await _round_trip(subject, path, key)
    assert await subject.op.read(neighbour) == b"neighbour"
    await subject.op.delete(neighbour)


async def _refused(subject: Subject, path: str, kind: ErrorKind) -> None:
    op = subject.op
    for call in (op.write(path, b"odd"), op.stat(path), op.read(path), op.delete(path)):
        await subject.fails(kind, call)
    for call in (op.copy(path, subject.key("c")), op.copy(subject.key("c"), path)):
        with pytest.raises(StorageError):
            await call
    await subject.fails(kind, op.create_multipart(path))


async def _round_trip(subject: Subject, path: str, key: str) -> None:
    op = subject.op
    data = subject.random(50)
    copied = subject.key("the copy")
    try:
        await op.write(path, data)
        assert (await op.stat(path)).content_length == 50
        assert await op.read(path) == data
        found = [e.path for e in await op.list(subject.base, recursive=True)]
        if not key.startswith(subject.base):
            found = [e.path for e in await op.list("", recursive=True)]
        assert found.count(key) == 1
        if subject.cap.copy:
            await op.copy(path, copied)
            assert await op.read(copied) == data
            await op.write(path, b"again")
            await op.copy(copied, path)
        assert await op.read(path) == data
        assert [e.path for e in await op.list(path) if e.path == key] == [key]
    finally:
        await op.delete(path)
        await op.delete(copied)
    await subject.fails(ErrorKind.NOT_FOUND, op.stat(path))


@pytest.mark.parametrize("name", ["a//b", "a/../b", "a\x01b", "ä +&"])
@needs("multipart", "multipart_list_uploads")
async def test_keys_of_uploads(subject: Subject, name: str) -> None:
    """Multipart keeps odd keys exact too, in its listing and in the object."""
    key = subject.key(name)
    if keeps_no_odd_segments(subject) and name in {"a//b", "a/../b"}:
        with pytest.raises(StorageError):
            await subject.op.create_multipart(key)
        subject.note("deviation", REFUSED)
        return
    upload = await subject.op.create_multipart(key)
    listed = [u.path async for u in subject.op.list_multiparts(subject.base)]
    assert listed == [key]
    await upload.complete([await upload.write(1, b"x")])
    assert await subject.op.read(key) == b"x"


@pytest.mark.parametrize("name", ["a//b", "a/../b", "a\x01b", "ä +&", "x<y>\"'&amp;"])
async def test_keys_in_a_batch_delete(subject: Subject, name: str) -> None:
    key, neighbours = subject.key(name), [subject.key(n) for n in ("a/b", "b", "ab")]
    if keeps_no_odd_segments(subject) and name in {"a//b", "a/../b"}:
        await subject.op.write(subject.key("b"), b"neighbour")
        outcome = (await subject.op.delete_many([key]))[0]
        assert outcome.error is not None
        assert await subject.op.read(subject.key("b")) == b"neighbour"
        subject.note("deviation", REFUSED)
        return
    for neighbour in neighbours:
        await subject.op.write(neighbour, b"neighbour")
    await subject.op.write(key, b"odd")
    await subject.op.write(subject.key("plain"), b"x")
    outcomes = await subject.op.delete_many([key, subject.key("plain")])
    assert [o.error for o in outcomes] == [None, None]
    left = await subject.files(recursive=True)
    assert [subject.key(n) for n in left] == sorted(neighbours)


async def test_keys_that_end_in_a_slash(subject: Subject) -> None:
    """A folder's marker is an object of its own, apart from the object without the slash."""
    await subject.op.create_dir(subject.key("a/"))
    if not subject.is_file_system:
        await subject.op.write(subject.key("a"), b"object")
        await subject.op.delete(subject.key("a/"))
        assert await subject.op.read(subject.key("a")) == b"object"
        return
    await subject.op.delete(subject.key("a"))
    assert await subject.op.exists(subject.key("a/"))


async def test_keys_too_long(subject: Subject) -> None:
    """Longer than the service takes: refused, nothing is written under a shorter key."""
    key = subject.key("x" * 300 if subject.is_file_system else "/".join(["x" * 100] * 20))
    if subject.service.scheme == "memory":
        await subject.op.write(key, b"x")
        await subject.op.delete(key)
        subject.note("unsupported", "memory has no longest key")
        return
    with pytest.raises(StorageError):
        await subject.op.write(key, b"x")
    assert await subject.files(recursive=True) == []
