"""A poisoned line loses nobody, brings nobody back, makes nothing falsely true."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.sandbox.connector import Sandbox
from core.verdict import Judgement, Verdict
from core.wants import Goal
from tests.databases import Urls
from tests.storms.links import Link, Reached, reached
from tests.storms.noted import Note, Storm
from tests.storms.toxics import TOXICS
from tests.storms.wishes import Client

PATIENCE = 60.0  # seconds from the fault's end until everything is as asked
SEED = 8


@dataclass(frozen=True, slots=True)
class Plan:
    operations: int
    lasts: float  # seconds that the toxic is on
    before: int = 8  # operations that are asked while the line is still fair


FULL = Plan(200, 6.0)
SHORT = Plan(20, 1.0, 4)
PLANTED = Plan(24, 1.5, 12)  # three are subscribed before, erased after


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def town(
    urls: Urls, broker: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Reached]:
    with reached(urls, broker, tmp_path, request) as one:
        yield one


AT_ONCE = {Link.PLATFORM: "reset-after", Link.DATABASE: "data-limit", Link.BROKER: "timeout"}
BROKERS = ("redis", "rabbitmq")  # each meets each toxic
CASES = [
    pytest.param("postgresql", "redis", AT_ONCE, SHORT, id="short"),
    *(
        pytest.param(
            "postgresql",
            BROKERS[(row + column) % len(BROKERS)],
            {link: toxic},
            FULL,
            id=f"{toxic}-{link}",
            marks=[pytest.mark.storm, pytest.mark.timeout(300)],
        )
        for row, toxic in enumerate(TOXICS)
        for column, link in enumerate(Link)
    ),
]


def storm(town: Reached, poisons: Mapping[Link, str], plan: Plan, patience: float) -> Storm:
    client = Client(town, plan.operations, SEED)
    with town.workers():
        client.ask(plan.before)
        client.converged(patience)
        with town.poisoned(poisons):
            client.ask(len(client.turns), plan.lasts)
        took = client.converged(patience)
        still_open = client.open()
    client.check(client.people)
    held = town.held()
    wrong = [] if still_open else [one for one in client.people if not one.as_asked(held)]
    return Storm(
        name=", ".join(f"{toxic} at the {link}" for link, toxic in poisons.items()) or "no toxic",
        operations=plan.operations,
        lost=still_open + sum(not one.erased for one in wrong),
        doubled=sum(max(0, len(one.contacts(held)) - 1) for one in client.people),
        resurrected=sum(one.erased for one in wrong),
        falsely_verified=len(client.falsely_verified),
        seed=SEED,
        seconds=round(took, 1),
    )


@pytest.mark.parametrize(("urls", "broker", "poisons", "plan"), CASES, indirect=["urls", "broker"])
def test_a_poisoned_line_costs_time_only(
    town: Reached, poisons: Mapping[Link, str], plan: Plan, note: Note
) -> None:
    note(storm(town, poisons, plan, PATIENCE))


planted = pytest.mark.parametrize(
    ("urls", "broker"), [("postgresql", "redis")], indirect=True, ids=["planted"]
)


@planted
def test_a_worker_that_drops_an_operation_is_found(
    town: Reached, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sandbox, "subscribe", lambda *_: None)
    assert storm(town, {}, PLANTED, patience=1.0).lost > 0


@planted
def test_a_worker_that_believes_an_answer_is_found(
    town: Reached, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It erases nobody, its look sees nobody, its judge is content."""

    def believed(goal: Goal, *_: object, **__: object) -> Judgement:
        return Judgement(Verdict.ABSENT if goal.erase else Verdict.CONFIRMED, Goal())

    monkeypatch.setattr("workers.attempt.judge", believed)
    monkeypatch.setattr(Sandbox, "erase", lambda *_: None)
    monkeypatch.setattr(Sandbox, "find", lambda *_: ())
    result = storm(town, {}, PLANTED, PATIENCE)
    assert result.resurrected > 0
    assert result.falsely_verified > 0
