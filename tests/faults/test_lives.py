"""Whatever a person says to transfers, in whatever order, over however many lives of the engine.

``DALBROWSER_LIVES=500`` runs that many other stories; a failure says its number and what was
said, and ``DALBROWSER_LIVES_SEED=<number>`` begins with that one.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
from pathlib import Path
from typing import Any

import pytest

from dalbrowser.transfer import ConflictPolicy
from tests.faults.lives import World

STORIES = int(os.environ.get("DALBROWSER_LIVES", "10"))
SEED = int(os.environ.get("DALBROWSER_LIVES_SEED", "1"))
ACTS = 30

WORDS = ["pause", "resume", "resume", "cancel", "cancel", "retry", "run_now", "move_up"]
NAMES = ["a", "b", "b", "c", "tree"]
POLICIES = list(ConflictPolicy)


def _begin(lot: random.Random) -> tuple[Any, ...]:
    word = lot.choice(["upload", "download", "copy", "move"])
    return (word, lot.choice(NAMES), lot.choice(POLICIES))


def _act(lot: random.Random) -> tuple[Any, ...]:
    kind = lot.randrange(12)
    if kind < 3:
        return _begin(lot)
    if kind < 6:
        return ("say", lot.choice(WORDS), lot.randrange(20))
    if kind < 9:
        return ("go", lot.randint(1, 30))
    return lot.choice(
        [
            ("answer", lot.randrange(20), lot.choice(POLICIES), lot.random() < 0.3),
            ("limit", lot.choice([None, 200_000, 5_000_000])),
            ("weather", lot.choice([0.0, 0.1, 0.4])),
            ("restart",),
            ("die",),
        ]
    )


@pytest.mark.fault("anything said in any order, lives ended in order or killed", on="memory, fs")
@pytest.mark.timeout(120 + STORIES * 10)
def test_every_transfer_ends_whole_or_not_at_all() -> None:
    for seed in range(SEED, SEED + STORIES):
        lot = random.Random(seed)
        acts = [_begin(lot), *(_act(lot) for _ in range(ACTS))]
        with tempfile.TemporaryDirectory() as name:
            try:
                asyncio.run(_lived(Path(name), acts, seed))
            except BaseException as error:
                error.add_note(f"story {seed}: {acts}")
                raise


async def _lived(folder: Path, acts: list[tuple[Any, ...]], seed: int) -> None:
    world = World(folder, seed, in_memory=bool(seed % 3))
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
