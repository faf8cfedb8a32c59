"""What the safe destroyed leaves its files as well, not its tables alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa

from core.database import Database
from core.safe.schema import day_keys, finishing_records, installation, person_keys

EVERY = timedelta(days=1)  # on PostgreSQL, where it keeps everybody out for a moment
WAITS = 1.0  # seconds for whoever is in the way
LOCKED = "55P03"  # lock_not_available


def scour(safe: Database) -> None:
    """
    Overwrite what rows that are gone have left in the files, as far as we can reach them.

    To be called once a minute; where somebody is in the way, the next time does it. Raises
    DatabaseAway.
    """
    SCOUR[safe.engine.dialect.name](safe)


def rewrite(safe: Database) -> None:
    """
    PostgreSQL: VACUUM leaves old bytes in the pages that stay; only new files have none. What
    its own write-ahead log keeps, and for how long, is set at the server (docs/privacy.md).

    Measured on 2026-11-26, PostgreSQL 15: of 1,500 deleted rows among as many that stay, 758
    were in the file after VACUUM, none after VACUUM FULL.
    """
    with safe.read() as tx:
        last = tx.db.execute(sa.select(installation.c.scoured_at)).one_or_none()
        if last is None or (last.scoured_at is not None and tx.now < last.scoured_at + EVERY):
            return
    with safe.glance() as db:
        db.exec_driver_sql(f"SET lock_timeout = {WAITS * 1000:.0f}")
        try:
            for table in (person_keys, finishing_records, day_keys):
                db.exec_driver_sql(f"VACUUM FULL {table.name}")
        except sa.exc.OperationalError as error:
            if getattr(error.orig, "sqlstate", None) == LOCKED:
                return
            raise
        finally:
            db.exec_driver_sql("RESET lock_timeout")
    with safe.begin() as tx:
        tx.db.execute(sa.update(installation).values(scoured_at=tx.now))


SCOUR: dict[str, Callable[[Database], None]] = {
    "sqlite": Database.empty_log,
    "postgresql": rewrite,
}
