"""``python -m tests.perf transfers``: ``dal cp`` against rclone, s5cmd and the AWS CLI.

Every shape of work goes up and down, each program in turn with the others, on one server.
Before the turns that count, every peer tries each of its flag sets once, which warms all of
them up; the fastest one is used, and printed. After each turn every byte is compared by
SHA-256, and what was written is deleted, also from the server's memory.

Shapes: ``one-large`` (1 GiB), ``four-large`` (4 × 1 GiB), ``many-small`` (10,000 × 16 KiB),
``slow-…`` (1 GiB, 10,000 and 500 small, with 50 ms a round trip), ``narrow-…`` (the same over
20 MB/s). Objects that are downloaded were uploaded by ``dal``, and only ``dal`` compares what
arrived with what a large one's ETag says; with ``--seed rclone`` they carry an MD5 of the whole
in their metadata, by which rclone compares, too. Disk: 9 GiB at most, with
``--server rclone`` 13. Memory is the most that a program ever had resident.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.perf.contenders import COMMANDS, DOWN, PEERS, UP, Carry, FlagSet, flag_sets, program
from tests.perf.link import link, measure
from tests.perf.programs import last_line
from tests.perf.shapes import SHAPES, MiB, Shape
from tests.perf.stand import BUCKET, stand
from tests.perf.table import render, take_turns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.perf.place import Place
    from tests.perf.stand import Stand
    from tests.perf.table import Row

    Go = Callable[[str, FlagSet, "Leg"], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Leg:
    """One way of one shape: from ``source`` (its digests in ``sums``), over ``place``."""

    shape: Shape
    place: Place
    source: Path
    sums: Path
    way: str

    @property
    def seeded(self) -> str:
        """The prefix of what is downloaded."""
        return f"seed/{self.shape.name}/"

    def carry(self, local: Path, remote: str, way: str = "") -> Carry:
        """Return the work of one turn."""
        return Carry(way or self.way, local, BUCKET, remote, self.shape.file)


@dataclass(slots=True)
class Race:
    """One run of the command: where, who, how often, and what it found so far."""

    stand: Stand
    folder: Path
    turns: int
    limit: float
    names: Sequence[str]
    tune: bool = True
    out: Path | None = None
    seed: str = "dal"
    summary: list[str] = field(default_factory=list)
    count: int = 0

    def both_ways(self, shape: Shape) -> None:
        """Measure a shape up, then down; its files are gone afterwards."""
        shape.require_room(self.folder, self.stand.server.name == "rclone")
        sums = shape.make(self.folder)
        source = self.folder / shape.name
        to = urlsplit(self.stand.place.endpoint).port or 80
        try:
            with link(to, shape.round_trip, shape.rate) as port:
                near = f"http://127.0.0.1:{port}" if shape.shaped else self.stand.place.endpoint
                place = replace(self.stand.place, endpoint=near)
                for way in (UP, DOWN):
                    self._one_way(Leg(shape, place, source, sums, way))
        finally:
            shutil.rmtree(source)
            sums.unlink()

    def _one_way(self, leg: Leg) -> None:
        shape, seeded = leg.shape, leg.seeded
        if leg.way == DOWN and not self._seed(leg):
            return
        go = self._up if leg.way == UP else self._down
        self.say(f"## {shape.title}, {leg.way}")
        chosen = {name: self._best(name, leg, go) for name in self.names}
        rows = take_turns(
            self.names, self.turns, lambda name: go(name, chosen[name], leg), self.say
        )
        self._report(shape, leg.way, rows, chosen)
        if leg.way == DOWN:
            self._run_proof("clear", seeded)
            self.stand.collect()

    def _seed(self, leg: Leg) -> bool:
        """Upload what will be downloaded, by the first program that can."""
        for name in dict.fromkeys([self.seed, *self.names]):
            try:
                self._timed(name, FlagSet(), leg.carry(leg.source, leg.seeded, UP), leg.place)
                self._prove("remote", leg.seeded, leg.sums)
            except SystemExit as stop:
                self.print(f"{leg.shape.title} was not uploaded by {name}: {stop}\n")
                self._run_proof("clear", leg.seeded)
            else:
                return True
        return False

    def _best(self, name: str, leg: Leg, go: Go) -> FlagSet:
        """Try each flag set once, uncounted, and return the fastest."""
        sets = flag_sets(name, leg.way, many=leg.shape.many)
        times: dict[int, float] = {}
        for number, flags in enumerate(sets if self.tune else sets[:1]):
            try:
                times[number] = go(name, flags, leg)["seconds"]
            except SystemExit as stop:
                self.say(f"    {name} {flags.words()}: {stop}")
            else:
                self.say(f"    {name:<8} {times[number]:8.2f} s to warm up, {flags.words()}")
        return sets[min(times, key=times.__getitem__)] if times else sets[0]

    def _up(self, name: str, flags: FlagSet, leg: Leg) -> dict[str, float]:
        self.count += 1
        work = leg.carry(leg.source, f"turn-{self.count}/{leg.shape.name}/")
        try:
            result = self._timed(name, flags, work, leg.place)
            self._prove("remote", work.remote, leg.sums)
            return result
        finally:
            self._run_proof("clear", work.remote)
            self.stand.collect()

    def _down(self, name: str, flags: FlagSet, leg: Leg) -> dict[str, float]:
        self.count += 1
        work = leg.carry(self.folder / f"turn-{self.count}" / leg.shape.name, leg.seeded)
        work.local.mkdir(parents=True)
        try:
            result = self._timed(name, flags, work, leg.place)
            self._prove("local", str(work.local), leg.sums)
            return result
        finally:
            shutil.rmtree(work.local.parent)

    def _timed(self, name: str, flags: FlagSet, work: Carry, place: Place) -> dict[str, float]:
        """Run a program to its end, or to the limit; the time is from its start to its exit."""
        state = self.folder / "state"
        state.mkdir(exist_ok=True)
        own = {f"XDG_{kind}_HOME": str(state / kind) for kind in ("CONFIG", "STATE", "DATA")}
        environ = {**os.environ, **place.environment(), **own, **flags.files(self.folder)}
        # Programs in Python find their code compiled from the second run on, as when installed.
        environ.pop("PYTHONDONTWRITEBYTECODE", None)
        environ["PYTHONPYCACHEPREFIX"] = str(self.folder / "compiled")
        path = program(name)
        assert path is not None
        os.sync()  # What an earlier turn wrote shall not be written during this one.
        with tempfile.TemporaryFile() as said:
            begun = time.perf_counter()
            process = subprocess.Popen(
                [path, *COMMANDS[name](work, flags)[1:]],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=environ,
            )
            timer = threading.Timer(self.limit, process.kill)
            timer.start()
            try:
                _, status, usage = os.wait4(process.pid, 0)
            except BaseException:
                process.kill()
                raise
            finally:
                timer.cancel()
            seconds = time.perf_counter() - begun
            process.returncode = os.waitstatus_to_exitcode(status)
            said.seek(0)
            if process.returncode:
                why = last_line(said.read(), process.returncode)
                late = f"ended after {self.limit:.0f} s: " if seconds >= self.limit else ""
                raise SystemExit(f"{late}{why}")
        return {"seconds": seconds, "peak": usage.ru_maxrss * 1024.0}

    def _prove(self, what: str, where: str, sums: Path) -> None:
        if wrong := self._run_proof(what, where, str(sums)):
            raise SystemExit(f"the bytes are not the ones that were sent: {wrong}")

    def _run_proof(self, *words: str) -> str:
        """Compare or clear, by the shortest way to the server, in a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.perf.proof", *words],
            env={**os.environ, **self.stand.place.environment()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        return last_line(done.stderr, done.returncode) if done.returncode else ""

    # -- printing

    def _report(
        self, shape: Shape, way: str, rows: Sequence[Row], chosen: dict[str, FlagSet]
    ) -> None:
        amount = shape.size * shape.count / 1e6
        text = render(f"{shape.title}, {way}", rows, amount, "MB/s")
        text += "\n" + "".join(f"- `{name}`: {chosen[name].words()}\n" for name in self.names)
        ours = next((row for row in rows if row.contender == "dal" and row.seconds), None)
        peers = [row for row in rows if row.contender != "dal" and row.seconds]
        if ours is not None and peers:
            ratios = {row.contender: row.median / ours.median for row in peers}
            goals = [ratios[name] for name in shape.goals or ratios if name in ratios]
            cells = [f"{ratios[name]:.2f}" if name in ratios else "–" for name in PEERS]
            met = "–" if not goals else "yes" if min(goals) >= 1 else "no"
            goal = " and ".join(shape.goals) or "the fastest"
            self.summary.append(
                f"| {shape.title}, {way} | {amount / ours.median:,.0f} | {' | '.join(cells)} "
                f"| {goal} | {met} | {ours.peak / MiB:.0f} |"
            )
        self.print(text)

    def print_summary(self) -> None:
        """Print one line a shape and way: our rate over each peer's."""
        head = ["work", "dal MB/s", *(f"dal / {name}" for name in PEERS), "at least", "met", "MiB"]
        lines = [f"| {' | '.join(head)} |", "|---" + "|---:" * (len(head) - 1) + "|"]
        self.print(
            "### Rates of dal over those of the others\n\n" + "\n".join(lines + self.summary)
        )

    def print(self, text: str) -> None:
        """Write to standard output, and to the file that was asked for."""
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
        if self.out is not None:
            with self.out.open("a") as file:
                file.write(text + "\n")

    def say(self, text: str) -> None:
        """Tell how far it is."""
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def link_costs(self, shapes: Sequence[Shape]) -> None:
        """Print what the links really do, and what passing through one costs rclone."""
        for round_trip, rate in sorted({(s.round_trip, s.rate or 0.0) for s in shapes if s.shaped}):
            found, speed = measure(round_trip, rate or None)
            wish = f"{rate / 1e6:.0f} MB/s" if rate else "no limit"
            self.print(
                f"A link of {round_trip * 1000:.0f} ms and {wish}: measured {found * 1000:.1f} ms, "
                f"{speed / 1e6:.1f} MB/s over one connection."
            )
        if "rclone" not in self.names:
            return
        shape = Shape("link-cost", 1, 128 * MiB)
        sums, to = shape.make(self.folder), urlsplit(self.stand.place.endpoint).port or 80
        flags = flag_sets("rclone", UP, many=False)[0]
        seconds: dict[str, list[float]] = {"directly": [], "through a link": []}
        with link(to) as port:
            far = replace(self.stand.place, endpoint=f"http://127.0.0.1:{port}")
            for _ in range(3):
                for name, place in zip(seconds, (self.stand.place, far), strict=True):
                    leg = Leg(shape, place, self.folder / shape.name, sums, UP)
                    seconds[name].append(self._up("rclone", flags, leg)["seconds"])
        best = {name: shape.size / 1e6 / min(times) for name, times in seconds.items()}
        words = ", ".join(f"{name} {rate:.0f} MB/s" for name, rate in best.items())
        self.print(f"128 MiB up by rclone, best of 3: {words} (a link without delay or limit).\n")
        shutil.rmtree(self.folder / shape.name)


def main(words: Sequence[str]) -> None:
    """Parse the rest of the command line and run."""
    names = [shape.name for shape in SHAPES]
    parser = argparse.ArgumentParser(
        prog="python -m tests.perf transfers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shape", nargs="*", choices=[*names, []], help="all of them by default")
    parser.add_argument("--server", choices=("ceph", "rclone"), default="ceph")
    parser.add_argument("--quick", action="store_true", help="an eighth of the size, 200 files")
    parser.add_argument("--turns", type=int, default=5, help="that count, of each (default 5)")
    parser.add_argument("--limit", type=float, default=600, help="seconds a program may take")
    parser.add_argument("--no-tune", action="store_true", help="only each peer's first flag set")
    parser.add_argument(
        "--seed", choices=("dal", "rclone"), default="dal", help="who uploads first"
    )
    parser.add_argument("--only", help="contenders, with commas between them")
    parser.add_argument("--out", type=Path, help="append the tables to this file too")
    given = parser.parse_args(words)
    only = given.only.split(",") if given.only else list(COMMANDS)
    there = [name for name in COMMANDS if name in only and program(name)]
    missing = sorted({*only} - {*there})
    shapes = [shape for shape in SHAPES if not given.shape or shape.name in given.shape]
    if given.quick:
        shapes = [shape.quick() for shape in shapes]
    # Ended from outside, too, it takes its files and its server with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with (
        tempfile.TemporaryDirectory(prefix="dalbrowser-perf-") as folder,
        stand(given.server) as running,
    ):
        race = Race(
            running,
            Path(folder),
            given.turns,
            given.limit,
            there,
            not given.no_tune,
            given.out,
            given.seed,
        )
        floor = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        race.print(
            f"# Transfers on {given.server}, {os.cpu_count()} cores, {given.turns} turns, "
            f"{'quick' if given.quick else 'full'} sizes, what comes down sent by {given.seed}\n\n"
            + (f"Not here: {', '.join(missing)}.\n" if missing else "")
            + f"A peak below {floor:.0f} MiB cannot be told (this command's own). Others kept "
            f"{os.getloadavg()[0]:.1f} of the cores busy in the minute before.\n"
        )
        race.link_costs(shapes)
        for shape in shapes:
            race.both_ways(shape)
        race.print_summary()
