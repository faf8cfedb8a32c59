"""What is taken up has an intent before it is sent, and only the lane's owner writes back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.connector import Verb
from core.errors import LeaseLost
from core.holding import Holding
from core.ledger import Ledger, holdings, lanes, schema, tasks
from core.ledger.adoption import QUARANTINE
from core.ledger.holdings import Claimed
from core.ledger.lanes import Lease
from core.states import Ended, State, Task
from tests.databases import NOW, Clock
from tests.school import (
    DEADLINE,
    LATE,
    Hands,
    School,
    ends,
    erasure,
    held,
    the_holding,
    unsubscription,
    update,
)

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def connection(school: School) -> UUID:
    connection = school.connect()
    school.accepted(school.subscription())
    return connection


def rows(ledger: Ledger, table: sa.Table) -> list[sa.Row[Any]]:
    with ledger.read() as tx:
        return list(tx.db.execute(sa.select(table)))


def others(school: School, number: int) -> None:
    for n in range(number):
        school.accepted(school.subscription(f"cf-{n + 2}", f"p{n}@example.nl"))


def died(hands: Hands, connection: UUID) -> list[Claimed]:
    """A worker takes up what is due and dies; its lane is reclaimed."""
    claimed = hands.claim(hands.must_lease(connection))
    with hands.ledger.begin() as tx:
        lanes.reclaim(tx, {hands.session})
    return claimed


def adopted(ledger: Ledger, connection: UUID) -> Lease:
    hands = Hands.of(ledger)
    lease = hands.must_lease(connection)
    hands.adopt(lease)
    return lease


def checks(ledger: Ledger, lease: Lease, holding: Holding) -> bool:
    try:
        with ledger.read() as tx:
            return holdings.in_flight(tx.db, lease).get(holding.id) == (holding.epoch, False)
    except LeaseLost:
        return False


# --- claiming


def test_an_intent_is_written_before_anything_is_sent(
    ledger: Ledger, connection: UUID, hands: Hands
) -> None:
    lease = hands.must_lease(connection)
    (claimed,) = hands.claim(lease)
    stored = the_holding(ledger)
    assert (stored.intent_fence, stored.intent_until) == (lease.fence, NOW + DEADLINE)
    (attempt,) = rows(ledger, schema.attempts)
    assert (attempt.id, attempt.holding) == (claimed.attempt, claimed.holding.id)
    assert (attempt.session, attempt.outcome) == (hands.session, None)


def test_only_what_is_due_is_claimed_and_no_more_than_asked(
    school: School, connection: UUID, hands: Hands, clock: Clock
) -> None:
    others(school, 4)
    lease = hands.must_lease(connection)
    first = hands.claim(lease, limit=2)
    assert len(first) == 2
    hands.record(lease, first, ended=None, due_at=NOW + SECOND)
    assert len(hands.claim(lease)) == 3
    clock.passes(SECOND)
    assert {one.holding.id for one in hands.claim(lease)} == {one.holding.id for one in first}


def test_erasures_are_claimed_first(
    school: School, connection: UUID, hands: Hands, clock: Clock
) -> None:
    others(school, 3)
    clock.passes(SECOND)
    school.accepted(erasure("cf-9", "q@example.nl"))
    (first,) = hands.claim(hands.must_lease(connection), limit=1)
    assert first.holding.goal.erase


def test_a_claim_under_a_lost_lease_takes_nothing(
    ledger: Ledger, connection: UUID, hands: Hands
) -> None:
    lease = hands.must_lease(connection)
    with ledger.begin() as tx:
        lanes.reclaim(tx, {hands.session})
    with pytest.raises(LeaseLost):
        hands.claim(lease)
    assert the_holding(ledger).intent_fence is None
    assert rows(ledger, schema.attempts) == []


def test_the_work_of_another_connection_is_not_claimed(
    school: School, connection: UUID, hands: Hands
) -> None:
    other = school.connect("Laposta", {"cursusinfo": "c"})
    school.accepted(school.subscription("cf-2", "p@example.nl", lists=("cursusinfo",)))
    (claimed,) = hands.claim(hands.must_lease(other))
    assert claimed.holding.connection == other


# --- checking right before sending


def test_a_claimed_holding_may_be_sent_while_nothing_changed(
    ledger: Ledger, connection: UUID, hands: Hands
) -> None:
    lease = hands.must_lease(connection)
    (claimed,) = hands.claim(lease)
    assert checks(ledger, lease, claimed.holding)


def test_an_erasure_stops_what_was_about_to_be_sent(
    school: School, connection: UUID, hands: Hands
) -> None:
    lease = hands.must_lease(connection)
    (claimed,) = hands.claim(lease)
    school.accepted(erasure())
    assert not checks(school.ledger, lease, claimed.holding)


def test_a_lost_lane_stops_what_was_about_to_be_sent(
    ledger: Ledger, connection: UUID, hands: Hands
) -> None:
    lease = hands.must_lease(connection)
    (claimed,) = hands.claim(lease)
    with ledger.begin() as tx:
        lanes.reclaim(tx, {hands.session})
    assert not checks(ledger, lease, claimed.holding)


def test_a_holding_that_was_never_taken_up_may_not_be_sent(
    ledger: Ledger, connection: UUID, hands: Hands
) -> None:
    assert not checks(ledger, hands.must_lease(connection), the_holding(ledger))


# --- writing back


def test_what_an_attempt_came_to_is_stored_with_its_end_and_one_event(
    ledger: Ledger, connection: UUID, hands: Hands
) -> None:
    lease = hands.must_lease(connection)
    hands.record(lease, hands.claim(lease))
    stored = the_holding(ledger)
    assert (stored.state, stored.due_at, stored.intent_fence) == (State.CONFIRMED, None, None)
    assert not stored.goal
    assert ends(ledger) == {1: "confirmed"}
    (attempt,) = rows(ledger, schema.attempts)
    assert (attempt.ended_at, attempt.outcome) == (NOW, "confirmed")
    moves = [(event.was, event.became) for event in rows(ledger, schema.events)]
    assert moves == [("new", "queued"), ("queued", "confirmed")]


def test_a_state_that_did_not_move_is_no_event(
    ledger: Ledger, connection: UUID, hands: Hands
) -> None:
    lease = hands.must_lease(connection)
    hands.record(lease, hands.claim(lease), State.QUEUED, ended=None)
    assert len(rows(ledger, schema.events)) == 1


def test_a_look_is_kept_as_evidence(ledger: Ledger, connection: UUID, hands: Hands) -> None:
    lease = hands.must_lease(connection)
    (claimed,) = hands.claim(lease)
    look = {
        "started_at": NOW,
        "ended_at": NOW + SECOND,
        "verdict": "confirmed",
        "places": ["nieuws"],
        "seen": [{"place": "nieuws", "presence": "subscribed", "fields": ["email"]}],
    }
    with ledger.begin() as tx:
        holdings.write(
            tx,
            [
                holdings.Record(
                    locked=holdings.lock(tx, lease, [claimed.holding.id])[claimed.holding.id],
                    changes={"state": "confirmed"},
                    attempt=claimed.attempt,
                    outcome="confirmed",
                    look=look,
                )
            ],
        )
    (evidence,) = rows(ledger, schema.evidence)
    assert (evidence.holding, evidence.attempt) == (claimed.holding.id, claimed.attempt)
    assert {name: getattr(evidence, name) for name in look} == look


def test_operations_end_up_to_the_one_that_was_carried_out_and_no_further(
    school: School, connection: UUID, hands: Hands
) -> None:
    lease = hands.must_lease(connection)
    claimed = hands.claim(lease)
    school.accepted(update(first_name="Johan"))
    hands.record(lease, claimed)
    assert ends(school.ledger) == {1: "confirmed", 2: None}
    assert the_holding(school.ledger).goal.update
    assert len(hands.claim(lease)) == 1


def test_what_was_ended_before_keeps_its_end(
    school: School, connection: UUID, hands: Hands
) -> None:
    school.accepted(unsubscription())
    hands.turn(connection, ended=Ended.REFUSED)
    assert ends(school.ledger) == {1: "superseded", 2: "refused"}


def test_nothing_is_written_under_a_lost_lease(
    ledger: Ledger, connection: UUID, hands: Hands
) -> None:
    lease = hands.must_lease(connection)
    claimed = hands.claim(lease)
    with ledger.begin() as tx:
        lanes.reclaim(tx, {hands.session})
    before = [rows(ledger, table) for table in schema.metadata.sorted_tables]
    with pytest.raises(LeaseLost):
        hands.record(lease, claimed)
    assert [rows(ledger, table) for table in schema.metadata.sorted_tables] == before


# --- adopting what the dead left


def test_what_was_in_flight_is_ambiguous_until_the_platform_can_no_longer_apply_it(
    school: School, connection: UUID, hands: Hands, clock: Clock
) -> None:
    died(hands, connection)
    clock.passes(SECOND)
    adopted(school.ledger, connection)
    holding = the_holding(school.ledger)
    assert holding.ambiguous_until == NOW + DEADLINE + LATE
    assert (holding.state, holding.due_at) == (State.RETRYING, NOW + SECOND)
    assert (holding.intent_fence, holding.suspect, holding.deaths) == (None, True, 0)
    assert holding.acted, "look before repeating"
    (attempt,) = rows(school.ledger, schema.attempts)
    assert attempt.outcome == "interrupted"


@pytest.mark.parametrize("urls", ["postgresql"], indirect=True)
def test_what_an_earlier_owner_was_just_writing_down_is_not_in_doubt(
    school: School, connection: UUID, hands: Hands
) -> None:
    """Its lane was taken back after it had checked, and before it committed."""
    lease = hands.must_lease(connection)
    claimed = hands.claim(lease)
    with ThreadPoolExecutor(1) as pool:
        with hands.writing(lease, claimed):
            with school.ledger.begin() as other:
                lanes.reclaim(other, {hands.session})
            adopting = pool.submit(adopted, school.ledger, connection)
            wait([adopting], timeout=0.2)
        adopting.result()
    holding = the_holding(school.ledger)
    assert (holding.state, holding.suspect) == (State.CONFIRMED, False)
    assert holding.ambiguous_until is None


def test_a_longer_doubt_is_never_shortened(school: School, connection: UUID, hands: Hands) -> None:
    with school.ledger.begin() as tx:
        until = NOW + timedelta(days=2)
        tx.db.execute(sa.update(schema.holdings).values(ambiguous_until=until))
    died(hands, connection)
    adopted(school.ledger, connection)
    assert the_holding(school.ledger).ambiguous_until == until


def test_what_the_dead_had_not_taken_up_is_left_alone(
    school: School, connection: UUID, hands: Hands
) -> None:
    claimed = hands.claim(hands.must_lease(connection))
    others(school, 2)
    with school.ledger.begin() as tx:
        lanes.reclaim(tx, {hands.session})
    adopted(school.ledger, connection)
    with school.ledger.read() as tx:
        suspects = {holding.id for holding in held(tx) if holding.suspect}
    assert suspects == {claimed[0].holding.id}


def test_a_look_that_was_lost_says_nothing(school: School, connection: UUID, hands: Hands) -> None:
    hands.turn(connection)
    with school.ledger.begin() as tx:
        tx.db.execute(sa.update(schema.holdings).values(due_at=tx.now))
        lanes.ring(tx, {connection})
    died(hands, connection)
    adopted(school.ledger, connection)
    holding = the_holding(school.ledger)
    assert (holding.state, holding.suspect, holding.due_at) == (State.CONFIRMED, True, NOW)


def test_the_present_owner_does_not_adopt_its_own_work(
    school: School, connection: UUID, hands: Hands
) -> None:
    lease = hands.must_lease(connection)
    hands.claim(lease)
    hands.adopt(lease)
    assert not the_holding(school.ledger).suspect


def test_suspects_run_alone_and_before_all_others(
    school: School, connection: UUID, hands: Hands
) -> None:
    others(school, 2)
    died(hands, connection)
    school.accepted(erasure("cf-9", "q@example.nl"))
    lease = adopted(school.ledger, connection)
    survivor = Hands(school.ledger, lease.session)
    chunks = []
    while claimed := survivor.claim(lease):
        chunks.append([one.holding.suspect for one in claimed])
        survivor.record(lease, claimed)
    assert chunks == [[True], [True], [True], [False]]


def test_a_death_in_company_counts_against_nobody(
    school: School, connection: UUID, hands: Hands
) -> None:
    others(school, 2)
    died(hands, connection)
    adopted(school.ledger, connection)
    with school.ledger.read() as tx:
        assert [holding.deaths for holding in held(tx)] == [0, 0, 0]


def test_the_third_death_while_alone_is_a_task_and_ever_longer_rest(
    school: School, connection: UUID, hands: Hands, clock: Clock
) -> None:
    died(hands, connection)
    deaths, rests, kinds = [], [], []
    for _ in range(QUARANTINE + 6):
        lease = adopted(school.ledger, connection)
        holding = the_holding(school.ledger)
        assert holding.due_at is not None
        deaths.append(holding.deaths)
        rests.append(holding.due_at - clock.at)
        with school.ledger.read() as tx:
            kinds.append([task.kind for task in tasks.waiting(tx, school.customer.id)])
        clock.at = holding.due_at
        assert len(Hands(school.ledger, lease.session).claim(lease)) == 1
        with school.ledger.begin() as tx:
            lanes.reclaim(tx, {lease.session})
    assert deaths == list(range(QUARANTINE + 6))
    assert [rest / HOUR for rest in rests] == [0, 0, 0, 1, 2, 4, 8, 16, 24]
    assert kinds == [[]] * QUARANTINE + [[Task.QUARANTINED]] * 6


def test_a_quarantined_erasure_is_a_task_with_a_deadline(
    school: School, connection: UUID, hands: Hands
) -> None:
    school.accepted(erasure())
    with school.ledger.begin() as tx:
        tx.db.execute(sa.update(schema.holdings).values(suspect=True, deaths=QUARANTINE - 1))
    died(hands, connection)
    adopted(school.ledger, connection)
    assert the_holding(school.ledger).state is State.NEEDS_YOU
    with school.ledger.read() as tx:
        (task,) = tasks.waiting(tx, school.customer.id)
    assert (task.kind, task.verb) == (Task.QUARANTINED, Verb.ERASE)
    assert task.deadline is not None


def test_who_survives_an_attempt_is_no_suspect_any_more(
    school: School, connection: UUID, hands: Hands
) -> None:
    died(hands, connection)
    lease = adopted(school.ledger, connection)
    survivor = Hands(school.ledger, lease.session)
    survivor.record(lease, survivor.claim(lease))
    assert not the_holding(school.ledger).suspect


def test_an_erasure_that_came_after_a_death_is_due_at_once(
    school: School, connection: UUID, hands: Hands
) -> None:
    died(hands, connection)
    school.accepted(erasure())
    lease = adopted(school.ledger, connection)
    (claimed,) = Hands(school.ledger, lease.session).claim(lease)
    assert claimed.holding.goal.erase
    assert claimed.holding.settling(NOW), "the subscription may still be applied"
