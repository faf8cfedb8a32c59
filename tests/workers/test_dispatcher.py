"""Lanes that are due are rung, by one leader, whatever goes wrong around it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import NoReturn
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.connector import Account
from core.database import DatabaseAway
from core.errors import TryLater
from core.ledger import Ledger, alerts, api_keys, audit, finishing, idempotency, lanes
from core.ledger import connections as connections_of
from core.ledger.alerts import Threshold
from core.ledger.idempotency import Answer, Asked
from core.ledger.schema import lanes as lane_rows
from core.safe.schema import person_keys
from core.states import Ended
from core.testing.lies import fails
from tests.waiting import eventually
from tests.workers.school import EMAIL, HOUR, MINUTE, SECOND, School, on_sqlite
from workers import dispatcher as module
from workers.dispatcher import Dispatcher

PATIENCE = 10.0
Run = Callable[[Dispatcher], threading.Thread]


class Bell:
    """What rings, and what a broken broker does instead."""

    def __init__(self) -> None:
        self.rung: list[UUID] = []
        self.broken: Callable[[UUID], bool] = lambda _: False

    def __call__(self, lane: UUID) -> None:
        if self.broken(lane):
            raise ConnectionError("no broker at 127.0.0.1")
        self.rung.append(lane)


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def dispatcher(ledger: Ledger, bell: Bell) -> Iterator[Dispatcher]:
    one = Dispatcher(ledger, bell)
    yield one
    one.leadership.close()


def test_what_is_due_is_rung(school: School, dispatcher: Dispatcher, bell: Bell) -> None:
    dispatcher.tick()
    assert bell.rung == []
    school.subscribe()
    dispatcher.tick()
    assert bell.rung == [school.lane]


def test_a_lane_is_not_rung_twice_within_its_back_off(
    school: School, dispatcher: Dispatcher, bell: Bell
) -> None:
    school.subscribe()
    rung_after = []
    for _ in range(140):
        before = len(bell.rung)
        dispatcher.tick()
        if len(bell.rung) > before:
            rung_after.append(school.clock.at)
        school.passing(SECOND / 2)
    waits = [later - first for first, later in pairwise(rung_after)]
    assert waits == [1 * SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND, 16 * SECOND, 32 * SECOND]


def test_new_work_rings_at_once(school: School, dispatcher: Dispatcher, bell: Bell) -> None:
    school.subscribe()
    dispatcher.tick()
    school.unsubscribe()
    dispatcher.tick()
    assert bell.rung == [school.lane] * 2


def test_a_lane_that_is_held_closed_or_leased_is_not_rung(
    school: School, dispatcher: Dispatcher, bell: Bell
) -> None:
    school.subscribe()
    with school.ledger.begin() as tx:
        lanes.hold(tx, school.lane, "paused")
    dispatcher.tick()
    school.resume()
    school.imitation.always("places", fails(TryLater("503")))
    school.drain()
    dispatcher.tick()
    assert bell.rung == []
    school.passing(MINUTE)
    session = school.worker.session().id
    with school.ledger.begin() as tx:
        assert lanes.lease(tx, school.lane, session) is not None
    dispatcher.tick()
    assert bell.rung == []


def test_a_bell_that_is_lost_costs_a_second(
    school: School, dispatcher: Dispatcher, bell: Bell
) -> None:
    school.subscribe()
    dispatcher.tick()
    school.passing(SECOND)
    dispatcher.tick()
    assert bell.rung == [school.lane] * 2


def another_lane(school: School, title: str) -> UUID:
    return connections_of.add(
        school.ledger,
        school.customer.id,
        platform="imitation",
        title=title,
        settings={},
        account=Account(title, title),
        places={"news": "news"},
        fields=(),
        keep_refusal=False,
    )


def test_a_broker_that_fails_for_one_lane_keeps_no_other_waiting(
    school: School, dispatcher: Dispatcher, bell: Bell
) -> None:
    others = {another_lane(school, f"Other {n}") for n in range(3)}
    school.subscribe()
    bell.broken = lambda lane: lane == school.lane
    dispatcher.tick()
    assert set(bell.rung) == others
    bell.broken = lambda _: False
    school.passing(SECOND)
    dispatcher.tick()
    assert bell.rung.count(school.lane) == 1


def test_a_broker_that_fails_twice_is_not_tried_for_all_the_rest(
    school: School, dispatcher: Dispatcher, bell: Bell, caplog: pytest.LogCaptureFixture
) -> None:
    """A broker that hangs takes seconds to fail, and dead workers' lanes wait for this tick."""
    for n in range(3):
        another_lane(school, f"Other {n}")
    school.subscribe()
    tried: list[UUID] = []

    def broken(lane: UUID) -> bool:
        tried.append(lane)
        return True

    bell.broken = broken
    for n in range(1, 4):
        dispatcher.tick()
        assert len(tried) == n * module.FAILURES
        school.passing(SECOND)
    assert caplog.text.count("ringing lanes fails") == 1
    bell.broken = lambda _: False
    dispatcher.tick()
    assert len(bell.rung) == 4
    assert caplog.text.count("ringing lanes works again") == 1


def test_a_broker_that_was_away_for_long_costs_a_second_once_it_is_back(
    school: School, dispatcher: Dispatcher, bell: Bell
) -> None:
    school.subscribe()
    bell.broken = lambda _: True
    for _ in range(100):
        dispatcher.tick()
        school.passing(SECOND)
    bell.broken = lambda _: False
    dispatcher.tick()
    assert bell.rung == [school.lane]


def test_the_lane_of_a_dead_session_is_taken_back_and_rung(
    school: School, dispatcher: Dispatcher, bell: Bell
) -> None:
    school.subscribe()
    session = school.worker.session().id
    with school.ledger.begin() as tx:
        lease = lanes.lease(tx, school.lane, session)
    assert lease is not None
    dispatcher.tick()
    assert bell.rung == []
    school.worker.session().close()
    school.workers.remove(school.worker)
    dispatcher.tick()
    assert bell.rung == [school.lane]
    assert school.lane_row().fence == lease.fence + 1


def test_the_lane_of_a_living_worker_that_does_not_renew_is_taken_back(
    school: School, dispatcher: Dispatcher, bell: Bell
) -> None:
    school.subscribe()
    session = school.worker.session().id
    with school.ledger.begin() as tx:
        lanes.lease(tx, school.lane, session)
    school.passing(lanes.LEASE + SECOND)
    dispatcher.tick()
    assert bell.rung == [school.lane]


def test_what_was_overlooked_is_healed_within_a_minute(
    school: School, dispatcher: Dispatcher, bell: Bell
) -> None:
    dispatcher.tick()
    asked = school.subscribe()
    with school.ledger.begin() as tx:
        tx.db.execute(sa.update(lane_rows).values(ready_at=None))
    dispatcher.tick()
    assert bell.rung == []
    school.passing(module.TIDY)
    dispatcher.tick()
    dispatcher.tick()
    assert bell.rung == [school.lane]
    school.drain()
    assert school.ended(asked) is Ended.CONFIRMED


def test_a_term_that_runs_out_is_said_although_the_safe_is_away(
    school: School, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails in tidying keeps nobody in silence, and is tried again in the next tick."""

    def away(_: Ledger) -> NoReturn:
        raise DatabaseAway("OperationalError")

    school.erase(email=EMAIL)
    school.passing(72 * HOUR)
    monkeypatch.setattr(Ledger, "reconcile", away)
    for _ in range(2):
        with pytest.raises(DatabaseAway):
            dispatcher.tick()
    with school.ledger.read() as tx:
        assert [one.threshold for one in alerts.standing(tx)] == [Threshold.SLOW]


def test_tidying_comes_once_a_minute(
    school: School, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    tidied = []
    monkeypatch.setattr(finishing, "end", lambda _: tidied.append(school.clock.at))
    for _ in range(130):
        dispatcher.tick()
        school.passing(SECOND)
    assert tidied == [tidied[0] + n * MINUTE for n in range(3)]


def test_tidying_forgets_answers_that_nobody_asks_for_again(
    school: School, dispatcher: Dispatcher
) -> None:
    ledger = school.ledger
    key = api_keys.issue(ledger, "administration", school.customer.id).key
    asked = Asked(key.id, school.customer.id, "k", "r", b"{}")
    with ledger.begin() as tx:
        assert idempotency.recall(ledger, tx, asked) is None
        idempotency.keep(ledger, tx, asked, Answer(202, "{}"))
    school.passing(idempotency.KEPT + SECOND)
    dispatcher.tick()
    with ledger.begin() as tx:
        assert idempotency.recall(ledger, tx, asked) is None


@on_sqlite
def test_tidying_lets_what_was_destroyed_leave_the_files(
    school: School, dispatcher: Dispatcher
) -> None:
    school.subscribe()
    with school.ledger.safe.database.read() as tx:
        (key,) = tx.db.execute(sa.select(person_keys.c.wrapped)).scalars()
    school.erase()
    file = Path(str(school.ledger.safe.database.url.database))
    files = [file, file.with_name(f"{file.name}-wal")]
    assert any(key in one.read_bytes() for one in files)
    dispatcher.tidy()
    assert not any(key in one.read_bytes() for one in files)


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs dispatchers in threads, and ends them all."""
    monkeypatch.setattr(module, "TICK", 0.01)
    started: list[tuple[Dispatcher, threading.Thread]] = []

    def run(dispatcher: Dispatcher) -> threading.Thread:
        thread = threading.Thread(target=dispatcher.run)
        started.append((dispatcher, thread))
        thread.start()
        return thread

    yield run
    for dispatcher, thread in started:
        dispatcher.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_only_one_leads_and_another_takes_over(school: School, running: Run) -> None:
    first, second = Bell(), Bell()
    leader = Dispatcher(school.ledger, first)
    assert leader.leadership.held()
    leading = running(leader)
    running(Dispatcher(school.ledger, second))
    school.subscribe()
    eventually(lambda: first.rung == [school.lane])
    leader.stop()
    leading.join(PATIENCE)  # or it rings in the new hour, and nobody has to ring again
    school.passing(HOUR)
    eventually(lambda: second.rung == [school.lane])
    assert first.rung == [school.lane]


def test_what_happened_is_sealed_by_who_leads(school: School, running: Run) -> None:
    def sealed() -> int:
        with school.ledger.read() as tx:
            return audit.verify(school.ledger, tx, school.customer.id).events

    school.subscribe()
    running(Dispatcher(school.ledger, Bell()))
    eventually(lambda: sealed() > 0)


def test_a_tick_that_fails_is_tried_again(
    school: School,
    running: Run,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    failures = iter([DatabaseAway("OperationalError"), RuntimeError(EMAIL)])
    honest = lanes.any_expired

    def failing(tx: object) -> bool:
        for failure in failures:
            raise failure
        return honest(tx)  # type: ignore[arg-type]  # as it was given

    monkeypatch.setattr(lanes, "any_expired", failing)
    bell = Bell()
    school.subscribe()
    running(Dispatcher(school.ledger, bell))
    eventually(lambda: bell.rung == [school.lane])
    assert "the database is away: OperationalError" in caplog.text
    assert "RuntimeError" in caplog.text
    assert EMAIL not in caplog.text


def test_a_tick_while_nothing_is_due_is_cheap_reading(
    school: School, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatcher.tick()
    monkeypatch.setattr(Ledger, "begin", lambda _: pytest.fail("it writes"))
    dispatcher.tick()
    school.passing(timedelta(seconds=1))
    dispatcher.tick()
