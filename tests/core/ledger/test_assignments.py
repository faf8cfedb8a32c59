"""Whom an attempt is about, opened for that attempt only."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.connector import Identity, Person
from core.holding import Assignment
from core.ledger import intake, schema
from core.sealing import CannotOpen
from tests.databases import Clock
from tests.school import COURSE, EMAIL, NEWS, Hands, School, erasure, unsubscription, update
from tests.threads import at_once

DAY = timedelta(days=1)
OLD = "oud@example.nl"


@pytest.fixture
def connection(school: School) -> UUID:
    return school.connect()


def the_assignment(hands: Hands, connection: UUID) -> Assignment:
    """Looked at, and given back as if the worker had gone."""
    lease = hands.must_lease(connection)
    hands.adopt(lease)
    (assignment,) = hands.assigned(lease)
    hands.release(lease)
    return assignment


def learned(hands: Hands, connection: UUID, *ids: str) -> None:
    lease = hands.must_lease(connection)
    hands.adopt(lease)
    for one in hands.assigned(lease):
        hands.learn(lease, one, *ids)
    hands.release(lease)


def test_a_worker_gets_the_person_the_addresses_and_the_basis(
    school: School, connection: UUID, hands: Hands
) -> None:
    basis = school.basis("b-7")
    school.accepted(school.subscription(basis=basis))
    one = the_assignment(hands, connection)
    assert one.who == Identity((EMAIL,))
    assert one.person == Person(EMAIL, {"first_name": "Jan", "last_name": "Jansen"})
    assert one.bases == {"nieuws": basis}
    assert not one.shared


def test_each_place_comes_with_the_basis_it_was_asked_with(
    school: School, connection: UUID, hands: Hands
) -> None:
    first, second = school.basis("b-1"), school.basis("b-2")
    school.accepted(school.subscription(lists=(NEWS, COURSE), basis=first))
    school.accepted(school.subscription(lists=(COURSE,), basis=second))
    assert the_assignment(hands, connection).bases == {"nieuws": first, "cursus": second}


def test_a_field_that_the_connection_does_not_name_is_never_sent(
    school: School, connection: UUID, hands: Hands
) -> None:
    school.accepted(school.subscription(fields={"first_name": None, "birthday": "1-1-1970"}))
    person = the_assignment(hands, connection).person
    assert person == Person(EMAIL, {"first_name": None})


def test_remote_ids_are_remembered_for_one_connection_only(
    school: School, connection: UUID, hands: Hands
) -> None:
    other = school.connect("Laposta")
    school.accepted(school.subscription())
    learned(hands, connection, "7")
    learned(hands, connection, "8", "7")
    assert the_assignment(hands, connection).who.remote_ids == ("7", "8")
    assert the_assignment(hands, other).who.remote_ids == ()


def test_a_remote_id_that_was_moved_to_another_holding_does_not_open(
    school: School, connection: UUID, hands: Hands
) -> None:
    other = school.connect("Laposta")
    school.accepted(school.subscription())
    learned(hands, connection, "7")
    rows = schema.holdings.c
    with school.ledger.begin() as tx:
        of = sa.select(rows.remote).where(rows.connection == connection)
        stolen = tx.db.execute(of).scalar_one()
        moved = sa.update(schema.holdings).where(rows.connection == other)
        tx.db.execute(moved.values(remote=stolen))
    with pytest.raises(CannotOpen):
        the_assignment(hands, other)


def test_an_unknown_person_who_leaves_is_found_by_the_address_that_was_told(
    school: School, connection: UUID, hands: Hands
) -> None:
    school.accepted(unsubscription(email=EMAIL))
    assert the_assignment(hands, connection).who == Identity((EMAIL,))


# --- families


def test_an_address_that_another_person_uses_is_shared(
    school: School, connection: UUID, hands: Hands
) -> None:
    school.accepted(school.subscription("cf-1", OLD))
    school.accepted(update("cf-1", EMAIL))
    school.accepted(school.subscription("cf-2", OLD))
    lease = hands.must_lease(connection)
    shared = {one.who.emails: one.shared for one in hands.assigned(lease)}
    assert shared == {(EMAIL, OLD): frozenset({OLD}), (OLD,): frozenset({OLD})}


def test_an_address_is_not_shared_with_somebody_erased_nor_with_another_school(
    school: School, connection: UUID, hands: Hands
) -> None:
    school.accepted(school.subscription("cf-1"))
    school.accepted(school.subscription("cf-2"))
    hands.turn(connection)
    school.accepted(erasure("cf-2"))
    school.accepted(update("cf-1", first_name="Johan"))
    lease = hands.must_lease(connection)
    shared = {one.holding.goal.erase: one.shared for one in hands.assigned(lease)}
    assert shared == {True: frozenset({EMAIL}), False: frozenset()}


# --- after an erasure


def test_after_an_erasure_a_worker_gets_what_finds_the_person_and_nothing_else(
    school: School, connection: UUID, hands: Hands
) -> None:
    school.accepted(school.subscription(email=OLD))
    school.accepted(update(email=EMAIL))
    learned(hands, connection, "7")
    school.accepted(erasure())
    one = the_assignment(hands, connection)
    assert one.who == Identity((EMAIL, OLD), ("7",))
    assert one.person is None
    assert one.bases == {}


def test_who_came_back_is_still_erased_by_everything_known_before(
    school: School, connection: UUID, hands: Hands, clock: Clock
) -> None:
    """Otherwise the old address would be called gone without having been looked for."""
    school.accepted(school.subscription(email=OLD))
    learned(hands, connection, "7")
    school.accepted(erasure())
    clock.passes(DAY)
    fresh = school.basis("b-2")
    school.accepted(school.subscription(email=EMAIL, basis=fresh))
    one = the_assignment(hands, connection)
    assert one.holding.goal.erase
    assert OLD in one.who.emails
    assert "7" in one.who.remote_ids


def test_who_came_back_is_subscribed_as_who_they_are_now(
    school: School, connection: UUID, hands: Hands, clock: Clock
) -> None:
    school.accepted(school.subscription(email=OLD))
    school.accepted(erasure())
    hands.turn(connection)
    clock.passes(DAY)
    fresh = school.basis("b-2")
    school.accepted(school.subscription(email=EMAIL, basis=fresh, fields={"first_name": "Johan"}))
    one = the_assignment(hands, connection)
    assert one.who == Identity((EMAIL,))
    assert one.person == Person(EMAIL, {"first_name": "Johan"})
    assert one.bases == {"nieuws": fresh}


def test_what_a_look_found_is_kept_even_if_the_person_was_erased_meanwhile(
    school: School, connection: UUID, hands: Hands
) -> None:
    school.accepted(school.subscription())
    lease = hands.must_lease(connection)
    (one,) = hands.assigned(lease)
    school.accepted(erasure())
    hands.learn(lease, one, "7")
    hands.release(lease)
    assert the_assignment(hands, connection).who == Identity((EMAIL,), ("7",))


def test_what_a_look_found_while_an_erasure_was_written_is_sealed_for_whoever_comes_back(
    school: School,
    connection: UUID,
    hands: Hands,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else that key is gone: nobody could work in this lane again."""
    school.accepted(school.subscription())
    lease = hands.must_lease(connection)
    (one,) = hands.assigned(lease)
    written, waits = threading.Event(), intake.Batch.write

    def slowly(batch: intake.Batch) -> None:
        waits(batch)
        written.set()
        time.sleep(0.2)  # so that the worker comes to wait for this transaction

    def looked() -> None:
        written.wait()
        hands.learn(lease, one, "7")

    monkeypatch.setattr(intake.Batch, "write", slowly)
    at_once(lambda: school.accepted(erasure()), looked)
    monkeypatch.undo()
    hands.release(lease)
    clock.passes(DAY)
    fresh = school.basis("b-2")
    school.accepted(school.subscription(basis=fresh))
    assert "7" in the_assignment(hands, connection).who.remote_ids


def test_a_batch_of_people_is_opened_together_each_with_their_own(
    school: School, connection: UUID, hands: Hands
) -> None:
    school.ask(*[school.subscription(f"cf-{n}", f"p{n}@example.nl") for n in range(20)])
    lease = hands.must_lease(connection)
    found = hands.assigned(lease, limit=20)
    assert {one.who.emails[0] for one in found} == {f"p{n}@example.nl" for n in range(20)}
    assert all(one.person and one.person.email == one.who.emails[0] for one in found)
