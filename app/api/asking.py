"""Carries operations to the intake, once for each Idempotency-Key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from app.api.answers import text_of
from app.api.problems import Problem
from app.api.refusals import problem_of
from app.api.state import Api
from app.incoming.operation_json import AskedOperation, request
from core.database import Transaction
from core.identity import BadInput
from core.ledger import Ledger, idempotency
from core.ledger.customers import Customer, lists_of
from core.ledger.idempotency import Answer, Asked
from core.ledger.intake import Accepted, Batch, Outcome, Request, committed
from core.ledger.parts import Part, parts_of
from core.refusals import CannotAccept
from core.report.operation import progress

ACCEPTED = 202


@dataclass(frozen=True, slots=True)
class Invalid:
    """An item of a batch that could not be read."""

    problem: Problem


Item = AskedOperation | Invalid
Done = tuple[Answer, Callable[[], None]]  # what to answer, what to do once it is committed


def ask_one(api: Api, customer: Customer, asked: Asked, operation: AskedOperation) -> Answer:
    """Raises Problem, BadInput or CannotAccept; then nothing was stored, the key included."""

    def work(tx: Transaction) -> Done:
        [outcome], committed = taken(api.ledger, tx, customer, [operation])
        if isinstance(outcome, Exception):
            raise outcome
        return Answer(ACCEPTED, text_of(outcome)), committed

    return once(api, asked, work)


def ask_many(api: Api, customer: Customer, asked: Asked, items: Sequence[Item]) -> Answer:
    """Each item has its own outcome. Raises Problem or CannotAccept about the whole."""

    def work(tx: Transaction) -> Done:
        outcomes, committed = taken(api.ledger, tx, customer, items)
        told = [
            {"problem": problem_of(one).to_json()} if isinstance(one, Exception) else one
            for one in outcomes
        ]
        return Answer(ACCEPTED, text_of({"outcomes": told})), committed

    return once(api, asked, work)


def once(api: Api, asked: Asked, work: Callable[[Transaction], Done]) -> Answer:
    """The work and the memory of its answer are one transaction."""
    with api.running.alone((asked.api_key, asked.customer, asked.key)):
        with api.ledger.begin() as tx:
            if known := idempotency.recall(api.ledger, tx, asked):
                return known
            answer, committed = work(tx)
            idempotency.keep(api.ledger, tx, asked, answer)
        committed()
    return answer


Told = Mapping[str, Any] | Exception


def taken(
    ledger: Ledger, tx: Transaction, customer: Customer, items: Sequence[Item]
) -> tuple[list[Told], Callable[[], None]]:
    known = lists_of(tx, customer.id)
    read = [understood(item, customer, tx.now, known) for item in items]
    requests = [one for one in read if isinstance(one, Request)]
    batch = Batch(ledger, tx, customer, requests)
    outcomes = [batch.take(one) for one in requests]
    batch.write()
    parts = parts_of(tx, [one.operation for one in outcomes if isinstance(one, Accepted)])
    answers = iter([told(*both, parts) for both in zip(requests, outcomes, strict=True)])
    in_order = [next(answers) if isinstance(one, Request) else one for one in read]
    return in_order, partial(committed, ledger, batch)


def understood(
    item: Item, customer: Customer, now: datetime, known: Mapping[str, object]
) -> Request | Exception:
    if isinstance(item, Invalid):
        return item.problem
    try:
        return request(item, customer.time_zone, now, known)
    except BadInput as error:
        return error


def told(asked: Request, outcome: Outcome, parts: Mapping[UUID, Sequence[Part]]) -> Told:
    if isinstance(outcome, CannotAccept):
        return outcome
    held = parts.get(outcome.operation, ())
    return {
        "id": outcome.operation,
        "verb": asked.verb,
        "state": progress([None] * len(held), waits=bool(asked.undo), ended=None),
        "restricted": outcome.restricted,
        "holdings": [{"connection": one.connection, "state": one.state} for one in held],
    }
