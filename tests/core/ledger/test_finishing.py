"""Our own last record of somebody erased goes as soon as nothing needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.connector import Identity, Verb
from core.database import Transaction
from core.ledger import Ledger, answers, connections, finishing, hints, schema, tasks
from core.ledger.answers import Answer, Outcome, answer
from core.ledger.finishing import ANSWERED_BY
from core.safe import Burial, Finishing, Safe
from core.sealing import Key
from core.states import State, Task
from tests.databases import Clock
from tests.school import EMAIL, Hands, School, erasure, held, person_row, the_holding

DAY = timedelta(days=1)
MONTH = timedelta(days=31)


@pytest.fixture
def connection(school: School) -> UUID:
    return school.connect()


@pytest.fixture
def erased(school: School, connection: UUID) -> UUID:
    school.accepted(school.subscription())
    return school.accepted(erasure()).person


def record(school: School, person: UUID) -> Finishing | None:
    with school.ledger.read() as tx:
        keys = school.ledger.keys_of(tx, school.customer.id)
    return school.ledger.safe.finishing({person}, keys).get(person)


def tidied(school: School, person: UUID) -> Finishing | None:
    finishing.end(school.ledger)
    return record(school, person)


def answered(school: School, person: UUID) -> None:
    with school.ledger.begin() as tx:
        where = sa.update(schema.operations).where(schema.operations.c.person == person)
        tx.db.execute(where.values(answered_at=tx.now))


def gone(hands: Hands, connection: UUID) -> None:
    """Seen to be gone, and no further look is due."""
    hands.turn(connection, State.NOT_FOUND)


def test_a_record_goes_when_the_last_look_is_done_and_the_person_was_answered(
    school: School, connection: UUID, erased: UUID, hands: Hands, clock: Clock
) -> None:
    gone(hands, connection)
    assert tidied(school, erased) is not None
    answered(school, erased)
    assert tidied(school, erased) is None
    assert person_row(school.ledger, erased).forgotten_at == clock.at


def test_a_record_stays_whole_until_somebody_answered_or_could_have_been(
    school: School, connection: UUID, erased: UUID, hands: Hands, clock: Clock
) -> None:
    gone(hands, connection)
    with school.ledger.read() as tx:
        query = sa.select(sa.func.max(schema.operations.c.deadline))
        deadline = tx.db.execute(query).scalar_one()
    clock.at = deadline + ANSWERED_BY
    assert tidied(school, erased) is not None
    clock.passes(timedelta(microseconds=1))
    assert tidied(school, erased) is None


def test_the_reason_of_an_answer_goes_with_the_record(
    school: School, connection: UUID, erased: UUID, hands: Hands
) -> None:
    """It is about the person, so it may not outlive what else we know."""
    with school.ledger.read() as tx:
        [operation] = tx.db.execute(
            sa.select(schema.operations.c.id).where(schema.operations.c.verb == Verb.ERASE.value)
        ).scalars()
    given = Answer("letter", school.now(), Outcome.PARTLY, "The invoices of Jan Jansen stay")
    answer(school.ledger, school.customer, operation, given)
    assert tidied(school, erased) is not None
    assert reasons(school, operation) == [given.reason]
    gone(hands, connection)
    assert tidied(school, erased) is None
    assert reasons(school, operation) == [None]


def reasons(school: School, operation: UUID) -> list[str | None]:
    with school.ledger.read() as tx:
        found = answers.of_operations(school.ledger, tx, school.customer.id, [operation])
    return [one.answer.reason for one in found]


def test_while_a_look_is_due_only_the_name_goes(
    school: School, connection: UUID, erased: UUID, hands: Hands, clock: Clock
) -> None:
    hands.turn(connection, State.NOT_FOUND, due_at=clock.at + DAY)
    answered(school, erased)
    found = tidied(school, erased)
    assert found is not None
    assert (found.name, found.emails) == ("", (EMAIL,))
    clock.passes(DAY)
    gone(hands, connection)
    assert tidied(school, erased) is None


def test_with_a_key_file_that_lacks_a_version_nothing_stands_still(
    school: School, connection: UUID, erased: UUID, hands: Hands, clock: Clock
) -> None:
    hands.turn(connection, State.NOT_FOUND, due_at=clock.at + DAY)
    answered(school, erased)
    forgotten = Ledger(school.ledger.database, school.ledger.safe, {7: Key.random()})
    finishing.end(forgotten)
    kept = record(school, erased)
    assert kept is not None
    assert kept.name
    found = tidied(school, erased)
    assert found is not None
    assert found.name == ""


def test_an_open_task_keeps_the_record(
    school: School, connection: UUID, erased: UUID, hands: Hands
) -> None:
    gone(hands, connection)
    answered(school, erased)
    holding = the_holding(school.ledger)
    with school.ledger.begin() as tx:
        tasks.open_for(
            tx,
            kind=Task.STILL_THERE,
            verb=Verb.ERASE,
            customer=school.customer.id,
            connection=connection,
            person=erased,
            holding=holding.id,
        )
    assert tidied(school, erased) is not None
    with school.ledger.begin() as tx:
        tasks.close_seen(tx, [holding.id])
    assert tidied(school, erased) is None


def test_who_was_not_erased_has_no_record_and_is_left_alone(
    school: School, connection: UUID, hands: Hands
) -> None:
    person = school.accepted(school.subscription()).person
    hands.turn(connection)
    answered(school, person)
    assert tidied(school, person) is None
    assert person_row(school.ledger, person).forgotten_at is None


def test_the_record_of_somebody_who_came_back_goes_too(
    school: School, connection: UUID, erased: UUID, hands: Hands, clock: Clock
) -> None:
    clock.passes(DAY)
    school.accepted(school.subscription(basis=school.basis("b-2")))
    answered(school, erased)
    assert tidied(school, erased) is not None, "the erasure is still to be done"
    hands.turn(connection)
    assert tidied(school, erased) is None
    assert person_row(school.ledger, erased).sealed is not None


def test_a_new_erasure_is_answered_anew(
    school: School, connection: UUID, erased: UUID, hands: Hands, clock: Clock
) -> None:
    gone(hands, connection)
    answered(school, erased)
    assert tidied(school, erased) is None
    clock.passes(DAY)
    school.accepted(erasure(email=EMAIL))
    gone(hands, connection)
    assert tidied(school, erased) is not None
    clock.passes(MONTH + ANSWERED_BY)
    assert tidied(school, erased) is None


def test_an_erasure_on_its_way_in_keeps_its_record(
    school: School,
    connection: UUID,
    erased: UUID,
    hands: Hands,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The safe is written first: tidying may come between that and the ledger's commit."""
    gone(hands, connection)
    answered(school, erased)
    due = finishing.answered

    newer = Finishing("cf-1", ("nieuw@example.nl",), "Jan", {})

    def overtaken(tx: Transaction) -> Sequence[sa.Row[Any]]:
        found = due(tx)
        keys = school.ledger.keys_of(tx, school.customer.id)
        safe = school.ledger.safe
        safe.bury(school.customer.id, [Burial(erased, 2, clock.at, {}, newer)], keys)
        return found

    monkeypatch.setattr(finishing, "answered", overtaken)
    found = tidied(school, erased)
    assert found == newer


@pytest.mark.parametrize(
    ("what", "step"), [(finishing, "answered"), (Safe, "end_finishing")], ids=["before", "while"]
)
def test_a_connection_that_is_made_when_a_record_goes_is_searched_by_it_or_not_at_all(
    school: School, connection: UUID, erased: UUID, hands: Hands, what: object, step: str
) -> None:
    """Without it a task would ask to look for somebody whom nobody knows any more."""
    gone(hands, connection)
    answered(school, erased)
    with meanwhile(what, step, lambda: school.connect("Laposta")):
        finishing.end(school.ledger)
    with school.ledger.read() as tx:
        searched = len(held(tx)) == 2
    assert searched == (record(school, erased) is not None)


@pytest.mark.parametrize(
    ("what", "step"), [(finishing, "answered"), (Safe, "end_finishing")], ids=["before", "while"]
)
def test_a_hint_that_comes_when_a_record_goes_is_followed_by_it_or_not_at_all(
    school: School, connection: UUID, erased: UUID, hands: Hands, what: object, step: str
) -> None:
    gone(hands, connection)
    answered(school, erased)
    with school.ledger.read() as tx:
        here = connections.one(tx, connection)
    told = [Identity((EMAIL,))]
    with meanwhile(what, step, lambda: hints.look_again(school.ledger, here, told)):
        finishing.end(school.ledger)
    looks = the_holding(school.ledger).due_at is not None
    assert looks == (record(school, erased) is not None)


def test_a_hint_to_a_connection_that_was_closed_meanwhile_keeps_no_record(
    school: School, connection: UUID, erased: UUID, hands: Hands
) -> None:
    """Nobody looks there any more, so that the record would stay for good."""
    gone(hands, connection)
    answered(school, erased)
    with school.ledger.read() as tx:
        here = connections.one(tx, connection)
    connections.close(school.ledger, connection)
    assert hints.look_again(school.ledger, here, [Identity((EMAIL,))]) == 0
    assert tidied(school, erased) is None


@contextmanager
def meanwhile(what: object, step: str, do: Callable[[], object]) -> Iterator[None]:
    """Another process does this after that step was begun, unless it has to wait."""
    first = getattr(what, step)
    with pytest.MonkeyPatch.context() as patched, ThreadPoolExecutor(1) as pool:

        def slowly(*args: object) -> object:
            patched.undo()
            found = first(*args)
            wait([pool.submit(do)], timeout=0.5)
            return found

        patched.setattr(what, step, slowly)
        yield
