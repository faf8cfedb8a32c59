"""
Whether the ledger is as old as its safe.

Whoever leads gives both the same random number every minute. After one of the two was put back
from a backup, of ours or of the machine's, they differ: then erasures and opt-outs may be missing
here that were accepted since, and nobody may work before those are replayed
(core.backups.replay).
"""

from __future__ import annotations

import time
from uuid import UUID, uuid4

import sqlalchemy as sa

from core.database import Database, Transaction, UnsafeDatabase
from core.ledger import schema
from core.safe import schema as safe

LOOKS = 3
BETWEEN = 0.2  # seconds
OUT_OF_STEP = (
    "The ledger and its safe are not of one moment: one of them was put back from a backup. "
    "Nothing was started, because whoever was erased or opted out since would be mailed again. "
    "Run: courseflow-sync replay"
)


def beat(ledger: Database, beside: Database) -> None:
    """A new pulse for both. Raises UnsafeDatabase when they are out of step, or DatabaseAway."""
    with ledger.begin() as tx:
        before = of_ledger(tx, alone=True)
        with beside.read() as its:
            if not in_step(before, its):
                raise UnsafeDatabase(OUT_OF_STEP)
        new = begin(tx, beside, before)
    end(beside, new)


def check(ledger: Database, beside: Database) -> None:
    """Raises UnsafeDatabase unless both are of one moment."""
    for _ in range(LOOKS):
        with ledger.read() as tx, beside.read() as its:
            if in_step(of_ledger(tx), its):
                return
        time.sleep(BETWEEN)  # somebody's beat came between the two
    raise UnsafeDatabase(OUT_OF_STEP)


def begin(tx: Transaction, beside: Database, before: UUID | None) -> UUID:
    """The safe is first: should the ledger's commit be lost, ``before`` still fits."""
    new = uuid4()
    with beside.begin() as its:
        its.db.execute(sa.update(safe.installation).values(pulse=new, pulse_before=before))
    tx.db.execute(sa.update(schema.installation).values(pulse=new))
    return new


def end(beside: Database, new: UUID) -> None:
    """The ledger has committed: what it was before fits no more, unless others began since."""
    with beside.begin() as its:
        mine = safe.installation.c.pulse == new
        its.db.execute(sa.update(safe.installation).where(mine).values(pulse_before=new))


def stop(ledger: Database) -> None:
    """This ledger was put back: nothing fits until it is replayed."""
    with ledger.begin() as tx:
        tx.db.execute(sa.update(schema.installation).values(pulse=uuid4()))


def in_step(pulse: UUID | None, its: Transaction) -> bool:
    known = its.db.execute(sa.select(safe.installation.c.pulse, safe.installation.c.pulse_before))
    row = known.one_or_none()
    return row is None or pulse in {row.pulse, row.pulse_before}


def of_ledger(tx: Transaction, *, alone: bool = False) -> UUID | None:
    """``alone``: nobody else gives it another one meanwhile."""
    query = sa.select(schema.installation.c.pulse)
    pulse: UUID | None = tx.db.execute(query.with_for_update() if alone else query).scalar()
    return pulse
