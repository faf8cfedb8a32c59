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
from core.ledger import Ledger, customers, latecomers, moves, tasks
from core.ledger import lanes as ledger_lanes
from core.ledger.schema import connections, events, holdings, lanes
from core.refusals import CannotAccept, Taken, Unknown
from core.states import State, Task
from core.wants import Wants

CLOSED = '"{title}" is closed for good. Connect the account anew.'
WAITS_FOR_CREDENTIALS = (
    '"{title}" waits for credentials that work; until then nothing is sent there anyway. '
    "Renew them, then it goes on."
)


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
    outside_eu_accepted_at: datetime | None = None  # the customer knows that data goes there

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
    outside_eu_accepted: bool = False,
    host: str | None = None,
) -> UUID:
    """
    Raises Taken when the account is connected already, or the title was ever used, and
    CannotAccept when two lists would share a place. ``host``: None is found at the first turn.
    """
    check_apart(places)
    new = uuid4()
    with ledger.begin() as tx:
        customers.alone(tx, customer)  # so that an erasure under way is seen, or sees this one
        keys = ledger.keys_of(tx, customer)
        pinned = keys.pepper.hash("account", f"{platform}|{account.id}")
        for known in tx.db.execute(
            sa.select(connections).where(connections.c.customer == customer)
        ):
            if known.account == pinned and known.closed_at is None:
                raise Taken(f'This account is connected already, as "{known.title}".')
            if known.title == title:
                raise Taken("There is a connection with this title already. Choose another title.")
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
                outside_eu_accepted_at=tx.now if outside_eu_accepted else None,
                created_at=tx.now,
            )
        )
        tx.db.execute(
            sa.insert(lanes).values(connection=new, host=host, fence=0, failures=0, rings=0)
        )
        latecomers.search(tx, customer, new)
    return new


def check_apart(places: Mapping[str, str]) -> None:
    """
    Raises CannotAccept when lists share a place: whoever leaves one list could then only stay
    on both or lose both, and neither is what they asked.
    """
    for place in places.values():
        sharing = sorted(key for key, other in places.items() if other == place)
        if len(sharing) > 1:
            raise CannotAccept(
                f'The lists {" and ".join(sharing)} would share the place "{place}", and nobody '
                "could leave one of them and keep the other. Nothing was stored. Make a place "
                "for each list at the platform, or connect one of these lists only."
            )


def renew(
    ledger: Ledger, connection: Connection, settings: Mapping[str, Any], account: Account
) -> None:
    """
    Put new credentials in place and go on with the work that was held for them.

    Raises Taken when they belong to another account: what waits was never meant for that one.
    """
    with ledger.begin() as tx:
        same = sa.and_(connections.c.id == connection.id, connections.c.closed_at.is_(None))
        if tx.db.execute(sa.select(connections.c.id).where(same)).first() is None:
            raise Taken(CLOSED.format(title=connection.title))
        if not is_account(ledger, tx, connection, account):
            raise Taken(
                f'These credentials belong to another account than "{connection.title}". '
                "Nothing was changed. Use credentials of the same account."
            )
        key = ledger.keys_of(tx, connection.customer).key
        sealed = key.seal_json(settings, f"connections|{connection.id}")
        tx.db.execute(sa.update(connections).where(same).values(settings=sealed))
        reason = ledger_lanes.held_for(tx, connection.id)  # whoever fails with the old ones waits
        tasks.close_for_connection(tx, connection.id, Task.RECONNECT)
        if reason != ledger_lanes.PAUSED:
            ledger_lanes.resume(tx, connection.id)


def is_account(ledger: Ledger, tx: Transaction, connection: Connection, account: Account) -> bool:
    """Whether it is the account that was pinned when this connection was made."""
    keys = ledger.keys_of(tx, connection.customer)
    query = sa.select(connections.c.account).where(connections.c.id == connection.id)
    pinned: bytes = tx.db.execute(query).scalar_one()
    return pinned == keys.pepper.hash("account", f"{connection.platform}|{account.id}")


def pause(ledger: Ledger, connection: UUID) -> None:
    """
    Send nothing there until ``resume``; what is asked meanwhile waits. A turn that a worker
    has begun there ends first, within seconds. Raises Taken.
    """
    with ledger.begin() as tx:
        is_paused(tx, connection)
        ledger_lanes.hold(tx, connection, ledger_lanes.PAUSED)


def resume(ledger: Ledger, connection: UUID) -> None:
    """Go on with what was paused. Raises Taken where it is held for another reason."""
    with ledger.begin() as tx:
        if is_paused(tx, connection):
            ledger_lanes.resume(tx, connection)


def is_paused(tx: Transaction, connection: UUID) -> bool:
    """Raises Taken unless the lane is free or paused."""
    title, reason = one(tx, connection).title, ledger_lanes.held_for(tx, connection)
    if reason == ledger_lanes.CLOSED:
        raise Taken(CLOSED.format(title=title))
    if reason not in {None, ledger_lanes.PAUSED}:
        raise Taken(WAITS_FOR_CREDENTIALS.format(title=title))
    return reason is not None


def settings_of(ledger: Ledger, tx: Transaction, connection: Connection) -> Any:
    """The settings as the customer gave them. Raises CannotOpen."""
    key = ledger.keys_of(tx, connection.customer).key
    return key.open_json(connection.sealed_settings, f"connections|{connection.id}")


def of_customer(tx: Transaction, customer: UUID) -> list[Connection]:
    """Every connection there ever was, closed ones included, oldest first."""
    return several(tx, connections.c.customer == customer)


def one(tx: Transaction, connection: UUID) -> Connection:
    return several(tx, connections.c.id == connection)[0]


def with_id(tx: Transaction, connection: UUID) -> Connection | None:
    return next(iter(several(tx, connections.c.id == connection)), None)


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
        customers.alone(tx, one(tx, connection).customer)  # no erasure under way is overlooked
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
                event = moves.event(
                    tx,
                    "closed",
                    customer=row.customer,
                    holding=row.id,
                    was=row.state,
                    became=state,
                )
                tx.db.execute(sa.insert(events).values(event))
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
            row.outside_eu_accepted_at,
        )
        for row in rows
    ]
