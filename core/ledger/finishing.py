"""The end of an erasure: our own last record goes when nothing needs it any more."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from core import rows
from core.connector import Verb
from core.database import Transaction
from core.ledger import Ledger
from core.ledger.schema import holdings, operations, people, tasks
from core.sealing import CannotOpen

ANSWERED_BY = timedelta(days=14)  # after the deadline, the name has served its letter

log = logging.getLogger(__name__)


def end(ledger: Ledger) -> None:
    """
    Destroy what only an answer or a last look needed.

    The name goes once the person was answered, or two weeks after the deadline; the whole
    record goes when besides that the last look is done and all tasks are closed, and with it
    the reasons that an answer gave.

    Whoever makes a look due by that record locks the person first, as is done here: then it is
    asked once more whether nothing needs it.
    """
    with ledger.begin() as tx:
        over = {one.id for one in answered(tx) if not one.needed}
        these, parameter = rows.one_of(tx.db, people.c.id, over)
        lock = sa.select(people.c.id).where(these).order_by(people.c.id)
        tx.db.execute(lock.with_for_update(key_share=True, of=people), parameter)
        for one in answered(tx):
            if not one.needed and one.id not in over:
                continue  # not locked: the next time
            if one.needed:
                forget_name(ledger, tx, one)
                continue
            ledger.safe.end_finishing({one.id: one.key_epoch})
            same = (people.c.id == one.id) & (people.c.key_epoch == one.key_epoch)
            tx.db.execute(sa.update(people).where(same).values(forgotten_at=tx.now))


def forget_name(ledger: Ledger, tx: Transaction, one: sa.Row[Any]) -> None:
    try:
        ledger.safe.forget_name(one.id, one.key_epoch, ledger.keys_of(tx, one.customer))
    except CannotOpen as error:  # a fault of this one keeps no other waiting
        log.error("a finishing record cannot be opened: %s", error)  # noqa: TRY400


def answered(tx: Transaction) -> Sequence[sa.Row[Any]]:
    """
    The erased whose answer is behind them, and whether a look or a task still needs the record.

    With the epoch of that erasure: a newer one may be on its way in, and is not answered.
    """
    erasures = sa.and_(operations.c.person == people.c.id, operations.c.verb == Verb.ERASE.value)
    deadline = sa.select(sa.func.max(operations.c.deadline)).where(erasures).scalar_subquery()
    unanswered = sa.exists().where(
        erasures, operations.c.deadline.is_not(None), operations.c.answered_at.is_(None)
    )
    busy = sa.exists().where(holdings.c.person == people.c.id, holdings.c.due_at.is_not(None))
    asked = sa.exists().where(tasks.c.person == people.c.id, tasks.c.closed_at.is_(None))
    return tx.db.execute(
        sa.select(
            people.c.customer, people.c.id, people.c.key_epoch, sa.or_(busy, asked).label("needed")
        ).where(
            people.c.key_epoch > 0,
            people.c.forgotten_at.is_(None),
            sa.or_(sa.not_(unanswered), deadline < tx.now - ANSWERED_BY),
        )
    ).all()
