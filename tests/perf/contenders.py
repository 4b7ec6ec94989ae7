"""The programs that carry files, each with the flag sets among which its best one is found.

Invariant: every command moves the same files to, or from, the same place, asks for no
confirmation, prints no progress, and keeps the checks of integrity that its program makes
by itself: flags may save requests, not proofs.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.perf.programs import find

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UP, DOWN = "up", "down"


@dataclass(frozen=True, slots=True)
class Carry:
    """One piece of work: the folder ``local`` to or from the prefix ``remote`` (ends in ``/``).

    ``file`` is the one file's name where the work is one file, else empty.
    """

    way: str
    local: Path
    bucket: str
    remote: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class FlagSet:
    """One way to call a program. ``settings`` are the AWS CLI's, which has no flags for them."""

    flags: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)

    def words(self) -> str:
        """Return what is printed beside the result."""
        pairs = [f"{name}={value}" for name, value in self.settings.items()]
        return " ".join([*self.flags, *pairs]) or "(its defaults)"

    def files(self, folder: Path) -> dict[str, str]:
        """Write what the program reads at its start; return the environment that names it."""
        if not self.settings:
            return {}
        path = folder / f"aws-{abs(hash(tuple(self.settings.items())))}.ini"
        lines = "".join(f"  {name} = {value}\n" for name, value in self.settings.items())
        path.write_text(
            "[default]\nrequest_checksum_calculation = when_required\n"
            f"response_checksum_validation = when_required\ns3 =\n{lines}"
        )
        return {"AWS_CONFIG_FILE": str(path), "AWS_EC2_METADATA_DISABLED": "true"}


def dal(work: Carry, flags: FlagSet) -> list[str]:
    """This project's command, as it is called by anybody."""
    there = f"s3://{work.bucket}/{work.remote}"
    if work.file:
        one = str(work.local / work.file)
        pair = [one, there + work.file] if work.way == UP else [there + work.file, one]
        return ["dal", "cp", *flags.flags, *pair]
    # A folder keeps its name: the prefix ends in the name of the local one.
    above = there.rstrip("/").rpartition("/")[0] + "/"
    pair = [str(work.local), above] if work.way == UP else [there, f"{work.local.parent}/"]
    return ["dal", "cp", "-r", *flags.flags, *pair]


def rclone(work: Carry, flags: FlagSet) -> list[str]:
    """``rclone copy``, told not to look for what cannot be there."""
    there = f"peer:{work.bucket}/{work.remote}".rstrip("/")
    pair = [str(work.local), there] if work.way == UP else [there, str(work.local)]
    command = "copyto" if work.file else "copy"
    if work.file:
        pair = [f"{one}/{work.file}" for one in pair]
    return ["rclone", command, "--no-check-dest", "--s3-no-check-bucket", *flags.flags, *pair]


def s5cmd(work: Carry, flags: FlagSet) -> list[str]:
    """``s5cmd cp``; ``--numworkers`` belongs before the command."""
    before = [flag for flag in flags.flags if flag.startswith("--numworkers")]
    after = [flag for flag in flags.flags if flag not in before]
    there = f"s3://{work.bucket}/{work.remote}"
    if work.file:
        one = str(work.local / work.file)
        pair = [one, there + work.file] if work.way == UP else [there + work.file, one]
    else:
        pair = [f"{work.local}/", there] if work.way == UP else [f"{there}*", f"{work.local}/"]
    return ["s5cmd", "--log", "error", *before, "cp", *after, *pair]


def aws(work: Carry, flags: FlagSet) -> list[str]:
    """``aws s3 cp``; how hard it works is in its configuration file."""
    there = f"s3://{work.bucket}/{work.remote}"
    here = str(work.local)
    if work.file:
        there, here = there + work.file, str(work.local / work.file)
    pair = [here, there] if work.way == UP else [there, here]
    whole = [] if work.file else ["--recursive"]
    return ["aws", "s3", "cp", "--only-show-errors", *whole, *flags.flags, *pair]


COMMANDS = {"dal": dal, "rclone": rclone, "s5cmd": s5cmd, "aws": aws}
PEERS = ("rclone", "s5cmd", "aws")


def flag_sets(name: str, way: str, *, many: bool) -> Sequence[FlagSet]:
    """Return what a program is tried with; ``many`` small files, else large ones."""
    if name == "dal":
        return [FlagSet()]
    if name == "rclone":
        return _rclone_sets(way, many=many)
    if name == "s5cmd":
        if many:
            return [FlagSet((f"--numworkers={n}",)) for n in (64, 16, 256)]
        return [FlagSet((f"-c={c}", f"-p={p}")) for c, p in ((8, 16), (16, 8), (4, 50))]
    numbers = (32, 10) if many else (16, 10, 32)
    size = {} if many else {"multipart_chunksize": "16MB"}
    return [FlagSet((), {"max_concurrent_requests": str(n), **size}) for n in numbers]


def _rclone_sets(way: str, *, many: bool) -> list[FlagSet]:
    if many:
        # The ETag of the PUT, and the listing's, are compared with the MD5 in any case.
        sparing = ["--s3-no-head"]
        if way == DOWN:
            sparing = ["--s3-no-head-object", "--use-server-modtime"]
        return [FlagSet((f"--transfers={n}", f"--checkers={n}", *sparing)) for n in (32, 64, 128)]
    if way == UP:
        pairs = ((8, 16), (4, 16), (16, 8))
        return [
            FlagSet(("--transfers=4", f"--s3-upload-concurrency={c}", f"--s3-chunk-size={p}M"))
            for c, p in pairs
        ]
    streams = [
        FlagSet(("--transfers=4", f"--multi-thread-streams={c}", f"--multi-thread-chunk-size={p}M",
                 "--multi-thread-cutoff=16M"))
        for c, p in ((4, 64), (8, 16))
    ]  # fmt: skip
    return [*streams, FlagSet(("--transfers=4", "--multi-thread-streams=0"))]


def program(name: str) -> str | None:
    """Return a contender's path, behind whatever stands in for it on PATH."""
    found = find(name)
    if found is None or "shims" not in Path(found).parts:
        return found
    # pyenv's stand-in is a shell script that costs a tenth of a second.
    told = subprocess.run(["pyenv", "which", name], capture_output=True, text=True, check=False)
    return told.stdout.strip() if told.returncode == 0 else found
