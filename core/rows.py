"""
Many rows in one statement, on either database.

SQLAlchemy sends a statement for each row that it updates, which costs several times what the
change itself does (``make bench``). Here the rows go along as parameters that the statement
reads like a table: ``Given``. Its statements are built once, by cached functions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY

from core.database import Transaction
from core.moments import Moment, microseconds

DOCUMENT = "document"

Row = Mapping[str, Any]


class Given:
    """Rows that come with the statement, as a table with these columns' names and types."""

    def __init__(self, dialect: str, *columns: sa.Column[Any]) -> None:
        self.columns = columns
        self.is_sqlite = dialect == "sqlite"
        self.table = self.document() if self.is_sqlite else self.arrays()
        self.c = self.table.c

    def arrays(self) -> sa.FromClause:
        """PostgreSQL: an array for each column, written as its literal."""
        several = [
            sa.cast(sa.bindparam(f"new_{column.name}", type_=sa.Text), ARRAY(column.type))
            for column in self.columns
        ]
        typed = [sa.column(column.name, column.type) for column in self.columns]
        return sa.func.unnest(*several).table_valued(*typed).render_derived(name="given")

    def document(self) -> sa.FromClause:
        """SQLite: one JSON document."""
        row = sa.func.json_each(sa.bindparam(DOCUMENT, type_=sa.Text)).table_valued("value")
        several = [extracted(row.c.value, column) for column in self.columns]
        return sa.select(*several).subquery("given")

    def bound(self, rows: Collection[Row]) -> dict[str, str]:
        """The statement's parameters; every row has all of the columns."""
        if self.is_sqlite:
            return {DOCUMENT: json.dumps(list(rows), default=as_json, ensure_ascii=False)}
        return {
            f"new_{column.name}": literal(column.type, [row[column.name] for row in rows])
            for column in self.columns
        }


def extracted(row: sa.ColumnElement[Any], column: sa.Column[Any]) -> sa.Label[Any]:
    """JSON has no bytes: core.database gives SQLite a function that reads ours."""
    value = sa.func.json_extract(row, sa.literal_column(f"'$.{column.name}'"))
    if isinstance(column.type, sa.LargeBinary):
        value = sa.func.from_hex(value)
    return sa.type_coerce(value, column.type).label(column.name)


def as_json(value: object) -> object:
    match value:
        case UUID():
            return value.hex
        case datetime():
            return microseconds(value)
        case bytes():
            return value.hex()
        case _:
            raise TypeError(type(value).__name__)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'


NAMED = {
    "postgresql": postgresql.base.PGDialect(paramstyle="named"),  # type: ignore[no-untyped-call]
    "sqlite": sqlite.base.SQLiteDialect(paramstyle="named"),
}
WRITTEN: Mapping[type[Any], Callable[[Any], str]] = {
    sa.Uuid: lambda value: value.hex,
    sa.Integer: str,
    sa.Boolean: str,
    sa.String: quoted,
    sa.LargeBinary: lambda value: rf'"\\x{value.hex()}"',
    sa.JSON: lambda value: quoted(json.dumps(value, ensure_ascii=False)),
    Moment: lambda value: str(microseconds(value)),
}


def literal(kind: sa.types.TypeEngine[Any], values: Sequence[Any]) -> str:
    """An array as PostgreSQL reads it. Most columns hold the same few objects all the way."""
    write = next(WRITTEN[base] for base in type(kind).__mro__ if base in WRITTEN)
    different = {id(value): value for value in values}
    written = {key: "NULL" if value is None else write(value) for key, value in different.items()}
    return "{" + ",".join([written[id(value)] for value in values]) + "}"


def insert(tx: Transaction, table: sa.Table, rows: Sequence[Row]) -> None:
    run(tx, inserting, table, rows)


def insert_new(tx: Transaction, table: sa.Table, rows: Sequence[Row]) -> None:
    """Rows whose key is there already stay as they are."""
    run(tx, adding, table, rows)


def put(tx: Transaction, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert; a row whose primary key is there already is overwritten."""
    run(tx, putting, table, rows)


def update(tx: Transaction, table: sa.Table, rows: Sequence[Row]) -> None:
    """Change the rows with these primary keys; who is not there stays away."""
    run(tx, updating, table, rows)


def delete(tx: Transaction, table: sa.Table, rows: Sequence[Row]) -> None:
    """Remove what equals one of these rows in all of their columns."""
    run(tx, deleting, table, rows)


def one_of(
    db: sa.Connection, column: sa.Column[Any], values: Collection[Any]
) -> tuple[sa.ColumnElement[bool], dict[str, str]]:
    """``column IN (…)`` for any number of values, with its parameters."""
    among, condition = choosing(db.dialect.name, column)
    return condition, among.bound([{column.name: value} for value in values])


def run(
    tx: Transaction,
    build: Callable[[str, sa.Table, tuple[str, ...]], tuple[Given, Any]],
    table: sa.Table,
    rows: Sequence[Row],
) -> None:
    if rows:
        new, statement = build(tx.db.dialect.name, table, tuple(rows[0]))
        tx.db.execute(statement, new.bound(rows))


given = cache(Given)


@cache
def choosing(dialect: str, column: sa.Column[Any]) -> tuple[Given, sa.ColumnElement[bool]]:
    among = given(dialect, column)
    return among, column.in_(sa.select(among.c[column.name]))


@cache
def inserting(dialect: str, table: sa.Table, names: tuple[str, ...]) -> tuple[Given, Any]:
    new = given(dialect, *(table.c[name] for name in names))
    return new, sa.insert(table).from_select(names, sa.select(new.table))


@cache
def adding(dialect: str, table: sa.Table, names: tuple[str, ...]) -> tuple[Given, Any]:
    return on_conflict(dialect, table, names, "DO NOTHING")


@cache
def putting(dialect: str, table: sa.Table, names: tuple[str, ...]) -> tuple[Given, Any]:
    keys = table.primary_key.columns.keys()
    rest = ", ".join(f"{name} = excluded.{name}" for name in names if name not in keys)
    what = f"({', '.join(keys)}) DO UPDATE SET {rest}"  # nosec B608 - names of our own columns
    return on_conflict(dialect, table, names, what)


def on_conflict(
    dialect: str, table: sa.Table, names: tuple[str, ...], action: str
) -> tuple[Given, Any]:
    """As text: SQLAlchemy compiles its own form anew each time (2.0.58: no key for its cache)."""
    new, insertion = inserting(dialect, table, names)
    written = insertion.compile(dialect=NAMED[dialect])
    return new, sa.text(f"{written} WHERE true ON CONFLICT {action}")


@cache
def updating(dialect: str, table: sa.Table, names: tuple[str, ...]) -> tuple[Given, Any]:
    new = given(dialect, *(table.c[name] for name in names))
    keys = table.primary_key.columns.keys()
    changes = {name: new.c[name] for name in names if name not in keys}
    same = (table.c[key] == new.c[key] for key in keys)
    return new, sa.update(table).values(changes).where(*same)


@cache
def deleting(dialect: str, table: sa.Table, names: tuple[str, ...]) -> tuple[Given, Any]:
    old = given(dialect, *(table.c[name] for name in names))
    same = sa.and_(*(table.c[name] == old.c[name] for name in names))
    return old, sa.delete(table).where(sa.exists().where(same).select_from(old.table))
