"""Bells are shared out: a newcomer never waits behind all that somebody else has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from uuid import UUID, uuid4

from core.ledger.shares import SHARE, Busy, Ringable, fair

BIG, SMALL, THIRD = uuid4(), uuid4(), uuid4()


def of(customer: UUID, how_many: int) -> list[Ringable]:
    return [Ringable(uuid4(), customer, rings=0) for _ in range(how_many)]


def busy(worked_on: Iterable[UUID] = (), unanswered: Iterable[UUID] = ()) -> Busy:
    return Busy(Counter(worked_on), Counter(unanswered))


def test_of_one_customer_a_share_is_rung_at_once() -> None:
    lanes = of(BIG, 20)
    assert list(fair(lanes, busy())) == lanes[:SHARE]


def test_bells_that_wait_for_a_worker_count() -> None:
    lanes = of(BIG, 20)
    assert list(fair(lanes, busy(unanswered=[BIG] * (SHARE - 1)))) == lanes[:1]
    assert list(fair(lanes, busy(unanswered=[BIG] * SHARE))) == []


def test_who_has_the_share_in_work_gets_one_bell_at_a_time_and_so_any_idle_worker() -> None:
    lanes = of(BIG, 20)
    assert list(fair(lanes, busy(worked_on=[BIG] * 30))) == lanes[:1]
    assert list(fair(lanes, busy(worked_on=[BIG] * 30, unanswered=[BIG]))) == []


def test_everybody_is_rung_once_before_anybody_twice() -> None:
    big, small, third = of(BIG, 9), of(SMALL, 1), of(THIRD, 2)
    rung = [one.customer for one in fair([*big, *small, *third], busy())]
    assert rung[:3] == [BIG, SMALL, THIRD]
    assert rung[3:5] == [BIG, THIRD]
    assert Counter(rung) == {BIG: SHARE, SMALL: 1, THIRD: 2}


def test_who_has_bells_waiting_comes_after_who_has_none() -> None:
    rung = list(fair([*of(BIG, 9), *of(SMALL, 1)], busy(unanswered=[BIG])))
    assert rung[0].customer == SMALL


def test_many_customers_with_one_lane_each_are_all_rung() -> None:
    lanes = [one for _ in range(500) for one in of(uuid4(), 1)]
    assert list(fair(lanes, busy(worked_on=[BIG] * 9))) == lanes
