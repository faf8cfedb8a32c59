"""Connections: one account at a platform each, its settings sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from core.connector import Account, Verb
from core.database import Transaction
from core.ledger import Ledger, latecomers, tasks
from core.ledger import lanes as ledger_lanes
from core.ledger.schema import connections, holdings, lanes
from core.refusals import Taken, Unknown
from core.states import State, Task
from core.wants import Wants


@dataclass(frozen=True, slots=True)
class Connection:
    id: UUID
    customer: UUID
    platform: str
    title: str
    places: Mapping[str, str]  # list key → place id
    fields: tuple[str, ...]  # besides the e-mail address; a field not named is never sent
    keep_refusal: bool
    closed_at: datetime | None
    sealed_settings: bytes

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


def add(
    ledger: Ledger,
    customer: UUID,
    *,
    platform: str,
    title: str,
    settings: Mapping[str, Any],
    account: Account,
    places: Mapping[str, str],
    fields: Sequence[str],
    keep_refusal: bool,
) -> UUID:
    """Raises Taken when the account is connected already, or the title was ever used."""
    new = uuid4()
    with ledger.begin() as tx:
        keys = ledger.keys_of(tx, customer)
        pinned = keys.pepper.hash("account", f"{platform}|{account.id}")
        for known in tx.db.execute(
            sa.select(connections).where(connections.c.customer == customer)
        ):
            if known.account == pinned and known.closed_at is None:
                raise Taken(f'This account is connected already, as "{known.title}".')
            if known.title == title:
                raise Taken(f'There is a connection "{title}" already. Choose another title.')
        tx.db.execute(
            sa.insert(connections).values(
                id=new,
                customer=customer,
                platform=platform,
                title=title,
                settings=keys.key.seal_json(settings, f"connections|{new}"),
                account=pinned,
                places=dict(places),
                fields=list(fields),
                keep_refusal=keep_refusal,
                created_at=tx.now,
            )
        )
        tx.db.execute(sa.insert(lanes).values(connection=new, fence=0, failures=0, rings=0))
        latecomers.search(tx, customer, new)
    return new


def renew(
    ledger: Ledger, connection: Connection, settings: Mapping[str, Any], account: Account
) -> None:
    """
    Put new credentials in place and go on with the work that was held for them.

    Raises Taken when they belong to another account: what waits was never meant for that one.
    """
    with ledger.begin() as tx:
        keys = ledger.keys_of(tx, connection.customer)
        same = sa.and_(connections.c.id == connection.id, connections.c.closed_at.is_(None))
        pinned = tx.db.execute(sa.select(connections.c.account).where(same)).scalar_one_or_none()
        if pinned is None:
            raise Taken(f'"{connection.title}" is closed for good. Connect the account anew.')
        if pinned != keys.pepper.hash("account", f"{connection.platform}|{account.id}"):
            raise Taken(
                f'These credentials belong to another account than "{connection.title}". '
                "Nothing was changed. Use credentials of the same account."
            )
        sealed = keys.key.seal_json(settings, f"connections|{connection.id}")
        tx.db.execute(sa.update(connections).where(same).values(settings=sealed))
        tasks.close_for_connection(tx, connection.id, Task.RECONNECT)
        ledger_lanes.resume(tx, connection.id)


def settings_of(ledger: Ledger, tx: Transaction, connection: Connection) -> Any:
    """The settings as the customer gave them. Raises CannotOpen."""
    key = ledger.keys_of(tx, connection.customer).key
    return key.open_json(connection.sealed_settings, f"connections|{connection.id}")


def of_customer(tx: Transaction, customer: UUID) -> list[Connection]:
    """Every connection there ever was, closed ones included, oldest first."""
    return several(tx, connections.c.customer == customer)


def one(tx: Transaction, connection: UUID) -> Connection:
    return several(tx, connections.c.id == connection)[0]


def titled(tx: Transaction, customer: UUID, title: str) -> Connection:
    """Raises Unknown, naming the connections that exist."""
    known = of_customer(tx, customer)
    for connection in known:
        if title in {connection.title, str(connection.id)}:
            return connection
    titles = ", ".join(connection.title for connection in known) or "none yet"
    raise Unknown(f'There is no connection "{title}". Known: {titles}.')


def close(ledger: Ledger, connection: UUID) -> None:
    """
    Send nothing more there, what is in hand included. What it holds stays in the report, and
    erasures that are still open become tasks, as only the customer can go on.
    """
    with ledger.begin() as tx:
        tx.db.execute(
            sa.update(connections)
            .where(connections.c.id == connection, connections.c.closed_at.is_(None))
            .values(closed_at=tx.now)
        )
        due = sa.and_(holdings.c.connection == connection, holdings.c.due_at.is_not(None))
        waiting = sa.select(holdings).where(due).order_by(holdings.c.id)
        for row in tx.db.execute(waiting.with_for_update(key_share=True)).all():
            erasing = Wants.from_json(row.wants).goal(row.reached_seq).erase
            state = State.CANNOT_LOOK.value if erasing else row.state
            tx.db.execute(
                sa.update(holdings)
                .where(holdings.c.id == row.id)
                .values(state=state, due_at=None, intent_fence=None, intent_until=None)
            )
            if erasing:
                tasks.open_for(
                    tx,
                    kind=Task.CANNOT_LOOK,
                    verb=Verb.ERASE,
                    customer=row.customer,
                    connection=connection,
                    person=row.person,
                    holding=row.id,
                )
        ledger_lanes.close(tx, connection)


def several(tx: Transaction, where: sa.ColumnElement[bool]) -> list[Connection]:
    rows = tx.db.execute(
        sa.select(connections).where(where).order_by(connections.c.created_at, connections.c.id)
    )
    return [
        Connection(
            row.id,
            row.customer,
            row.platform,
            row.title,
            row.places,
            tuple(row.fields),
            row.keep_refusal,
            row.closed_at,
            row.settings,
        )
        for row in rows
    ]
