"""One worker at a time at each connection, and no work that anybody overlooks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from core.errors import LeaseLost
from core.ledger import Ledger, customers, lanes, schema
from core.ledger.customers import MailingList, Purpose
from core.ledger.intake import Batch
from core.ledger.lanes import LEASE, LONGEST_RING, RING_AGAIN, Lease
from core.ledger.shares import SHARE
from core.states import Task
from tests.databases import NOW, Clock
from tests.school import NEWS, Hands, School, erasure, held, lane_of, update
from tests.threads import at_once

INSTANT = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def connection(school: School) -> UUID:
    return school.connect()


@pytest.fixture
def busy(school: School, connection: UUID) -> UUID:
    """A connection with one person to be subscribed."""
    school.accepted(school.subscription())
    return connection


def due(ledger: Ledger) -> list[UUID]:
    with ledger.begin() as tx:
        return list(lanes.due(tx))


def change(ledger: Ledger, doing: Callable[..., object], *given: object) -> None:
    with ledger.begin() as tx:
        doing(tx, *given)


def lost(ledger: Ledger, lease: Lease) -> bool:
    try:
        change(ledger, lanes.check, lease)
    except LeaseLost:
        return True
    return False


# --- leasing


def test_a_lane_without_work_is_not_leased(connection: UUID, hands: Hands) -> None:
    assert hands.lease(connection) is None
    assert hands.lease(uuid4()) is None


def test_a_lane_is_leased_once(ledger: Ledger, busy: UUID, hands: Hands) -> None:
    assert hands.lease(busy) is not None
    assert hands.lease(busy) is None
    assert Hands.of(ledger).lease(busy) is None


def test_of_many_who_come_at_once_one_gets_the_lane(ledger: Ledger, busy: UUID) -> None:
    workers = [Hands.of(ledger) for _ in range(6)]
    leases = at_once(*[partial(worker.lease, busy) for worker in workers])
    assert len([lease for lease in leases if lease is not None]) == 1


def test_every_lease_has_a_higher_fence(busy: UUID, hands: Hands) -> None:
    fences = []
    for _ in range(3):
        lease = hands.must_lease(busy)
        fences.append(lease.fence)
        hands.release(lease)
    assert fences == [1, 2, 3]


def test_work_that_is_due_later_is_not_leased_before(
    busy: UUID, hands: Hands, clock: Clock
) -> None:
    hands.turn(busy, ended=None, due_at=NOW + SECOND)
    assert hands.lease(busy) is None
    clock.passes(SECOND)
    assert hands.lease(busy) is not None


def test_pace_and_failures_are_handed_on(ledger: Ledger, busy: UUID, hands: Hands) -> None:
    lease = hands.must_lease(busy)
    assert (lease.next_call_at, lease.failures) == (None, 0)
    with ledger.begin() as tx:
        lanes.release(tx, lease, next_call_at=NOW + SECOND, failures=0, rest=SECOND)
    assert hands.must_lease(busy).next_call_at == NOW + SECOND


# --- keeping and losing


def test_a_lease_can_be_checked_and_renewed_while_it_is_held(
    ledger: Ledger, busy: UUID, hands: Hands, clock: Clock
) -> None:
    lease = hands.must_lease(busy)
    clock.passes(LEASE - SECOND)
    change(ledger, lanes.check, lease)
    change(ledger, lanes.renew, lease)
    assert lane_of(ledger, busy).lease_until == clock.at + LEASE


def test_a_reclaimed_lease_is_lost_for_good(ledger: Ledger, busy: UUID, hands: Hands) -> None:
    lease = hands.must_lease(busy)
    change(ledger, lanes.reclaim, {hands.session})
    assert lost(ledger, lease)
    newer = hands.must_lease(busy)
    assert newer.fence > lease.fence
    for doing in (lanes.check, lanes.renew):
        with pytest.raises(LeaseLost):
            change(ledger, doing, lease)
    assert not lost(ledger, newer)


def test_giving_back_a_lost_lease_takes_nothing_from_the_next_owner(
    ledger: Ledger, busy: UUID, hands: Hands
) -> None:
    lease = hands.must_lease(busy)
    change(ledger, lanes.reclaim, {hands.session})
    newer = Hands.of(ledger).must_lease(busy)
    hands.release(lease, failures=3)
    assert not lost(ledger, newer)
    assert lane_of(ledger, busy).failures == 0


def test_the_lanes_of_the_dead_are_taken_back_and_no_others(
    school: School, ledger: Ledger, busy: UUID, hands: Hands
) -> None:
    other = school.connect("Laposta")
    school.accepted(school.subscription("cf-2", "piet@example.nl"))
    dead = Hands.of(ledger)
    mine, theirs = hands.must_lease(busy), dead.must_lease(other)
    with ledger.begin() as tx:
        assert lanes.leasing_sessions(tx) == {hands.session, dead.session}
        assert lanes.reclaim(tx, {dead.session}) == 1
    assert lost(ledger, theirs)
    assert not lost(ledger, mine)
    assert due(ledger) == [other]


def test_a_lease_runs_out_when_nobody_renews_it(
    ledger: Ledger, busy: UUID, hands: Hands, clock: Clock
) -> None:
    lease = hands.must_lease(busy)
    clock.passes(LEASE)
    with ledger.begin() as tx:
        assert not lanes.any_expired(tx)
        assert lanes.reclaim(tx, ()) == 0
    clock.passes(INSTANT)
    with ledger.begin() as tx:
        assert lanes.any_expired(tx)
        assert lanes.reclaim(tx, ()) == 1
    assert lost(ledger, lease)


# --- giving back


def test_a_lane_that_is_given_back_is_due_when_its_next_holding_is(
    school: School, ledger: Ledger, busy: UUID, hands: Hands
) -> None:
    school.accepted(school.subscription("cf-2", "piet@example.nl"))
    lease = hands.must_lease(busy)
    first, second = hands.claim(lease)
    hands.record(lease, [first], ended=None, due_at=NOW + timedelta(hours=3))
    hands.record(lease, [second], ended=None, due_at=NOW + timedelta(hours=2))
    hands.release(lease)
    assert lane_of(ledger, busy).ready_at == NOW + timedelta(hours=2)


def test_a_lane_without_further_work_sleeps(ledger: Ledger, busy: UUID, hands: Hands) -> None:
    hands.turn(busy)
    assert lane_of(ledger, busy).ready_at is None
    assert due(ledger) == []


def test_a_lane_that_failed_is_closed_and_remembers_since_when(
    ledger: Ledger, busy: UUID, hands: Hands, clock: Clock
) -> None:
    hands.release(hands.must_lease(busy), failures=1, rest=SECOND)
    clock.passes(SECOND)
    hands.release(hands.must_lease(busy), failures=2, rest=MINUTE)
    lane = lane_of(ledger, busy)
    assert (lane.closed_until, lane.failing_since) == (clock.at + MINUTE, NOW)
    clock.passes(MINUTE)
    hands.release(hands.must_lease(busy))
    lane = lane_of(ledger, busy)
    assert (lane.closed_until, lane.failing_since) == (None, None)


@pytest.mark.parametrize("hours", [0, 5])
def test_the_later_of_the_platforms_word_and_ours_counts(
    ledger: Ledger, busy: UUID, hands: Hands, hours: int
) -> None:
    change(ledger, lanes.rest, busy, timedelta(hours=5))
    change(ledger, lanes.rest, busy, SECOND)
    with ledger.begin() as tx:
        tx.db.execute(sa.update(schema.lanes).values(closed_until=None))
    hands.release(hands.must_lease(busy), failures=1, rest=timedelta(hours=10 - hours))
    assert lane_of(ledger, busy).closed_until == NOW + timedelta(hours=10 - hours)


def test_a_rest_that_the_platform_asked_for_outlives_the_worker_and_the_pause(
    ledger: Ledger, busy: UUID, hands: Hands
) -> None:
    hands.must_lease(busy)
    change(ledger, lanes.rest, busy, timedelta(hours=5))
    change(ledger, lanes.reclaim, {hands.session})
    assert hands.lease(busy) is None
    change(ledger, lanes.hold, busy, lanes.PAUSED)
    change(ledger, lanes.resume, busy)
    assert lane_of(ledger, busy).closed_until == NOW + timedelta(hours=5)
    assert hands.lease(busy) is None


def test_a_lane_that_was_taken_back_does_not_know_when_its_last_call_was(
    ledger: Ledger, busy: UUID, hands: Hands
) -> None:
    lease = hands.must_lease(busy)
    with ledger.begin() as tx:
        lanes.release(tx, lease, next_call_at=NOW, failures=0, rest=SECOND)
    hands.must_lease(busy)
    change(ledger, lanes.reclaim, {hands.session})
    assert hands.must_lease(busy).next_call_at is None


def test_a_closed_lane_is_neither_rung_nor_leased_until_its_moment(
    ledger: Ledger, busy: UUID, hands: Hands, clock: Clock
) -> None:
    hands.release(hands.must_lease(busy), failures=1, rest=SECOND)
    clock.at = NOW + SECOND - INSTANT
    assert due(ledger) == []
    assert hands.lease(busy) is None
    clock.at = NOW + SECOND
    assert due(ledger) == [busy]
    assert hands.lease(busy) is not None


# --- held


def test_a_held_lane_keeps_its_work_until_it_is_resumed(
    school: School, ledger: Ledger, busy: UUID, hands: Hands
) -> None:
    change(ledger, lanes.hold, busy, "credentials")
    school.accepted(update(first_name="Johan"))
    change(ledger, lanes.heal)
    assert due(ledger) == []
    assert hands.lease(busy) is None
    change(ledger, lanes.resume, busy)
    assert due(ledger) == [busy]
    assert len(hands.claim(hands.must_lease(busy))) == 1


# --- the doorbell


def test_work_rings_its_lane_at_once(ledger: Ledger, busy: UUID) -> None:
    with ledger.read() as tx:
        assert lanes.any_due(tx)
    assert due(ledger) == [busy]


def test_a_customer_with_many_lanes_leaves_room_for_the_others(
    ledger: Ledger, school: School, hands: Hands, clock: Clock
) -> None:
    mine = {school.connect(f"Mailman {number}", places={NEWS: "nieuws"}) for number in range(9)}
    school.accepted(school.subscription())
    rung = due(ledger)
    assert len(rung) == SHARE
    assert due(ledger) == []
    for lane in rung:
        hands.must_lease(lane)
    other = School(ledger, customers.create(ledger, "De Kwast"))
    customers.put_list(ledger, other.customer, MailingList(NEWS, Purpose.NEWSLETTER, "Nieuws"))
    clock.passes(SECOND)
    theirs = other.connect()
    other.accepted(other.subscription())
    first, second = due(ledger)
    assert {first, second} == {theirs, *({first, second} & mine)}
    assert due(ledger) == []


def test_a_lane_that_nobody_comes_to_is_rung_less_and_less_often(
    ledger: Ledger, busy: UUID, clock: Clock
) -> None:
    rung: list[datetime] = []
    while len(rung) < 9:
        if due(ledger):
            rung.append(clock.at)
        clock.passes(SECOND)
    waits = [later - earlier for earlier, later in pairwise(rung)]
    doubling = [RING_AGAIN * min(2**n, LONGEST_RING) for n in range(8)]
    assert waits == doubling


def test_new_work_and_a_new_lease_ring_at_once_again(
    school: School, ledger: Ledger, busy: UUID, hands: Hands, clock: Clock
) -> None:
    for _ in range(4):
        due(ledger)
        clock.passes(timedelta(seconds=LONGEST_RING))
    due(ledger)
    assert due(ledger) == []
    school.accepted(update(first_name="Johan"))
    assert due(ledger) == [busy]
    assert due(ledger) == []
    hands.release(hands.must_lease(busy))
    assert due(ledger) == [busy]


def test_a_leased_lane_is_not_rung(ledger: Ledger, busy: UUID, hands: Hands) -> None:
    hands.must_lease(busy)
    assert due(ledger) == []


def test_the_longest_due_is_rung_first(
    school: School, ledger: Ledger, busy: UUID, clock: Clock
) -> None:
    expected = [busy]
    for title in ("Laposta", "Brevo", "Mailchimp"):
        clock.passes(SECOND)
        expected.append(school.connect(title, {"cursusinfo": title}))
        school.accepted(school.subscription(lists=("cursusinfo",), email=f"{title}@example.nl"))
    change(ledger, lanes.reclaim, ())
    assert due(ledger) == expected


# --- healing


def test_a_lane_that_was_overlooked_is_found_again(
    ledger: Ledger, busy: UUID, hands: Hands
) -> None:
    with ledger.begin() as tx:
        tx.db.execute(sa.update(schema.lanes).values(ready_at=None))
    assert hands.lease(busy) is None
    change(ledger, lanes.heal)
    assert hands.lease(busy) is not None


def test_healing_does_not_disturb_what_is_well(ledger: Ledger, busy: UUID, hands: Hands) -> None:
    hands.turn(busy, ended=None, due_at=NOW + SECOND)
    before = lane_of(ledger, busy)
    change(ledger, lanes.heal)
    assert lane_of(ledger, busy) == before


# --- races


def test_a_worker_that_leaves_while_work_comes_in_does_not_overlook_it(
    school: School, ledger: Ledger, busy: UUID, hands: Hands
) -> None:
    """The work is written and not yet committed at the moment at which the lane is given back."""
    lease = hands.must_lease(busy)
    hands.record(lease, hands.claim(lease))
    with ThreadPoolExecutor(1) as pool:
        with ledger.begin() as tx:
            batch = Batch(ledger, tx, school.customer, [update(first_name="Johan")])
            batch.take(update(first_name="Johan"))
            batch.write()
            leaving = pool.submit(hands.release, lease)
            wait([leaving], timeout=0.2)
        leaving.result()
    assert lane_of(ledger, busy).ready_at == NOW


def test_nothing_is_overlooked_when_intake_and_release_race(
    school: School, ledger: Ledger, busy: UUID
) -> None:
    """Rounds of one asking while another is just leaving the lane; nobody heals."""
    asking = threading.Event()

    def ask() -> None:
        for turn in range(40):
            school.accepted(update(last_name=str(turn)))
        asking.set()

    def work() -> None:
        worker = Hands.of(ledger)
        while not asking.is_set():
            lease = worker.lease(busy)
            if lease is not None:
                worker.adopt(lease)
                worker.record(lease, worker.claim(lease))
                worker.release(lease)

    at_once(ask, work, work)
    worker = Hands.of(ledger)
    while worker.lease(busy) is not None:  # what is due must show by itself
        change(ledger, lanes.reclaim, {worker.session})
        worker.turn(busy)
    with ledger.read() as tx:
        (holding,) = held(tx, busy)
    assert holding.due_at is None
    assert holding.reached_seq == holding.asked_seq == 41


def test_intake_workers_and_the_dispatcher_never_block_each_other_for_good(
    school: School, ledger: Ledger
) -> None:
    """Everyone locks in the same order: PostgreSQL would end a circle with an error."""
    lanes_of_school = [school.connect(f"Lijst {number}") for number in range(4)]
    everyone = [school.subscription(f"cf-{n}", f"p{n}@example.nl") for n in range(4)]
    school.ask(*everyone)
    asked = threading.Event()

    def ask(order: int) -> Callable[[], None]:
        def loop() -> None:
            for turn in range(15):
                names = [update(f"cf-{n}", last_name=f"{order}{turn}") for n in range(4)]
                school.ask(*names[::order])
            asked.set()

        return loop

    def work() -> None:
        worker = Hands.of(ledger)
        while not asked.is_set():
            for connection in lanes_of_school:
                lease = worker.lease(connection)
                if lease is not None:
                    worker.adopt(lease)
                    worker.record(lease, worker.claim(lease), task=Task.REFUSED)
                    worker.release(lease)

    def dispatch() -> None:
        while not asked.is_set():
            with ledger.begin() as tx:
                lanes.due(tx)
            change(ledger, lanes.heal)
            change(ledger, lanes.reclaim, ())

    at_once(ask(1), ask(-1), work, dispatch)


def test_erasures_race_with_the_worker_that_subscribes(
    school: School, ledger: Ledger, busy: UUID
) -> None:
    """However they fall, the erasure is what is left to be done or was done last."""
    done = threading.Event()

    def ask() -> None:
        for turn in range(10):
            school.ask(school.subscription(f"r{turn}", f"r{turn}@example.nl"))
            school.ask(erasure(f"r{turn}"))
        done.set()

    def work() -> None:
        worker = Hands.of(ledger)
        while not done.is_set():
            lease = worker.lease(busy)
            if lease is not None:
                worker.adopt(lease)
                worker.record(lease, worker.assigned(lease))
                worker.release(lease)

    at_once(ask, work)
    with ledger.read() as tx:
        holdings = held(tx, busy)
    assert len(holdings) == 11
    for holding in holdings:
        if holding.wants.erase:
            assert holding.due_at is not None or holding.reached_seq == holding.wants.erase
