"""Restricting a person: what we hold stays where it is, nothing more goes out (GDPR art. 18)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from core.database import Transaction
from core.ledger import Ledger, holding_back
from core.ledger.customers import Customer
from core.ledger.intake import person_id
from core.ledger.schema import events, holdings, people
from core.refusals import Unknown


def restrict(
    ledger: Ledger, customer: Customer, reference: str, *, restricted: bool
) -> datetime | None:
    """
    Hold back every push for this person, or go on with what waited; since when, None: not.

    Erasures, unsubscriptions and looks go on, and what is asked meanwhile is accepted. Asking
    twice keeps the first moment. An erasure ends the restriction. Raises Unknown.
    """
    with ledger.begin() as tx:
        person = known(tx, person_id(ledger.keys_of(tx, customer.id), reference))
        was: datetime | None = person.restricted_at
        if (was is not None) is restricted:
            return was
        since = tx.now if restricted else None
        mine = people.c.id == person.id
        tx.db.execute(sa.update(people).where(mine).values(restricted_at=since))
        if restricted:
            holding_back.hold(tx, {person.id})
        else:
            holding_back.release(tx, person.id)
        tell(tx, customer.id, person.id, "restricted" if restricted else "unrestricted")
    return since


def known(tx: Transaction, person: UUID) -> sa.Row[tuple[object, ...]]:
    """Locked, so that the intake waits; then what it makes is held back too."""
    query = sa.select(people).where(people.c.id == person).with_for_update(key_share=True)
    row = tx.db.execute(query).one_or_none()
    if row is None or row.sealed is None:
        raise Unknown(
            "We hold no data of anybody with this reference, so there is nothing to restrict. "
            "Check the reference."
        )
    return row


def tell(tx: Transaction, customer: UUID, person: UUID, kind: str) -> None:
    held = tx.db.execute(sa.select(holdings.c.id).where(holdings.c.person == person))
    rows = [{"customer": customer, "at": tx.now, "kind": kind, "holding": row.id} for row in held]
    if rows:
        tx.db.execute(sa.insert(events), rows)
