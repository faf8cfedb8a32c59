"""Rows that go along with a statement arrive as they were, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from core import rows
from core.database import Database
from core.moments import Moment
from tests.databases import NOW

metadata = sa.MetaData()
things = sa.Table(
    "things",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("text", sa.String),
    sa.Column("number", sa.BigInteger),
    sa.Column("flag", sa.Boolean),
    sa.Column("raw", sa.LargeBinary),
    sa.Column("tree", sa.JSON),
    sa.Column("at", Moment),
)

TEXTS = [
    "",
    "NULL",
    "null",
    " a  b ",
    'with "quotes"',
    "back\\slash \\x41",
    "{brace,comma}",
    "lijn\nnieuw\ttab",
    "Zoë Ångström 学校 🎨",
    "'); DROP TABLE things; --",
    "100% %s :name $1",
]


@pytest.fixture
def database(blank_url: str) -> Iterator[Database]:
    found = Database(blank_url)
    with found.begin() as tx:
        metadata.create_all(tx.db)
    yield found
    found.engine.dispose()


def thing(number: int, text: str | None) -> dict[str, object]:
    return {
        "id": UUID(int=number),
        "text": text,
        "number": 2**53 + number,
        "flag": number % 2 == 0,
        "raw": bytes(range(256)) if number % 2 else b"",
        "tree": {"key": [text, number, None, {"deep": True}]},
        "at": NOW + timedelta(microseconds=number),
    }


def stored(database: Database) -> list[dict[str, object]]:
    with database.read() as tx:
        return [dict(row._mapping) for row in tx.db.execute(sa.select(things).order_by("id"))]


def test_every_value_arrives_as_it_was(database: Database) -> None:
    given = [thing(number, text) for number, text in enumerate(TEXTS)]
    with database.begin() as tx:
        rows.insert(tx, things, given)
    assert stored(database) == given


def test_what_is_missing_stays_missing(database: Database) -> None:
    nothing = dict.fromkeys(("text", "number", "flag", "raw", "at"))
    given = [{"id": uuid4(), **nothing}, {**thing(1, "x"), "id": uuid4()}]
    del given[1]["tree"]
    with database.begin() as tx:
        rows.insert(tx, things, given)
    [empty] = [row for row in stored(database) if row["text"] is None]
    assert empty == {"id": given[0]["id"], **nothing, "tree": None}


def test_no_rows_are_no_statement(database: Database) -> None:
    with database.begin() as tx:
        for write in (rows.insert, rows.insert_new, rows.put, rows.update, rows.delete):
            write(tx, things, [])
    assert stored(database) == []


def test_who_is_there_already_stays_as_it_is(database: Database) -> None:
    first, second = thing(1, "first"), thing(2, "second")
    with database.begin() as tx:
        rows.insert_new(tx, things, [first])
        rows.insert_new(tx, things, [{**first, "text": "other"}, second])
    assert stored(database) == [first, second]


def test_who_is_there_already_is_overwritten(database: Database) -> None:
    first, second = thing(1, "first"), thing(2, "second")
    with database.begin() as tx:
        rows.put(tx, things, [first])
        rows.put(tx, things, [{**first, "text": "other"}, second])
    assert stored(database) == [{**first, "text": "other"}, second]


def test_only_the_named_columns_of_the_named_rows_change(database: Database) -> None:
    given = [thing(number, "old") for number in range(3)]
    with database.begin() as tx:
        rows.insert(tx, things, given)
        changes = [{"id": UUID(int=1), "text": "new"}, {"id": UUID(int=9), "text": "nobody"}]
        rows.update(tx, things, changes)
    assert stored(database) == [given[0], {**given[1], "text": "new"}, given[2]]


def test_what_equals_a_row_in_all_its_columns_goes(database: Database) -> None:
    given = [thing(number, "same" if number else "other") for number in range(3)]
    with database.begin() as tx:
        rows.insert(tx, things, given)
        rows.delete(tx, things, [{"text": "same", "number": given[1]["number"]}])
    assert stored(database) == [given[0], given[2]]


def test_a_choice_of_many_values_finds_exactly_those(database: Database) -> None:
    given = [thing(number, str(number)) for number in range(50)]
    wanted = {UUID(int=number) for number in range(0, 100, 7)}
    with database.begin() as tx:
        rows.insert(tx, things, given)
        chosen, parameters = rows.one_of(tx.db, things.c.id, wanted)
        found = tx.db.execute(sa.select(things.c.id).where(chosen), parameters).scalars().all()
    assert set(found) == {UUID(int=number) for number in range(0, 50, 7)}


def test_a_naive_moment_is_refused(database: Database) -> None:
    naive = {**thing(1, "x"), "at": NOW.replace(tzinfo=None)}
    with pytest.raises(ValueError, match="time zone"), database.begin() as tx:
        rows.insert(tx, things, [naive])
