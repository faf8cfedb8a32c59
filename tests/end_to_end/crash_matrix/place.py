"""Where runs are played, one after the other: the processes, the platform, the databases."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from connectors.sandbox.contact import Contact
from core.connector import Verb
from core.database import Transaction
from core.ledger.schema import holdings
from core.migrations import Store
from core.states import State
from tests.databases import NOW, TABLES, Clock, Urls
from tests.end_to_end.crash_matrix.hands import Hand
from tests.end_to_end.crash_matrix.platform import Books, DeletingServer
from tests.end_to_end.crash_matrix.process import Role, School, Stores, hang_up, opened
from tests.end_to_end.crash_matrix.stage import Stage
from tests.end_to_end.crash_matrix.wishes import ANNA, BERT, Wish, wish

BEGIN = NOW + timedelta(minutes=1)

Rows = Mapping[sa.Table, Sequence[Mapping[str, Any]]]


@dataclass(slots=True)
class Place:
    """
    A school with two subscribers, as every run finds it. ``stores`` are for who only reads;
    ``idle`` are processes that outlived their run.
    """

    stage: Stage
    server: DeletingServer
    urls: Urls
    key: bytes
    stores: Stores
    school: School
    asked: Sequence[Wish]
    rows: Mapping[Store, Rows]
    contacts: Sequence[Contact]
    idle: list[Hand] = field(default_factory=list)

    def begin(self) -> Books:
        """Everything is as it was, on a clock of this run's own."""
        for store, database in self.stores.items():
            with database.begin() as tx:
                for table in reversed(TABLES[store]):
                    tx.db.execute(sa.delete(table))
                for table, rows in self.rows[store].items():
                    insert(tx, table, rows)
        books = self.server.open_books(Clock(BEGIN))
        for contact in self.contacts:
            books.contacts.hold(contact)
        return books

    def wishes(self) -> list[Wish]:
        return [replace(one) for one in self.asked]

    def hire(self, role: Role, *, mortal: bool) -> Hand:
        """A process that has nothing to do with what happened in this run so far."""
        old = self.idle and not mortal  # those know their work, and would be missed
        hand = self.idle.pop() if old else Hand(self.stage.fork(self.urls))
        hand.becomes(role)
        return hand

    def close(self) -> None:
        for hand in self.idle:
            hand.line.close()
        hang_up(self.stores)

    def release(self, hand: Hand) -> None:
        hand.does("leave")
        self.idle.append(hand)


def place(stage: Stage, server: DeletingServer, urls: Urls) -> Place:
    """The databases are migrated and empty."""
    stores, key = opened(urls), os.urandom(32)
    books = server.open_books(Clock())
    first = Hand(stage.warm_up(urls))
    first.becomes(Role(key, NOW, server.url, 1, None))
    school: School = first.does("open_school")
    asked = [wish(who, Verb.SUBSCRIBE, number, NOW) for number, who in enumerate((ANNA, BERT))]
    for one in asked:
        one.operation = first.does("ask", NOW, school, one.key, one.body)
    first.does("turn", NOW)
    made = Place(
        stage,
        server,
        urls,
        key,
        stores,
        school,
        asked,
        {store: rows_of(store, stores) for store in Store},
        tuple(books.contacts.held.values()),
    )
    first.does("rehearse", school)
    first.line.close()
    return made


def rows_of(store: Store, stores: Stores) -> Rows:
    """Every row of every table that has any."""
    with stores[store].read() as tx:
        found = {one: tx.db.execute(sa.select(one)).mappings().all() for one in TABLES[store]}
    return {table: [dict(row) for row in rows] for table, rows in found.items() if rows}


def insert(tx: Transaction, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """A holding begins as one that waits, and then moves to where it stood."""
    if table is not holdings:
        tx.db.execute(sa.insert(table), rows)
        return
    tx.db.execute(sa.insert(table), [{**row, "state": State.QUEUED.value} for row in rows])
    for row in rows:
        moved = sa.update(table).where(table.c.id == row["id"]).values(state=row["state"])
        tx.db.execute(moved)
