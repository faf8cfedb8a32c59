"""What is asked is soon verified, once, whatever bells ring at whatever hour."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import dramatiq
import pytest
import sqlalchemy as sa

from app import running
from app.running import working
from tests.databases import Urls
from tests.storms.noted import Note, Storm
from tests.storms.sandboxes import created
from tests.storms.town import House, Town, a_town
from tests.storms.toxics import Toxic
from tests.waiting import until
from workers.broker import build

THREADS = 4
FAR = Toxic("far away", pause=0.01)  # twenty milliseconds there and back
MOST = 5  # times that a bell comes
SEED = 9
PATIENCE = 60.0
# From true time. The last is the most: what was planned by a clock that was ahead comes then.
JUMPS = [timedelta(minutes=one) for one in (7, -4, 12, 3, -6, 15)]


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> str:
    named = getattr(request, "param", "memory:")
    return str(request.getfixturevalue(named)) if named.endswith("_url") else named


@pytest.fixture
def town(urls: Urls, broker: str, tmp_path: Path) -> Iterator[Town]:
    with a_town(urls, broker, tmp_path, 4) as one:
        yield one


@pytest.mark.parametrize(
    ("urls", "broker", "people", "gap"),
    [
        pytest.param("sqlite", "memory:", 40, 0.05, id="short"),
        pytest.param(
            "sqlite",
            "memory:",
            600,
            0.05,
            id="full-sqlite",
            marks=[pytest.mark.storm, pytest.mark.alone],
        ),
        pytest.param(
            "postgresql",
            "redis_url",
            600,
            0.05,
            id="full-postgresql",
            marks=[pytest.mark.storm, pytest.mark.alone],
        ),
    ],
    indirect=["urls", "broker"],
)
def test_what_is_accepted_is_soon_verified(town: Town, people: int, gap: float, note: Note) -> None:
    houses = [town.house() for _ in range(2)]
    for one in houses:
        one.line.poison(FAR)
    with working(town.installation, threads=THREADS):
        town.subscribe_evenly(houses, people // 2, people * gap)
        until(lambda: town.open(*houses) == 0, PATIENCE)
    waits = [wait for one in houses for wait in town.waits(one)]
    cuts = statistics.quantiles(waits, n=100)
    result = Storm(name=f"freshness, {town.runs_on}", operations=people, lost=town.open(*houses))
    note(result, p50=cuts[49], p95=cuts[94], p99=cuts[98])
    assert len(waits) == people
    assert cuts[49] <= 1.0
    assert cuts[98] <= 5.0


@pytest.mark.parametrize(
    ("urls", "broker", "people"),
    [
        pytest.param("postgresql", "redis_url", 20, id="short"),
        pytest.param("postgresql", "redis_url", 400, id="full-redis", marks=pytest.mark.storm),
        pytest.param("postgresql", "rabbitmq_url", 400, id="full-rabbit", marks=pytest.mark.storm),
    ],
    indirect=["urls", "broker"],
)
def test_bells_that_come_often_in_any_order_make_nobody_twice(
    town: Town, people: int, monkeypatch: pytest.MonkeyPatch, note: Note
) -> None:
    bells = Bells(Random(SEED))  # noqa: S311 - it only decides which bell comes when
    monkeypatch.setattr(running, "build", bells.build)
    houses = [town.house() for _ in range(4)]
    with working(town.installation, threads=THREADS), working(town.installation, threads=THREADS):
        town.subscribe_evenly(houses, people // 4, people / 40)
        took = until(lambda: town.open(*houses) == 0, PATIENCE)
    result = Storm(
        name=f"doubled bells, {town.runs_on}",
        operations=people,
        lost=town.open(*houses),
        doubled=doubled(houses),
        seed=SEED,
        seconds=round(took, 1),
    )
    note(result, rung=bells.rung, sent=bells.sent)
    assert bells.sent > 2 * bells.rung
    assert sum(len(created(one.journal)) for one in houses) == people


def doubled(houses: Sequence[House]) -> int:
    """How many creating calls too many the platforms answered."""
    return sum(times - 1 for one in houses for times in created(one.journal).values())


@dataclass
class Bells:
    """Sends each up to five times, some of them only when others ring, in no order."""

    chance: Random
    rung: int = 0
    sent: int = 0
    kept: list[UUID] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def build(self, broker: dramatiq.Broker, drain: Callable[[UUID], None], *, queue: str) -> Any:
        ring = build(broker, drain, queue=queue)

        def often(lane: UUID) -> None:
            with self.lock:
                self.rung += 1
                self.kept += [lane] * self.chance.randint(1, MOST)
                self.chance.shuffle(self.kept)
                left = self.chance.randrange(len(self.kept))
                sent, self.kept = self.kept[left:], self.kept[:left]
                self.sent += len(sent)
            for one in sent:
                ring(one)

        return often


@pytest.mark.parametrize(
    ("urls", "broker", "people", "seconds"),
    [
        pytest.param("postgresql", "redis_url", 24, 2.0, id="short"),
        pytest.param("postgresql", "redis_url", 300, 30.0, id="full", marks=pytest.mark.storm),
        pytest.param("sqlite", "memory:", 300, 30.0, id="full-sqlite", marks=pytest.mark.storm),
    ],
    indirect=["urls", "broker"],
)
def test_a_clock_that_jumps_loses_nobody_makes_nobody_twice(
    town: Town, people: int, seconds: float, note: Note
) -> None:
    houses = [town.house() for _ in range(2)]
    for one in houses:
        one.line.poison(FAR)
    clock = Jumping(town.installation.ledger.database.clock)
    town.installation.ledger.database.clock = clock
    with working(town.installation, threads=THREADS), working(town.installation, threads=THREADS):
        for jump in JUMPS:
            clock.ahead = jump
            town.subscribe_evenly(houses, people // 2 // len(JUMPS), seconds / len(JUMPS))
        took = until(lambda: town.open(*houses) == 0, PATIENCE)
    result = Storm(
        name=f"jumping clock, {town.runs_on}",
        operations=2 * len(houses[0].operations),
        lost=town.open(*houses),
        doubled=doubled(houses),
        seconds=round(took, 1),
    )
    note(result, jumps=len(JUMPS))
    assert [len(created(one.journal)) for one in houses] == [len(one.operations) for one in houses]


@dataclass
class Jumping:
    """The true clock of the books, and how far ahead of it they are made to be."""

    true: Callable[[sa.Connection], datetime]
    ahead: timedelta = timedelta(0)

    def __call__(self, db: sa.Connection) -> datetime:
        return self.true(db) + self.ahead
