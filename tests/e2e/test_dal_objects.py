"""``dal ls``, ``cat``, ``stat``, ``rm`` and ``mkdir`` against real servers."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.servers.raw import RawS3

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Dal
    from tests.servers.s3_server import S3Server

ODD_KEYS = [
    "a//b", "/lead", "//two", " a ", "a+b", "a%2Fb", "a?b=c#d", "e:f", "ключ/😀", "é", "e\u0301",
    "a'b\"c", "line\nbreak", "tab\tbed", "a&b=c", "a\\b",
]  # fmt: skip


def put(server: S3Server, bucket: str, **objects: bytes) -> None:
    put_all(server, bucket, objects)


def put_all(server: S3Server, bucket: str, objects: dict[str, bytes]) -> None:
    with RawS3(server) as raw:
        for key, body in objects.items():
            raw.put(bucket, key, body)


def keys(server: S3Server, bucket: str) -> list[str]:
    with RawS3(server) as raw:
        return raw.keys(bucket)


TREE = {"top.txt": b"0123456789", "dir/a.bin": b"a" * 300, "dir/sub/b.bin": b"b", "dirt": b""}


def test_ls(dal: Dal, s3_server: S3Server, s3_bucket: str) -> None:
    put_all(s3_server, s3_bucket, TREE)
    assert f"{s3_bucket}/" in dal("ls", "s3://").lines
    root = dal("ls", f"s3://{s3_bucket}")
    assert (root.code, root.err) == (0, "")
    assert sorted(root.lines) == ["dir/", "dirt", "top.txt"]
    assert sorted(dal("ls", f"s3://{s3_bucket}/dir").lines) == ["a.bin", "sub/"]
    assert sorted(dal("ls", f"s3://{s3_bucket}/dir/").lines) == ["a.bin", "sub/"]
    assert sorted(dal("ls", "-R", f"s3://{s3_bucket}/dir/").lines) == ["a.bin", "sub/b.bin"]
    assert dal("ls", f"s3://{s3_bucket}/top.txt").lines == ["top.txt"]
    (line,) = dal("ls", "-l", f"s3://{s3_bucket}/top.txt").lines
    size, day, time, etag, name = line.split()
    assert (size, name) == ("10", "top.txt")
    assert (len(day), len(time)) == (10, 8)
    assert etag == '"781e5e245d69b566979b86e28d23f2c7"'
    nothing = dal("ls", f"s3://{s3_bucket}/nothing/")
    assert "nothing/" in nothing.complaint()
    assert nothing.out == b""


def test_ls_of_an_empty_bucket_is_no_failure(dal: Dal, s3_bucket: str) -> None:
    result = dal("ls", f"s3://{s3_bucket}/")
    assert (result.code, result.out, result.err) == (0, b"", "")


def test_cat_and_ranges(dal: Dal, s3_server: S3Server, s3_bucket: str) -> None:
    put(s3_server, s3_bucket, x=b"0123456789", empty=b"")
    uri = f"s3://{s3_bucket}/x"
    for given, expected in (
        ("0-0", b"0"), ("2-4", b"234"), ("7-99", b"789"), ("5-", b"56789"), ("-3", b"789"),
        ("-99", b"0123456789"), ("bytes=0-1", b"01"),
    ):  # fmt: skip
        result = dal("cat", uri, "--range", given)
        assert (result.code, result.out, result.err) == (0, expected, "")
    assert dal("cat", uri).out == b"0123456789"
    assert dal("cat", f"s3://{s3_bucket}/empty").out == b""
    beyond = dal("cat", uri, "--range", "10-20")
    assert beyond.out == b""
    beyond.complaint()
    for wrong in ("4-2", "a-b", "-", "3"):
        assert dal("cat", uri, "--range", wrong).code == 2


def test_cat_of_a_large_object_is_exact(dal: Dal, s3_server: S3Server, s3_bucket: str) -> None:
    body = bytes(range(256)) * (80 * 1024)
    put(s3_server, s3_bucket, big=body)
    assert dal("cat", f"s3://{s3_bucket}/big").out == body
    part = dal("cat", f"s3://{s3_bucket}/big", "--range", "8388600-16777300").out
    assert part == body[8388600:16777301]


def test_cat_into_a_reader_that_leaves_is_quiet(
    dal: Dal, s3_server: S3Server, s3_bucket: str
) -> None:
    put(s3_server, s3_bucket, big=b"x" * (16 << 20))
    process = dal.start("cat", f"s3://{s3_bucket}/big")
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.read(10) == b"x" * 10
    process.stdout.close()
    assert process.wait(30) == 141
    assert process.stderr.read() == b""
    process.stderr.close()


def test_stat(dal: Dal, s3_server: S3Server, s3_bucket: str) -> None:
    with RawS3(s3_server) as raw:
        raw.send(
            "PUT", s3_bucket, "a.txt", body=b"hello",
            headers={"content-type": "text/x-odd", "x-amz-meta-colour": "blue"},
        )  # fmt: skip
    facts = json.loads(dal("stat", "--json", f"s3://{s3_bucket}/a.txt").text)
    assert facts["size"] == 5
    assert facts["kind"] == "file"
    assert facts["etag"] == '"5d41402abc4b2a76b9719d911017c592"'
    assert {name.lower(): value for name, value in facts.items()}["meta-colour"] == "blue"
    assert "size:" in dal("stat", f"s3://{s3_bucket}/a.txt").text
    assert "missing" in dal("stat", f"s3://{s3_bucket}/missing").complaint()


def test_a_folder_without_its_slash(
    dal_on: Callable[[S3Server], Dal], ceph_s3: S3Server, ceph_bucket: str
) -> None:
    dal, base = dal_on(ceph_s3), f"s3://{ceph_bucket}"
    put_all(ceph_s3, ceph_bucket, TREE)
    assert json.loads(dal("stat", "--json", f"{base}/dir").text) == {
        "uri": f"{base}/dir/", "key": "dir/", "kind": "dir"
    }  # fmt: skip
    assert "is a folder; name an object" in dal("cat", f"{base}/dir").complaint()
    for command in ("stat", "cat"):
        assert "no object with this key" in dal(command, f"{base}/di").complaint()
    assert "no such file" in dal("stat", "home:none").complaint()


def test_rm_takes_what_was_named_and_nothing_else(
    dal: Dal, s3_server: S3Server, s3_bucket: str
) -> None:
    put_all(s3_server, s3_bucket, TREE)
    base = f"s3://{s3_bucket}"
    assert "nothing was deleted" in dal("rm", f"{base}/top").complaint()
    assert dal("rm", "-f", f"{base}/top").code == 0
    assert "add -r" in dal("rm", f"{base}/dir").complaint()
    assert "add -r" in dal("rm", f"{base}/dir/").complaint()
    assert "add --yes" in dal("rm", "-r", f"{base}/dir/").complaint()
    assert len(keys(s3_server, s3_bucket)) == 4
    assert dal("rm", f"{base}/top.txt").code == 0
    assert sorted(keys(s3_server, s3_bucket)) == ["dir/a.bin", "dir/sub/b.bin", "dirt"]
    assert dal("rm", "-r", "--yes", f"{base}/dir").code == 0
    assert keys(s3_server, s3_bucket) == ["dirt"]


def test_rm_goes_on_after_a_failure_and_says_so(
    dal: Dal, s3_server: S3Server, s3_bucket: str
) -> None:
    put(s3_server, s3_bucket, one=b"1", two=b"2")
    base = f"s3://{s3_bucket}"
    result = dal("rm", f"{base}/one", f"{base}/none", f"{base}/two")
    assert "none" in result.complaint()
    assert keys(s3_server, s3_bucket) == []


def test_mkdir(dal_on: Callable[[S3Server], Dal], ceph_s3: S3Server, ceph_bucket: str) -> None:
    # On Ceph alone: rclone lists the marker of a folder as a file.
    dal = dal_on(ceph_s3)
    assert dal("mkdir", f"s3://{ceph_bucket}/new").code == 0
    assert dal("ls", f"s3://{ceph_bucket}/").lines == ["new/"]
    assert dal("ls", f"s3://{ceph_bucket}/new/").code == 0


def test_odd_keys_are_exact(
    dal_on: Callable[[S3Server], Dal], ceph_s3: S3Server, ceph_bucket: str
) -> None:
    dal = dal_on(ceph_s3)
    put_all(ceph_s3, ceph_bucket, {key: key.encode() for key in ODD_KEYS})
    listed = dal("ls", "-R", f"s3://{ceph_bucket}/").lines
    shown = [key.replace("\n", "\\n").replace("\t", "\\t") for key in ODD_KEYS]
    assert sorted(listed) == sorted(shown)
    for key in ODD_KEYS:
        assert dal("cat", f"s3://{ceph_bucket}/{key}").out == key.encode()
    named = ODD_KEYS[::2]
    assert dal("rm", *(f"s3://{ceph_bucket}/{key}" for key in named)).code == 0
    assert set(keys(ceph_s3, ceph_bucket)) == set(ODD_KEYS) - set(named)


def test_a_profile_of_the_aws_tools_is_enough(
    bare_dal: Dal, rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    put(rclone_s3, rclone_bucket, **{"a.txt": b"a"})
    files = work.parent / "home/.aws"
    files.mkdir()
    uri = f"s3://{rclone_bucket}/a.txt"
    assert "no profile of the AWS tools" in bare_dal("cat", uri).complaint()
    (files / "config").write_text(
        f"[default]\nendpoint_url = {rclone_s3.endpoint}\n[profile program]\n"
        f"endpoint_url = {rclone_s3.endpoint}\ncredential_process = cat {files}/keys.json\n"
    )
    (files / "credentials").write_text(
        f"[default]\naws_access_key_id = {rclone_s3.access_key}\n"
        f"aws_secret_access_key = {rclone_s3.secret_key}\n"
    )
    assert bare_dal("cat", uri).out == b"a"
    program = bare_dal.with_environment(AWS_PROFILE="program")
    assert "gave no credentials" in program("cat", uri).complaint()
    (files / "keys.json").write_text("rubbish")
    assert "gave no credentials" in program("cat", uri).complaint()
    keys = {"AccessKeyId": rclone_s3.access_key, "SecretAccessKey": rclone_s3.secret_key}
    (files / "keys.json").write_text(json.dumps({"Version": 1, **keys}))
    assert program("cat", uri).out == b"a"


def test_dal_starts_without_qt(bare_dal: Dal) -> None:
    program = (
        "import sys\n"
        "from dalbrowser.cli import main\n"
        "assert main(['ls', 'home:']) == 0\n"
        "assert main(['transfers', 'list']) == 0\n"
        "print([name for name in sys.modules if 'PySide' in name or 'qasync' in name])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=bare_dal.environment, capture_output=True, check=True
    )
    assert done.stdout.splitlines()[-1] == b"[]"


def test_without_arguments_and_with_wrong_ones(bare_dal: Dal) -> None:
    assert bare_dal().code == 2
    assert bare_dal("fly").code == 2
    assert bare_dal("--version").text.startswith("dal ")
    assert bare_dal("cp", "--help").code == 0
    assert bare_dal("ls").lines == ["home:", "demo:"]


@pytest.mark.parametrize("text", ["nowhere:x", "gs://b/x", "file.txt", "s3:///x"])
def test_a_place_that_is_none_is_one_sentence(bare_dal: Dal, text: str) -> None:
    bare_dal("ls", text).complaint()
