"""What a store holds as a stream of bytes, whichever database it is in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from core.backups import dumps_of_postgresql, rows_of_sqlite
from core.backups.dumps_of_postgresql import Programs
from core.database import Database
from core.migrations import Store
from core.safe.schema import day_keys, finishing_records

# Without the row that says which shape it has, nothing starts on what has only just arrived:
# restoring ends with writing it. What would outlive its own end in a backup stays out of it.
LEFT_OUT = {
    Store.LEDGER: ("ledger_version",),
    Store.SAFE: ("safe_version", finishing_records.name, day_keys.name),
}


def read(database: Database, store: Store, programs: Programs) -> Iterator[bytes]:
    """
    As it is at one moment, while others write. Raises DatabaseAway, CannotAccept.

    Not with it: finishing records, which hold the address of who was erased until that is done,
    and the day keys, as a backup must not open another.
    """
    if database.is_sqlite:
        return rows_of_sqlite.read(database, LEFT_OUT[store])
    return dumps_of_postgresql.read(database, LEFT_OUT[store], programs)


def write(database: Database, content: Iterable[bytes], programs: Programs) -> None:
    """Into an empty database, all of it or nothing. Raises DatabaseAway, CannotAccept."""
    if database.is_sqlite:
        rows_of_sqlite.write(database, content)
    else:
        dumps_of_postgresql.write(database, content, programs)


def is_empty(database: Database) -> bool:
    """Whether not even a table is in it."""
    if database.is_sqlite:
        return rows_of_sqlite.is_empty(database)
    return dumps_of_postgresql.is_empty(database)
