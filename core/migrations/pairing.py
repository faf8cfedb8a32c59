"""A ledger has one safe: with another the report would be untrue, nobody could be erased."""

from __future__ import annotations

from uuid import UUID, uuid4

import sqlalchemy as sa

from core.database import Database, Transaction, UnsafeDatabase

number = sa.table("installation", sa.column("id", sa.Uuid))
people, keys = sa.table("people"), sa.table("person_keys")
STRANGERS = (
    "COURSEFLOW_SYNC_SAFE_URL names a safe that does not belong to this ledger. Nothing was "
    "started: with it reports would be untrue, and people could not be erased. Set it, or "
    "COURSEFLOW_SYNC_DATABASE_URL, to the database that belongs to the other."
)


def apart(ledger: Database, safe: Database) -> None:
    """Raises UnsafeDatabase where both addresses lead to one database, however they are spelled."""
    if ledger.identity() == safe.identity():
        raise UnsafeDatabase(
            "COURSEFLOW_SYNC_SAFE_URL names the ledger's own database. The safe must never be in "
            "the ledger's dumps: give it a database of its own."
        )


def pair(ledger: Database, safe: Database) -> None:
    """Give both the same number while they are new. Raises UnsafeDatabase."""
    with ledger.begin() as mine, safe.begin() as its:
        known = [one for one in (read(mine), read(its)) if one is not None]
        if len(set(known)) > 1 or (len(known) == 1 and (any_in(mine, people) or any_in(its, keys))):
            raise UnsafeDatabase(STRANGERS)
        chosen = known[0] if known else uuid4()
        for tx in (its, mine):
            if read(tx) is None:
                tx.db.execute(sa.insert(number).values(id=chosen))


def check(ledger: Database, safe: Database) -> None:
    """Raises UnsafeDatabase unless they belong together."""
    with ledger.read() as mine, safe.read() as its:
        if read(mine) != read(its):
            raise UnsafeDatabase(STRANGERS)


def read(tx: Transaction) -> UUID | None:
    found: UUID | None = tx.db.execute(sa.select(number.c.id)).scalar()
    return found


def number_of(tx: Transaction) -> UUID:
    """Raises UnsafeDatabase where ``migrate`` did not give it one."""
    found = read(tx)
    if found is None:
        raise UnsafeDatabase(
            "The ledger and its safe do not know each other yet. Nothing was changed. Run: "
            "courseflow-sync migrate"
        )
    return found


def any_in(tx: Transaction, table: sa.TableClause) -> bool:
    return tx.db.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is not None
