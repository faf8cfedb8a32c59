"""
The content of an SQLite database as a stream, read in one transaction while others write.

The tables' own statements and their rows, not the file: so nothing that was deleted comes along
in free pages, nothing is written to any disk but the sealed stream, and a database of any size
takes a few MiB of memory. Nobody waits for it; the write-ahead log grows meanwhile.
"""

from __future__ import annotations

import base64
import json
import sqlite3
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from core.database import Database, DatabaseAway

AT_ONCE = 100  # rows in a line
PIECE = 1 << 20
# But for SQLite's own. Triggers last: they judge rows as if somebody had just asked for them.
TABLES = (
    "SELECT name, sql FROM sqlite_master WHERE type = 'table'"
    " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
)
REST = (
    "SELECT sql FROM sqlite_master WHERE type <> 'table' AND sql IS NOT NULL"
    " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type = 'trigger', name"
)


def read(database: Database, without: Collection[str]) -> Iterator[bytes]:
    """Everything but the rows of the tables ``without``. Raises DatabaseAway."""
    squeeze = zlib.compressobj()
    with database.read() as tx, translated():
        for each in lines(raw(tx.db), without):
            if piece := squeeze.compress(each):
                yield piece
    yield squeeze.flush()


def lines(db: sqlite3.Connection, without: Collection[str]) -> Iterator[bytes]:
    tables = db.execute(TABLES).fetchall()
    for _, statement in tables:
        yield line([statement])  # a statement stands alone
    for name, _ in tables:
        if name not in without:
            cursor = db.execute(f"SELECT * FROM {quoted(name)}")  # noqa: S608  # nosec B608
            columns = [column[0] for column in cursor.description]
            while rows := cursor.fetchmany(AT_ONCE):
                yield line([name, columns, rows])
    for (statement,) in db.execute(REST).fetchall():
        yield line([statement])


def write(database: Database, content: Iterable[bytes]) -> None:
    """Into an empty database, all of it or nothing. Raises DatabaseAway."""
    with database.begin() as tx, translated():
        db = raw(tx.db)
        db.execute("PRAGMA defer_foreign_keys = ON")
        for each in read_lines(content):
            name, *table = json.loads(each, object_hook=as_bytes)
            if not table:
                db.execute(name)
                continue
            columns, rows = table
            named, marks = ", ".join(map(quoted, columns)), ", ".join("?" * len(columns))
            into = f"INSERT INTO {quoted(name)} ({named}) VALUES ({marks})"  # noqa: S608  # nosec B608
            db.executemany(into, rows)


def read_lines(content: Iterable[bytes]) -> Iterator[bytes]:
    expand, begun = zlib.decompressobj(), b""
    for piece in content:
        more = piece
        while more:
            begun += expand.decompress(more, PIECE)
            more = expand.unconsumed_tail
            *whole, begun = begun.split(b"\n")
            yield from whole


def is_empty(database: Database) -> bool:
    with database.read() as tx:
        return tx.db.exec_driver_sql("SELECT 1 FROM sqlite_master LIMIT 1").first() is None


@contextmanager
def translated() -> Iterator[None]:
    """As in every transaction, for what goes past SQLAlchemy."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise DatabaseAway(type(error).__name__) from None


def raw(db: Any) -> sqlite3.Connection:
    found: sqlite3.Connection = db.connection.driver_connection
    return found


def line(value: Any) -> bytes:
    return f"{json.dumps(value, default=as_json)}\n".encode()


def as_json(value: object) -> object:
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    raise TypeError(type(value).__name__)


def as_bytes(value: dict[str, str]) -> bytes:
    return base64.b64decode(value["bytes"])


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
