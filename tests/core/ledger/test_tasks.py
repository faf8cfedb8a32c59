"""Work for a human: opened once, closed by a look or by a word about just that work."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from core.connector import Erasure, Platform, Text, Verb
from core.ledger import Ledger, connections, customers, lanes, schema, tasks
from core.ledger.tasks import OpenTask
from core.refusals import Unknown
from core.states import Ended, State, Task
from tests.databases import Clock
from tests.school import EMAIL, Hands, School, ends, erasure, lane_of, the_holding, update
from tests.threads import at_once, meeting, together

DAY = timedelta(days=1)
SOMEWHERE = Text(nl="hier", en="here")


def platform(*, can_look: bool) -> Platform:
    return Platform(
        name="mailman",
        title="Mailman",
        hosts=(),
        stores_in=SOMEWHERE,
        in_eu=True,
        docs="docs",
        checked=date(2026, 11, 1),
        erasure=Erasure.DELETES,
        residue=(),
        erase_by_hand=SOMEWHERE,
        can_look=can_look,
    )


BY_HAND, CAN_LOOK = platform(can_look=False), platform(can_look=True)


@pytest.fixture
def connection(school: School) -> UUID:
    return school.connect()


def waiting(school: School, person: UUID | None = None) -> list[OpenTask]:
    with school.ledger.read() as tx:
        return list(tasks.waiting(tx, school.customer.id, person))


def opened(school: School, kind: Task, verb: Verb | None) -> None:
    holding = the_holding(school.ledger)
    with school.ledger.begin() as tx:
        tasks.open_for(
            tx,
            kind=kind,
            verb=verb,
            customer=holding.customer,
            connection=holding.connection,
            person=holding.person,
            holding=holding.id,
        )


def by_hand(school: School, hands: Hands, connection: UUID, verb: Verb) -> OpenTask:
    """The worker finds that only a human can do this."""
    hands.turn(
        connection, State.NEEDS_YOU, ended=None, reached_seq=the_holding(school.ledger).reached_seq
    )
    opened(school, Task.BY_HAND, verb)
    (task,) = waiting(school)
    return task


def attest(school: School, task: OpenTask, platform: Platform = BY_HAND) -> State:
    return tasks.attest(
        school.ledger, school.customer.id, task.id, role="administration", platform=platform
    )


def rows(ledger: Ledger, table: sa.Table = schema.tasks) -> list[sa.Row[Any]]:
    with ledger.read() as tx:
        return list(tx.db.execute(sa.select(table)))


# --- opening


def test_a_task_is_opened_once_for_the_same_work(school: School, connection: UUID) -> None:
    school.accepted(school.subscription())
    for _ in range(3):
        opened(school, Task.REFUSED, Verb.SUBSCRIBE)
    (task,) = waiting(school)
    assert (task.kind, task.verb, task.connection) == (Task.REFUSED, Verb.SUBSCRIBE, connection)
    assert len(rows(school.ledger)) == 1


def test_different_troubles_are_different_tasks(school: School, connection: UUID) -> None:
    school.accepted(school.subscription())
    opened(school, Task.REFUSED, Verb.SUBSCRIBE)
    opened(school, Task.QUARANTINED, None)
    assert {task.kind for task in waiting(school)} == {Task.REFUSED, Task.QUARANTINED}


def test_a_task_for_newer_work_takes_the_place_of_the_older(
    school: School, connection: UUID
) -> None:
    school.accepted(school.subscription())
    opened(school, Task.BY_HAND, Verb.SUBSCRIBE)
    (older,) = waiting(school)
    school.accepted(erasure())
    opened(school, Task.BY_HAND, Verb.ERASE)
    (newer,) = waiting(school)
    assert newer.id != older.id
    assert newer.verb is Verb.ERASE
    assert newer.deadline is not None, "an erasure has a legal term, whatever it took over"
    assert {row.closed_how for row in rows(school.ledger)} == {None, "overtaken"}


def test_a_connection_has_one_task_of_a_kind_about_itself(school: School, connection: UUID) -> None:
    for _ in range(2):
        with school.ledger.begin() as tx:
            tasks.open_for(
                tx,
                kind=Task.RECONNECT,
                verb=None,
                customer=school.customer.id,
                connection=connection,
            )
    (task,) = waiting(school)
    assert (task.kind, task.person, task.deadline) == (Task.RECONNECT, None, None)
    with school.ledger.begin() as tx:
        tasks.close_for_connection(tx, connection, Task.RECONNECT)
    assert waiting(school) == []


def test_a_connection_has_one_task_about_itself_whoever_opens_it_at_once(
    school: School, connection: UUID
) -> None:
    """As its worker and whoever leads do, when its host answers nobody."""
    both_opened = together(tasks.open_for)

    def unreachable() -> None:
        with school.ledger.begin() as tx:
            both_opened(
                tx,
                kind=Task.CANNOT_LOOK,
                verb=None,
                customer=school.customer.id,
                connection=connection,
            )

    at_once(unreachable, unreachable)
    unreachable()
    assert [task.kind for task in waiting(school)] == [Task.CANNOT_LOOK]


def test_an_erasure_that_is_asked_again_gains_no_time(
    school: School, connection: UUID, clock: Clock
) -> None:
    school.accepted(school.subscription())
    school.accepted(erasure())
    opened(school, Task.STILL_THERE, Verb.ERASE)
    (before,) = waiting(school)
    clock.passes(10 * DAY)
    school.accepted(erasure())
    opened(school, Task.STILL_THERE, Verb.ERASE)
    (after,) = waiting(school)
    assert after.deadline == before.deadline


def test_the_most_urgent_comes_first(school: School, connection: UUID, clock: Clock) -> None:
    school.connect("Laposta")
    school.accepted(school.subscription("cf-1", "a@example.nl"))
    opened_for(school, "cf-1", Verb.SUBSCRIBE)
    for reference, days in (("cf-2", 5), ("cf-3", -4)):
        clock.passes(days * DAY)
        school.accepted(erasure(reference, f"{reference}@example.nl"))
        opened_for(school, reference, Verb.ERASE)
    deadlines = [task.deadline for task in waiting(school)]
    known = [deadline for deadline in deadlines if deadline]
    assert known == sorted(known)
    assert deadlines[len(known) :] == [None, None]


def opened_for(school: School, reference: str, verb: Verb) -> None:
    person = school.accepted(update(reference)).person if verb is not Verb.ERASE else None
    with school.ledger.begin() as tx:
        query = sa.select(schema.holdings).order_by(schema.holdings.c.asked_seq.desc())
        where = schema.holdings.c.person == person if person else schema.holdings.c.erasing
        for row in tx.db.execute(query.where(where)).all():
            tasks.open_for(
                tx,
                kind=Task.REFUSED,
                verb=verb,
                customer=row.customer,
                connection=row.connection,
                person=row.person,
                holding=row.id,
            )


def test_tasks_can_be_asked_of_one_person_and_never_of_another_customer(
    school: School, connection: UUID
) -> None:
    accepted = school.accepted(school.subscription())
    opened(school, Task.REFUSED, Verb.SUBSCRIBE)
    assert len(waiting(school, accepted.person)) == 1
    assert waiting(school, uuid4()) == []
    other = School(school.ledger, customers.create(school.ledger, "De Kwast"))
    assert waiting(other) == []
    with pytest.raises(Unknown):
        attest(other, waiting(school)[0])


def test_a_look_that_shows_it_done_closes_every_task_of_that_holding(
    school: School, connection: UUID
) -> None:
    school.accepted(school.subscription())
    opened(school, Task.REFUSED, Verb.SUBSCRIBE)
    opened(school, Task.QUARANTINED, None)
    with school.ledger.begin() as tx:
        tasks.close_seen(tx, [the_holding(school.ledger).id])
    assert waiting(school) == []


# --- attesting


def test_where_we_cannot_look_a_humans_word_is_called_just_that(
    school: School, connection: UUID, hands: Hands
) -> None:
    school.accepted(school.subscription())
    task = by_hand(school, hands, connection, Verb.SUBSCRIBE)
    assert attest(school, task) is State.ATTESTED
    assert the_holding(school.ledger).state is State.ATTESTED
    assert not the_holding(school.ledger).goal
    assert ends(school.ledger) == {1: Ended.ATTESTED.value}
    assert waiting(school) == []
    (row,) = rows(school.ledger)
    assert (row.closed_by, row.closed_how) == ("administration", "attested")
    assert rows(school.ledger, schema.events)[-1].kind == "attested"


def test_where_we_can_look_we_look_at_once_and_believe_nothing_yet(
    school: School, connection: UUID, hands: Hands
) -> None:
    school.accepted(school.subscription())
    task = by_hand(school, hands, connection, Verb.SUBSCRIBE)
    assert lane_of(school.ledger, connection).ready_at is None
    assert attest(school, task, CAN_LOOK) is State.NEEDS_YOU
    assert ends(school.ledger) == {1: None}
    assert len(hands.claim(hands.must_lease(connection))) == 1


def test_a_word_that_came_while_a_worker_tried_stands_when_that_one_dies(
    school: School, connection: UUID, hands: Hands
) -> None:
    school.accepted(erasure(email=EMAIL))
    hands.claim(hands.must_lease(connection))
    opened(school, Task.CANNOT_LOOK, Verb.ERASE)
    (task,) = waiting(school)
    attest(school, task)
    with school.ledger.begin() as tx:
        lanes.reclaim(tx, {hands.session})
    hands.adopt(hands.must_lease(connection))
    holding = the_holding(school.ledger)
    assert (holding.state, holding.due_at) == (State.ATTESTED, None)


def test_a_word_about_a_subscription_is_none_about_the_erasure_that_came_since(
    school: School, connection: UUID, hands: Hands
) -> None:
    school.accepted(school.subscription())
    task = by_hand(school, hands, connection, Verb.SUBSCRIBE)
    school.accepted(erasure())
    assert attest(school, task) is State.QUEUED
    holding = the_holding(school.ledger)
    assert holding.goal.erase
    assert holding.due_at is not None
    assert ends(school.ledger) == {1: "superseded", 2: None}
    newer = by_hand(school, hands, connection, Verb.ERASE)
    assert attest(school, newer) is State.ATTESTED
    assert ends(school.ledger)[2] == "attested"


def test_a_task_that_was_overtaken_can_no_longer_be_attested(
    school: School, connection: UUID, hands: Hands
) -> None:
    school.accepted(school.subscription())
    older = by_hand(school, hands, connection, Verb.SUBSCRIBE)
    school.accepted(erasure())
    by_hand(school, hands, connection, Verb.ERASE)
    with pytest.raises(Unknown):
        attest(school, older)
    assert the_holding(school.ledger).goal.erase


def test_a_word_about_an_erasure_leaves_a_later_return_to_be_done(
    school: School, connection: UUID, hands: Hands, clock: Clock
) -> None:
    school.accepted(school.subscription())
    school.accepted(erasure())
    clock.passes(DAY)
    school.accepted(school.subscription(basis=school.basis("b-2")))
    task = by_hand(school, hands, connection, Verb.ERASE)
    assert attest(school, task) is State.QUEUED
    assert the_holding(school.ledger).goal.subscribe == ("nieuws",)
    assert ends(school.ledger) == {1: "superseded", 2: "attested", 3: None}


def test_a_word_is_believed_once(school: School, connection: UUID, hands: Hands) -> None:
    school.accepted(school.subscription())
    task = by_hand(school, hands, connection, Verb.SUBSCRIBE)
    attest(school, task)
    with pytest.raises(Unknown, match="tasks list"):
        attest(school, task)


def test_of_two_words_about_one_task_at_once_the_first_is_believed(
    school: School, connection: UUID, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one is told that it is closed, and who closed it stays what it was."""
    school.accepted(school.subscription())
    task = by_hand(school, hands, connection, Verb.SUBSCRIBE)
    monkeypatch.setattr(tasks, "is_open", together(tasks.is_open))

    def believed() -> bool:
        try:
            attest(school, task, CAN_LOOK)
        except Unknown:
            return False
        return True

    assert sorted(at_once(believed, believed)) == [False, True]
    kinds = [row.kind for row in rows(school.ledger, schema.events)]
    assert kinds.count("attested") == 1


def test_no_look_is_due_for_a_word_that_comes_while_a_connection_is_closed(
    school: School, connection: UUID, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    school.accepted(school.subscription())
    task = by_hand(school, hands, connection, Verb.SUBSCRIBE)
    both = meeting()
    monkeypatch.setattr(tasks, "is_open", together(tasks.is_open, both))
    monkeypatch.setattr(lanes, "close", together(lanes.close, both))
    at_once(
        lambda: connections.close(school.ledger, connection),
        lambda: attest(school, task, CAN_LOOK) and None,
    )
    assert the_holding(school.ledger).due_at is None


def test_a_task_about_the_connection_itself_is_done_by_reconnecting(
    school: School, connection: UUID
) -> None:
    with school.ledger.begin() as tx:
        lanes.hold(tx, connection, "credentials")
        tasks.open_for(
            tx, kind=Task.RECONNECT, verb=None, customer=school.customer.id, connection=connection
        )
    with pytest.raises(Unknown):
        attest(school, waiting(school)[0])


def test_at_a_closed_connection_only_a_humans_word_is_left(
    school: School, connection: UUID, hands: Hands
) -> None:
    school.accepted(school.subscription())
    hands.turn(connection)
    connections.close(school.ledger, connection)
    school.accepted(erasure())
    (task,) = waiting(school)
    assert attest(school, task, CAN_LOOK) is State.ATTESTED
    assert lane_of(school.ledger, connection).ready_at is None
    assert ends(school.ledger)[2] == "attested"
