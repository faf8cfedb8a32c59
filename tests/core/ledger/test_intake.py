"""What a customer asks is accepted whole or refused in words, and order is the order of asking."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.connector import BasisKind, Verb
from core.database import DatabaseAway
from core.ledger import SETTLED, Ledger, customers, intake, schema
from core.ledger.burials import own_addresses
from core.ledger.intake import Accepted, Outcome, Request
from core.migrations import Store
from core.refusals import CannotAccept, NoBasis, Unknown
from core.safe import Finishing, Safe, Tombstone
from core.safe.schema import person_keys, tombstones
from core.sealing import CannotOpen, CustomerKeys, Key
from core.states import State
from core.wants import Goal
from tests.databases import NOW, TABLES, Clock
from tests.school import (
    COURSE,
    EMAIL,
    NEWS,
    Hands,
    School,
    ends,
    erasure,
    lane_of,
    person_row,
    the_holding,
    unsubscription,
    update,
)
from tests.threads import at_once, together

THREADS = 6
DAY = timedelta(days=1)


def data_of(school: School, person: UUID) -> Any:
    """What is sealed about a person; None when there is nothing, or nothing that opens it."""
    row = person_row(school.ledger, person)
    key = keys_of(school, person).get((person, row.key_epoch))
    return key.open_json(row.sealed, f"people|{person}") if key and row.sealed else None


def keys_of(school: School, person: UUID) -> dict[tuple[UUID, int], Key]:
    epoch = person_row(school.ledger, person).key_epoch
    return school.ledger.safe.keys({(person, epoch)}, customer_keys(school))


def customer_keys(school: School) -> CustomerKeys:
    with school.ledger.read() as tx:
        return school.ledger.keys_of(tx, school.customer.id)


def record_of(school: School, person: UUID) -> Finishing | None:
    return school.ledger.safe.finishing({person}, customer_keys(school)).get(person)


def buried(school: School, email: str) -> bool:
    digest = customer_keys(school).pepper.hash("email", email)
    return bool(school.ledger.safe.buried(school.customer.id, {digest}))


def people(ledger: Ledger) -> int:
    with ledger.read() as tx:
        return tx.db.execute(sa.select(sa.func.count()).select_from(schema.people)).scalar_one()


# --- subscribe


def test_a_subscription_is_due_at_every_open_connection_that_maps_its_list(school: School) -> None:
    both, course = school.connect("Mailman"), school.connect("Laposta", {COURSE: "c"})
    accepted = school.accepted(school.subscription())
    assert accepted == Accepted(accepted.operation, accepted.person, seq=1, holdings=1)
    holding = the_holding(school.ledger, both)
    assert holding.goal == Goal(subscribe=("nieuws",))
    assert (holding.state, holding.due_at) == (State.QUEUED, NOW)
    assert lane_of(school.ledger, both).ready_at == NOW
    assert lane_of(school.ledger, course).ready_at is None


def test_a_person_is_sealed_and_opens_with_a_key_from_the_safe(school: School) -> None:
    accepted = school.accepted(school.subscription(fields={"first_name": "Jan", "note": None}))
    assert data_of(school, accepted.person) == {
        "reference": "cf-1",
        "email": EMAIL,
        "fields": {"first_name": "Jan", "note": None},
    }


@pytest.mark.parametrize(
    ("lists", "words"), [((), "at least one list"), (("nieuws",), f"Known: {COURSE}, {NEWS}")]
)
def test_a_subscription_without_a_known_list_is_refused(
    school: School, lists: tuple[str, ...], words: str
) -> None:
    assert words in str(school.refused(school.subscription(lists=lists)))


def test_a_subscription_needs_a_basis_and_an_address(school: School) -> None:
    ask = Request(Verb.SUBSCRIBE, "cf-1", EMAIL, lists=(NEWS,))
    assert isinstance(school.refused(ask), NoBasis)
    ask = Request(Verb.SUBSCRIBE, "cf-1", lists=(NEWS,), basis=school.basis())
    assert isinstance(school.refused(ask), Unknown)


def test_a_refused_request_leaves_no_row(school: School) -> None:
    school.refused(school.subscription(lists=()))
    assert people(school.ledger) == 0
    with school.ledger.safe.database.read() as tx:
        assert tx.db.execute(sa.select(person_keys)).all() == []


def test_an_unmapped_list_is_accepted_and_touches_nothing(school: School) -> None:
    school.connect("Laposta", {COURSE: "c"})
    assert school.accepted(school.subscription()).holdings == 0


def test_new_data_in_a_subscription_goes_everywhere_the_old_went(
    school: School, hands: Hands
) -> None:
    one, other = school.connect("Mailman"), school.connect("Laposta", {COURSE: "c"})
    school.accepted(school.subscription(lists=(NEWS, COURSE)))
    hands.turn(one)
    hands.turn(other)
    school.accepted(school.subscription(fields={"last_name": "de Boer"}))
    assert the_holding(school.ledger, one).goal == Goal(subscribe=("nieuws",), update=True)
    assert the_holding(school.ledger, other).goal == Goal(update=True)


def test_the_same_subscription_again_is_no_update(school: School, hands: Hands) -> None:
    other = school.connect("Laposta", {COURSE: "c"})
    school.accepted(school.subscription(lists=(COURSE,)))
    hands.turn(other)
    school.accepted(school.subscription())
    assert not the_holding(school.ledger, other).goal


# --- update


def test_an_update_keeps_what_it_does_not_name_and_clears_what_is_none(school: School) -> None:
    person = school.accepted(school.subscription()).person
    school.accepted(update(first_name=None, city="Utrecht"))
    assert data_of(school, person)["fields"] == {
        "first_name": None,
        "last_name": "Jansen",
        "city": "Utrecht",
    }


def test_an_update_of_an_unknown_person_creates_nobody(school: School) -> None:
    assert isinstance(school.refused(update(email=EMAIL, first_name="Jan")), Unknown)
    assert people(school.ledger) == 0


def test_every_address_ever_used_is_kept_and_the_one_in_use_comes_first(
    school: School, hands: Hands
) -> None:
    connection = school.connect()
    school.accepted(school.subscription(email="a@example.nl"))
    for email in ("b@example.nl", "c@example.nl", "a@example.nl"):
        school.accepted(update(email=email))
    (assignment,) = hands.assigned(hands.must_lease(connection))
    assert assignment.who.emails == ("a@example.nl", "c@example.nl", "b@example.nl")


def test_an_update_brings_nobody_back_under_the_address_of_someone_erased(school: School) -> None:
    school.accepted(school.subscription("cf-1", EMAIL))
    school.accepted(school.subscription("cf-2", "piet@example.nl"))
    school.accepted(erasure("cf-1"))
    assert isinstance(school.refused(update("cf-2", EMAIL)), NoBasis)
    school.accepted(update("cf-2", "piet@example.nl", first_name="Piet"))


# --- unsubscribe


def test_without_naming_a_list_every_newsletter_and_no_course_information_is_left(
    school: School,
) -> None:
    connection = school.connect()
    school.accepted(school.subscription(lists=(NEWS, COURSE)))
    school.accepted(unsubscription())
    goal = the_holding(school.ledger, connection).goal
    assert goal == Goal(subscribe=("cursus",), unsubscribe=("nieuws",))


def test_an_unsubscription_that_would_touch_no_list_is_refused(ledger: Ledger) -> None:
    school = School(ledger, customers.create(ledger, "De Kwast"))
    assert isinstance(school.refused(unsubscription(email=EMAIL)), Unknown)


def test_somebody_unknown_is_unsubscribed_by_address_wherever_they_stand(school: School) -> None:
    connection = school.connect()
    assert isinstance(school.refused(unsubscription()), Unknown)
    assert school.accepted(unsubscription(email=EMAIL)).holdings == 1
    assert the_holding(school.ledger, connection).goal == Goal(unsubscribe=("nieuws",))


def test_an_unsubscription_looks_at_another_address_without_making_it_the_persons_own(
    school: School, hands: Hands
) -> None:
    connection = school.connect()
    person = school.accepted(school.subscription()).person
    school.accepted(unsubscription(email="oud@example.nl"))
    assert data_of(school, person)["email"] == EMAIL
    (assignment,) = hands.assigned(hands.must_lease(connection))
    assert set(assignment.who.emails) == {EMAIL, "oud@example.nl"}
    assert assignment.person is not None
    assert assignment.person.email == EMAIL


# --- erase


def test_an_erasure_goes_to_every_connection_and_supersedes_all_else(school: School) -> None:
    mapped, unmapped = school.connect("Mailman"), school.connect("Laposta", {})
    school.accepted(school.subscription())
    school.accepted(update(first_name="Johan"))
    erased = school.accepted(erasure())
    assert erased.holdings == 2
    for connection in (mapped, unmapped):
        holding = the_holding(school.ledger, connection)
        assert (holding.goal, holding.epoch) == (Goal(erase=True), 1)
    assert ends(school.ledger) == {1: "superseded", 2: "superseded", 3: None}


def test_an_erasure_destroys_the_key_at_once_and_leaves_a_finishing_record(
    school: School, hands: Hands
) -> None:
    connection = school.connect()
    person = school.accepted(school.subscription(email="oud@example.nl")).person
    school.accepted(update(email=EMAIL))
    lease = hands.must_lease(connection)
    (assignment,) = hands.assigned(lease)
    hands.learn(lease, assignment, "remote-7")
    school.accepted(erasure())
    assert keys_of(school, person) == {}
    assert data_of(school, person) is None
    assert record_of(school, person) == Finishing(
        "cf-1", (EMAIL, "oud@example.nl"), "Jan Jansen", {connection: ("remote-7",)}
    )


def test_after_an_erasure_nothing_that_was_ever_stored_opens_with_what_still_exists(
    school: School, hands: Hands
) -> None:
    connection = school.connect()
    stranger = school.accepted(school.subscription("cf-2", "piet@example.nl"))
    accepted = school.accepted(school.subscription())
    lease = hands.must_lease(connection)
    for assignment in hands.assigned(lease):
        hands.learn(lease, assignment, "remote-7")
    sealed = sealed_of(school, accepted.person)
    assert len(sealed) == 4
    assert all(opens(school, *one) for one in sealed)
    assert not any(opens(school, *one, besides=accepted.person) for one in sealed)
    school.accepted(erasure())
    assert not any(opens(school, *one) for one in sealed), "a backup of the ledger would open"
    assert not any(opens(school, *one) for one in sealed_of(school, accepted.person))
    assert all(opens(school, *one) for one in sealed_of(school, stranger.person))


def sealed_of(school: School, person: UUID) -> list[tuple[bytes, str]]:
    """Every cipher text of a person in the ledger, with the row it is bound to."""
    rows: list[tuple[bytes | None, str]] = []
    with school.ledger.read() as tx:
        for row in tx.db.execute(sa.select(schema.people).filter_by(id=person)):
            rows += [(row.sealed, f"people|{person}")]
        for row in tx.db.execute(sa.select(schema.addresses).filter_by(person=person)):
            rows += [(row.sealed, f"addresses|{person}|{row.hash.hex()}")]
        for row in tx.db.execute(sa.select(schema.holdings).filter_by(person=person)):
            rows += [(row.remote, f"holdings|{row.id}")]
        for row in tx.db.execute(sa.select(schema.operations).filter_by(person=person)):
            rows += [(row.basis, f"operations|{row.id}")]
    return [(sealed, bound) for sealed, bound in rows if sealed is not None]


def opens(school: School, sealed: bytes, bound: str, besides: UUID | None = None) -> bool:
    """With any key at all: the key file's, the customer's, or anybody's in the safe."""
    customer = customer_keys(school)
    keys = [*school.ledger.key_versions.values(), customer.key]
    with school.ledger.safe.database.read() as tx:
        everyone = tx.db.execute(sa.select(person_keys)).all()
    for row in everyone:
        if row.person != besides:
            found = school.ledger.safe.keys({(row.person, row.epoch)}, customer)
            keys += found.values()
    for key in keys:
        try:
            key.open(sealed, bound)
        except CannotOpen:
            continue
        return True
    return False


def test_somebody_unknown_is_erased_by_address_and_not_without(school: School) -> None:
    school.connect()
    assert "e-mail address as well" in str(school.refused(erasure()))
    accepted = school.accepted(erasure(email=EMAIL))
    assert accepted.holdings == 1
    assert record_of(school, accepted.person) == Finishing("cf-1", (EMAIL,), "", {})
    assert buried(school, EMAIL)


def test_an_erasure_by_another_address_searches_by_both(school: School) -> None:
    accepted = school.accepted(school.subscription())
    school.accepted(erasure(email="oud@example.nl"))
    record = record_of(school, accepted.person)
    assert record is not None
    assert set(record.emails) == {EMAIL, "oud@example.nl"}


def test_an_erasure_asked_twice_forgets_no_address_of_the_first(school: School) -> None:
    person = school.accepted(school.subscription()).person
    school.accepted(erasure())
    assert school.accepted(erasure(email="oud@example.nl")).seq == 3
    record = record_of(school, person)
    assert record is not None
    assert set(record.emails) == {EMAIL, "oud@example.nl"}
    assert record.name == "Jan Jansen"


def test_an_erasure_after_a_return_forgets_no_address_of_the_first(
    school: School, clock: Clock, hands: Hands
) -> None:
    """The first may still be under way, and the second supersedes it."""
    connection = school.connect()
    person = school.accepted(school.subscription()).person
    lease = hands.must_lease(connection)
    (assignment,) = hands.assigned(lease)
    hands.learn(lease, assignment, "remote-7")
    hands.release(lease)
    school.accepted(erasure())
    clock.passes(DAY)
    school.accepted(school.subscription(email="nieuw@example.nl", basis=school.basis("b-2")))
    school.accepted(erasure())
    record = record_of(school, person)
    assert record is not None
    assert set(record.emails) == {EMAIL, "nieuw@example.nl"}
    assert record.remote_ids == {connection: ("remote-7",)}


def test_the_legal_term_runs_from_receipt_in_the_customers_month(school: School) -> None:
    asked = Request(
        Verb.ERASE, "cf-1", EMAIL, received_at=datetime(2026, 1, 30, 23, 30, tzinfo=UTC)
    )
    school.accepted(asked)
    with school.ledger.read() as tx:
        row = tx.db.execute(sa.select(schema.operations)).one()
    assert row.received_at == asked.received_at
    assert row.accepted_at == NOW
    assert row.deadline == datetime(2026, 2, 28, 22, 59, 59, 999999, tzinfo=UTC)


# --- coming back


@pytest.fixture
def erased(school: School, clock: Clock) -> School:
    """A school that erased its member a day ago."""
    school.accepted(school.subscription())
    school.accepted(erasure())
    clock.passes(DAY)
    return school


def test_a_fresh_basis_brings_an_erased_person_back_under_a_new_key(erased: School) -> None:
    person = erased.accepted(erased.subscription(basis=erased.basis("b-2"))).person
    row = person_row(erased.ledger, person)
    assert (row.epoch, row.key_epoch, row.erased_at) == (2, 1, None)
    assert data_of(erased, person)["email"] == EMAIL
    assert not buried(erased, EMAIL)


def test_a_return_that_got_no_answer_may_be_asked_again(
    erased: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was accepted; we died before the safe heard that the tombstone is lifted."""
    asked = erased.subscription(basis=erased.basis("b-2"))
    with monkeypatch.context() as patched:
        patched.setattr(erased.ledger.safe, "unbury", lambda *_: None)
        erased.accepted(asked)
    assert buried(erased, EMAIL)
    erased.accepted(asked)
    assert not buried(erased, EMAIL)


def test_i4_an_opt_out_with_an_erased_address_does_not_open_the_door_to_an_old_basis(
    erased: School,
) -> None:
    """To whoever is asked about under another reference, and by whose name nobody was erased."""
    erased.accepted(Request(Verb.UNSUBSCRIBE, "cf-2", EMAIL, lists=(NEWS,)))
    old = erased.basis("b-2", days=30)
    again = Request(Verb.SUBSCRIBE, "cf-2", EMAIL, lists=(COURSE,), basis=old)
    assert isinstance(erased.refused(again), NoBasis)
    assert buried(erased, EMAIL)


def test_i4_nor_does_a_change_to_it(erased: School) -> None:
    other = "bram@example.nl"
    erased.accepted(erased.subscription("cf-2", other))
    erased.accepted(Request(Verb.UNSUBSCRIBE, "cf-2", EMAIL, lists=(COURSE,)))
    assert isinstance(erased.refused(update("cf-2", EMAIL)), NoBasis)
    erased.accepted(update("cf-2", other))


@pytest.mark.parametrize("days", [1, 30])
def test_a_basis_from_before_the_erasure_brings_nobody_back(erased: School, days: int) -> None:
    ask = erased.subscription(basis=erased.basis("b-2", days=days))
    assert "not newer" in str(erased.refused(ask))
    assert buried(erased, EMAIL)


def test_a_basis_that_was_used_before_brings_nobody_back(erased: School) -> None:
    assert isinstance(erased.refused(erased.subscription(basis=erased.basis("b-1"))), NoBasis)


def test_an_import_brings_nobody_back(erased: School) -> None:
    ask = erased.subscription(basis=erased.basis("b-2"), imported=True)
    assert "import" in str(erased.refused(ask))


def test_an_update_brings_nobody_back(erased: School) -> None:
    assert isinstance(erased.refused(update(email=EMAIL, first_name="Jan")), Unknown)


def test_a_late_unsubscription_of_an_erased_person_does_not_lift_the_tombstone(
    erased: School,
) -> None:
    erased.accepted(unsubscription(email=EMAIL))
    assert buried(erased, EMAIL)
    assert isinstance(erased.refused(erased.subscription()), NoBasis)


def test_the_address_of_an_erased_person_comes_back_under_no_other_reference(
    erased: School,
) -> None:
    imported = erased.subscription("cf-9", basis=erased.basis("b-2"), imported=True)
    older = erased.subscription("cf-9", basis=erased.basis("b-2", days=2))
    for ask in (imported, older):
        assert isinstance(erased.refused(ask), NoBasis)
    erased.accepted(erased.subscription("cf-9", basis=erased.basis("b-2")))


def test_another_customer_is_not_bound_by_it(erased: School) -> None:
    other = School(erased.ledger, customers.create(erased.ledger, "De Kwast"))
    customers.put_list(
        erased.ledger, other.customer, customers.MailingList(NEWS, customers.Purpose.NEWSLETTER, "")
    )
    other.accepted(other.subscription(imported=True))


def test_after_an_opt_out_only_a_later_consent_mails_that_list_again(
    school: School, clock: Clock
) -> None:
    school.accepted(school.subscription())
    school.accepted(unsubscription())
    clock.passes(DAY)
    bought = school.basis("b-2", BasisKind.EXISTING_CUSTOMER)
    for ask in (
        school.subscription(basis=bought),
        school.subscription(basis=school.basis("b-2", days=1)),
        school.subscription(basis=school.basis("b-2"), imported=True),
    ):
        assert isinstance(school.refused(ask), NoBasis)
    school.accepted(school.subscription(basis=school.basis("b-2")))


def test_an_opt_out_of_one_list_is_none_of_another(school: School, clock: Clock) -> None:
    school.accepted(school.subscription())
    school.accepted(unsubscription(lists=(NEWS,)))
    clock.passes(DAY)
    course = school.subscription(
        lists=(COURSE,), basis=school.basis("b-2", BasisKind.COURSE_CONTRACT), imported=True
    )
    school.accepted(course)
    both = school.subscription(lists=(NEWS, COURSE), basis=school.basis("b-3"), imported=True)
    assert isinstance(school.refused(both), NoBasis)


def test_an_erasure_does_not_forget_an_opt_out(erased: School, clock: Clock) -> None:
    erased.accepted(unsubscription(email=EMAIL))
    clock.passes(DAY)
    bought = erased.basis("b-2", BasisKind.EXISTING_CUSTOMER)
    assert "Only a new consent" in str(erased.refused(erased.subscription(basis=bought)))


# --- tombstones


def test_an_erasure_buries_every_address_the_person_ever_used(school: School) -> None:
    school.accepted(school.subscription(email="oud@example.nl"))
    school.accepted(update(email=EMAIL))
    school.accepted(erasure())
    assert buried(school, EMAIL)
    assert buried(school, "oud@example.nl")


def test_an_address_that_another_person_still_uses_gets_no_tombstone(school: School) -> None:
    school.accepted(school.subscription("cf-1"))
    school.accepted(school.subscription("cf-2"))
    school.accepted(erasure("cf-1"))
    assert not buried(school, EMAIL)
    school.accepted(school.subscription("cf-2", imported=True))
    school.accepted(erasure("cf-2"))
    assert buried(school, EMAIL)


def test_a_family_is_recognised_within_one_batch(school: School) -> None:
    school.ask(school.subscription("cf-1"))
    school.ask(school.subscription("cf-2"), erasure("cf-1"))
    assert not buried(school, EMAIL)


def test_an_address_that_was_erased_in_a_batch_does_not_come_back_in_it(school: School) -> None:
    school.ask(school.subscription("cf-1"), school.subscription("cf-3", "piet@example.nl"))
    gone, back, changed = school.ask(
        erasure("cf-1"), school.subscription("cf-2"), update("cf-3", EMAIL)
    )
    assert isinstance(gone, Accepted)
    assert isinstance(back, NoBasis)
    assert isinstance(changed, NoBasis)
    assert buried(school, EMAIL)


def test_a_family_that_is_erased_in_one_batch_is_buried(school: School) -> None:
    school.ask(school.subscription("cf-1"), school.subscription("cf-2"))
    school.ask(erasure("cf-1"), erasure("cf-2"))
    assert buried(school, EMAIL)


def test_everyone_erased_is_remembered_against_restoring_shared_address_or_not(
    school: School,
) -> None:
    school.ask(school.subscription("cf-1"), school.subscription("cf-2"))
    person = school.accepted(erasure("cf-1")).person
    with school.ledger.safe.database.read() as tx:
        rows = tx.db.execute(sa.select(tombstones)).all()
    assert {(row.person, row.kind) for row in rows} == {(person, Tombstone.RESTORE.value)}


def test_no_tombstone_is_readable(school: School) -> None:
    school.accepted(erasure(email=EMAIL))
    with school.ledger.safe.database.read() as tx:
        for row in tx.db.execute(sa.select(tombstones)):
            assert EMAIL.encode() not in row.hash
            assert row.until > row.at


# --- batches


def test_a_batch_answers_each_request_in_its_place(school: School) -> None:
    school.connect()
    outcomes = school.ask(
        school.subscription("cf-1", "a@example.nl"),
        school.subscription("cf-2", "b@example.nl", lists=("weg",)),
        update("cf-3", first_name="Piet"),
        school.subscription("cf-4", "d@example.nl"),
        erasure("cf-5"),
        erasure("cf-6", "f@example.nl"),
    )
    kinds = [Accepted, CannotAccept, CannotAccept, Accepted, CannotAccept, Accepted]
    assert all(isinstance(one, kind) for one, kind in zip(outcomes, kinds, strict=True))
    assert people(school.ledger) == 3


def test_an_empty_batch_is_accepted(school: School) -> None:
    assert school.ask() == []


def test_a_refusal_never_repeats_what_was_personal(school: School) -> None:
    school.accepted(school.subscription())
    school.accepted(erasure())
    asks = [school.subscription(), update(), erasure("cf-7"), school.subscription(lists=("x",))]
    for refusal in school.ask(*asks):
        assert isinstance(refusal, CannotAccept)
        assert EMAIL not in repr(refusal)
        assert "Jan" not in repr(refusal)


def test_one_person_several_times_in_a_batch_ends_as_if_asked_one_by_one(school: School) -> None:
    connection = school.connect()
    outcomes = school.ask(
        school.subscription(lists=(NEWS, COURSE)),
        update(email="nieuw@example.nl", last_name=None),
        unsubscription(lists=(NEWS,)),
    )
    assert [one.seq for one in outcomes if isinstance(one, Accepted)] == [1, 2, 3]
    holding = the_holding(school.ledger, connection)
    assert holding.goal == Goal(subscribe=("cursus",), unsubscribe=("nieuws",), update=True)
    assert ends(school.ledger) == {1: None, 2: None, 3: None}


def test_somebody_who_comes_and_goes_in_one_batch_leaves_no_key(school: School) -> None:
    connection = school.connect()
    come, go = school.ask(school.subscription(), erasure())
    assert isinstance(come, Accepted)
    assert isinstance(go, Accepted)
    assert keys_of(school, go.person) == {}
    assert person_row(school.ledger, go.person).sealed is None
    assert the_holding(school.ledger, connection).goal == Goal(erase=True)
    assert ends(school.ledger) == {1: "superseded", 2: None}
    record = record_of(school, go.person)
    assert record is not None
    assert record.emails == (EMAIL,)


def test_a_large_batch_of_erasures_is_one_write_of_the_safe(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [school.subscription(f"cf-{n}", f"p{n}@example.nl") for n in range(50)]
    school.ask(*many)
    writes = 0
    begin = school.ledger.safe.database.begin

    def counted() -> Any:
        nonlocal writes
        writes += 1
        return begin()

    monkeypatch.setattr(school.ledger.safe.database, "begin", counted)
    school.ask(*[erasure(f"cf-{n}") for n in range(50)])
    assert writes == 2, "the burials, then the end of the keys"


# --- side by side


def test_a_new_person_who_is_asked_about_from_all_sides_is_one_person(school: School) -> None:
    connection = school.connect()
    outcomes = at_once(*[lambda: school.accepted(school.subscription())] * THREADS)
    assert sorted(one.seq for one in outcomes) == list(range(1, THREADS + 1))
    assert len({one.person for one in outcomes}) == people(school.ledger) == 1
    assert data_of(school, outcomes[0].person)["email"] == EMAIL
    assert the_holding(school.ledger, connection).asked_seq == THREADS


def test_the_order_of_numbers_is_the_order_of_acceptance(school: School) -> None:
    connection = school.connect()
    person = school.accepted(school.subscription()).person
    said: dict[int, str] = {}

    def talk(thread: int) -> None:
        last = 0
        for turn in range(8):
            name = f"{thread}-{turn}"
            seq = school.accepted(update(last_name=name)).seq
            assert seq > last
            said[seq] = name
            last = seq

    at_once(*[partial(talk, thread) for thread in range(4)])
    assert sorted(said) == list(range(2, 2 + 4 * 8))
    assert data_of(school, person)["fields"]["last_name"] == said[max(said)]
    assert the_holding(school.ledger, connection).wants.update == max(said)
    assert {seq for seq, ended in ends(school.ledger).items() if ended is None} == {1, max(said)}


def test_batches_about_the_same_people_in_another_order_do_not_block_each_other(
    school: School,
) -> None:
    for title in ("Mailman", "Laposta", "Brevo"):
        school.connect(title)
    everyone = [school.subscription(f"cf-{n}", f"p{n}@example.nl") for n in range(20)]

    def ask(turn: int) -> list[Outcome]:
        return school.ask(*(everyone if turn % 2 else reversed(everyone)))

    for outcomes in at_once(*[partial(ask, turn) for turn in range(THREADS)]):
        assert all(isinstance(one, Accepted) for one in outcomes)


def test_a_family_may_be_erased_from_all_sides(school: School) -> None:
    references = [f"cf-{n}" for n in range(THREADS)]
    school.ask(*[school.subscription(reference) for reference in references])
    at_once(*[partial(school.accepted, erasure(reference, EMAIL)) for reference in references])
    for reference in references:
        assert keys_of(school, intake.person_id(customer_keys(school), reference)) == {}


def test_a_family_that_is_erased_at_once_is_buried(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has seen that the other uses the address, where nothing prevents that."""
    school.ask(school.subscription("cf-1"), school.subscription("cf-2"))
    monkeypatch.setattr("core.ledger.intake.own_addresses", together(own_addresses))
    at_once(*[partial(school.accepted, erasure(one)) for one in ("cf-1", "cf-2")])
    assert buried(school, EMAIL)
    school.refused(school.subscription("cf-3", imported=True))


def test_i4_an_erasure_right_after_a_return_keeps_its_tombstone(
    school: School, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever accepted the return tells the safe of it only then."""
    school.accepted(erasure(email=EMAIL))
    clock.passes(DAY)

    def erased_again() -> None:
        clock.passes(DAY)
        school.accepted(erasure())

    meanwhile(monkeypatch, "unbury", erased_again)
    school.accepted(school.subscription(basis=school.basis("fresh")))
    assert buried(school, EMAIL)
    school.refused(school.subscription("cf-2", imported=True))


def test_i4_an_opt_out_right_after_a_consent_is_remembered(
    school: School, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a ledger that is put back from a backup would have forgotten it for good."""
    school.accepted(unsubscription(email=EMAIL))
    clock.passes(DAY)

    def opted_out_again() -> None:
        clock.passes(DAY)
        school.accepted(unsubscription())

    meanwhile(monkeypatch, "allow", opted_out_again)
    person = school.accepted(school.subscription(basis=school.basis("fresh"))).person
    assert school.ledger.safe.refusals(school.customer.id) == {person: {NEWS: school.now()}}


def meanwhile(patched: pytest.MonkeyPatch, of_safe: str, do: Callable[[], object]) -> None:
    """Another process does this just before the safe is told."""
    tell = getattr(Safe, of_safe)

    def late(*told: object) -> None:
        patched.setattr(Safe, of_safe, tell)
        do()
        tell(*told)

    patched.setattr(Safe, of_safe, late)


# --- crashes between the safe and the ledger


class Crash(BaseException):
    """The process ends here."""


def died(school: School, request: Request, *, at: str) -> None:
    """The process that accepts this ends at this step."""

    def crashes(*_: object) -> None:
        raise Crash

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(at, crashes)
        with pytest.raises(Crash):
            school.ask(request)


def test_an_erasure_that_died_before_the_ledger_committed_is_taken_back(
    school: School, clock: Clock
) -> None:
    person = school.accepted(school.subscription()).person
    died(school, erasure(), at="core.ledger.intake.store")
    assert data_of(school, person)["email"] == EMAIL
    assert buried(school, EMAIL)
    clock.passes(SETTLED)
    school.ledger.reconcile()
    assert buried(school, EMAIL), "until now it may still have been committed"
    clock.passes(timedelta(microseconds=1))
    school.ledger.reconcile()
    assert not buried(school, EMAIL)
    assert record_of(school, person) is None
    school.accepted(school.subscription(imported=True))


def test_an_erasure_that_is_asked_again_while_the_lost_one_is_taken_back_stays(
    school: School, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = school.accepted(school.subscription()).person
    died(school, erasure(), at="core.ledger.intake.store")
    clock.passes(SETTLED + DAY)
    meanwhile(monkeypatch, "take_back", lambda: school.accepted(erasure()))
    school.ledger.reconcile()
    assert record_of(school, person) is not None, "by which it is looked for everywhere"
    assert buried(school, EMAIL)


def test_an_erasure_that_died_before_the_keys_were_destroyed_is_finished(
    school: School,
) -> None:
    person = school.accepted(school.subscription()).person
    sealed = sealed_of(school, person)
    died(school, erasure(), at="core.safe.Safe.confirm")
    assert any(opens(school, *one) for one in sealed)
    school.ledger.reconcile()
    assert not any(opens(school, *one) for one in sealed)
    assert record_of(school, person) is not None
    assert buried(school, EMAIL)


def test_an_installation_that_knows_less_than_its_safe_destroys_nothing(
    school: School, clock: Clock
) -> None:
    """It may be a ledger that was just restored, or somebody's wrong address."""
    kept = school.accepted(school.subscription("cf-1"))
    gone = school.accepted(erasure("cf-2", "piet@example.nl"))
    keys = customer_keys(school)
    with school.ledger.begin() as tx:
        for table in reversed(TABLES[Store.LEDGER]):
            tx.db.execute(sa.delete(table))
    clock.passes(SETTLED + DAY)
    school.ledger.reconcile()
    assert school.ledger.safe.keys({(kept.person, 0)}, keys)
    assert school.ledger.safe.finishing({gone.person}, keys)
    digest = keys.pepper.hash("email", "piet@example.nl")
    assert school.ledger.safe.buried(school.customer.id, {digest})


def test_an_erasure_is_accepted_even_if_the_safe_goes_away_right_after(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: object) -> None:
        raise DatabaseAway

    person = school.accepted(school.subscription()).person
    with monkeypatch.context() as patched:
        patched.setattr(school.ledger.safe, "confirm", away)
        school.accepted(erasure())
    school.ledger.reconcile()
    with school.ledger.safe.database.read() as tx:
        assert tx.db.execute(sa.select(person_keys)).all() == []
    assert record_of(school, person) is not None


def test_asking_again_after_a_crash_just_works(school: School) -> None:
    for request in (school.subscription(), erasure()):
        died(school, request, at="core.ledger.people.store_people")
        accepted = school.accepted(request)
    assert keys_of(school, accepted.person) == {}
    assert buried(school, EMAIL)


def test_reconciling_changes_nothing_in_a_sound_installation(school: School, clock: Clock) -> None:
    kept = school.accepted(school.subscription("cf-1")).person
    gone = school.accepted(erasure("cf-2", "piet@example.nl")).person
    clock.passes(SETTLED + DAY)
    for _ in range(2):
        school.ledger.reconcile()
    assert data_of(school, kept)["email"] == EMAIL
    assert record_of(school, gone) is not None
    assert buried(school, "piet@example.nl")


def test_what_died_half_way_is_not_half_there(school: School) -> None:
    school.connect()
    died(school, school.subscription(), at="core.ledger.people.store_holdings")
    assert people(school.ledger) == 0
