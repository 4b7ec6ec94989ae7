"""Where things go and what they are called there: exact names, buckets as a whole, refusals."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.e2e.witness import objects, put
from tests.servers.raw import RawS3
from tests.trees import plant

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Dal
    from tests.servers.s3_server import S3Server


def test_a_bucket_as_a_whole_keeps_its_name(
    dal_on: Callable[[S3Server], Dal], ceph_s3: S3Server, ceph_bucket: str
) -> None:
    dal, other = dal_on(ceph_s3), f"{ceph_bucket}-other"
    with RawS3(ceph_s3) as raw:
        raw.create_bucket(other)
    try:
        for key in ("a", "p/b"):
            put(ceph_s3, ceph_bucket, key, key.encode())
        assert dal("cp", "-r", f"s3://{ceph_bucket}", f"s3://{other}").code == 0
        assert objects(ceph_s3, other) == {
            f"{ceph_bucket}/a": b"a",
            f"{ceph_bucket}/p/b": b"p/b",
        }
        within = dal("cp", "-r", f"s3://{ceph_bucket}", f"s3://{ceph_bucket}/in/")
        assert "the very folder that is to be copied" in within.complaint()
        assert dal("mv", "-r", f"s3://{ceph_bucket}", f"s3://{other}/x/").code == 0
        assert objects(ceph_s3, ceph_bucket) == {}
        assert objects(ceph_s3, other)[f"x/{ceph_bucket}/p/b"] == b"p/b"
    finally:
        dal("rm", "-r", "-y", f"s3://{other}")
        with RawS3(ceph_s3) as raw:
            raw.send("DELETE", other)


def test_an_object_takes_another_name_wherever_it_goes(
    dal_on: Callable[[S3Server], Dal], ceph_s3: S3Server, ceph_bucket: str, work: Path
) -> None:
    dal, base = dal_on(ceph_s3), f"s3://{ceph_bucket}"
    home = work.parent / "home"
    put(ceph_s3, ceph_bucket, "a", b"a")
    assert dal("cp", f"{base}/a", "home:there").code == 0
    assert (home / "there").read_bytes() == b"a"
    assert dal("mv", "home:there", f"{base}/d//back").code == 0
    assert not (home / "there").exists()
    assert objects(ceph_s3, ceph_bucket) == {"a": b"a", "d//back": b"a"}
    # It is a transfer like any other: in the journal, with its proof and every option.
    assert "d//back" in dal("transfers", "list", "--all").lines[-1]
    put(ceph_s3, ceph_bucket, "a", b"newer")
    assert dal("cp", "-n", f"{base}/a", f"{base}/d//back").err.startswith("dal: Skipped")
    assert dal("cp", "--keep-both", f"{base}/a", f"{base}/d//back").code == 0
    assert dal("cp", f"{base}/a", f"{base}/c").code == 0
    assert objects(ceph_s3, ceph_bucket) == {
        "a": b"newer",
        "c": b"newer",
        "d//back": b"a",
        "d//back (2)": b"newer",
    }


def test_what_cannot_work_is_refused_and_leaves_no_transfer(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    dal, base = dal_on(rclone_s3), f"s3://{rclone_bucket}"
    put(rclone_s3, rclone_bucket, "f/a", b"a")
    (work / "file").write_bytes(b"mine")
    for command, words in (
        (("mv", "-r", f"{base}/f/", f"{base}/f/g/"), "the very folder"),
        (("cp", f"{base}/f/a", f"{base}/f/"), "where it is already"),
        (("cp", f"{base}/f/a", "none/x"), "There is no folder"),
        (("cp", f"{base}/f/a", "file/x"), "There is no folder"),
        (("cp", f"{base}/f/a", "file/"), "is a file"),
        (("cp", f"{base}/f/a", "-"), "dal cat"),
        (("cp", "-", f"{base}/x"), "stdin"),
        (("stat", "s3://"), "names no bucket"),
        (("stat", f"s3://{rclone_bucket}-none"), "There is no bucket"),
    ):
        assert words in dal(*command).complaint(), command
    assert sorted(path.name for path in work.iterdir()) == ["file"]
    assert (work / "file").read_bytes() == b"mine"
    assert dal("transfers", "list", "--all").out == b""
    assert objects(rclone_s3, rclone_bucket) == {"f/a": b"a"}


def test_what_a_folder_leaves_out_or_calls_otherwise_is_said(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    dal, base = dal_on(rclone_s3), f"s3://{rclone_bucket}"
    for folder in ("p/t", "q/t"):
        (work / folder).mkdir(parents=True)
        (work / folder / "x").write_bytes(folder.encode())
    (work / "p/t/linked").symlink_to("../../q")
    os.mkfifo(work / "p/t/pipe")
    done = dal("cp", "-r", "p/t", base)
    assert (done.code, done.out) == (0, b"")
    assert done.err.splitlines() == [
        f"dal: {work}/p/t/linked: This is a link to a folder; it was left out.",
        f"dal: {work}/p/t/pipe: This is not a regular file; it was left out.",
        "dal: 2 files were left out; dal transfers list --all --files shows them.",
    ]
    (work / "p/t/linked").unlink()
    (work / "p/t/pipe").unlink()
    again = dal("cp", "-r", "-n", "p/t", base)
    assert again.err.splitlines() == [
        "dal: 1 file was left out; dal transfers list --all --files shows them."
    ]
    both = dal("cp", "-r", "p/t", "q/t", f"{base}/both/")
    (line,) = both.err.splitlines()
    # Whichever of the two came second.
    second = "p/t" if line.startswith(f"dal: {work}/p/t/x: ") else "q/t"
    assert line.startswith(f"dal: {work}/{second}/x: ")
    assert "called x (2) there" in line
    assert objects(rclone_s3, rclone_bucket) == {
        "t/x": b"p/t",
        "both/t/x": b"q/t" if second == "p/t" else b"p/t",
        "both/t/x (2)": second.encode(),
    }


def test_what_is_in_a_folder_goes_without_its_name(
    dal_on: Callable[[S3Server], Dal], ceph_s3: S3Server, ceph_bucket: str, work: Path
) -> None:
    dal, base = dal_on(ceph_s3), f"s3://{ceph_bucket}"
    plant(work / "site", {"index": b"i", "css/a": b"a"})
    for text, there in (("site", "named/site/"), ("site/", "slash/site/"), ("site/.", "in/")):
        assert dal("cp", "-r", text, f"{base}/{there.partition('/')[0]}").code == 0, text
        found = objects(ceph_s3, ceph_bucket)
        assert {key for key in found if key.startswith(there)} == {f"{there}index", f"{there}css/a"}
    inside = replace(dal, folder=work / "site")
    for text in (".", "./"):
        assert inside("cp", "-r", text, base).code == 0
        assert objects(ceph_s3, ceph_bucket).pop("index") == b"i"
        assert inside("rm", f"{base}/index", f"{base}/css/a").code == 0
    assert "add -r" in inside("cp", ".", base).complaint()
    home = replace(dal, folder=work.parent / "home")
    assert "which would never end" in home("cp", "-r", ".", "home:into/").complaint()
    (home.folder / "file").write_bytes(b"mine")
    for words in (
        ("-r", "site", "home:file"),
        ("-r", "site", "home:file/"),
        ("site/index", "home:file/"),
    ):
        assert "is a file; name a folder" in dal("cp", *words).complaint()
    assert (home.folder / "file").read_bytes() == b"mine"
    assert dal("transfers").out == b""
    # Without -r a folder there is called one, too.
    for command in ("cp", "mv"):
        assert "is a folder; add -r" in dal(command, f"{base}/in", f"{base}/other").complaint()
    assert "no object" in dal("cp", f"{base}/i", f"{base}/other").complaint()


def test_a_file_that_cannot_have_its_name_here_is_said(
    dal_on: Callable[[S3Server], Dal], ceph_s3: S3Server, ceph_bucket: str, work: Path
) -> None:
    dal, base = dal_on(ceph_s3), f"s3://{ceph_bucket}"
    for key in ("t/a%20b", "t/dt=1 00%3A00", "t/a%0Ab", "t/x\ty"):
        put(ceph_s3, ceph_bucket, key, key.encode())
    folder = dal("cp", "-r", f"{base}/t", ".")
    assert folder.code == 0
    assert sorted(path.name for path in (work / "t").iterdir()) == [
        "a%20b", "a%250Ab", "dt=1 00%3A00", "x%09y"
    ]  # fmt: skip
    said = "A file here cannot have all of its name, so some of it is written with %."
    assert folder.err == (f"dal: {work}/t/a%250Ab: {said}\ndal: {work}/t/x%09y: {said}\n")
    plain = dal("cp", f"{base}/t/a%20b", ".")
    assert (plain.code, plain.err) == (0, "")
    assert (work / "a%20b").read_bytes() == b"t/a%20b"
    odd = dal("cp", f"{base}/t/x\ty", ".")
    assert (odd.code, odd.err) == (
        0, f"dal: The download of {base}/t/x\\ty to {work}/x%09y is done. {said}\n"
    )  # fmt: skip
    named = dal("cp", f"{base}/t/x\ty", "x\ty")
    assert (named.code, named.err) == (0, "")
    assert (work / "x\ty").read_bytes() == b"t/x\ty"


def test_no_file_takes_the_place_of_a_device(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    dal, home = dal_on(rclone_s3), work.parent / "home"
    put(rclone_s3, rclone_bucket, "t/pipe", b"new")
    pipes = [work / "pipe", work / "t/pipe", home / "pipe"]
    for pipe in pipes:
        pipe.parent.mkdir(exist_ok=True)
        os.mkfifo(pipe)
    (home / "file").write_bytes(b"file")
    for command in (
        ("cp", f"s3://{rclone_bucket}/t/pipe", "pipe"),
        ("cp", "-r", f"s3://{rclone_bucket}/t", "."),
        ("cp", f"s3://{rclone_bucket}/t/pipe", "home:"),
        ("cp", "home:file", "home:pipe"),
        ("mv", "home:file", "home:pipe"),
    ):
        done = dal(*command)
        assert done.code == 1, command
        assert "no file takes its place" in done.err
    for pipe in pipes:
        assert pipe.is_fifo()
    assert (home / "file").read_bytes() == b"file"
    skipped = dal("cp", "-n", f"s3://{rclone_bucket}/t/pipe", "pipe")
    assert skipped.err.startswith("dal: Skipped")


def test_a_folder_that_is_not_there_leaves_no_transfer(
    dal_on: Callable[[S3Server], Dal], ceph_s3: S3Server, ceph_bucket: str, work: Path
) -> None:
    dal, base = dal_on(ceph_s3), f"s3://{ceph_bucket}"
    for command in (
        ("cp", "-r", f"{base}/typo/", "here"),
        ("cp", "-r", f"{base}/typo", "here"),
        ("mv", "-r", f"{base}/typo", f"{base}/x/"),
        ("cp", "-r", "home:typo", "here"),
    ):
        assert "There is nothing in" in dal(*command).complaint(), command
    assert not (work / "here").exists()
    assert dal("transfers", "list", "--all").out == b""
    # An empty folder is something, and comes over.
    assert dal("mkdir", f"{base}/empty").code == 0
    assert dal("cp", "-r", f"{base}/empty", "here").code == 0
    assert (work / "here/empty").is_dir()
