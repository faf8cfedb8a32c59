"""The database refuses every move that the table does not have, and a second end."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from core.database import Transaction
from core.ledger.schema import events, holdings, parts, transitions
from core.migrations.guards import guard
from core.states import Ended, State
from core.transitions import NEW, WAYS, legal
from tests.school import School

LEGAL = legal(WAYS)
ALL = [(str(was), str(became)) for was, became in product((NEW, *State), State)]


@pytest.fixture
def tx(school: School) -> Iterator[Transaction]:
    """With one holding; nothing of what is tried stays."""
    school.connect()
    school.accepted(school.subscription())
    with school.ledger.begin() as tx, tx.db.begin_nested() as tries:
        yield tx
        tries.rollback()


def passes(tx: Transaction, *statements: sa.Executable) -> bool:
    """Whether the database takes them all; they are taken back in any case."""
    with tx.db.begin_nested() as attempt:
        try:
            for statement in statements:
                tx.db.execute(statement)
        except IntegrityError:
            return False
        else:
            return True
        finally:
            attempt.rollback()


def becomes(state: str) -> sa.Update:
    return sa.update(holdings).values(state=state)


def path(state: str) -> tuple[str, ...]:
    """The states that a holding passes on its shortest way there."""
    paths: dict[str, tuple[str, ...]] = {NEW: ()}
    while state not in paths:
        paths = {b: (*paths[w], b) for w, b in sorted(LEGAL) if w in paths} | paths
    return paths[state]


def moves_that_pass(tx: Transaction) -> set[tuple[str, str]]:
    return {
        (str(was), str(became))
        for was, became in product(State, State)
        if passes(tx, *(becomes(one) for one in path(was)), becomes(became))
    }


def beginnings_that_pass(tx: Transaction) -> set[tuple[str, str]]:
    known = dict(tx.db.execute(sa.select(holdings)).one()._mapping)
    tx.db.execute(sa.delete(parts))
    tx.db.execute(sa.delete(holdings))
    return {
        (NEW, str(state))
        for state in State
        if passes(tx, sa.insert(holdings).values({**known, "state": state.value}))
    }


def event(tx: Transaction, was: str, became: str) -> sa.Insert:
    told = {"customer": UUID(int=1), "at": tx.now, "kind": "tried"}
    return sa.insert(events).values(**told, was=was, became=became)


STAYS = {(state.value, state.value) for state in State}
MOVES = {pair for pair in LEGAL if pair[0] != NEW}


def test_the_migrated_table_is_the_one_in_the_code(tx: Transaction) -> None:
    assert {tuple(row) for row in tx.db.execute(sa.select(transitions))} == LEGAL


def test_of_all_moves_exactly_the_legal_ones_pass(tx: Transaction) -> None:
    assert moves_that_pass(tx) == MOVES | STAYS
    assert beginnings_that_pass(tx) == LEGAL - MOVES


def test_of_all_events_exactly_those_of_legal_moves_pass(tx: Transaction) -> None:
    assert {pair for pair in ALL if passes(tx, event(tx, *pair))} == LEGAL


def test_a_pair_that_is_forgotten_and_one_too_many_are_seen(tx: Transaction) -> None:
    """Else the tests above could not fail."""
    was = State.RETURNED.value
    missing, more = (was, State.QUEUED.value), (was, State.SENT.value)
    this = sa.tuple_(transitions.c.was, transitions.c.became).in_([missing])
    tx.db.execute(sa.delete(transitions).where(this))
    tx.db.execute(sa.insert(transitions).values(more))
    guard(tx.db)
    assert moves_that_pass(tx) == (MOVES | STAYS) ^ {missing, more}


def test_without_their_guards_the_holdings_move_at_will(tx: Transaction) -> None:
    where = "" if tx.db.dialect.name == "sqlite" else " ON holdings"
    for trigger in ("holdings_move", "holdings_begin"):
        tx.db.exec_driver_sql(f"DROP TRIGGER {trigger}{where}")
    assert moves_that_pass(tx) | beginnings_that_pass(tx) == set(ALL)


def test_an_operation_ends_once_at_a_holding(tx: Transaction) -> None:
    ends = [sa.update(parts).values(ended=end.value, ended_at=tx.now) for end in Ended]
    assert all(passes(tx, end) for end in ends)
    assert not any(passes(tx, first, second) for first, second in product(ends, ends))
    assert not passes(tx, ends[0], sa.update(parts).values(ended=None))
