"""Whose data it is, and which streams of mail they send."""

from __future__ import annotations

from uuid import uuid4

import pytest
import sqlalchemy as sa

from core.ledger import Ledger, customers, schema, wrapping
from core.ledger.customers import Customer, MailingList, Purpose
from core.refusals import Taken, Unknown
from core.safe import Safe
from core.sealing import CannotOpen, Key
from tests.threads import at_once, together


def test_a_customer_is_known_by_name_and_by_id(ledger: Ledger) -> None:
    made = customers.create(ledger, "De Verfschuur", "Europe/Brussels")
    with ledger.read() as tx:
        assert customers.named(tx, "De Verfschuur") == made
        assert customers.named(tx, str(made.id)) == made
        assert customers.every(tx) == [made]


def test_a_name_is_taken_once(ledger: Ledger) -> None:
    customers.create(ledger, "De Verfschuur")
    with pytest.raises(Taken, match="Choose another"):
        customers.create(ledger, "De Verfschuur")


def test_of_two_who_take_a_name_at_once_one_is_told(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ledger.begin() as tx:
        tx.db.execute(sa.insert(schema.installation).values(id=uuid4()))  # as every one has
    monkeypatch.setattr(wrapping, "new", together(wrapping.new))

    def taken() -> bool:
        try:
            customers.create(ledger, "De Verfschuur")
        except Taken:
            return True
        return False

    assert sorted(at_once(taken, taken)) == [False, True]


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd", "Europe", "\0", "x" * 300])
def test_an_unknown_time_zone_is_refused_in_words(ledger: Ledger, zone: str) -> None:
    with pytest.raises(Unknown, match="Europe/Amsterdam"):
        customers.create(ledger, "De Verfschuur", zone)


def test_an_unknown_customer_is_refused_with_the_names_that_exist(ledger: Ledger) -> None:
    with ledger.read() as tx, pytest.raises(Unknown, match="none yet"):
        customers.named(tx, "De Kwast")
    customers.create(ledger, "De Verfschuur")
    with ledger.read() as tx, pytest.raises(Unknown, match="De Verfschuur"):
        customers.named(tx, "De Kwast")


def test_a_list_put_twice_is_one_list_with_the_last_title(ledger: Ledger) -> None:
    customer = customers.create(ledger, "De Verfschuur")
    for purpose, title in ((Purpose.NEWSLETTER, "Nieuws"), (Purpose.COURSE_INFO, "Cursus")):
        customers.put_list(ledger, customer, MailingList("lijst", purpose, title))
    with ledger.read() as tx:
        assert customers.lists_of(tx, customer.id) == {
            "lijst": MailingList("lijst", Purpose.COURSE_INFO, "Cursus")
        }


def test_a_list_put_by_two_at_once_is_one_list(
    ledger: Ledger, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    agenda = MailingList("agenda", Purpose.NEWSLETTER, "Agenda")
    monkeypatch.setattr("core.ledger.customers.uuid4", together(uuid4))
    at_once(*[lambda: customers.put_list(ledger, customer, agenda)] * 2)
    with ledger.read() as tx:
        assert customers.lists_of(tx, customer.id)["agenda"] == agenda


def test_customers_do_not_see_each_others_lists(ledger: Ledger) -> None:
    one, other = (customers.create(ledger, name) for name in ("De Verfschuur", "De Kwast"))
    customers.put_list(ledger, one, MailingList("lijst", Purpose.NEWSLETTER, "Nieuws"))
    with ledger.read() as tx:
        assert customers.lists_of(tx, other.id) == {}


# --- the customer's key


def reopened(ledger: Ledger, keys: dict[int, Key]) -> Ledger:
    return Ledger(ledger.database, Safe(ledger.safe.database), keys)


def test_every_customer_has_keys_of_its_own(ledger: Ledger) -> None:
    one, other = (customers.create(ledger, name) for name in ("De Verfschuur", "De Kwast"))
    with ledger.read() as tx:
        assert ledger.keys_of(tx, one.id) != ledger.keys_of(tx, other.id)


def test_the_same_key_file_opens_a_customer_again(
    ledger: Ledger, customer: Customer, key_versions: dict[int, Key]
) -> None:
    with ledger.read() as tx:
        known = ledger.keys_of(tx, customer.id)
        assert reopened(ledger, key_versions).keys_of(tx, customer.id) == known


@pytest.mark.parametrize("version", [1, 2], ids=["another key", "a version that is missing"])
def test_another_key_file_opens_nothing(ledger: Ledger, customer: Customer, version: int) -> None:
    stranger = reopened(ledger, {version: Key.random()})
    with stranger.read() as tx, pytest.raises(CannotOpen):
        stranger.keys_of(tx, customer.id)


def test_a_key_that_was_moved_to_another_customer_does_not_open(ledger: Ledger) -> None:
    one, other = (customers.create(ledger, name) for name in ("De Verfschuur", "De Kwast"))
    with ledger.begin() as tx:
        of = schema.customers.c.wrapped_key
        stolen = tx.db.execute(sa.select(of).where(schema.customers.c.id == one.id)).scalar_one()
        where = sa.update(schema.customers).where(schema.customers.c.id == other.id)
        tx.db.execute(where.values(wrapped_key=stolen))
    with ledger.read() as tx, pytest.raises(CannotOpen):
        ledger.keys_of(tx, other.id)
