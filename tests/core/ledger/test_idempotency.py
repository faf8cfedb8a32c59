"""A repeated request is recognised on either database, by all connections to it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from core.ledger import Ledger, api_keys, idempotency
from core.ledger.customers import Customer
from core.ledger.idempotency import KEPT, Answer, Asked, OtherRequest
from core.ledger.schema import idempotency as rows
from tests.databases import Clock

ANSWER = Answer(202, '{"id":"x", "é": 1}')


@pytest.fixture
def asked(ledger: Ledger, customer: Customer) -> Asked:
    key = api_keys.issue(ledger, "administration", customer.id).key
    return Asked(key.id, customer.id, "k", "POST /operations", b"{}")


def answered(ledger: Ledger, asked: Asked, answer: Answer = ANSWER) -> Answer | None:
    """What it was answered before; None: now it was answered."""
    with ledger.begin() as tx:
        known = idempotency.recall(ledger, tx, asked)
        if known is None:
            idempotency.keep(ledger, tx, asked, answer)
        return known


def test_the_first_is_new_and_the_second_gets_its_answer(ledger: Ledger, asked: Asked) -> None:
    assert answered(ledger, asked) is None
    assert answered(ledger, asked, Answer(200, "other")) == ANSWER


def test_another_request_with_the_key_is_refused(ledger: Ledger, asked: Asked) -> None:
    answered(ledger, asked)
    for other in (replace(asked, body=b"{ }"), replace(asked, route="POST /batch")):
        with pytest.raises(OtherRequest):
            answered(ledger, other)


def test_who_gives_up_leaves_nothing(ledger: Ledger, asked: Asked) -> None:
    with pytest.raises(ZeroDivisionError), ledger.begin() as tx:
        assert idempotency.recall(ledger, tx, asked) or 1 / 0
    assert answered(ledger, asked) is None


def test_of_many_at_once_one_is_new(ledger: Ledger, asked: Asked) -> None:
    begin = threading.Barrier(8)

    def one(number: int) -> Answer | None:
        begin.wait(30)
        return answered(ledger, asked, Answer(202, str(number)))

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(one, range(8)))
    assert told.count(None) == 1
    assert len({answer for answer in told if answer}) == 1


def test_only_hashes_of_key_and_body_are_kept(ledger: Ledger, asked: Asked) -> None:
    answered(ledger, replace(asked, key="jan@example.nl", body=b"jan@example.nl"))
    with ledger.read() as tx:
        assert "jan" not in str(tuple(tx.db.execute(sa.select(rows)).one()))


def test_after_thirty_days_it_is_forgotten(ledger: Ledger, asked: Asked, clock: Clock) -> None:
    answered(ledger, asked)
    clock.passes(KEPT)
    with ledger.begin() as tx:
        idempotency.purge(tx)
    assert answered(ledger, asked) == ANSWER
    clock.passes(timedelta(microseconds=1))
    with ledger.begin() as tx:
        idempotency.purge(tx)
    assert answered(ledger, asked) is None


def test_a_key_belongs_to_who_uses_it(ledger: Ledger, asked: Asked, customer: Customer) -> None:
    other = api_keys.issue(ledger, "website", customer.id).key
    answered(ledger, asked)
    assert answered(ledger, replace(asked, api_key=other.id), Answer(202, "own")) is None


def test_nothing_of_a_request_is_shown(asked: Asked) -> None:
    shown = repr(replace(asked, key="jan@example.nl", body=b"jan@example.nl", api_key=uuid4()))
    assert "jan" not in shown
