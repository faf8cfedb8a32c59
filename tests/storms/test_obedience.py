"""One connection's trouble is no other's, what a platform asks for is done."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from app.running import working
from connectors.sandbox.contacts import Habit
from connectors.sandbox.platforms import SandboxFlaky
from connectors.sandbox.weather import FAIR, Fault, RateLimit, Sky, Weather
from core.ledger import lanes
from core.migrations import Store
from tests.databases import Urls
from tests.storms.noted import Note, Storm
from tests.storms.sandboxes import Headers, Shape, asking_for_rest, early, most_in, refusals
from tests.storms.town import House, Town, a_town
from tests.storms.toxics import Toxic
from tests.waiting import until
from workers.pace import Pace

THREADS = 4
FAR = Toxic("far away", pause=0.01)  # twenty milliseconds there and back
SLOW = Toxic("slow", pause=0.15)
STRICT = 10  # calls in a second, where twenty were promised
SECOND = timedelta(seconds=1)
DAY = 86_400
UNSAID = 60  # seconds, where a platform does not say how long in a way that can be read


def said(*values: str) -> Headers:
    return [("Retry-After", value) for value in values]


def at(moment: datetime) -> str:
    return format_datetime(moment.replace(microsecond=0), usegmt=True)


def by_the_clock_of(now: datetime, wait: timedelta) -> Headers:
    return [("Date", at(now)), *said(at(now + wait))]


HOUR = timedelta(hours=1)
SHAPES = [
    Shape("seconds", 2, lambda _: said("2")),
    Shape("a fraction", 1.5, lambda _: said("1.5")),
    Shape("two in one", 3, lambda _: said("1, 3")),
    Shape("two headers", 3, lambda _: said("3", "1")),
    Shape("a date", 2, lambda now: by_the_clock_of(now, 2 * SECOND)),
    Shape(
        "a date by a clock that is ahead", 2, lambda now: by_the_clock_of(now + HOUR, 2 * SECOND)
    ),
    Shape("a date without a clock", 2, lambda now: said(at(now + 3 * SECOND))),
    Shape("seconds with 503", 2, lambda _: said("2"), status=503),
    Shape("a date that has passed", UNSAID, lambda now: said(at(now - HOUR))),
    Shape("less than nothing", UNSAID, lambda _: said("-5")),
    Shape("a word", UNSAID, lambda _: said("soon")),
    Shape("not a word", UNSAID, lambda _: said()),
    Shape("thirty years", DAY, lambda _: said("1000000000")),
]


@pytest.fixture
def town(urls: Urls, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Town]:
    shared = urls[Store.LEDGER].startswith("postgresql")
    broker = request.getfixturevalue("redis_url") if shared else "memory:"
    gc.freeze()  # else all threads stand still for as long as it takes to look through pytest
    with a_town(urls, broker, tmp_path, len(SHAPES)) as one:
        yield one
    gc.unfreeze()


@pytest.mark.parametrize(
    ("urls", "each", "seconds"),
    [
        pytest.param("sqlite", 12, 2.0, id="short"),
        pytest.param(
            "postgresql", 100, 20.0, id="full", marks=[pytest.mark.storm, pytest.mark.alone]
        ),
    ],
    indirect=["urls"],
)
def test_healthy_connections_wait_twice_as_long_at_most_beside_troubled_ones(
    town: Town, each: int, seconds: float, note: Note
) -> None:
    habits = (Habit.ARCHIVES, Habit.ARCHIVES, Habit.FLAKY, Habit.ARCHIVES, Habit.ARCHIVES)
    dead, slow, limited, *healthy = [town.house(habit) for habit in habits]
    for one in town.houses:
        one.line.poison(FAR)
    with working(town.installation, threads=THREADS):
        alone = p95_of(town, healthy, each, seconds)
        dead.line.silence()
        slow.line.poison(SLOW)
        limited.platform.limit = RateLimit(STRICT)
        beside = p95_of(town, healthy, each, seconds)
        for one in (dead, slow):
            one.line.poison(FAR)
        took = until(lambda: town.open(*town.houses) == 0, 60.0)
    result = Storm(
        name="trouble next door",
        operations=10 * each,
        lost=town.open(*town.houses),
        seconds=round(took, 1),
    )
    note(result, alone_p95=alone, beside_p95=beside)
    assert beside <= 2 * alone


def p95_of(town: Town, healthy: Sequence[House], each: int, seconds: float) -> float:
    """All five have the same to do; how long the healthy ones' operations waited."""
    before = len(town.houses[0].operations)
    town.subscribe_evenly(town.houses, each, seconds)
    until(lambda: town.open(*healthy) == 0, 30.0)
    assert town.open(*healthy) == 0
    waits = [wait for one in healthy for wait in town.waits(one, before)]
    return statistics.quantiles(waits, n=20)[-1]


@pytest.mark.parametrize(
    ("urls", "people", "watched"),
    [
        pytest.param("sqlite", 4, 4.0, id="short"),
        pytest.param("postgresql", 20, 61.0, id="full", marks=pytest.mark.storm),
    ],
    indirect=["urls"],
)
def test_nothing_is_sent_before_the_moment_that_a_platform_asked_for(
    town: Town, people: int, watched: float, note: Note
) -> None:
    """By each platform's journal, however it asks. Afterwards all is done."""
    shaped = [(town.house(Habit.ARCHIVES, asking_for_rest(one)), one) for one in SHAPES]
    for number, (house, _) in enumerate(shaped):
        house.platform.sky = Sky([*[FAIR] * (1 + number % 7), Weather(Fault.BUSY)])
        for _ in range(people):
            town.subscribe(house)
    started = time.monotonic()
    with working(town.installation, threads=THREADS):
        waited_for = [house for house, shape in shaped if shape.seconds < watched]
        until(lambda: town.open(*waited_for) == 0, watched + 30.0)
        time.sleep(max(0.0, started + watched - time.monotonic()))
    asked = {shape.name: len(refusals(house.journal)) for house, shape in shaped}
    result = Storm(
        name="rest that was asked for",
        operations=len(SHAPES) * people,
        lost=town.open(*waited_for),
        seconds=round(time.monotonic() - started, 1),
    )
    note(result, shapes=len(SHAPES))
    assert asked == {shape.name: 1 for shape in SHAPES}
    assert [shape.name for house, shape in shaped if early(house.journal, shape)] == []
    still_open = [shape.name for house, shape in shaped if town.open(house)]
    assert still_open == [shape.name for shape in SHAPES if shape.seconds >= watched]


@pytest.mark.parametrize("urls", ["sqlite"], indirect=True)
def test_a_worker_that_does_not_rest_is_found(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pace, "rest", lambda *_: None)
    monkeypatch.setattr(lanes, "rest", lambda *_: None)
    impatient = SHAPES[0]
    house = town.house(Habit.ARCHIVES, asking_for_rest(impatient))
    house.platform.sky = Sky([FAIR, Weather(Fault.BUSY)])
    for _ in range(20):
        town.subscribe(house)
    house.line.poison(FAR)
    with working(town.installation, threads=THREADS):
        until(lambda: early(house.journal, impatient) > 0, 5.0)
    assert early(house.journal, impatient) > 0


@pytest.mark.parametrize(
    ("urls", "people"),
    [
        pytest.param("sqlite", 15, id="short"),
        pytest.param("postgresql", 400, id="full", marks=[pytest.mark.storm, pytest.mark.alone]),
    ],
    indirect=["urls"],
)
def test_no_window_holds_more_calls_than_the_platform_allows(
    town: Town, people: int, note: Note
) -> None:
    """The journal says so, and the platform: it refuses whoever exceeds what it allows."""
    house = town.house(Habit.FLAKY)
    house.platform.limit = RateLimit()
    for _ in range(people):
        town.subscribe(house)
    with working(town.installation, threads=THREADS):
        took = until(lambda: town.open(house) == 0, 30.0 + people)
    [window] = SandboxFlaky.platform.limits.windows
    most = most_in(house.journal, window.per)
    result = Storm(name="limits", operations=people, lost=town.open(house), seconds=round(took, 1))
    note(result, most=most, allowed=window.calls)
    assert most <= window.calls
    assert refusals(house.journal) == []
