"""What the ledger's database itself refuses, whoever writes."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

ILLEGAL = "a holding does not move like this"
TWICE = "an operation ends once at a holding"

ALLOWED = "(SELECT 1 FROM transitions WHERE was = {was} AND became = NEW.state)"
SQLITE = """
CREATE TRIGGER {name} BEFORE {event} FOR EACH ROW WHEN {wrong}
BEGIN SELECT RAISE(ABORT, '{message}'); END
"""
POSTGRESQL = """
CREATE TRIGGER {name} BEFORE {event} FOR EACH ROW WHEN ({wrong})
EXECUTE FUNCTION refuse('{message}')
"""
REFUSE = """
CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = 'check_violation'; END $$
"""


def guard(db: sa.Connection) -> None:
    """
    Refuse moves of a holding that ``transitions`` does not have, and a second end of a part.

    A migration that changes ``transitions``, or has SQLite copy one of these tables, ends with
    it: PostgreSQL keeps the moves in the trigger itself, where they cost a quarter of what
    looking them up costs.
    """
    create, drop = SQLITE, "DROP TRIGGER IF EXISTS {name}"
    if db.dialect.name == "postgresql":
        create, drop = POSTGRESQL, f"{drop} ON {{table}}"
        db.exec_driver_sql(REFUSE)
    for trigger in triggers(db):
        db.exec_driver_sql(drop.format(**trigger))
        db.exec_driver_sql(create.format(**trigger))


def triggers(db: sa.Connection) -> Iterator[dict[str, str]]:
    moved, begun = illegal(db)
    move = f"OLD.state <> NEW.state AND {moved}"
    moves = {"table": "holdings", "message": ILLEGAL}
    yield {**moves, "name": "holdings_move", "event": "UPDATE OF state ON holdings", "wrong": move}
    yield {**moves, "name": "holdings_begin", "event": "INSERT ON holdings", "wrong": begun}
    yield {
        "table": "parts",
        "name": "parts_end",
        "event": "UPDATE OF ended ON parts",
        "wrong": "OLD.ended IS NOT NULL",
        "message": TWICE,
    }


def illegal(db: sa.Connection) -> tuple[str, str]:
    """The conditions, for a state that changes and for a first one."""
    if db.dialect.name == "sqlite":
        changes, begins = (ALLOWED.format(was=was) for was in ("OLD.state", "'new'"))
        return f"NOT EXISTS {changes}", f"NOT EXISTS {begins}"
    pairs = db.exec_driver_sql("SELECT was || ' ' || became FROM transitions ORDER BY 1").scalars()
    among = ",".join(f'"{pair}"' for pair in pairs)
    either = "{was} || ' ' || NEW.state <> ALL ('{{{among}}}'::text[])"
    changes, begins = (either.format(was=was, among=among) for was in ("OLD.state", "'new'"))
    return changes, begins
