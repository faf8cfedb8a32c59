"""Processes stand still, calls act late; nothing that was promised is lost, doubled or undone."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from tests.storms.administration import Administration
from tests.storms.company import Company
from tests.storms.noted import Note, Storm
from tests.storms.oracle import doubled, taken_over
from tests.storms.platform import CONTACTS, SEARCH, Books, Flight
from tests.storms.test_kills import ENDED, shared, storm

SEED = 11
THREADS = 4  # of each worker: nobody has all the work
LATENCY = 0.2  # seconds: long calls are found under way more often

__all__ = ["shared"]  # a fixture


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``pace`` is in operations a second; ``every``, ``lasts``, ``spans`` are in seconds."""

    schools: int
    members: int  # of each school
    rounds: int
    pace: float
    workers: int
    every: float  # from one strike to the next
    strikes: int
    in_flight: int  # strikes in the middle of a call, at the least
    over: int = 0  # of those, after which somebody else went on, at the least
    patience: float
    lasts: float = 0.0  # how long somebody stands still; longer than both leases
    spans: Sequence[float] | None = None  # as in Role
    late: float = 0.0  # the share of changes that is late
    acts: int = 0  # late, at the least


SHORT = Plan(
    schools=12,
    members=4,
    rounds=2,
    pace=20,
    workers=5,
    every=0.7,
    strikes=4,
    in_flight=0,
    patience=30,
    lasts=6.0,
    spans=(3, 2, 1.5),
)
FULL = Plan(
    schools=40,
    members=24,
    rounds=3,
    pace=14,
    workers=12,
    every=7.0,
    strikes=28,
    in_flight=5,
    over=2,
    patience=120,
    lasts=75.0,  # the leader's lease, a lane's after it, and who comes then
)
SHORT_LATE = Plan(
    schools=4,
    members=8,
    rounds=2,
    pace=40,
    workers=2,
    every=0.5,
    strikes=3,
    in_flight=0,
    patience=40,
    late=0.15,
    acts=1,
)
FULL_LATE = Plan(
    schools=30,
    members=40,
    rounds=2,
    pace=30,
    workers=4,
    every=0.5,
    strikes=120,
    in_flight=20,
    patience=90,
    late=0.3,
    acts=100,
)


def each(short: Plan, full: Plan, broker: str) -> list[object]:
    return [
        pytest.param("redis", short, id="short"),
        pytest.param(broker, full, id=broker, marks=storm),
    ]


@pytest.mark.parametrize(("shared", "plan"), each(SHORT, FULL, "rabbitmq"), indirect=["shared"])
def test_nothing_is_lost_whoever_stands_still(shared: Company, plan: Plan, note: Note) -> None:
    """Workers, who leads among them, each for longer than his leases; one is always awake."""
    workers, schools, chance = opened(shared, plan)
    began = time.monotonic()
    shared.drowse(
        schools, workers, every=plan.every, lasts=plan.lasts, at_least=plan.strikes, chance=chance
    )
    ends(shared, plan, schools, note, "pauses", began)


@pytest.mark.parametrize(
    ("shared", "plan"), each(SHORT_LATE, FULL_LATE, "redis"), indirect=["shared"]
)
def test_nothing_is_lost_when_what_got_no_answer_acts_late(
    shared: Company, plan: Plan, note: Note
) -> None:
    """While workers die."""
    workers, schools, chance = opened(shared, plan)
    began = time.monotonic()
    shared.storm(schools, [workers], every=plan.every, at_least=plan.strikes, chance=chance)
    ends(shared, plan, schools, note, "late", began)


@pytest.mark.parametrize(
    ("acts", "looked", "answered", "times"),
    [
        pytest.param(6, True, False, 0, id="after the look"),
        pytest.param(2, True, False, 1, id="before the look"),
        pytest.param(6, False, False, 1, id="nobody looked"),
        pytest.param(6, True, True, 1, id="it was answered"),
    ],
)
def test_a_repeat_is_excused_by_a_look_that_could_not_see_the_first(
    *, acts: int, looked: bool, answered: bool, times: int
) -> None:
    body = json.dumps({"email": "anna@example.test"})
    first = Flight(1, "POST", CONTACTS, body, carried_out=True, applied=acts, cut=not answered)
    look = Flight(3, "POST", SEARCH, body, carried_out=looked, applied=4)
    again = Flight(5, "POST", CONTACTS, body, carried_out=True, applied=7)
    assert doubled([first, look, again]) == times


def opened(one: Company, plan: Plan) -> tuple[list[str], Administration, random.Random]:
    one.latency, one.late, one.spans = LATENCY, plan.late, plan.spans
    one.threads = THREADS
    one.open(plan.schools, plan.members)
    workers = [f"worker {number}" for number in range(plan.workers)]
    one.hire(workers)
    one.open_door("door")
    chance = random.Random(SEED)  # noqa: S311 - a storm, and no secret
    schools = Administration(one.door, one.schools, plan.pace, plan.rounds, chance)
    return workers, schools, chance


def ends(
    one: Company, plan: Plan, schools: Administration, note: Note, name: str, began: float
) -> None:
    one.settle(plan.patience)
    found, flights = one.judge(schools), Books.read(one.journal).flights.values()
    strikes = len(one.strikes)
    acts = sum(flight.cut and flight.carried_out for flight in flights)
    pauses = sum(strike.over is not None for strike in one.strikes)
    over = taken_over(one.strikes, flights)
    note(
        Storm(
            name=f"{name}, {one.settings.broker_url.partition(':')[0]}",
            operations=schools.operations,
            kills=strikes - pauses,
            in_flight_kills=found.in_flight_kills,
            lost=found.lost,
            doubled=found.doubled,
            resurrected=found.resurrected,
            falsely_verified=found.falsely_verified,
            seed=SEED,
            seconds=round(time.monotonic() - began, 1),
        ),
        pauses=pauses,
        taken_over=over,
        late=acts,
        silence=schools.silence,
        still_open=found.open,
    )
    assert strikes >= plan.strikes / 2
    assert found.in_flight_kills >= plan.in_flight
    assert over >= plan.over
    assert acts >= plan.acts
    assert found.open <= (1 - ENDED) * schools.operations, found
    assert schools.refused == []
