"""Laposta through the worker's hands, at the pace of a free account and of a paid one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from connectors.laposta import Laposta
from core.connector import Account
from core.ledger import Ledger, connections
from core.ledger.schema import attempts, holdings, lanes
from core.states import State
from tests.connectors.laposta_server import (
    COURSES,
    KEY,
    NEWS,
    Platform,
    Town,
    acts_then_cuts,
    ignores,
    late,
)
from tests.databases import NOW, Clock
from tests.school import COURSE, School, erasure
from tests.school import NEWS as NEWSLETTER
from workers.drain import Worker
from workers.reach import Reach

# What a platform does is the same on every database.
pytestmark = pytest.mark.parametrize("urls", ["sqlite"], indirect=True)

FREE = 30
PAID = 120
MINUTE = timedelta(minutes=1)
MOST_TURNS = 300


@dataclass
class Desk:
    """One worker at one account; time passes by waiting only."""

    school: School
    laposta: Platform
    clock: Clock
    town: Town
    allowed: int = PAID
    taken: list[datetime] = field(default_factory=list)
    lane: UUID = field(init=False)
    worker: Worker = field(init=False)

    def __post_init__(self) -> None:
        self.laposta.busy = self.busy
        out = self.town.way_out(
            self.laposta, clock=self.monotonic, sleep=self.sleep, now=lambda: self.clock.at
        )
        reach = Reach({"laposta": Laposta}, out, {"laposta": self.laposta.url})
        ledger = self.school.ledger
        self.worker = Worker(ledger, reach, monotonic=self.monotonic, sleep=self.sleep)
        self.lane = connections.add(
            ledger,
            self.school.customer.id,
            platform="laposta",
            title="Laposta",
            settings={"api_key": KEY},
            account=Account(self.laposta.account, "Laposta"),
            places={NEWSLETTER: NEWS.id, COURSE: COURSES.id},
            fields=("first_name", "last_name"),
            keep_refusal=False,
        )

    def busy(self) -> int:
        """Calls in the last minute count, refused ones too."""
        now = self.clock.at
        self.taken = [moment for moment in self.taken if moment > now - MINUTE]
        if len(self.taken) < self.allowed:
            self.taken.append(now)
            return 0
        return round((self.taken[0] + MINUTE - now).total_seconds()) + 1

    def monotonic(self) -> float:
        return (self.clock.at - NOW).total_seconds()

    def sleep(self, seconds: float) -> None:
        self.clock.passes(timedelta(seconds=seconds))

    def passes(self, time: timedelta) -> None:
        until = self.clock.at + time
        for _ in range(MOST_TURNS):
            (lane,) = self.rows(sa.select(lanes))
            due = lane.ready_at and max(lane.ready_at, lane.closed_until or lane.ready_at)
            if due is None or due > until:
                self.clock.at = max(until, self.clock.at)
                return
            self.clock.at = max(due, self.clock.at)
            self.worker.drain(self.lane)
        raise AssertionError("the lane never comes to rest")

    def rows(self, query: sa.Select[Any]) -> list[Any]:
        with self.school.ledger.read() as tx:
            return list(tx.db.execute(query))

    def states(self) -> set[str]:
        return {row.state for row in self.rows(sa.select(holdings.c.state))}


@pytest.fixture
def desk(
    ledger: Ledger, school: School, clock: Clock, laposta_town: Town, laposta: Platform
) -> Iterator[Desk]:
    desk = Desk(school, laposta, clock, laposta_town)
    yield desk
    desk.worker.close()


@pytest.mark.parametrize("allowed", [FREE, PAID], ids=["free", "paid"])
def test_everybody_is_subscribed_and_erased_at_the_pace_of_the_account(
    desk: Desk, laposta: Platform, allowed: int
) -> None:
    desk.allowed = allowed
    people = [f"cf-{number}" for number in range(12)]
    for one in people:
        desk.school.accepted(
            desk.school.subscription(one, f"{one}@example.nl", lists=(NEWSLETTER, COURSE))
        )
    desk.passes(timedelta(minutes=20))
    assert desk.states() == {State.CONFIRMED.value}
    assert [len(listing.rows) for listing in laposta.lists.values()] == [12, 12]
    for one in people:
        desk.school.accepted(erasure(one))
    desk.passes(timedelta(minutes=20))
    assert desk.states() == {State.NOT_FOUND.value}
    assert [len(listing.rows) for listing in laposta.lists.values()] == [0, 0]


def test_the_declared_pace_is_never_too_fast_for_a_paid_account(
    desk: Desk, laposta: Platform
) -> None:
    for number in range(30):
        desk.school.accepted(desk.school.subscription(f"cf-{number}", f"cf-{number}@example.nl"))
    desk.passes(timedelta(minutes=20))
    outcomes = {row.outcome for row in desk.rows(sa.select(attempts.c.outcome))}
    assert outcomes == {"confirmed"}
    assert len(laposta.calls) > PAID / 2


@pytest.mark.parametrize("lie", [ignores, late, acts_then_cuts])
def test_an_erasure_that_goes_wrong_ends_in_being_gone(
    desk: Desk, laposta: Platform, lie: Any
) -> None:
    desk.school.accepted(desk.school.subscription())
    desk.passes(MINUTE)
    laposta.lie("DELETE /member/{member_id}", lie)
    desk.school.accepted(erasure())
    desk.passes(MINUTE)
    laposta.catch_up()
    desk.passes(timedelta(hours=1))
    assert desk.states() == {State.NOT_FOUND.value}
    assert laposta.lists[NEWS.id].rows == {}
