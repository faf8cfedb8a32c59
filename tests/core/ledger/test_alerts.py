"""An erasure never runs out of its term in silence, and says each thing once."""

from __future__ import annotations

import logging
import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from core import rows
from core.database import Transaction
from core.ledger import Ledger, alerts, answers, schema, undo
from core.ledger.alerts import Alert, Found, Needs, Threshold
from core.ledger.answers import Answer, Outcome
from core.ledger.intake import Accepted
from core.states import Ended, State
from tests.databases import NOW, Clock
from tests.school import EMAIL, Hands, School, erasure
from tests.threads import at_once

INSTANT = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
SLOW = NOW + 3 * DAY
WEEK = datetime(2026, 12, 14, 23, tzinfo=UTC)  # midnight in Amsterdam
LAST_DAY_BUT_ONE = datetime(2026, 12, 20, 23, tzinfo=UTC)
OVER = datetime(2026, 12, 22, 23, tzinfo=UTC)
IN_TIME = [
    (SLOW, Threshold.SLOW),
    (WEEK, Threshold.WEEK),
    (LAST_DAY_BUT_ONE, Threshold.DAY),
    (OVER, Threshold.OVER),
]
EVERY = list(Threshold)


@pytest.fixture
def asked(school: School) -> Accepted:
    school.connect()
    return school.accepted(erasure(email=EMAIL))


def said(ledger: Ledger) -> list[Threshold]:
    """Every warning there ever was, by its event."""
    events = schema.events
    query = sa.select(events.c.became).where(events.c.kind == "alert").order_by(events.c.id)
    with ledger.read() as tx:
        return [Threshold(row.became) for row in tx.db.execute(query)]


def stored(ledger: Ledger) -> list[tuple[datetime, Threshold]]:
    query = sa.select(schema.alerts).order_by(schema.alerts.c.raised_at)
    with ledger.read() as tx:
        return [(row.raised_at, Threshold(row.threshold)) for row in tx.db.execute(query)]


def standing(ledger: Ledger) -> list[Alert]:
    with ledger.read() as tx:
        return alerts.standing(tx)


def at(ledger: Ledger, clock: Clock, moment: datetime) -> list[Alert]:
    clock.at = moment
    alerts.raise_due(ledger)
    return standing(ledger)


def answer(school: School, asked: Accepted, outcome: Outcome, **told: Any) -> None:
    given = Answer("letter", school.now(), outcome, **told)
    answers.answer(school.ledger, school.customer, asked.operation, given)


@pytest.mark.usefixtures("asked")
def test_an_erasure_that_is_not_finished_warns_four_times_each_at_its_moment(
    ledger: Ledger, clock: Clock
) -> None:
    noons = [NOW + number * DAY for number in range(35)]
    edges = [moment - late for moment, _ in IN_TIME for late in (timedelta(0), INSTANT)]
    for moment in sorted([*noons, *edges]):
        at(ledger, clock, moment)
    assert stored(ledger) == IN_TIME
    assert said(ledger) == EVERY


@pytest.mark.parametrize(
    ("deadline", "zone", "week", "day"),
    [
        ((2027, 3, 28), "Europe/Amsterdam", (2027, 3, 20, 23), (2027, 3, 26, 23)),  # summer begins
        ((2027, 4, 1), "Europe/Amsterdam", (2027, 3, 24, 23), (2027, 3, 30, 22)),
        ((2026, 10, 25), "Europe/Amsterdam", (2026, 10, 17, 22), (2026, 10, 23, 22)),
        ((2028, 3, 1), "Europe/Amsterdam", (2028, 2, 22, 23), (2028, 2, 28, 23)),  # 29 February
        ((2027, 1, 1), "Europe/Amsterdam", (2026, 12, 24, 23), (2026, 12, 30, 23)),
        ((2026, 5, 1), "Africa/Cairo", (2026, 4, 23, 22), (2026, 4, 29, 21)),  # no midnight
    ],
)
def test_a_term_warns_by_the_calendar_where_the_customer_lives(
    deadline: tuple[int, int, int],
    zone: str,
    week: tuple[int, int, int, int],
    day: tuple[int, int, int, int],
) -> None:
    end = datetime(*deadline, 23, 59, 59, 999999, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    found = alerts.moments(end, ZoneInfo(zone))
    assert found[Threshold.WEEK] == datetime(*week, tzinfo=UTC)
    assert found[Threshold.DAY] == datetime(*day, tzinfo=UTC)
    assert found[Threshold.OVER] == end + timedelta(microseconds=1)


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("seed", range(6))
def test_whatever_the_clock_does_nothing_is_said_twice_or_after_something_worse(
    ledger: Ledger, clock: Clock, seed: int
) -> None:
    jumps = [HOUR, -HOUR, DAY, -DAY, 9 * DAY, -9 * DAY, 40 * DAY, -20 * DAY]
    chance = random.Random(seed)  # noqa: S311 - which jumps
    for _ in range(25):
        at(ledger, clock, clock.at + chance.choice(jumps))
    at(ledger, clock, OVER + DAY)
    heard = said(ledger)
    assert heard == sorted(heard, key=EVERY.index)
    assert max(Counter(heard).values()) == 1
    assert heard[-1] is Threshold.OVER


@pytest.mark.usefixtures("asked")
def test_a_look_that_forgets_to_move_on_is_seen_to_say_it_again(
    ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = alerts.look

    def forgetful(row: Any, now: datetime) -> Found:
        return replace(honest(row, now), look_again_at=now)

    monkeypatch.setattr(alerts, "look", forgetful)
    for _ in range(2):
        at(ledger, clock, SLOW)
    assert said(ledger) == [Threshold.SLOW] * 2


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    ("moment", "threshold"),
    [(SLOW - HOUR, None), (WEEK, Threshold.WEEK), (OVER - HOUR, Threshold.DAY), *IN_TIME[3:]],
)
def test_who_comes_late_says_only_what_is_true_now(
    ledger: Ledger, clock: Clock, moment: datetime, threshold: Threshold | None
) -> None:
    assert [one.threshold for one in at(ledger, clock, moment)] == [threshold] * bool(threshold)
    assert said(ledger) == [threshold] * bool(threshold)


@pytest.mark.usefixtures("asked")
def test_a_crash_in_the_middle_says_nothing_and_the_next_says_it_once(
    ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    honest = rows.insert

    def dies(tx: Transaction, table: sa.Table, new: Any) -> None:
        honest(tx, table, new)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(rows, "insert", dies)
        with pytest.raises(KeyboardInterrupt):
            at(ledger, clock, SLOW)
    assert (said(ledger), standing(ledger), caplog.text) == ([], [], "")
    for _ in range(2):
        at(ledger, clock, SLOW)
    assert said(ledger) == [Threshold.SLOW]


def test_two_who_look_at_once_say_it_once(school: School, ledger: Ledger, clock: Clock) -> None:
    school.connect()
    several = [school.accepted(erasure(f"cf-{n}", f"p{n}@example.nl")) for n in range(8)]
    clock.at = SLOW
    at_once(*[partial(alerts.raise_due, ledger)] * 4)
    assert said(ledger) == [Threshold.SLOW] * len(several)
    assert {one.operation for one in standing(ledger)} == {one.operation for one in several}


def test_more_than_one_transaction_takes_are_all_heard(
    school: School, ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "AT_ONCE", 2)
    school.connect()
    for n in range(5):
        school.accepted(erasure(f"cf-{n}", f"p{n}@example.nl"))
    at(ledger, clock, SLOW)
    assert said(ledger) == [Threshold.SLOW] * 5


def test_a_request_that_came_in_long_ago_warns_at_once(
    school: School, ledger: Ledger, clock: Clock
) -> None:
    school.connect()
    received = NOW - 28 * DAY
    school.accepted(replace(erasure(email=EMAIL), received_at=received))
    assert [one.threshold for one in at(ledger, clock, NOW)] == [Threshold.WEEK]
    clock.at = SLOW + HOUR
    alerts.raise_due(ledger)
    assert Threshold.SLOW not in said(ledger)


@pytest.fixture
def turned(school: School, hands: Hands) -> Any:
    connection = school.connect()
    asked = school.accepted(erasure(email=EMAIL))

    def turn(state: State, ended: Ended | None, **changes: Any) -> Accepted:
        hands.turn(connection, state, ended, **{"erasing": False, **changes})
        return asked

    return turn


def test_what_is_finished_needs_an_answer_and_says_so_when_the_term_runs_out(
    ledger: Ledger, clock: Clock, turned: Any
) -> None:
    turned(State.NOT_FOUND, Ended.CONFIRMED)
    assert at(ledger, clock, SLOW + HOUR) == []
    for moment, threshold in IN_TIME[1:]:
        [one] = at(ledger, clock, moment)
        assert (one.threshold, one.needs) == (threshold, Needs.ANSWER)
    assert said(ledger) == EVERY[1:]


def test_what_a_platform_erases_by_a_date_only_needs_an_answer(
    ledger: Ledger, clock: Clock, turned: Any
) -> None:
    turned(State.FINAL_ON, None, due_at=NOW + 31 * DAY, final_on=NOW + 30 * DAY)
    assert at(ledger, clock, SLOW) == []
    assert [one.needs for one in at(ledger, clock, WEEK)] == [Needs.ANSWER]


@pytest.mark.parametrize(
    "state", [State.OVERDUE, State.STILL_THERE, State.NEEDS_YOU, State.CANNOT_LOOK]
)
def test_what_stays_is_not_finished(
    ledger: Ledger, clock: Clock, turned: Any, state: State
) -> None:
    turned(state, None, due_at=NOW + 40 * DAY)
    assert [one.needs for one in at(ledger, clock, SLOW)] == [Needs.ERASURE]
    assert [one.needs for one in at(ledger, clock, WEEK)] == [Needs.ERASURE]


def test_what_came_back_is_not_finished_any_more(ledger: Ledger, clock: Clock, turned: Any) -> None:
    turned(State.NOT_FOUND, Ended.CONFIRMED, due_at=NOW + DAY)
    clock.passes(DAY)
    turned(State.RETURNED, None, due_at=NOW + 40 * DAY)
    assert [one.needs for one in at(ledger, clock, SLOW)] == [Needs.ERASURE]


def test_a_warning_ends_when_what_it_asks_was_done(
    school: School, ledger: Ledger, clock: Clock, hands: Hands
) -> None:
    connection = school.connect()
    school.accepted(erasure(email=EMAIL))
    assert len(at(ledger, clock, SLOW)) == 1
    hands.turn(connection, State.NOT_FOUND, Ended.CONFIRMED, erasing=False)
    assert standing(ledger) == []


def test_an_answer_ends_all_warnings(
    school: School, ledger: Ledger, clock: Clock, asked: Accepted
) -> None:
    assert len(at(ledger, clock, WEEK)) == 1
    answer(school, asked, Outcome.PARTLY, reason="Eén lijst volgt nog.")
    assert standing(ledger) == []
    assert at(ledger, clock, OVER + DAY) == []
    assert said(ledger) == [Threshold.WEEK]


def test_warnings_follow_a_term_that_was_extended(
    school: School, ledger: Ledger, clock: Clock, asked: Accepted
) -> None:
    at(ledger, clock, WEEK)
    answer(school, asked, Outcome.EXTENDED, reason="Het zijn veel lijsten.")
    assert standing(ledger) == []
    assert at(ledger, clock, OVER + DAY) == []
    longer = datetime(2027, 2, 22, 23, tzinfo=UTC)
    for moment, threshold in [(-8 * DAY, "week"), (-2 * DAY, "day"), (0 * DAY, "over")]:
        assert [one.threshold for one in at(ledger, clock, longer + moment - HOUR)] != [threshold]
        assert [one.threshold for one in at(ledger, clock, longer + moment)] == [threshold]


def test_undoing_ends_all_warnings(school: School, ledger: Ledger, clock: Clock) -> None:
    school.connect()
    waiting = replace(erasure(email=EMAIL), undo=DAY, received_at=NOW - 28 * DAY)
    asked = school.accepted(waiting)
    assert [one.needs for one in at(ledger, clock, NOW)] == [Needs.ERASURE]
    undo.undo(ledger, school.customer, asked.operation)
    assert standing(ledger) == []
    assert at(ledger, clock, OVER) == []


def test_only_erasures_have_a_term(school: School, ledger: Ledger, clock: Clock) -> None:
    school.connect()
    school.accepted(school.subscription())
    assert at(ledger, clock, OVER) == []


def test_the_log_names_ids_and_nothing_else(
    ledger: Ledger, clock: Clock, asked: Accepted, caplog: pytest.LogCaptureFixture
) -> None:
    at(ledger, clock, SLOW)
    [record] = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert record.getMessage() == "an erasure needs somebody: slow"
    assert record.operation == asked.operation  # type: ignore[attr-defined]  # from extra
    assert "jan" not in caplog.text
