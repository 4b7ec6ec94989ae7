"""The proof of a download that is made while it comes, whatever the order of its ranges."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import threading
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalbrowser.storage.types import Metadata
from dalbrowser.transfer.disk.localfile import PartFile
from dalbrowser.transfer.downloading import prover
from dalbrowser.transfer.downloading.prover import Prover
from dalbrowser.transfer.downloading.spans import Spans
from dalbrowser.transfer.integrity import multipart_etag
from dalbrowser.transfer.model import Integrity
from tests.faults.rig import MiB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dalbrowser.transfer.context import RunContext

PART = 5 * MiB
DATA = os.urandom(4 * PART + 12_345)
PARTS = [hashlib.md5(DATA[at : at + PART]).digest() for at in range(0, len(DATA), PART)]


class Threads:
    """What a prover needs of the engine: somebody who runs what blocks."""

    async def to_the_end(self, call: Callable[..., Any], *args: object) -> object:
        return await asyncio.to_thread(call, *args)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[PartFile]:
    made = PartFile(str(tmp_path / "f"))
    made.write(0, [DATA])
    yield made
    made.close()


def prover_of(file: PartFile, etag: str) -> Prover:
    return Prover(cast("RunContext", Threads()), file, Metadata(etag=etag), len(DATA))


def shuffled(step: int, seed: int) -> list[tuple[int, int]]:
    ranges = [(at, min(at + step, len(DATA))) for at in range(0, len(DATA), step)]
    random.Random(seed).shuffle(ranges)
    return ranges


@pytest.mark.parametrize("step", [PART // 3 + 1, PART, 3 * PART - 7, len(DATA)])
@pytest.mark.parametrize("whole", [False, True])
async def test_ranges_in_any_order_make_the_digest(file: PartFile, step: int, whole: bool) -> None:
    etag = hashlib.md5(DATA).hexdigest() if whole else multipart_etag(PARTS)
    made = prover_of(file, f'"{etag}"')
    running = asyncio.ensure_future(made.run())
    for one in shuffled(step, seed=step):
        assert made.verdict() is None
        made.arrived([one])
        await asyncio.sleep(0)
    await running
    verdict = made.verdict()
    assert verdict is not None
    assert verdict[0] is Integrity.MD5


@pytest.mark.parametrize("place", [0, PART - 1, 2 * PART, len(DATA) - 1])
async def test_one_wrong_byte_anywhere_is_no_proof(file: PartFile, place: int) -> None:
    file.write(place, [bytes([DATA[place] ^ 1])])
    made = prover_of(file, f'"{multipart_etag(PARTS)}"')
    made.arrived(shuffled(PART, seed=1))
    await made.run()
    # The part size is only a guess, so the file is asked as a whole before it is called wrong.
    assert made.verdict() is None
    made = prover_of(file, f'"{hashlib.md5(DATA).hexdigest()}"')
    made.arrived(shuffled(PART, seed=1))
    await made.run()
    verdict = made.verdict()
    assert verdict is not None
    assert verdict[0] is Integrity.NONE


async def test_parts_are_hashed_side_by_side(
    file: PartFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prover, "_AT_ONCE", 2)
    both, real = threading.Barrier(2, timeout=20), PartFile.read
    seen: set[int] = set()

    def read(self: PartFile, offset: int, size: int) -> bytes:
        if offset in {0, PART}:
            seen.add(offset)
            both.wait()
        return real(self, offset, size)

    monkeypatch.setattr(PartFile, "read", read)
    made = prover_of(file, f'"{multipart_etag(PARTS)}"')
    made.arrived([(0, len(DATA))])
    await made.run()
    assert seen == {0, PART}
    assert made.verdict() == (Integrity.MD5, "")


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)), max_size=25))
def test_spans_know_which_bytes_are_there(ranges: list[tuple[int, int]]) -> None:
    spans, there = Spans(), set[int]()
    for start, length in ranges:
        spans.add(start, start + length)
        there.update(range(start, start + length))
    for at in range(75):
        stop = at
        while stop in there:
            stop += 1
        assert spans.reaches(at) == stop
