"""``dal manifest`` after a real upload: sums that sha256sum takes, and files checked again."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Dal
    from tests.servers.s3_server import S3Server


def test_a_folder_goes_up_and_its_sums_are_kept(
    dal_on: Callable[[S3Server], Dal], rclone_s3: S3Server, rclone_bucket: str, work: Path
) -> None:
    dal = dal_on(rclone_s3)
    (work / "trip/deep").mkdir(parents=True)
    for name in ("trip/one", "trip/deep/two words", "trip/a\tb"):
        (work / name).write_bytes(name.encode() * 100)
    assert dal("cp", "-r", "trip", f"s3://{rclone_bucket}/in/").code == 0
    (line,) = dal("transfers", "list", "--all").lines
    job = line.split("\t")[0]
    sums = dal("manifest", "export", job)
    assert sums.code == 0, sums.err
    checked = subprocess.run(
        ["sha256sum", "-c"], cwd=work, input=sums.out, capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.count(b": OK") == 3
    files = dal("manifest", "export", job, "-o", "kept").lines
    assert files == [str(work / "kept.sha256"), str(work / "kept.json")]
    assert dal("manifest", "verify", "kept.json").lines == ["3 files are what the manifest says."]
    shutil.copytree(work / "trip", work / "copy/trip")
    (work / "copy/trip/one").write_bytes(b"?" * len(b"trip/one" * 100))
    (work / "copy/trip/deep/two words").unlink()
    for kept in ("kept.json", "kept.sha256"):
        wrong = dal("manifest", "verify", kept, "copy")
        assert wrong.code == 1
        assert sorted(wrong.lines) == [
            "trip/deep/two words\tIt is not there.",
            "trip/one\tIt has other bytes.",
        ]
        assert "2 of 3 files" in wrong.err


def test_what_makes_no_sense_is_said(bare_dal: Dal, work: Path) -> None:
    assert "no transfer 7" in bare_dal("manifest", "export", "7").complaint()
    (work / "other").write_text("hello\n")
    assert "not a manifest" in bare_dal("manifest", "verify", "other").complaint()
    assert "No such file" in bare_dal("manifest", "verify", "gone").complaint()
