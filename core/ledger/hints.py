"""A platform tells that somebody changed there: a reason to look now, never more."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from core.connector import Identity
from core.database import Transaction
from core.ledger import Ledger, lanes, tasks
from core.ledger.connections import Connection
from core.ledger.schema import addresses, holdings, people
from core.states import State

APART = timedelta(minutes=1)  # a platform, or whoever learnt the secret, may tell without end

# Who has a schedule of their own, or is where nobody can look. A hint never makes us send.
NOT_BY_HINT = frozenset({State.QUEUED, State.SENT, State.RETRYING, State.ATTESTED})


def hook_secret(ledger: Ledger, tx: Transaction, connection: Connection) -> str:
    """What the address holds at which this connection's platform tells us. Hexadecimal."""
    pepper = ledger.keys_of(tx, connection.customer).pepper
    return pepper.hash("hook", str(connection.id)).hex()


def is_hook_secret(ledger: Ledger, tx: Transaction, connection: Connection, given: str) -> bool:
    """Takes as long for a wrong one as for the right one."""
    return hmac.compare_digest(hook_secret(ledger, tx, connection).encode(), given.encode())


def look_again(ledger: Ledger, connection: Connection, identities: Sequence[Identity]) -> int:
    """
    How many of these people's holdings at this connection get a look now, once a minute each.

    They are found by address. The erased too, as long as their finishing record exists.
    """
    with ledger.begin() as tx:
        if not tasks.is_open(tx, connection.id):  # it may have been closed since it was read
            return 0
        found = whom(ledger, tx, connection, identities)
        query = sa.select(holdings).where(
            holdings.c.connection == connection.id,
            holdings.c.person.in_(sorted(found)),
            holdings.c.state.not_in([state.value for state in NOT_BY_HINT]),
            sa.or_(holdings.c.hinted_at.is_(None), holdings.c.hinted_at <= tx.now - APART),
        )
        ordered = query.order_by(holdings.c.id).with_for_update(key_share=True)
        looks = [row for row in tx.db.execute(ordered).all() if may_miss(row, tx.now)]
        for row in looks:
            changes = hinted(row, tx.now)
            tx.db.execute(sa.update(holdings).where(holdings.c.id == row.id).values(changes))
        if looks:
            lanes.ring(tx, {connection.id})
    return len(looks)


def whom(
    ledger: Ledger, tx: Transaction, connection: Connection, identities: Sequence[Identity]
) -> set[UUID]:
    pepper = ledger.keys_of(tx, connection.customer).pepper
    told = {pepper.hash("email", email) for one in identities for email in one.emails}
    living = sa.select(addresses.c.person).where(
        addresses.c.customer == connection.customer, addresses.c.hash.in_(list(told))
    )
    return {
        *tx.db.execute(living).scalars(),
        *still_known(tx, ledger.safe.erased(connection.customer, told)),
    }


def still_known(tx: Transaction, erased: Collection[UUID]) -> set[UUID]:
    """Those by whose finishing record we can still look: it stays until the transaction ends."""
    query = sa.select(people.c.id).where(
        people.c.id.in_(sorted(erased)), people.c.forgotten_at.is_(None)
    )
    return set(tx.db.execute(query.order_by(people.c.id).with_for_update(read=True)).scalars())


def may_miss(row: sa.Row[Any], now: datetime) -> bool:
    """Whatever is due will look anyway; one that is under way may have looked too early."""
    return row.intent_fence is not None or row.due_at is None or row.due_at > now


def hinted(row: sa.Row[Any], now: datetime) -> dict[str, Any]:
    if row.intent_fence is not None:  # its worker sees the newer moment and looks once more
        return {"hinted_at": now}
    planned = row.planned_at if row.hinted else row.due_at
    return {"hinted_at": now, "hinted": True, "planned_at": planned, "due_at": now}
