"""A key of the API is shown once, found by its hash alone, and opens nothing once revoked."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from core.ledger import Ledger, api_keys
from core.ledger.api_keys import ApiKey
from core.ledger.customers import Customer
from core.ledger.schema import api_keys as rows
from core.refusals import Unknown
from tests.databases import Clock


def found(ledger: Ledger, secret: str) -> ApiKey | None:
    with ledger.read() as tx:
        return api_keys.find(tx, secret)


def test_an_issued_key_is_found_by_its_secret(ledger: Ledger, customer: Customer) -> None:
    issued = api_keys.issue(ledger, "administration", customer.id)
    assert found(ledger, issued.secret) == issued.key
    assert issued.key.customer == customer.id
    assert not issued.key.is_operator


def test_the_operators_key_belongs_to_no_customer(ledger: Ledger) -> None:
    issued = api_keys.issue(ledger, "backend", None)
    assert found(ledger, issued.secret) == issued.key
    assert issued.key.is_operator


@pytest.mark.parametrize("other", ["", "cfs_", "x", "é\ud800"])
def test_anything_else_finds_nothing(ledger: Ledger, other: str) -> None:
    api_keys.issue(ledger, "backend", None)
    assert found(ledger, other) is None


def test_secrets_are_long_random_and_recognisable(ledger: Ledger) -> None:
    secrets = {api_keys.issue(ledger, "x", None).secret for _ in range(20)}
    assert len(secrets) == 20
    assert all(one.startswith("cfs_") and len(one) == 47 for one in secrets)


def test_a_secret_is_neither_stored_nor_shown(ledger: Ledger) -> None:
    issued = api_keys.issue(ledger, "backend", None)
    assert issued.secret not in repr(issued)
    with ledger.read() as tx:
        stored = tx.db.execute(sa.select(rows)).one()
    assert issued.secret not in str(tuple(stored))
    assert issued.secret.encode() not in stored.hash


def test_a_revoked_key_opens_nothing_from_that_moment(ledger: Ledger, clock: Clock) -> None:
    issued = api_keys.issue(ledger, "backend", None)
    revoked_at = clock.passes(timedelta(days=1))
    api_keys.revoke(ledger, issued.key.id, None)
    assert found(ledger, issued.secret) is None
    clock.passes(timedelta(days=1))
    api_keys.revoke(ledger, issued.key.id, None)
    with ledger.read() as tx:
        assert api_keys.one(tx, issued.key.id).revoked_at == revoked_at


def test_a_key_is_revoked_by_whose_it_is_only(ledger: Ledger, customer: Customer) -> None:
    issued = api_keys.issue(ledger, "administration", customer.id)
    for stranger in (None, uuid4()):
        with pytest.raises(Unknown):
            api_keys.revoke(ledger, issued.key.id, stranger)
    assert found(ledger, issued.secret)


def test_keys_are_listed_of_whom_they_are(ledger: Ledger, customer: Customer) -> None:
    theirs = api_keys.issue(ledger, "administration", customer.id)
    ours = api_keys.issue(ledger, "backend", None)
    with ledger.read() as tx:
        assert api_keys.of_customer(tx, customer.id) == [theirs.key]
        assert api_keys.of_customer(tx, None) == [ours.key]
