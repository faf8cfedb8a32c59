"""One seed, played from the first request to the last patrol, judged all the while."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests import histories
from tests.simulation.judge import Judge
from tests.simulation.machinery import StagedCalls
from tests.simulation.story import Story
from tests.simulation.world import DAY, World
from workers import flow


@contextmanager
def staged(seed: int) -> Iterator[None]:
    """Calls in strands; what is otherwise drawn from the machine is drawn from the seed."""
    chance = random.Random(f"ids of {seed}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flow, "Calls", StagedCalls)
        patch.setattr(os, "urandom", chance.randbytes)
        yield


def play(seed: int, migrated: Path, folder: Path) -> list[tuple[object, ...]]:
    """What happened. Raises Violation, or whatever else the product let escape."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(migrated, folder)
    with staged(seed):
        world = World(seed, folder)
        try:
            story = Story(world)
            judge = Judge(world, story)
            while not story.over:
                world.stage.run(world.clock.at + timedelta(minutes=30))
            world.calm()
            days = 33 if seed % 8 == 0 else 3
            world.stage.run(world.clock.at + days * DAY)
            judge.final()
            with world.ledger.read() as tx:
                histories.check(tx)
            return world.tell()
        finally:
            world.close()
