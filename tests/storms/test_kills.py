"""Processes are killed all the time, and nothing that was promised is lost, doubled or undone."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import pytest

from tests.databases import Server
from tests.end_to_end.crash_matrix.wishes import wanted
from tests.storms.administration import Administration
from tests.storms.company import LATENCY, Company, lone_company, shared_company
from tests.storms.noted import Note, Storm
from tests.storms.oracle import Findings, judge, told
from tests.storms.platform import Books
from tests.storms.roles import Kind

SEED = 5
ENDED = 0.95  # of the operations, at the least, or it was no storm over them


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``pace`` is in operations a second, ``every`` in seconds from one kill to the next."""

    schools: int
    members: int  # of each school
    rounds: int
    pace: float
    workers: int = 4
    every: float = 0.2
    kills: int
    in_flight: int  # kills in the middle of a call, at the least
    patience: float
    latency: float = LATENCY  # the longer a call, the more often one is under way


SHORT = Plan(
    schools=8,
    members=10,
    rounds=2,
    pace=40,
    workers=2,
    kills=12,
    in_flight=1,
    patience=40,
    latency=0.2,
)
FULL = Plan(
    schools=40,
    members=84,
    rounds=3,
    pace=120,
    kills=400,
    in_flight=100,
    patience=180,
    latency=0.1,
)
SHORT_ALONE = Plan(
    schools=4, members=10, rounds=2, pace=25, every=1.0, kills=3, in_flight=0, patience=40
)
FULL_ALONE = Plan(
    schools=10, members=67, rounds=3, pace=16, every=2.0, kills=60, in_flight=6, patience=120
)

storm = [pytest.mark.storm, pytest.mark.timeout(900)]
filling = [*storm, pytest.mark.alone]  # beside others the victims would hardly get to a call


@pytest.fixture
def shared(request: pytest.FixtureRequest, tmp_path: Path, postgresql: Server) -> Iterator[Company]:
    broker: str = request.getfixturevalue(f"{request.param}_url")
    with shared_company(tmp_path, postgresql, broker) as made:
        yield made


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Company]:
    with lone_company(tmp_path) as made:
        yield made


@pytest.mark.parametrize(
    ("shared", "plan"),
    [
        pytest.param("rabbitmq", SHORT, id="short"),
        pytest.param("rabbitmq", FULL, id="rabbitmq", marks=filling),
        pytest.param("redis", FULL, id="redis", marks=filling),
    ],
    indirect=["shared"],
)
def test_nothing_is_lost_whoever_dies(shared: Company, plan: Plan, note: Note) -> None:
    """Workers, the leader among them; one in ten times the process that answers HTTP."""
    shared.latency = plan.latency
    shared.open(plan.schools, plan.members)
    workers = [f"worker {number}" for number in range(plan.workers)]
    shared.hire(workers)
    shared.open_door("door")
    weather(shared, plan, [workers] * 9 + [["door"]], note, shared.settings.broker_url)


@pytest.mark.parametrize(
    "plan",
    [pytest.param(SHORT_ALONE, id="short"), pytest.param(FULL_ALONE, id="full", marks=storm)],
)
def test_nothing_is_lost_when_everything_dies_at_once(
    alone: Company, plan: Plan, note: Note
) -> None:
    alone.open(plan.schools, plan.members)
    alone.open_door("everything", Kind.WHOLE)
    weather(alone, plan, [["everything"]], note, "sqlite")


def test_the_oracle_sees_what_is_wrong(alone: Company) -> None:
    alone.open(schools=1, members=24)
    alone.open_door("everything", Kind.WHOLE)
    chance = random.Random(SEED)  # noqa: S311 - a storm, and no secret
    asking = Administration(alone.door, alone.schools, 100, 2, chance)
    asking.run()
    alone.settle(SHORT_ALONE.patience)
    reports, books = told(alone.installation.ledger, alone.schools), Books.read(alone.journal)
    right = judge(reports, asking, books, ())
    assert right == Findings(0, 0, 0, 0, 0, 0)
    ends = {who: wanted(wishes) for who, wishes in asking.asked.items()}
    there = [who for who, held in ends.items() if held and held[0::3] == (who.email, "subscribed")]
    gone = [who for who, held in ends.items() if held is None]
    [one, *_], [other, *_] = (books.contacts.search(email=who.email) for who in there[:2])
    books.contacts.forget(one.id)
    books.contacts.remember(replace(other, id="another", email=gone[0].email))
    creating = next(flight for flight in books.flights.values() if flight.creates)
    again = {**books.flights, -1: creating}
    asking.asked[there[2]][-1].operation = uuid4()
    wrong = judge(reports, asking, Books(books.contacts, again), ())
    assert (wrong.lost, wrong.doubled, wrong.resurrected) == (1, 1, 1)
    assert wrong.falsely_verified == len((there[0], gone[0]))


def weather(one: Company, plan: Plan, victims: list[list[str]], note: Note, name: str) -> None:
    chance = random.Random(SEED)  # noqa: S311 - a storm, and no secret
    schools = Administration(one.door, one.schools, plan.pace, plan.rounds, chance)
    began = time.monotonic()
    one.storm(schools, victims, every=plan.every, at_least=plan.kills, chance=chance)
    one.settle(plan.patience)
    found = one.judge(schools)
    kills = len(one.strikes)
    note(
        Storm(
            name=f"kills, {name.partition(':')[0]}",
            operations=schools.operations,
            kills=kills,
            in_flight_kills=found.in_flight_kills,
            lost=found.lost,
            doubled=found.doubled,
            resurrected=found.resurrected,
            falsely_verified=found.falsely_verified,
            seed=SEED,
            seconds=round(time.monotonic() - began, 1),
        ),
        silence=schools.silence,
        still_open=found.open,
    )
    assert kills >= plan.kills / 2
    assert found.in_flight_kills >= plan.in_flight
    assert found.open <= (1 - ENDED) * schools.operations, found
    assert schools.refused == []
