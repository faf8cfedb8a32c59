"""An erasure with time to undo it: pushes stop at once, nothing is destroyed before it ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from core.connector import Account, Verb
from core.ledger import connections, customers, finishing, intake, schema
from core.ledger.holdings import holding_of
from core.ledger.intake import Accepted, Request
from core.ledger.restriction import restrict
from core.ledger.undo import carry_out, undo
from core.refusals import CannotAccept, Taken, Unknown
from core.report import PersonReport, customer_report, person_report
from core.report.operation import Operation, Progress
from core.report.operations import find
from core.report.values import Kind
from core.safe import Safe
from core.states import Ended, State
from core.testing.imitation import COURSES
from tests.threads import at_once
from tests.workers.school import ANNA, DAY, EMAIL, HOUR, MINUTE, SECOND, School, on_sqlite
from workers.dispatcher import Dispatcher

HALF_HOUR = 30 * MINUTE
ALSO = "anna.bakker@example.nl"
PUSHES = ("subscribe", "update")


def erase(school: School, time: timedelta = HALF_HOUR, email: str | None = None) -> Accepted:
    return school.ask(Verb.ERASE, email=email, undo=time)


def take_back(school: School, asked: Accepted) -> None:
    undo(school.ledger, school.customer, asked.operation)


def passes(school: School, time: timedelta) -> None:
    """The lane is drained when due until then, and then the dispatcher ticks."""
    school.passes(time)
    Dispatcher(school.ledger, lambda _: None).tick()
    school.passes(timedelta(0))


def progress(school: School, asked: Accepted) -> Progress:
    return seen_by_asker(school, asked).line.state


def seen_by_asker(school: School, asked: Accepted) -> Operation:
    with school.ledger.read() as tx:
        platforms = {school.platform.name: school.platform}
        return find(school.ledger, tx, school.customer, asked.operation, platforms)


def report(school: School) -> PersonReport:
    with school.ledger.read() as tx:
        platforms = {school.platform.name: school.platform}
        return person_report(school.ledger, tx, school.customer, ANNA, platforms)


def pushed(school: School) -> int:
    return sum(school.imitation.made(face) for face in PUSHES)


def person(school: School) -> Any:
    (row,) = school.rows(sa.select(schema.people).where(schema.people.c.id == school.person()))
    return row


@pytest.fixture
def there(school: School) -> School:
    school.subscribe()
    school.drain()
    assert school.state() is State.CONFIRMED
    return school


def test_nothing_is_destroyed_or_sent_before_the_window_ends(there: School) -> None:
    asked = erase(there)
    assert asked.holdings == 1
    passes(there, HALF_HOUR - SECOND)
    assert progress(there, asked) is Progress.WAITING
    assert there.imitation.made("erase") == 0
    assert person(there).sealed is not None
    with there.ledger.read() as tx:
        keys = there.ledger.keys_of(tx, there.customer.id)
    assert there.ledger.safe.keys({(there.person(), 0)}, keys)
    passes(there, SECOND)
    assert progress(there, asked) is Progress.DONE
    assert there.imitation.held(EMAIL) == []
    assert person(there).sealed is None
    assert not there.ledger.safe.keys({(there.person(), 0)}, keys)
    assert there.ended(asked) is Ended.CONFIRMED


def test_undone_in_time_everything_is_as_it_was(there: School) -> None:
    before = there.rows(sa.select(schema.holdings))
    asked = erase(there)
    passes(there, HALF_HOUR - SECOND)
    take_back(there, asked)
    passes(there, DAY)
    assert progress(there, asked) is Progress.UNDONE
    assert [holding_of(row) for row in there.rows(sa.select(schema.holdings))] == [
        holding_of(row) for row in before
    ]
    assert len(there.imitation.held(EMAIL)) == 1
    assert (report(there).asked_at, report(there).deadline) == (None, None)
    changed = there.update(first_name="Ann")
    passes(there, MINUTE)
    assert there.ended(changed) is Ended.CONFIRMED


def test_pushes_stop_at_once_and_go_on_when_it_is_undone(school: School) -> None:
    first = school.subscribe()
    asked = erase(school)
    also = school.subscribe(ANNA, EMAIL, COURSES.id)
    passes(school, 10 * MINUTE)
    assert (pushed(school), school.ended(first)) == (0, None)
    take_back(school, asked)
    passes(school, MINUTE)
    assert (school.ended(first), school.ended(also)) == (Ended.CONFIRMED, Ended.CONFIRMED)


@on_sqlite
def test_a_push_that_is_about_to_be_sent_is_not(school: School) -> None:
    school.subscribe()
    school.reach.before_change = lambda: None if person(school).erase_at else void(erase(school))
    school.drain()
    assert pushed(school) == 0


def void(_: object) -> None: ...


@on_sqlite
def test_erasing_wins_over_what_was_asked_meanwhile(there: School) -> None:
    asked = erase(there)
    meanwhile = [there.update(first_name="Ann"), there.subscribe(ANNA, ALSO, COURSES.id)]
    passes(there, HALF_HOUR)
    assert there.imitation.held(EMAIL, ALSO) == []
    assert there.ended(asked) is Ended.CONFIRMED
    assert [there.ended(one) for one in meanwhile] == [Ended.SUPERSEDED, Ended.SUPERSEDED]
    passes(there, 40 * DAY)
    assert pushed(there) == 1


@on_sqlite
def test_an_unsubscription_meanwhile_goes_through_and_stays(there: School) -> None:
    asked = erase(there)
    left = there.unsubscribe()
    passes(there, MINUTE)
    assert there.ended(left) is Ended.CONFIRMED
    take_back(there, asked)
    passes(there, MINUTE)
    assert [entry.presence for entry in there.imitation.held(EMAIL)] == ["unsubscribed"]


@on_sqlite
@pytest.mark.parametrize("late", [timedelta(0), DAY], ids=["at its end", "a day later"])
@pytest.mark.parametrize("ticked", [True, False])
def test_too_late_is_said(there: School, late: timedelta, *, ticked: bool) -> None:
    asked = erase(there)
    there.clock.passes(HALF_HOUR + late)
    if ticked:
        passes(there, timedelta(0))
    with pytest.raises(Taken, match="too late"):
        take_back(there, asked)
    passes(there, MINUTE)
    assert there.imitation.held(EMAIL) == []


@on_sqlite
def test_what_cannot_be_undone_says_so(there: School) -> None:
    asked = erase(there)
    take_back(there, asked)
    with pytest.raises(Taken, match="undone already"):
        take_back(there, asked)
    with pytest.raises(Taken, match="without time to undo"):
        take_back(there, there.update(first_name="Ann"))
    other = customers.create(there.ledger, "De Kwast")
    again = erase(there)
    with pytest.raises(Unknown):
        undo(there.ledger, other, again.operation)
    assert progress(there, again) is Progress.WAITING


@on_sqlite
@pytest.mark.parametrize("time", [DAY + SECOND, -SECOND])
def test_no_window_is_longer_than_a_day(there: School, time: timedelta) -> None:
    said = there.refusal(Request(Verb.ERASE, ANNA, undo=time))
    assert isinstance(said, CannotAccept)
    assert "24 hours" in str(said)
    assert person(there).erase_at is None


@on_sqlite
def test_a_second_erasure_without_a_window_erases_now(there: School) -> None:
    first = erase(there, email=ALSO)
    there.imitation.join(ALSO)
    second = there.erase()
    passes(there, MINUTE)
    assert there.imitation.held(EMAIL, ALSO) == [], "by every address that was told"
    assert progress(there, second) is Progress.DONE
    assert progress(there, first) is Progress.SUPERSEDED
    with pytest.raises(Taken, match="too late"):
        take_back(there, first)


@on_sqlite
def test_a_second_window_outlives_the_first_that_is_undone(there: School) -> None:
    first = erase(there, HOUR)
    second = erase(there, HALF_HOUR)
    take_back(there, second)
    passes(there, HALF_HOUR)
    assert progress(there, first) is Progress.WAITING
    passes(there, HALF_HOUR)
    assert progress(there, first) is Progress.DONE


@on_sqlite
def test_the_first_window_that_ends_carries_out_both(there: School) -> None:
    first = erase(there, HOUR)
    second = erase(there, HALF_HOUR)
    passes(there, HALF_HOUR)
    assert progress(there, second) is Progress.DONE
    assert progress(there, first) is Progress.SUPERSEDED
    assert there.imitation.held(EMAIL) == []


@on_sqlite
def test_both_in_one_batch_are_one_erasure_now(there: School) -> None:
    asked = [Request(Verb.ERASE, ANNA, undo=HOUR), Request(Verb.ERASE, ANNA)]
    outcomes = intake.accept(there.ledger, there.customer, asked)
    passes(there, MINUTE)
    assert there.imitation.held(EMAIL) == []
    states = [progress(there, one) for one in outcomes if isinstance(one, Accepted)]
    assert states == [Progress.SUPERSEDED, Progress.DONE]
    assert person(there).erase_at is None


def test_somebody_unknown_is_searched_by_the_address_that_was_told(school: School) -> None:
    school.imitation.join(EMAIL)
    with pytest.raises(AssertionError):
        erase(school)  # refused: by what should anybody look?
    asked = erase(school, email=EMAIL)
    assert len(school.imitation.held(EMAIL)) == 1
    passes(school, HALF_HOUR)
    assert school.ended(asked) is Ended.CONFIRMED
    assert school.imitation.held(EMAIL) == []


@on_sqlite
def test_of_somebody_unknown_nothing_is_left_when_it_is_undone(school: School) -> None:
    asked = erase(school, email=EMAIL)
    take_back(school, asked)
    row = person(school)
    assert (row.sealed, row.erase_at) == (None, None)
    (stored,) = school.rows(sa.select(schema.operations))
    assert (stored.told, stored.deadline) == (None, None)
    assert school.rows(sa.select(schema.addresses)) == []
    assert school.rows(sa.select(schema.holdings)) == []


@on_sqlite
def test_the_term_runs_from_when_the_person_asked(there: School) -> None:
    received = there.clock.at - 3 * DAY
    there.ask(Verb.ERASE, undo=HALF_HOUR, received_at=received)
    before = report(there)
    passes(there, HALF_HOUR)
    assert before.asked_at == report(there).asked_at == received
    assert before.deadline == report(there).deadline is not None


@on_sqlite
def test_the_report_says_until_when_it_can_be_undone(there: School) -> None:
    asked = erase(there)
    until = there.clock.at + HALF_HOUR
    shown = report(there).systems
    assert [(one.state, one.as_asked, one.counts_as) for one in shown] == [
        ("queued", False, "still_there")
    ]
    assert shown[0].next is not None
    assert (shown[0].next.at, shown[0].next.whose) == (until, "ours")
    (part,) = seen_by_asker(there, asked).parts
    assert (part.state, part.next) == (shown[0].state, shown[0].next)
    assert seen_by_asker(there, asked).line.undo_until == until


@on_sqlite
def test_nobody_is_told_to_delete_by_hand_what_can_still_be_undone(there: School) -> None:
    def left() -> int:
        """With a platform that declares nothing, a report says what may stay, and what to do."""
        with there.ledger.read() as tx:
            said = person_report(there.ledger, tx, there.customer, ANNA, {})
        return sum(len(one.residue) for one in said.systems if one.kind is Kind.PLATFORM)

    erase(there)
    assert left() == 0
    passes(there, HALF_HOUR + MINUTE)
    assert left() == 1


@on_sqlite
def test_the_totals_name_whose_erasure_can_still_be_undone(there: School) -> None:
    there.erase()
    passes(there, MINUTE)
    there.subscribe()
    erase(there)
    with there.ledger.read() as tx:
        made = customer_report(there.ledger, tx, there.customer, {})
    assert [(one.reference, one.email) for one in made.erasures] == [(ANNA, "a•••@e•••.nl")]


@on_sqlite
def test_a_restriction_outlives_an_erasure_that_was_undone(there: School) -> None:
    restrict(there.ledger, there.customer, ANNA, restricted=True)
    asked = erase(there)
    take_back(there, asked)
    changed = there.update(first_name="Ann")
    passes(there, DAY)
    assert there.ended(changed) is None
    again = erase(there)
    restrict(there.ledger, there.customer, ANNA, restricted=False)
    passes(there, MINUTE)
    assert there.ended(changed) is None
    take_back(there, again)
    passes(there, MINUTE)
    assert there.ended(changed) is Ended.CONFIRMED


@on_sqlite
def test_a_connection_that_is_made_meanwhile_is_searched_too(there: School) -> None:
    there.erase()
    passes(there, MINUTE)  # an erasure that is not finished, and now one that waits
    waiting = erase(there, email=ALSO)
    made = connections.add(
        there.ledger,
        there.customer.id,
        platform=there.platform.name,
        title="Later",
        settings={},
        account=Account("later", "Later"),
        places={},
        fields=(),
        keep_refusal=False,
    )
    assert progress(there, waiting) is Progress.WAITING
    take_back(there, waiting)
    holding = schema.holdings.c.connection == made
    (row,) = there.rows(sa.select(schema.holdings).where(holding))
    assert row.wants["erase"] == 2, "by the erasure that was carried out"


@pytest.mark.parametrize("face", ["bury", "confirm"])
def test_a_crash_while_it_is_carried_out_loses_nothing(
    there: School, monkeypatch: pytest.MonkeyPatch, face: str
) -> None:
    """Before the ledger commits nothing has happened; after it, tidying finishes."""
    asked = erase(there)
    there.clock.passes(HALF_HOUR)
    with monkeypatch.context() as patch:
        patch.setattr(Safe, face, dies(getattr(Safe, face)))
        with pytest.raises(Killed):
            Dispatcher(there.ledger, lambda _: None).tick()
    passes(there, timedelta(0))
    assert there.ended(asked) is Ended.CONFIRMED
    assert there.imitation.held(EMAIL) == []
    with there.ledger.read() as tx:
        keys = there.ledger.keys_of(tx, there.customer.id)
    assert not there.ledger.safe.keys({(there.person(), 0)}, keys)
    assert there.rows(sa.select(sa.func.count()).select_from(schema.operations))[0][0] == 2


def test_two_leaders_carry_it_out_once(there: School) -> None:
    asked = erase(there)
    there.clock.passes(HALF_HOUR)
    counted = at_once(*[lambda: carry_out(there.ledger)] * 4)
    assert sum(counted) == 1
    there.drain()
    assert progress(there, asked) is Progress.DONE


class Killed(BaseException):
    """The process ends at this point."""


def dies(face: Callable[..., None]) -> Callable[..., None]:
    def after(*arguments: Any) -> None:
        if "confirm" not in face.__name__:
            face(*arguments)
        raise Killed

    return after


@on_sqlite
def test_carrying_it_out_destroys_the_key_at_once_and_is_done_once(there: School) -> None:
    erase(there)
    assert carry_out(there.ledger) == 0
    there.clock.passes(HALF_HOUR)
    assert [carry_out(there.ledger), carry_out(there.ledger)] == [1, 0]
    with there.ledger.read() as tx:
        keys = there.ledger.keys_of(tx, there.customer.id)
    assert not there.ledger.safe.keys({(there.person(), 0)}, keys)


@on_sqlite
def test_the_last_record_of_an_erasure_before_it_is_kept_for_the_new_one(there: School) -> None:
    there.erase()
    passes(there, MINUTE)
    erase(there, email=EMAIL)
    with there.ledger.begin() as tx:
        tx.db.execute(
            sa.update(schema.operations)
            .where(schema.operations.c.told.is_(None))
            .values(answered_at=tx.now)
        )
    finishing.end(there.ledger)
    assert person(there).forgotten_at is None
    passes(there, HALF_HOUR)
    assert there.state() is State.NOT_FOUND
