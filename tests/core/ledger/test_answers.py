"""A term ends when the person was answered, or is extended once, within its first month."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from core.ledger import Ledger, answers, customers, finishing, schema, tasks
from core.ledger.answers import Answer, Answered, Outcome
from core.ledger.intake import Accepted
from core.refusals import CannotAccept, Taken, Unknown
from core.safe.schema import finishing_records
from core.states import Task
from tests.databases import NOW, Clock
from tests.school import Hands, School, erasure, the_holding, unsubscription

DAY = timedelta(days=1)
FIRST = datetime(2026, 12, 22, 22, 59, 59, 999999, tzinfo=UTC)
LONGER = datetime(2027, 2, 22, 22, 59, 59, 999999, tzinfo=UTC)
REASON = "De rekening van Jan Jansen staat nog open."


@pytest.fixture
def erased(school: School) -> Accepted:
    school.connect()
    school.accepted(school.subscription())
    return school.accepted(erasure())


def say(school: School, asked: Accepted, outcome: Outcome = Outcome.DONE, **told: Any) -> Answered:
    usual = {"how": "letter", "at": school.now(), "reason": None, **told}
    given = Answer(outcome=outcome, **usual)
    return answers.answer(school.ledger, school.customer, asked.operation, given)


def operation(school: School, asked: Accepted) -> Any:
    with school.ledger.read() as tx:
        where = schema.operations.c.id == asked.operation
        return tx.db.execute(sa.select(schema.operations).where(where)).one()


def known(school: School, asked: Accepted) -> list[Answered]:
    with school.ledger.read() as tx:
        return answers.of_operations(school.ledger, tx, school.customer.id, [asked.operation])


def test_an_answer_ends_the_term_at_the_moment_it_was_given(
    school: School, erased: Accepted, clock: Clock
) -> None:
    clock.passes(3 * DAY)
    made = say(school, erased, at=NOW + DAY)
    assert operation(school, erased).answered_at == NOW + DAY
    assert known(school, erased) == [made]
    with school.ledger.read() as tx:
        assert tasks.legal_term(tx, erased.person) is None


def test_an_answer_lets_our_own_last_record_go(
    school: School, erased: Accepted, hands: Hands
) -> None:
    hands.turn(the_holding(school.ledger).connection)
    finishing.end(school.ledger)
    with school.ledger.read() as tx:
        keys = school.ledger.keys_of(tx, school.customer.id)
    assert school.ledger.safe.finishing({erased.person}, keys)
    say(school, erased)
    finishing.end(school.ledger)
    assert not school.ledger.safe.finishing({erased.person}, keys)


def test_an_answer_to_one_request_is_none_to_the_next(
    school: School, erased: Accepted, clock: Clock
) -> None:
    clock.passes(DAY)
    again = school.accepted(erasure())
    clock.passes(DAY)
    say(school, erased)
    assert operation(school, again).answered_at is None
    with school.ledger.read() as tx:
        assert tasks.legal_term(tx, erased.person) == FIRST + DAY


def test_an_extension_gives_two_calendar_months_more_and_ends_nothing(
    school: School, erased: Accepted
) -> None:
    made = say(school, erased, Outcome.EXTENDED, reason=REASON)
    row = operation(school, erased)
    assert (row.deadline, row.answered_at, made.deadline) == (LONGER, None, LONGER)


def test_open_tasks_carry_the_term_that_runs_now(school: School, erased: Accepted) -> None:
    holding = the_holding(school.ledger)
    with school.ledger.begin() as tx:
        tasks.open_for(
            tx,
            kind=Task.STILL_THERE,
            verb=holding.goal.verb,
            customer=school.customer.id,
            connection=holding.connection,
            person=holding.person,
            holding=holding.id,
        )

    def term() -> datetime | None:
        with school.ledger.read() as tx:
            (task,) = tasks.waiting(tx, school.customer.id)
        return task.deadline

    assert term() == FIRST
    say(school, erased, Outcome.EXTENDED, reason=REASON)
    assert term() == LONGER
    say(school, erased)
    assert term() is None


def test_a_term_is_extended_within_its_first_month_and_once(
    school: School, erased: Accepted, clock: Clock
) -> None:
    clock.at = FIRST + timedelta(microseconds=1)
    with pytest.raises(CannotAccept, match="first month only"):
        say(school, erased, Outcome.EXTENDED, reason=REASON, at=NOW)
    clock.at = FIRST
    say(school, erased, Outcome.EXTENDED, reason=REASON)
    with pytest.raises(Taken, match="It can be once"):
        say(school, erased, Outcome.EXTENDED, reason=REASON)


def test_who_was_answered_needs_no_longer_term(school: School, erased: Accepted) -> None:
    say(school, erased)
    with pytest.raises(Taken, match="nothing to extend"):
        say(school, erased, Outcome.EXTENDED, reason=REASON)
    assert operation(school, erased).deadline == FIRST


@pytest.mark.parametrize("outcome", [Outcome.PARTLY, Outcome.REFUSED, Outcome.EXTENDED])
@pytest.mark.parametrize("reason", [None, "", "  "])
def test_whoever_does_not_do_it_all_says_why(
    school: School, erased: Accepted, outcome: Outcome, reason: str | None
) -> None:
    with pytest.raises(CannotAccept, match="needs the reason"):
        say(school, erased, outcome, reason=reason)
    assert known(school, erased) == []


def test_a_reason_is_sealed(school: School, erased: Accepted) -> None:
    say(school, erased, Outcome.REFUSED, reason=REASON)
    with school.ledger.safe.database.read() as tx:
        stored = tx.db.execute(sa.select(finishing_records.c.sealed)).scalar_one()
    assert b"Jansen" not in stored
    assert known(school, erased)[0].answer.reason == REASON


def test_each_answer_has_its_own_reason_beyond_the_next_erasure(
    school: School, erased: Accepted, clock: Clock
) -> None:
    say(school, erased, Outcome.PARTLY, reason=REASON)
    clock.passes(DAY)
    say(school, erased)
    again = school.accepted(erasure())
    say(school, again, Outcome.REFUSED, reason="Deze niet.")
    first = [one.answer.reason for one in known(school, erased)]
    assert (first, known(school, again)[0].answer.reason) == ([REASON, None], "Deze niet.")


def test_a_reason_that_comes_after_the_last_record_is_not_kept(
    school: School, erased: Accepted, hands: Hands, clock: Clock
) -> None:
    hands.turn(the_holding(school.ledger).connection)
    say(school, erased)
    finishing.end(school.ledger)
    clock.passes(DAY)
    made = say(school, erased, Outcome.PARTLY, reason=REASON)
    assert made.answer == Answer("letter", school.now(), Outcome.PARTLY, None)
    assert known(school, erased)[-1] == made


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"at": NOW + DAY}, "in the future"),
        ({"at": NOW - DAY}, "before the request"),
        ({"how": "mail to jan@example.nl"}, "without an address"),
        ({"how": ""}, "how the person was answered"),
        ({"reason": "x" * 2001}, "longer than 2000"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_whole(
    school: School, erased: Accepted, told: dict[str, Any], says: str
) -> None:
    with pytest.raises(CannotAccept, match=says):
        say(school, erased, **told)
    assert known(school, erased) == []
    assert operation(school, erased).answered_at is None


def test_only_an_erasure_is_answered(school: School) -> None:
    school.accepted(school.subscription())
    left = school.accepted(unsubscription())
    with pytest.raises(CannotAccept, match="only an erasure"):
        say(school, left)


def test_another_customers_operation_is_unknown(
    school: School, erased: Accepted, ledger: Ledger
) -> None:
    other = School(ledger, customers.create(ledger, "De Kwast"))
    with pytest.raises(Unknown):
        say(other, erased)
    assert operation(school, erased).answered_at is None


def test_a_later_answer_is_kept_and_moves_no_moment(
    school: School, erased: Accepted, clock: Clock
) -> None:
    say(school, erased, Outcome.REFUSED, reason=REASON)
    clock.passes(DAY)
    say(school, erased)
    assert [one.answer.outcome for one in known(school, erased)] == ["refused", "done"]
    assert operation(school, erased).answered_at == NOW
