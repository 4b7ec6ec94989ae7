"""Whatever a person says to transfers, in whatever order, over however many lives of the engine."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dalbrowser.transfer import ConflictPolicy
from tests.faults.lives import World

USUAL = 12
EXAMPLES = int(os.environ.get("DALBROWSER_LIVES", USUAL))
"""The same ones in each run, unless more are asked for."""

NAMES = st.sampled_from(["a", "b", "c", "tree"])
POLICIES = st.sampled_from(list(ConflictPolicy))
WHICH = st.integers(0, 20)
WORDS = ["pause", "resume", "cancel", "retry", "run_now", "move_up", "move_down"]

BEGIN = st.tuples(st.sampled_from(["upload", "download", "copy", "move"]), NAMES, POLICIES)
SAY = st.tuples(st.just("say"), st.sampled_from(WORDS), WHICH)
ANSWER = st.tuples(st.just("answer"), WHICH, POLICIES, st.booleans())
OTHERS = st.one_of(
    st.tuples(st.just("go"), st.integers(1, 30)),
    st.tuples(st.just("restart")),
    st.tuples(st.just("die")),
    st.tuples(st.just("limit"), st.sampled_from([None, 200_000, 5_000_000])),
    st.tuples(st.just("weather"), st.sampled_from([0.0, 0.1, 0.4])),
)


@pytest.mark.fault("anything said in any order, lives ended in order or killed", on="memory")
@settings(
    max_examples=EXAMPLES,
    derandomize=EXAMPLES == USUAL,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    first=BEGIN,
    acts=st.lists(st.one_of(BEGIN, SAY, SAY, ANSWER, OTHERS, OTHERS), min_size=6, max_size=16),
    seed=st.integers(0, 1000),
)
def test_every_transfer_ends_whole_or_not_at_all(
    first: tuple[Any, ...], acts: list[tuple[Any, ...]], seed: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(_lived(Path(name), [first, *acts], seed))


async def _lived(folder: Path, acts: list[tuple[Any, ...]], seed: int) -> None:
    world = World(folder, seed)
    await world.begin()
    for word, *values in acts:
        if word == "answer":
            which, policy, for_batch = values
            await world.answer(which, policy, for_batch=for_batch)
        elif word == "weather":
            world.weather(*values)
        else:
            await getattr(world, word)(*values)
    await world.settle()
