"""Processes that live long hold no more in the end than when they were warm, whatever befalls."""

from __future__ import annotations

import json
import math
import os
import random
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Self

import pytest

from core.connector import Verb
from core.pool import REMEMBERS
from core.report.operation import AS_ASKED
from core.report.operations import find
from tests.databases import Server
from tests.end_to_end.crash_matrix.wishes import Wish
from tests.storms.administration import Administration
from tests.storms.company import Company, lone_company, shared_company
from tests.storms.faults import ALONE, MORTAL, PLATFORM, SHARED, Fault, drawn
from tests.storms.gauges import MOST, SPARE, WARM_UP, Gauge, Reading, risen, slope
from tests.storms.noted import Note, Storm
from tests.storms.oracle import Findings
from tests.storms.roles import Kind

SEED = 22
SOME = 2  # people of each school
AT_REST = 0.02  # of the pace
ENDED = 0.95  # of the operations, at the least
ALWAYS = 1_000_000  # rounds: the time ends it
MINUTES = float(os.environ.get("MINUTES", "30"))
WORKERS = ("worker 1", "worker 2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    ``paces`` are operations a second, of the shared company and of the lone one. Hardly anything
    is asked for ``rest`` seconds once they are warm, and in the end: that is beside ``seconds``.
    """

    seconds: float
    paces: tuple[float, float] = (40, 10)
    schools: int = 20
    members: int = 100  # of each school; so many people come and go, and never more
    every: float = 10.0  # seconds from one fault to the next
    lasts: float = 3.0  # seconds, of a fault that lasts
    looks: float = 2.0  # seconds from one reading to the next
    patience: float
    rest: float
    most: float = MOST
    spare: float = SPARE


SHORT = Plan(
    seconds=10,
    schools=4,
    members=40,
    every=1.1,
    lasts=0.5,
    looks=0.25,
    patience=40,
    rest=1,
    most=math.inf,  # in so short a time pools fill, and noise is all there is
    spare=math.inf,
)
FULL = Plan(seconds=MINUTES * 60, patience=120, rest=4 * REMEMBERS)


@dataclass(slots=True)
class Watched:
    """A company with what is asked of it, how its processes do, what befalls it."""

    name: str
    company: Company
    asking: Administration
    gauges: Sequence[Gauge]
    faults: Sequence[Fault]
    befallen: int = 0

    @classmethod
    def of(
        cls, name: str, company: Company, faults: Sequence[Fault], pace: float, mortal: str = ""
    ) -> Self:
        """Every process that works is watched, but the one that is there to be killed."""
        numbers = {who: number for who, (_, number) in company.running.items()}
        gauges = [Gauge.on(*one) for one in numbers.items() if one[0] not in {PLATFORM, mortal}]
        chance = random.Random(SEED)  # noqa: S311 - a storm, and no secret
        asking = Administration(company.door, company.schools, pace, ALWAYS, chance, at_once=10)
        return cls(name, company, asking, gauges, faults)


@pytest.fixture
def companies(
    tmp_path: Path, postgresql: Server, redis_url: str
) -> Iterator[tuple[Company, Company]]:
    """Several processes that share their databases; one that does everything."""
    folders = [tmp_path / name for name in ("shared", "alone")]
    for folder in folders:
        folder.mkdir()
    with (
        shared_company(folders[0], postgresql, redis_url) as shared,
        lone_company(folders[1]) as alone,
    ):
        yield shared, alone


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(SHORT, id="short"),
        pytest.param(
            FULL, id="full", marks=[pytest.mark.soak, pytest.mark.timeout(MINUTES * 60 + 1200)]
        ),
    ],
)
def test_what_lives_long_does_not_grow(
    companies: tuple[Company, Company], plan: Plan, tmp_path: Path, note: Note
) -> None:
    shared, alone = companies
    for company in companies:
        company.open(plan.schools, plan.members)
    shared.hire([*WORKERS, MORTAL])
    shared.open_door("door")
    alone.open_door("everything", Kind.WHOLE)
    both = [
        Watched.of("redis", shared, SHARED, plan.paces[0], MORTAL),
        Watched.of("sqlite", alone, ALONE, plan.paces[1]),
    ]
    live_through(plan, both)
    keep(tmp_path / "gauges.json", both)
    found = [report(one, plan, note) for one in both]
    for one, findings in zip(both, found, strict=True):
        assert findings.open <= (1 - ENDED) * one.asking.operations, findings
        assert [wish for wish in refused(one.asking) if not moves_back(*wish)] == []
        assert [who.name for who in one.gauges if slope(who.readings) >= plan.most] == []
        assert [who.name for who in one.gauges if risen(who) > plan.spare] == []


def live_through(plan: Plan, several: Sequence[Watched]) -> None:
    """All are asked at once; what befalls them comes one by one."""
    chance = random.Random(SEED)  # noqa: S311 - a storm, and no secret
    threads = [threading.Thread(target=one.asking.run, daemon=True) for one in several]
    for thread in threads:
        thread.start()
    faults = drawn([(one, fault) for one in several for fault in one.faults], chance)
    for part in (WARM_UP, 1 - WARM_UP):
        until = time.monotonic() + part * plan.seconds
        next_fault = time.monotonic() + plan.every
        while (now := time.monotonic()) < until:
            read(several)
            if now >= next_fault:
                whom, fault = next(faults)
                fault(whom.company, plan.lasts)
                whom.befallen += 1
                next_fault += plan.every
            time.sleep(plan.looks)
        rest(plan, several)
    for one in several:
        one.asking.stopped.set()
    for thread in threads:
        thread.join()


def rest(plan: Plan, several: Sequence[Watched]) -> None:
    """
    Nothing befalls, and so little is asked that few threads work: where nothing at all is done,
    nobody finds that a line was idle for long.
    """
    for one in several:
        one.asking.turn_to(one.asking.pace * AT_REST)
    gauges = [gauge for one in several for gauge in one.gauges]
    before = {gauge.name: len(gauge.readings) for gauge in gauges}
    until = time.monotonic() + plan.rest
    while time.monotonic() < until:
        read(several)
        time.sleep(plan.looks)
    for gauge in gauges:
        gauge.rested(since=before[gauge.name])
    for one in several:
        one.asking.turn_to(one.asking.pace / AT_REST)


def read(several: Sequence[Watched]) -> None:
    for one in several:
        for gauge in one.gauges:
            gauge.read()


def report(one: Watched, plan: Plan, note: Note) -> Findings:
    one.company.settle(plan.patience)
    found = one.company.judge(one.asking)
    result = Storm(
        name=f"soak, {one.name}",
        operations=one.asking.operations,
        kills=len(one.company.strikes),
        in_flight_kills=found.in_flight_kills,
        lost=found.lost,
        doubled=found.doubled,
        resurrected=found.resurrected,
        falsely_verified=found.falsely_verified,
        seed=SEED,
        seconds=plan.seconds,
    )
    note(
        result,
        faults=one.befallen,
        memory_slope=max(slope(gauge.readings) for gauge in one.gauges),
        descriptors=max(max(reading.descriptors for reading in who.readings) for who in one.gauges),
        descriptors_risen=max(map(risen, one.gauges)),
        p95=statistics.quantiles(waits(one.company, one.asking), n=20)[-1],
        silence=one.asking.silence,
        refused=len(one.asking.refused),
        still_open=found.open,
    )
    return found


def waits(one: Company, asked: Administration) -> Iterator[float]:
    """Seconds from accepted to seen as asked, of all that was asked about some of the people."""
    here = one.installation
    with here.ledger.read() as tx:
        for school in one.schools:
            several = (asked.asked.get(who, ()) for who in school.members[:SOME])
            for operation in (wish.operation for wishes in several for wish in wishes):
                if operation is not None:
                    found = find(here.ledger, tx, school.customer, operation, here.platforms)
                    yield from (
                        (part.ended_at - found.line.accepted_at).total_seconds()
                        for part in found.parts
                        if part.ended in AS_ASKED and part.ended_at is not None
                    )


def refused(asked: Administration) -> Iterator[tuple[Wish, Sequence[Wish]]]:
    """Each with what was asked about that person before it."""
    for wishes in asked.asked.values():
        for number, one in enumerate(wishes):
            if one.operation is None:
                yield one, wishes[:number]


def moves_back(one: Wish, before: Sequence[Wish]) -> bool:
    """To an address that was erased: a sign-up alone may bring it back, a change never does."""
    moves = one.verb is Verb.UPDATE and "email" in one.changes
    return moves and any(earlier.verb is Verb.ERASE for earlier in before)


def keep(file: Path, several: Sequence[Watched]) -> None:
    """For whoever wants to see when it grew."""
    gauges = [gauge for one in several for gauge in one.gauges]
    file.write_text(json.dumps({one.name: [*map(astuple, one.readings)] for one in gauges}))


@pytest.mark.parametrize(
    ("a_minute", "at_each_fault", "found"),
    [(0.0, 0, ()), (1.5, 0, ("memory",)), (0.0, 1, ("descriptors",))],
)
def test_a_planted_leak_is_found(a_minute: float, at_each_fault: int, found: Sequence[str]) -> None:
    """Beside noise as it was seen: a process that warms up, lines that come with more to do."""
    chance = random.Random(SEED)  # noqa: S311 - noise, and no secret
    gauge = Gauge.on("ourselves", os.getpid())
    for begins, rests, ends in ((0, 360, 600), (600, 1800, 2040)):
        for at in range(begins, ends, 2):
            if at == rests:
                before = len(gauge.readings)
            lines = (
                chance.randrange(12) if at >= rests else 20 + at // 60 + chance.randrange(-12, 12)
            )
            gauge.readings.append(
                Reading(
                    at,
                    200 - 80 * math.exp(-at / 90) + a_minute * at / 60 + chance.gauss(0, 2),
                    40 + lines + at_each_fault * (at // 10),
                )
            )
        gauge.rested(since=before)
    wrong = {"memory": slope(gauge.readings) >= MOST, "descriptors": risen(gauge) > SPARE}
    assert tuple(name for name, is_wrong in wrong.items() if is_wrong) == found
