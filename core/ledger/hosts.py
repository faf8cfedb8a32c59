"""Platforms' hosts that do not answer: one lane tries them for all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from core.database import Transaction
from core.ledger import lanes as ledger_lanes
from core.ledger import tasks
from core.ledger.schema import connections, hosts, lanes
from core.states import Task


def failed(
    tx: Transaction, host: str, *, tried: bool, most: int, rest: Callable[[timedelta], timedelta]
) -> bool:
    """
    One more turn did not reach it. After ``most`` in a row nobody tries for a while, told by
    ``rest`` from how long it has been away; whether that began just now.

    A lane that fails where others may not is its own account's trouble, and closes itself only.
    While it is closed only who ``tried`` it for all counts: the others began before.
    """
    kind = sqlite if tx.db.dialect.name == "sqlite" else postgresql
    first = kind.insert(hosts).values(name=host, failures=1, since=tx.now)
    counted = first.on_conflict_do_update(
        index_elements=[hosts.c.name],
        set_={"failures": hosts.c.failures + 1},
        where=sa.or_(hosts.c.closed_until.is_(None), sa.literal(tried)),
    ).returning(hosts.c.failures, hosts.c.since, hosts.c.closed_until)
    row = tx.db.execute(counted).one_or_none()
    if row is None:
        return False
    known = row.closed_until is not None
    if not known and (row.failures < most or not is_everybodys(tx, host)):
        return False
    closed = sa.update(hosts).where(hosts.c.name == host)
    until = tx.now + rest(tx.now - row.since)
    tx.db.execute(closed.values(closed_until=until, tried_by=None))
    return not known


def is_everybodys(tx: Transaction, host: str) -> bool:
    """Whether several lanes fail there, or no other could."""
    here = sa.and_(lanes.c.host == host, lanes.c.held_for.is_(None))
    fails = lanes.c.failures > 0
    query = sa.select(fails, sa.func.count()).where(here).group_by(fails)
    number = {bool(row[0]): row[1] for row in tx.db.execute(query)}
    return number.get(True, 0) > 1 or False not in number


def answered(tx: Transaction, host: str) -> bool:
    """
    It is reached: what waited for it is due at once, unless the platform said when. Whether
    anything did.
    """
    only_counted = sa.and_(hosts.c.name == host, hosts.c.closed_until.is_(None))
    if tx.db.execute(sa.delete(hosts).where(only_counted)).rowcount:
        return False
    here = ledger_lanes.locked(tx, lanes.c.host == host)
    was_away = tx.db.execute(sa.delete(hosts).where(hosts.c.name == host)).rowcount
    at_once = {"closed_until": lanes.c.rests_until, "ring_at": None, "rings": 0}
    tx.db.execute(sa.update(lanes).where(lanes.c.connection.in_(here)).values(at_once))
    for connection in here:
        tasks.close_for_connection(tx, connection, Task.CANNOT_LOOK)
    return bool(was_away)


def say_so(tx: Transaction, since: datetime) -> None:
    """
    A task at each connection whose work waits for a host that has been away since then. Whoever
    finds that it answers waits for this transaction, and closes them.
    """
    away = sa.select(hosts.c.name).where(hosts.c.closed_until.is_not(None), hosts.c.since <= since)
    ledger_lanes.locked(tx, lanes.c.host.in_(away))
    for row in silent(tx, since):
        tasks.open_for(
            tx,
            kind=Task.CANNOT_LOOK,
            verb=None,
            customer=row.customer,
            connection=row.connection,
        )


def silent(tx: Transaction, since: datetime) -> Sequence[sa.Row[Any]]:
    away = sa.and_(
        hosts.c.name == lanes.c.host, hosts.c.closed_until.is_not(None), hosts.c.since <= since
    )
    query = (
        sa.select(lanes.c.connection, connections.c.customer)
        .join(hosts, away)
        .join(connections, connections.c.id == lanes.c.connection)
        .where(lanes.c.ready_at <= tx.now, lanes.c.held_for.is_(None))
    )
    return tx.db.execute(query.order_by(lanes.c.connection)).all()
