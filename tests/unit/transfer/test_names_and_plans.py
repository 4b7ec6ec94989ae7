"""The pure parts: local names, part sizes, conflicts, digests, the slower failures."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalbrowser.storage import Capability, ErrorKind, ErrorStatus, Metadata, StorageError
from dalbrowser.transfer import ConflictPolicy, Integrity, TransferError
from dalbrowser.transfer.conflicts import Side, Verdict, decide, numbered
from dalbrowser.transfer.disk.localfile import temp_name
from dalbrowser.transfer.disk.localnames import key_of, local_path, make_parents, segments_of
from dalbrowser.transfer.failures import Wait, pause_before, wait_for
from dalbrowser.transfer.integrity import judge, multipart_etag, verify_file
from dalbrowser.transfer.model import MiB, TargetUnwritableError
from dalbrowser.transfer.partplan import PartPlan, plan_parts

ODD = st.lists(
    st.sampled_from(
        ["..", ".", "", "%", "%_", "%2E", "%%41", "con", "CON.txt", "a.", "b ", "x" * 255,
         "é" * 200, "." * 260, "%" * 250, "\x00", "\x7f", "a:b", "NUL", "a%_", "%25",
         "%0A", "%0a", "%20", "%3A", "%41", "a%63", "%6Eul", "\udcff", "😀" * 90]
    ) | st.text(max_size=12),
    max_size=6,
)  # fmt: skip


@given(ODD, st.booleans())
def test_every_key_has_a_local_name_and_comes_back(parts: list[str], windows: bool) -> None:
    key = "/".join(parts)
    try:
        os.fsencode(key)
    except UnicodeEncodeError:
        return
    names = segments_of(key, windows=windows)
    assert key_of(names, windows=windows) == key
    for name in names:
        assert name not in ("", ".", "..")
        assert "/" not in name
        assert "\x00" not in name
        assert len(os.fsencode(name)) <= 240
        if windows:
            assert name[-1] not in ". "
            assert name.split(".")[0].lower() not in ("con", "nul")
            assert not set(name) & set('<>:"|?*\\')


@pytest.mark.parametrize(
    ("key", "posix", "windows"),
    [
        ("dt=1 00%3A00/a%20b", "dt=1 00%3A00/a%20b", "dt=1 00%253A00/a%2520b"),
        ("100%/%41%zz%c3%A9", "100%/%41%zz%c3%A9", "100%/%2541%zz%c3%A9"),
        ("%0A/%25/%2E/%7F", "%250A/%2525/%252E/%257F", "%250A/%2525/%252E/%257F"),
        ("../\n:", "%2E%2E/%0A:", "%2E%2E/%0A%3A"),
    ],
)
def test_a_name_is_changed_only_where_it_has_to_be(key: str, posix: str, windows: str) -> None:
    assert "/".join(segments_of(key, windows=False)) == posix
    assert "/".join(segments_of(key, windows=True)) == windows


@given(ODD)
def test_no_key_leads_outside(parts: list[str]) -> None:
    key = "/".join(parts)
    try:
        path = local_path("/chosen/folder", key)
    except UnicodeEncodeError:
        return
    assert os.path.normpath(path).startswith("/chosen/folder/")


def test_path_outside_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / ".." / "x", Path("/etc/x")):
        with pytest.raises(TargetUnwritableError, match="outside"):
            make_parents(str(tmp_path), str(path))


@given(st.integers(0, 50 * 1024**4), st.sampled_from([None, 10_000, 1000]))
def test_parts_cover_everything_once(size: int, most: int | None) -> None:
    plan = plan_parts(size, Capability(write_multi_max_parts=most, write_multi_min_size=5 * MiB))
    assert plan.count <= (most or 10_000)
    assert plan.part_size >= 8 * MiB
    assert plan.part_size % MiB == 0
    last = plan.span(plan.count)
    assert last.offset + last.size == size
    assert plan.span(1).offset == 0
    with pytest.raises(ValueError, match="no part"):
        plan.span(plan.count + 1)


def test_object_beyond_the_service_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(TransferError, match="split the file"):
        plan_parts(100, Capability(write_total_max_size=99))


@pytest.mark.parametrize(
    ("policy", "source", "target", "verdict"),
    [
        (ConflictPolicy.ASK, Side(1, 1), Side(1, 1), Verdict.ASK),
        (ConflictPolicy.IF_NEWER, Side(1, 5.9), Side(1, 5.1), Verdict.SKIP),
        (ConflictPolicy.IF_NEWER, Side(1, 6.0), Side(1, 5.9), Verdict.SEND),
        (ConflictPolicy.IF_NEWER, Side(1, None), Side(1, 5), Verdict.ASK),
        (ConflictPolicy.IF_SIZE_DIFFERS, Side(1, 1), Side(2, 1), Verdict.SEND),
        (ConflictPolicy.IF_SIZE_DIFFERS, Side(1, 1), Side(None, 1), Verdict.ASK),
        (ConflictPolicy.KEEP_BOTH, Side(1, 1), Side(1, 1), Verdict.RENAME),
    ],
)
def test_conflicts(policy: ConflictPolicy, source: Side, target: Side, verdict: Verdict) -> None:
    assert decide(policy, source, target) is verdict


@pytest.mark.parametrize(
    ("name", "second"),
    [
        ("a.txt", "a (2).txt"),
        ("d.d/a", "d.d/a (2)"),
        (".hidden", ".hidden (2)"),
        ("a.tar.gz", "a.tar (2).gz"),
    ],
)
def test_second_names(name: str, second: str) -> None:
    assert numbered(name, 2) == second


def test_digests_of_parts_prove_an_object(tmp_path: Path) -> None:
    data = os.urandom(3 * MiB)
    (tmp_path / "f").write_bytes(data)
    pieces = [hashlib.md5(data[at : at + MiB]).digest() for at in range(0, len(data), MiB)]
    etag = f'"{multipart_etag(pieces)}"'
    assert judge(Metadata(etag=etag), None, pieces) is Integrity.MD5
    assert judge(Metadata(etag='"x-3"'), None, pieces) is Integrity.SIZE_ONLY
    path = str(tmp_path / "f")
    assert verify_file(path, Metadata(etag=etag), len(data))[0] is Integrity.MD5
    assert verify_file(path, Metadata(etag='"' + "0" * 32 + '"'), 0)[0] is Integrity.NONE
    assert verify_file(path, Metadata(etag='"' + "0" * 32 + '-3"'), 1)[0] is Integrity.SIZE_ONLY


def test_part_plan_of_nothing_is_one_empty_part() -> None:
    assert [span.size for span in PartPlan(0, 5).spans()] == [0]


def test_temporary_names_fit_and_differ() -> None:
    long = "/d/" + "ü" * 127
    assert len(os.fsencode(temp_name(long).rpartition("/")[2])) <= 255
    assert temp_name("/d/a") == "/d/.a.dalpart"
    assert temp_name("/d/a", 2) == "/d/.a.2.dalpart"
    assert temp_name(long) != temp_name(long + "x")


@pytest.mark.parametrize(
    ("kind", "status", "context", "wait"),
    [
        (ErrorKind.UNEXPECTED, ErrorStatus.TEMPORARY, {}, Wait.NETWORK),
        (ErrorKind.UNEXPECTED, ErrorStatus.PERSISTENT, {"status": "503"}, Wait.AGAIN),
        (ErrorKind.RATE_LIMITED, ErrorStatus.PERSISTENT, {"status": "429"}, Wait.LIMIT),
        (ErrorKind.PERMISSION_DENIED, ErrorStatus.PERMANENT, {"code": "ExpiredToken"},
         Wait.CREDENTIALS),
        (ErrorKind.PERMISSION_DENIED, ErrorStatus.PERMANENT, {"status": "403"}, Wait.NONE),
    ],
)  # fmt: skip
def test_what_a_failure_waits_for(
    kind: ErrorKind, status: ErrorStatus, context: dict[str, str], wait: Wait
) -> None:
    assert wait_for(StorageError(kind, "", status=status, context=context)) is wait


def test_pauses_grow_to_a_cap_and_heed_the_server() -> None:
    pauses = [pause_before(n, 1.0, 8.0) for n in range(1, 40)]
    assert max(pauses) <= 8.0
    assert min(pauses[4:]) >= 4.0
    assert pause_before(1, 1.0, 8.0, wish=20.0) == 20.0
