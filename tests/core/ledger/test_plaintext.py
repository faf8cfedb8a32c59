"""Nothing personal lies readable in any file or column of ours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import quote

import sqlalchemy as sa

from core.connector import Verb
from core.database import Database
from core.ledger import Ledger
from core.ledger.answers import Answer, Outcome, answer
from core.ledger.intake import Request
from core.ledger.undo import undo
from core.migrations import Store
from tests.databases import TABLES, Urls
from tests.school import Hands, School, erasure, unsubscription, update

MARKS = ["mark.of.jan@example.nl", "mark.of.piet@example.nl", "Markofjansen", "mark-reference-1"]
PLAIN = "De Verfschuur"  # the customer's name is no secret; it proves that we would find one


def raw(ledger: Ledger, urls: Urls) -> Iterator[bytes]:
    """Every byte of every file, or of every row where the files are a server's."""
    for store, database in ((Store.LEDGER, ledger.database), (Store.SAFE, ledger.safe.database)):
        yield from dump(store, database)
        if database.is_sqlite:
            path = sa.make_url(urls[store]).database
            for suffix in ("", "-wal", "-shm"):
                with open(f"{path}{suffix}", "rb") as file:  # noqa: PTH123  a path with a suffix
                    yield file.read()


def dump(store: Store, database: Database) -> Iterator[bytes]:
    with database.read() as tx:
        for table in TABLES[store]:
            for row in tx.db.execute(sa.select(table)):
                for value in row:
                    yield value if isinstance(value, bytes) else str(value).encode()


def found(ledger: Ledger, urls: Urls, mark: str) -> bool:
    spellings = {mark, mark.lower(), mark.upper(), quote(mark), mark.partition("@")[0]}
    wanted = [spelling.encode(code) for spelling in spellings for code in ("utf-8", "utf-16-le")]
    return any(want in part for part in raw(ledger, urls) for want in wanted)


def test_no_name_address_or_reference_is_readable_before_or_after_an_erasure(
    school: School, hands: Hands, urls: Urls
) -> None:
    connection = school.connect()
    jan, piet, name, reference = MARKS
    school.accepted(school.subscription(reference, jan, fields={"last_name": name}))
    school.accepted(update(reference, piet, first_name=name))
    school.accepted(unsubscription(reference, jan))
    hands.turn(connection)
    assert found(school.ledger, urls, PLAIN)
    assert not [mark for mark in MARKS if found(school.ledger, urls, mark)]
    school.accepted(erasure(reference, jan))
    hands.turn(connection)
    assert not [mark for mark in MARKS if found(school.ledger, urls, mark)]


def test_neither_what_can_be_undone_nor_the_reason_of_an_answer_is_readable(
    school: School, urls: Urls
) -> None:
    school.connect()
    _, piet, name, reference = MARKS
    waiting = Request(Verb.ERASE, reference, piet, undo=timedelta(hours=1))
    asked = school.accepted(waiting)
    assert not [mark for mark in MARKS if found(school.ledger, urls, mark)]
    undo(school.ledger, school.customer, asked.operation)
    asked = school.accepted(erasure(reference, piet))
    given = Answer("letter", school.now(), Outcome.REFUSED, f"{name} <{piet}>")
    answer(school.ledger, school.customer, asked.operation, given)
    assert not [mark for mark in MARKS if found(school.ledger, urls, mark)]
