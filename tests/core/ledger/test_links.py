"""Since when a customer's links count."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from core.ledger import customers, links
from core.ledger.links import Holder
from tests.school import School


def holder(school: School) -> Holder:
    with school.ledger.read() as tx:
        found = links.holder(tx, school.customer.id)
    assert found is not None
    return found


def test_before_any_was_ended_every_link_counts(school: School) -> None:
    found = holder(school)
    assert found.customer == school.customer
    assert found.since is None
    assert found.counts(school.now() - timedelta(days=30))


def test_ended_is_what_was_made_up_to_that_moment(school: School) -> None:
    before = school.now()
    links.end_all(school.ledger, school.customer.id)
    found = holder(school)
    assert found.since is not None
    assert before <= found.since <= school.now()
    assert not found.counts(before)
    assert not found.counts(found.since)
    assert found.counts(found.since + timedelta(microseconds=1))


def test_another_customers_links_go_on(school: School) -> None:
    other = customers.create(school.ledger, "De Kleiput")
    links.end_all(school.ledger, other.id)
    assert holder(school).since is None


def test_whoever_does_not_exist_holds_nothing(school: School) -> None:
    with school.ledger.read() as tx:
        assert links.holder(tx, uuid4()) is None
