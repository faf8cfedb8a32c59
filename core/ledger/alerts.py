"""Warnings that an erasure is not finished, or its person not answered, while the term runs out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from core import rows
from core.connector import Verb
from core.database import Transaction
from core.ledger import Ledger
from core.ledger.schema import alerts, customers, events, holdings, operations, parts
from core.moments import MICROSECOND
from core.states import State
from core.terms import PATIENCE, days_before

log = logging.getLogger(__name__)

AT_ONCE = 500  # operations in one transaction


class Threshold(StrEnum):
    """What was reached, the most urgent last."""

    SLOW = "slow"  # 72 hours after it was accepted
    WEEK = "week"  # before the day on which the term ends
    DAY = "day"
    OVER = "over"


class Needs(StrEnum):
    """What is still to be done before the term ends."""

    ERASURE = "erasure"
    ANSWER = "answer"  # all that can be done was done, and the person does not know it


@dataclass(frozen=True, slots=True)
class Alert:
    """The most urgent warning of one operation, as it stands now."""

    operation: UUID
    person: UUID
    customer: UUID
    threshold: Threshold
    needs: Needs
    raised_at: datetime
    deadline: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at one operation came to; ``threshold`` is None where there is nothing to say."""

    operation: UUID
    customer: UUID
    deadline: datetime
    threshold: Threshold | None
    look_again_at: datetime | None


def moments(deadline: datetime, zone: ZoneInfo) -> dict[Threshold, datetime]:
    """
    When a term warns. It follows from the term alone, never from the clock: a week and a day
    ahead by the customer's calendar, at the beginning of that day.
    """
    return {
        Threshold.WEEK: days_before(deadline, 7, zone),
        Threshold.DAY: days_before(deadline, 1, zone),
        Threshold.OVER: deadline + MICROSECOND,
    }


def first(accepted_at: datetime, deadline: datetime, zone: ZoneInfo) -> datetime:
    """When an erasure is to be looked at first; at once, where its term is nearly over."""
    return min(accepted_at + PATIENCE, moments(deadline, zone)[Threshold.WEEK])


def renewed(deadline: datetime, zone: ZoneInfo) -> datetime:
    """The same for a longer term: whoever extended it knows that it takes long."""
    return moments(deadline, zone)[Threshold.WEEK]


def raise_due(ledger: Ledger) -> None:
    """Say what is true now and was not said yet."""
    while True:
        with ledger.begin() as tx:
            found = [look(row, tx.now) for row in locked(tx)]
            write(tx, found)
        for one in found:
            if one.threshold is not None:
                what = {"operation": one.operation, "customer": one.customer}
                log.warning("an erasure needs somebody: %s", one.threshold, extra=what)
        if len(found) < AT_ONCE:
            return


def locked(tx: Transaction) -> Sequence[sa.Row[Any]]:
    """
    Those whose moment has come. It moves on in this transaction, so that whoever else comes for
    them finds nothing to say.
    """
    query = (
        sa.select(operations, customers.c.time_zone, unfinished().label("unfinished"))
        .join(customers, customers.c.id == operations.c.customer)
        .where(operations.c.alert_at <= tx.now)
        .order_by(operations.c.alert_at, operations.c.id)
        .limit(AT_ONCE)
    )
    locking = query.with_for_update(of=operations, key_share=True, skip_locked=True)
    return tx.db.execute(locking).all()


def unfinished() -> sa.ColumnElement[bool]:
    """
    Something of the person's erasures is still to be done, and not by a date that the platform
    named: then nobody can do more than tell the person.
    """
    erasure = operations.alias("erasure")
    open_there = sa.and_(parts.c.ended.is_(None), holdings.c.state != State.FINAL_ON.value)
    left = sa.exists().where(
        erasure.c.person == operations.c.person,
        erasure.c.verb == Verb.ERASE.value,
        parts.c.operation == erasure.c.id,
        holdings.c.id == parts.c.holding,
        sa.or_(open_there, holdings.c.state == State.RETURNED.value),
    )
    return sa.or_(operations.c.told.is_not(None), left.correlate(operations))


def look(row: sa.Row[Any], now: datetime) -> Found:
    """
    However late we come, only the most urgent that was reached is said: those before it say
    nothing more.
    """
    term = moments(row.deadline, ZoneInfo(row.time_zone))
    every = {Threshold.SLOW: row.accepted_at + PATIENCE, **term}
    reached = max((one for one in every if every[one] <= now), key=urgency, default=None)
    ahead = [every[one] for one in every if reached is None or urgency(one) > urgency(reached)]
    said = reached if row.unfinished or reached is not Threshold.SLOW else None
    return Found(row.id, row.customer, row.deadline, said, min(ahead, default=None))


def urgency(threshold: Threshold) -> int:
    return list(Threshold).index(threshold)


def write(tx: Transaction, found: Sequence[Found]) -> None:
    rows.update(tx, operations, [{"id": o.operation, "alert_at": o.look_again_at} for o in found])
    new = [one for one in found if one.threshold is not None]
    rows.insert_new(
        tx,
        alerts,
        [
            {
                "operation": one.operation,
                "deadline": one.deadline,
                "threshold": one.threshold,
                "raised_at": tx.now,
            }
            for one in new
        ],
    )
    rows.insert(
        tx,
        events,
        [
            {
                "customer": one.customer,
                "at": tx.now,
                "kind": "alert",
                "operation": one.operation,
                "became": one.threshold,
            }
            for one in new
        ],
    )


def standing(
    tx: Transaction, customer: UUID | None = None, person: UUID | None = None
) -> list[Alert]:
    """
    The most urgent warning of each operation whose person was not answered, whose term ends
    first leading; of one customer or person, or of all.
    """
    same_term = sa.and_(
        operations.c.id == alerts.c.operation, operations.c.deadline == alerts.c.deadline
    )
    query = (
        sa.select(
            alerts, operations.c.person, operations.c.customer, unfinished().label("unfinished")
        )
        .join(operations, same_term)
        .where(operations.c.answered_at.is_(None))
        .order_by(alerts.c.deadline, alerts.c.operation)
    )
    if customer is not None:
        query = query.where(operations.c.customer == customer)
    if person is not None:
        query = query.where(operations.c.person == person)
    found = [alert_of(row) for row in tx.db.execute(query)]
    latest = {one.operation: one for one in sorted(found, key=lambda one: urgency(one.threshold))}
    return [
        one
        for one in found
        if one is latest[one.operation]
        and (one.needs is Needs.ERASURE or one.threshold is not Threshold.SLOW)
    ]


def alert_of(row: sa.Row[Any]) -> Alert:
    return Alert(
        row.operation,
        row.person,
        row.customer,
        Threshold(row.threshold),
        Needs.ERASURE if row.unfinished else Needs.ANSWER,
        row.raised_at,
        row.deadline,
    )
