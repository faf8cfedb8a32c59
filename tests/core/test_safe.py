"""The safe: what it destroyed is gone, what it remembers is nobody's name."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

import core.safe
from core.ledger import Ledger
from core.safe import (
    Burial,
    Finishing,
    Safe,
    Tombstone,
)
from core.safe.records import bound_to
from core.safe.schema import KEPT, finishing_records, person_keys, refusals, tombstones
from core.sealing import CannotOpen, CustomerKeys, Key
from tests.databases import NOW, Clock
from tests.threads import at_once, together

CUSTOMER, MAILMAN, LAPOSTA = uuid4(), uuid4(), uuid4()
RECORD = Finishing("cf-1", ("jan@example.nl", "j@example.nl"), "Jan Jansen", {MAILMAN: ("7",)})
HASH, OTHER = b"h" * 32, b"o" * 32


@pytest.fixture
def safe(ledger: Ledger) -> Safe:
    return ledger.safe


@pytest.fixture
def keys() -> CustomerKeys:
    return CustomerKeys.of(Key.random())


def burial(
    person: UUID,
    epoch: int = 1,
    *hashes: bytes,
    record: Finishing = RECORD,
    kind: Tombstone = Tombstone.DO_NOT_RETURN,
    after: timedelta = timedelta(),
) -> Burial:
    return Burial(person, epoch, NOW + after, {kind: hashes}, record)


def count(safe: Safe, table: sa.Table) -> int:
    with safe.database.read() as tx:
        return tx.db.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


# --- keys


def test_a_key_comes_back_for_its_own_incarnation_only(safe: Safe, keys: CustomerKeys) -> None:
    person, key = uuid4(), Key.random()
    safe.keep_keys({(person, 1): key}, keys)
    assert safe.keys({(person, 1)}, keys) == {(person, 1): key}
    assert safe.keys({(person, 0)}, keys) == {}
    assert safe.keys({(uuid4(), 1)}, keys) == {}
    assert safe.keys(set(), keys) == {}


def test_a_key_that_is_kept_again_replaces_what_a_lost_commit_left(
    safe: Safe, keys: CustomerKeys
) -> None:
    person, key = uuid4(), Key.random()
    safe.keep_keys({(person, 0): Key.random()}, keys)
    safe.keep_keys({(person, 0): key}, keys)
    assert safe.keys({(person, 0)}, keys) == {(person, 0): key}


def test_another_customer_cannot_unwrap_a_key(safe: Safe, keys: CustomerKeys) -> None:
    person = uuid4()
    safe.keep_keys({(person, 0): Key.random()}, keys)
    with pytest.raises(CannotOpen):
        safe.keys({(person, 0)}, CustomerKeys.of(Key.random()))


def test_a_wrapped_key_that_was_moved_to_another_person_does_not_open(
    safe: Safe, keys: CustomerKeys
) -> None:
    person, stranger = uuid4(), uuid4()
    safe.keep_keys({(person, 0): Key.random()}, keys)
    with safe.database.begin() as tx:
        tx.db.execute(sa.update(person_keys).values(person=stranger))
    with pytest.raises(CannotOpen):
        safe.keys({(stranger, 0)}, keys)


def test_a_confirmed_erasure_ends_every_older_key_and_no_other(
    safe: Safe, keys: CustomerKeys
) -> None:
    person, stranger = uuid4(), uuid4()
    everyone = {(person, 0): Key.random(), (person, 2): Key.random(), (stranger, 0): Key.random()}
    safe.keep_keys(everyone, keys)
    for _ in range(2):
        safe.confirm({person: 2})
    assert safe.keys({(person, 0)}, keys) == {}
    assert len(safe.keys({(person, 2), (stranger, 0)}, keys)) == 2


# --- tombstones


def test_who_was_buried_is_remembered_for_two_years(
    safe: Safe, keys: CustomerKeys, clock: Clock
) -> None:
    safe.bury(CUSTOMER, [burial(uuid4(), 1, HASH)], keys)
    assert safe.buried(CUSTOMER, {HASH, OTHER}) == {HASH: NOW}
    clock.at = NOW + KEPT[Tombstone.DO_NOT_RETURN]
    assert safe.buried(CUSTOMER, {HASH}) == {}


def test_another_customers_tombstones_are_not_seen(safe: Safe, keys: CustomerKeys) -> None:
    safe.bury(uuid4(), [burial(uuid4(), 1, HASH)], keys)
    assert safe.buried(CUSTOMER, {HASH}) == {}
    assert safe.buried(CUSTOMER, set()) == {}


def test_a_tombstone_against_restoring_forbids_no_return(safe: Safe, keys: CustomerKeys) -> None:
    safe.bury(CUSTOMER, [burial(uuid4(), 1, HASH, kind=Tombstone.RESTORE)], keys)
    assert safe.buried(CUSTOMER, {HASH}) == {}


def test_of_two_people_with_one_address_the_last_burial_counts(
    safe: Safe, keys: CustomerKeys
) -> None:
    later = timedelta(days=3)
    safe.bury(CUSTOMER, [burial(uuid4(), 1, HASH, after=later), burial(uuid4(), 1, HASH)], keys)
    assert safe.buried(CUSTOMER, {HASH}) == {HASH: NOW + later}


def test_a_fresh_basis_lifts_the_instruction_but_not_the_guard_against_restoring(
    safe: Safe, keys: CustomerKeys
) -> None:
    for kind in Tombstone:
        safe.bury(CUSTOMER, [burial(uuid4(), 1, HASH, OTHER, kind=kind)], keys)
    safe.unbury(CUSTOMER, {HASH: NOW})
    assert safe.buried(CUSTOMER, {HASH, OTHER}) == {OTHER: NOW}
    assert count(safe, tombstones) == 3


def test_burying_again_after_a_lost_commit_changes_nothing(safe: Safe, keys: CustomerKeys) -> None:
    once = burial(uuid4(), 1, HASH, OTHER, HASH)
    for _ in range(2):
        safe.bury(CUSTOMER, [once], keys)
    assert count(safe, tombstones) == 2
    assert count(safe, finishing_records) == 1


# --- finishing records


def test_a_finishing_record_comes_back_whole_and_the_newest_counts(
    safe: Safe, keys: CustomerKeys
) -> None:
    person = uuid4()
    newest = Finishing("cf-1", ("nieuw@example.nl",), "", {})
    safe.bury(CUSTOMER, [burial(person, 2, record=newest), burial(person, 1)], keys)
    assert safe.finishing({person, uuid4()}, keys) == {person: newest}
    assert safe.finishing(set(), keys) == {}


def test_a_finishing_record_opens_for_its_own_person_only(safe: Safe, keys: CustomerKeys) -> None:
    person, stranger = uuid4(), uuid4()
    safe.bury(CUSTOMER, [burial(person)], keys)
    with safe.database.begin() as tx:
        tx.db.execute(sa.update(finishing_records).values(person=stranger))
    with pytest.raises(CannotOpen):
        safe.finishing({stranger}, keys)


def test_what_a_look_found_joins_the_record_and_keeps_its_age(
    safe: Safe, keys: CustomerKeys, clock: Clock
) -> None:
    person = uuid4()
    safe.bury(CUSTOMER, [burial(person)], keys)
    clock.passes(timedelta(days=1))
    safe.learn_remote_ids(person, MAILMAN, ["8", "7"], keys)
    safe.learn_remote_ids(person, LAPOSTA, ["a"], keys)
    found = safe.finishing({person}, keys)[person]
    assert found.remote_ids == {MAILMAN: ("7", "8"), LAPOSTA: ("a",)}
    with safe.database.read() as tx:
        assert tx.db.execute(sa.select(finishing_records.c.at)).scalar_one() == NOW


def test_what_two_lanes_learn_at_once_is_all_kept(
    safe: Safe, keys: CustomerKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have read the record before either writes it, where nothing prevents that."""
    person = uuid4()
    safe.bury(CUSTOMER, [burial(person)], keys)
    monkeypatch.setattr(core.safe, "newest", together(core.safe.newest))
    at_once(
        *(
            partial(safe.learn_remote_ids, person, connection, ["x"], keys)
            for connection in (MAILMAN, LAPOSTA)
        )
    )
    found = safe.finishing({person}, keys)[person].remote_ids
    assert found == {MAILMAN: ("7", "x"), LAPOSTA: ("x",)}


def test_a_reason_joins_the_record_and_goes_with_it(safe: Safe, keys: CustomerKeys) -> None:
    person, first, second = uuid4(), uuid4(), uuid4()
    assert not safe.keep_reason(person, first, "because", keys)
    safe.bury(CUSTOMER, [burial(person)], keys)
    assert safe.keep_reason(person, first, "because", keys)
    assert safe.keep_reason(person, second, "for this", keys)
    known = replace(RECORD, reasons={first: "because", second: "for this"})
    assert safe.finishing({person}, keys) == {person: known}


def test_a_record_from_before_reasons_opens(safe: Safe, keys: CustomerKeys) -> None:
    person = uuid4()
    safe.bury(CUSTOMER, [burial(person)], keys)
    stored = {"reference": "cf-1", "emails": ["jan@example.nl"], "name": "", "remote_ids": {}}
    sealed = keys.key.seal_json(stored, bound_to(person, 1))
    with safe.database.begin() as tx:
        tx.db.execute(sa.update(finishing_records).values(sealed=sealed))
    opened = safe.finishing({person}, keys)[person]
    assert opened == Finishing("cf-1", ("jan@example.nl",), "", {})


def test_nothing_is_learned_about_who_has_no_record(safe: Safe, keys: CustomerKeys) -> None:
    safe.learn_remote_ids(uuid4(), MAILMAN, ["7"], keys)
    assert count(safe, finishing_records) == 0


def test_ending_one_erasure_leaves_the_record_of_a_newer_one(
    safe: Safe, keys: CustomerKeys
) -> None:
    person, stranger = uuid4(), uuid4()
    safe.bury(CUSTOMER, [burial(person, 1), burial(person, 3), burial(stranger, 1)], keys)
    safe.end_finishing({person: 1})
    assert set(safe.finishing({person, stranger}, keys)) == {person, stranger}
    safe.end_finishing({person: 3})
    assert set(safe.finishing({person, stranger}, keys)) == {stranger}


# --- before the ledger confirms


def test_an_erasure_is_unconfirmed_until_the_ledger_has_it(safe: Safe, keys: CustomerKeys) -> None:
    person, stranger = uuid4(), uuid4()
    safe.bury(CUSTOMER, [burial(person, 1), burial(person, 2), burial(stranger, 1)], keys)
    assert safe.unconfirmed() == {(person, 1): NOW, (person, 2): NOW, (stranger, 1): NOW}
    safe.confirm({person: 1})
    assert safe.unconfirmed() == {(person, 2): NOW, (stranger, 1): NOW}
    safe.confirm({})
    safe.confirm({person: 2, stranger: 1})
    assert safe.unconfirmed() == {}


def test_an_erasure_that_is_taken_back_was_never_there(safe: Safe, keys: CustomerKeys) -> None:
    person, stranger = uuid4(), uuid4()
    safe.bury(CUSTOMER, [burial(person, 1, HASH), burial(stranger, 1, OTHER)], keys)
    safe.take_back({})
    safe.take_back({(stranger, 1): NOW})
    assert safe.buried(CUSTOMER, {HASH, OTHER}) == {HASH: NOW}
    assert set(safe.finishing({person, stranger}, keys)) == {person}


def test_taking_back_a_second_erasure_keeps_the_first(safe: Safe, keys: CustomerKeys) -> None:
    person = uuid4()
    safe.bury(CUSTOMER, [burial(person, 1, HASH)], keys)
    safe.bury(CUSTOMER, [burial(person, 2, HASH, after=timedelta(days=1))], keys)
    safe.take_back({(person, 2): NOW + timedelta(days=1)})
    assert safe.buried(CUSTOMER, {HASH}) == {HASH: NOW}
    assert safe.finishing({person}, keys) == {person: RECORD}


def test_what_a_look_found_keeps_an_erasure_confirmed(safe: Safe, keys: CustomerKeys) -> None:
    person = uuid4()
    safe.bury(CUSTOMER, [burial(person)], keys)
    safe.confirm({person: 1})
    safe.learn_remote_ids(person, MAILMAN, ["8"], keys)
    safe.forget_name(person, 1, keys)
    assert safe.unconfirmed() == {}


def test_a_name_is_forgotten_alone_and_not_that_of_a_newer_erasure(
    safe: Safe, keys: CustomerKeys
) -> None:
    person = uuid4()
    safe.bury(CUSTOMER, [burial(person, 1), burial(person, 2)], keys)
    safe.forget_name(person, 1, keys)
    assert safe.finishing({person}, keys) == {person: RECORD}
    safe.forget_name(person, 2, keys)
    found = safe.finishing({person}, keys)[person]
    assert (found.name, found.emails, found.reference) == ("", RECORD.emails, "cf-1")


# --- what is destroyed


def test_what_was_remembered_until_a_date_is_forgotten_then(safe: Safe, clock: Clock) -> None:
    keys, person, other = CustomerKeys.of(Key.random()), uuid4(), uuid4()
    safe.bury(CUSTOMER, [burial(person, 1, HASH, kind=Tombstone.RESTORE)], keys)
    safe.bury(CUSTOMER, [burial(other, 1, OTHER, kind=Tombstone.DO_NOT_RETURN)], keys)
    safe.refuse(CUSTOMER, {person: {"news": NOW}})
    clock.passes(KEPT[Tombstone.RESTORE] - timedelta(seconds=1))
    safe.forget()
    assert (count(safe, tombstones), count(safe, refusals)) == (2, 1)
    clock.passes(timedelta(seconds=1))
    safe.forget()
    assert (count(safe, tombstones), count(safe, refusals)) == (1, 0)
    clock.passes(KEPT[Tombstone.DO_NOT_RETURN])
    safe.forget()
    assert count(safe, tombstones) == 0
