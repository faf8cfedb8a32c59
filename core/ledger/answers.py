"""What a person was answered about an erasure: it ends the term, or gives it two more months."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from core.basis import CLOCKS_APART
from core.database import Transaction
from core.ledger import Ledger, alerts, undo
from core.ledger.customers import Customer
from core.ledger.schema import answers, events, operations, tasks
from core.ledger.tasks import legal_term
from core.refusals import CannotAccept, Taken
from core.terms import months_after

LONGEST_HOW = 200
LONGEST_REASON = 2000
FIRST_TERM, LONGEST_TERM = 1, 3  # months; GDPR art. 12(3)


class Outcome(StrEnum):
    """What the person was told."""

    DONE = "done"
    PARTLY = "partly"
    REFUSED = "refused"
    EXTENDED = "extended"  # not yet: two months more are needed


NEEDS_REASON = frozenset({Outcome.PARTLY, Outcome.REFUSED, Outcome.EXTENDED})


@dataclass(frozen=True, slots=True)
class Answer:
    """
    ``how`` is a letter, a phone call; it is kept as it stands. ``reason`` is sealed in the
    person's finishing record, and None once that is gone.
    """

    how: str
    at: datetime
    outcome: Outcome
    reason: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as it was recorded. ``deadline`` is what an extension gave; else None."""

    operation: UUID
    answer: Answer
    deadline: datetime | None
    recorded_at: datetime


def answer(ledger: Ledger, customer: Customer, operation: UUID, given: Answer) -> Answered:
    """
    Record that the person was answered. An answer given after the first changes no term. The
    reason is not kept where the finishing record is gone.

    Raises CannotAccept, Taken or Unknown; then nothing is stored.
    """
    check_words(given)
    with ledger.begin() as tx:
        asked = undo.locked(tx, customer.id, operation)
        check_answerable(asked)
        check_moment(given, asked, tx.now)
        deadline = None
        if given.outcome is Outcome.EXTENDED:
            deadline = extended(customer, asked, tx.now)
        new, keys = uuid4(), ledger.keys_of(tx, customer.id)
        reason = given.reason
        if reason and not ledger.safe.keep_reason(asked.person, new, reason, keys):
            given = replace(given, reason=None)
        made = Answered(operation, given, deadline, tx.now)
        tx.db.execute(sa.insert(answers).values(row(new, customer.id, made)))
        changes: dict[str, Any] = {
            "answered_at": asked.answered_at or given.at,
            "alert_at": None,
        }
        if deadline is not None:
            next_alert = alerts.renewed(deadline, customer.time_zone)
            changes = {"deadline": deadline, "alert_at": next_alert}
        tx.db.execute(sa.update(operations).where(operations.c.id == operation).values(changes))
        renew_terms(tx, asked.person)
        tx.db.execute(
            sa.insert(events).values(
                customer=customer.id,
                at=tx.now,
                kind="answered",
                operation=operation,
                became=given.outcome.value,
            )
        )
    return made


def check_words(given: Answer) -> None:
    if not 1 <= len(given.how) <= LONGEST_HOW or "@" in given.how or not given.how.isprintable():
        raise CannotAccept(
            "Say in 200 characters at most how the person was answered (letter, phone, e-mail), "
            "without an address or a name."
        )
    if given.outcome in NEEDS_REASON and not (given.reason or "").strip():
        raise CannotAccept(
            f'An answer "{given.outcome}" needs the reason that the person was given (GDPR art. '
            "12). Nothing was recorded. Add it."
        )
    if given.reason and len(given.reason) > LONGEST_REASON:
        raise CannotAccept("The reason is longer than 2000 characters. Shorten it.")


def check_answerable(asked: sa.Row[Any]) -> None:
    """A term runs for it, or ran. Raises CannotAccept."""
    if asked.told is not None:
        raise CannotAccept(
            "This erasure can still be undone, so nothing was done yet. Nothing was recorded. "
            "Answer the person when it was carried out."
        )
    if asked.deadline is None:
        raise CannotAccept(
            "No term runs for this operation: only an erasure that was not undone is answered."
        )


def check_moment(given: Answer, asked: sa.Row[Any], now: datetime) -> None:
    if given.at > now + CLOCKS_APART:
        raise CannotAccept("This answer is dated in the future. Record it when it was given.")
    if given.at < asked.received_at:
        raise CannotAccept(
            "This answer is dated before the request came in. Give the moment of the answer."
        )


def extended(customer: Customer, asked: sa.Row[Any], now: datetime) -> datetime:
    """The end of the longer term. Raises CannotAccept or Taken."""
    if asked.answered_at is not None:
        raise Taken("The person was answered already, so there is nothing to extend.")
    if asked.deadline != months_after(asked.received_at, FIRST_TERM, customer.time_zone):
        raise Taken("This term was extended already. It can be once.")
    if now > asked.deadline:
        raise CannotAccept(
            "A term can be extended within its first month only, and that is over. Nothing was "
            "recorded. Answer the person now."
        )
    return months_after(asked.received_at, LONGEST_TERM, customer.time_zone)


def row(new: UUID, customer: UUID, made: Answered) -> dict[str, Any]:
    return {
        "id": new,
        "customer": customer,
        "operation": made.operation,
        "how": made.answer.how,
        "at": made.answer.at,
        "outcome": made.answer.outcome.value,
        "deadline": made.deadline,
        "recorded_at": made.recorded_at,
    }


def renew_terms(tx: Transaction, person: UUID) -> None:
    """Open tasks carry the term that runs now."""
    erases = sa.and_(tasks.c.person == person, tasks.c.verb == "erase", tasks.c.closed_at.is_(None))
    tx.db.execute(sa.update(tasks).where(erases).values(deadline=legal_term(tx, person)))


def of_operations(
    ledger: Ledger, tx: Transaction, customer: UUID, wanted: Collection[UUID]
) -> list[Answered]:
    """All that was answered about these, oldest first."""
    query = (
        sa.select(answers, operations.c.person)
        .join(operations, operations.c.id == answers.c.operation)
        .where(answers.c.customer == customer, answers.c.operation.in_(list(wanted)))
    )
    found = tx.db.execute(query.order_by(answers.c.recorded_at, answers.c.id)).all()
    records = ledger.safe.finishing({one.person for one in found}, ledger.keys_of(tx, customer))
    reasons = {answer: why for one in records.values() for answer, why in one.reasons.items()}
    return [
        Answered(
            one.operation,
            Answer(one.how, one.at, Outcome(one.outcome), reasons.get(one.id)),
            one.deadline,
            one.recorded_at,
        )
        for one in found
    ]
