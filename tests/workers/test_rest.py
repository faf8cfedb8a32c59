"""Not one request goes where the platform asked for rest, before the moment that it named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from core.connector import Account
from core.errors import TryAt
from core.ledger import connections, lanes
from core.ledger.schema import holdings
from core.states import State
from core.testing.imitation import honest
from core.testing.lies import fails
from tests.workers.school import HOUR, MINUTE, SECOND, School, on_sqlite
from tests.workers.test_drain_crashes import Died, dies
from workers.flow import Flow

pytestmark = on_sqlite

WAIT = 5 * HOUR
BUSY = TryAt("429", wait=WAIT)
PEOPLE = 8


def ask(school: School) -> None:
    for number in range(PEOPLE):
        school.subscribe(f"cf-{number}", f"p{number}@example.nl")


def asked_for_rest(school: School, face: str = "subscribe") -> datetime:
    """The platform does, in the middle of the work; until then."""
    school.imitation.lie(face, *[honest] * (0 if face == "places" else 2), fails(BUSY))
    ask(school)
    school.drain()
    return school.clock.at + WAIT


def work(school: School, until: datetime) -> None:
    """Whoever comes does what can be done, at every moment and after everything that happens."""
    while school.clock.at < until:
        school.passing(min(10 * MINUTE, until - school.clock.at))
        if school.clock.at < until:
            school.worker.drain(school.lane)


def early(school: School, since: datetime, until: datetime) -> list[datetime]:
    return [call.at for call in school.imitation.calls if since < call.at < until]


@pytest.mark.parametrize("face", ["places", "subscribe", "find"])
def test_nothing_is_sent_before_the_moment_and_all_of_it_after(school: School, face: str) -> None:
    until = asked_for_rest(school, face)
    began = school.clock.at
    work(school, until)
    assert early(school, began, until) == []
    school.passes(MINUTE)
    assert {row.state for row in school.rows(sa.select(holdings.c.state))} == {State.CONFIRMED}


def test_being_asked_for_rest_counts_as_no_attempt(school: School) -> None:
    school.imitation.always("subscribe", fails(BUSY))
    school.subscribe()
    for _ in range(3):
        school.drain()
        assert (school.holding().attempts, school.holding().looks) == (0, 0)
        assert school.lane_row().failures == 0
        school.passing(WAIT)


def rings(school: School) -> None:
    school.subscribe("cf-new", "new@example.nl")


def pauses(school: School) -> None:
    connections.pause(school.ledger, school.lane)
    connections.resume(school.ledger, school.lane)


def renews(school: School) -> None:
    with school.ledger.read() as tx:
        one = connections.one(tx, school.lane)
    connections.renew(school.ledger, one, {}, Account("imitation-1", "Imitation"))


@pytest.mark.parametrize("happens", [rings, pauses, renews])
def test_nothing_that_happens_meanwhile_shortens_it(
    school: School, happens: Callable[[School], None]
) -> None:
    until = asked_for_rest(school)
    began = school.clock.at
    happens(school)
    work(school, until)
    assert early(school, began, until) == []


def crash(school: School, patch: pytest.MonkeyPatch) -> datetime:
    """The process dies the moment after the platform asked, before it wrote anything down."""
    written = Flow.write_down
    turns = 0

    def dies_late(flow: Flow, *given: Any, **named: Any) -> Any:
        nonlocal turns
        turns += 1
        return dies() if turns > 1 else written(flow, *given, **named)

    school.imitation.always("subscribe", fails(BUSY))
    ask(school)
    with patch.context() as here:
        here.setattr(Flow, "write_down", dies_late)
        with pytest.raises(Died):
            school.worker.drain(school.lane)
    assert school.imitation.made("subscribe") > 0
    until = school.clock.at + WAIT
    school.bury(school.worker)
    school.worker = school.hire()
    return until


def test_the_next_worker_keeps_to_it_when_the_first_dies_at_once(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = crash(school, monkeypatch)
    began = school.clock.at
    work(school, until)
    assert early(school, began, until) == []
    school.worker.drain(school.lane)
    assert early(school, began, until + SECOND) != []


def test_a_rest_that_only_the_dead_knew_of_is_seen_to_be_broken(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "rest", lambda *_: None)
    until = crash(school, monkeypatch)
    began = school.clock.at
    work(school, until)
    assert early(school, began, until) != []
