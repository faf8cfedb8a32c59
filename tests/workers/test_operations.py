"""An operation as its asker sees it, at every connection that it reached."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from core.connector import Account, Verb
from core.errors import Refused, TryLater
from core.ledger import answers, connections, customers
from core.ledger.answers import Answer, Outcome
from core.ledger.intake import Accepted
from core.refusals import Unknown
from core.report.operation import Line, Operation, Progress, progress
from core.report.operations import find, page
from core.states import Ended
from core.testing.imitation import COURSES, NEWS
from core.testing.lies import fails, ignores
from tests.workers.school import ANNA, DAY, EMAIL, SECOND, School, on_sqlite

BEN = "cf-2"


def seen_by_asker(school: School, asked: Accepted) -> Operation:
    with school.ledger.read() as tx:
        platforms = {school.platform.name: school.platform}
        return find(school.ledger, tx, school.customer, asked.operation, platforms)


def as_json(school: School, asked: Accepted) -> dict[str, Any]:
    text = json.dumps(seen_by_asker(school, asked).to_json())
    assert EMAIL not in text
    assert "Anna" not in text
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ([], Progress.DONE),
        ([None], Progress.OPEN),
        ([Ended.CONFIRMED, None], Progress.OPEN),
        ([Ended.CONFIRMED, Ended.ABSENT], Progress.DONE),
        ([Ended.CONFIRMED, Ended.SUPERSEDED], Progress.DONE),
        ([Ended.SUPERSEDED], Progress.SUPERSEDED),
        ([Ended.CONFIRMED, Ended.KEPT], Progress.PARTLY),
        ([Ended.ATTESTED], Progress.PARTLY),
        ([Ended.REFUSED, Ended.SUPERSEDED], Progress.PARTLY),
        ([Ended.GIVEN_UP], Progress.PARTLY),
    ],
)
def test_an_operation_stands_where_its_holdings_do(
    ends: list[Ended | None], expected: Progress
) -> None:
    assert progress(ends, waits=False, ended=None) is expected


@on_sqlite
def test_what_was_just_asked_is_open_with_our_next_moment(school: School) -> None:
    shown = as_json(school, school.subscribe())
    (part,) = shown["holdings"]
    assert (shown["verb"], shown["state"], shown["deadline"]) == ("subscribe", "open", None)
    assert (part["connection"], part["title"]) == (str(school.lane), "Imitation")
    assert (part["state"], part["ended"]) == ("queued", None)
    assert part["next"] == {"at": "2026-11-22T10:30:00Z", "whose": "ours"}


@on_sqlite
def test_a_done_operation_shows_how_we_know(school: School) -> None:
    asked = school.subscribe()
    school.drain()
    (part,) = as_json(school, asked)["holdings"]
    assert (part["state"], part["ended"], part["next"]) == ("still_there", "confirmed", None)
    assert [one["outcome"] for one in part["attempts"]] == ["confirmed"]
    (look,) = part["evidence"]
    assert look["verdict"] == "confirmed"
    assert look["seen"] == [
        {"place": NEWS.title, "presence": "subscribed",
         "fields": ["email", "first_name", "last_name"]}
    ]  # fmt: skip


@on_sqlite
def test_every_attempt_of_an_operation_is_shown_and_none_of_another(school: School) -> None:
    first = school.subscribe()
    school.drain()
    school.passes(SECOND)
    school.imitation.lie("update", fails(TryLater("503")))
    asked = school.update(first_name="Ann")
    school.passes(DAY)
    outcomes = [one.outcome for one in seen_by_asker(school, asked).parts[0].attempts]
    assert outcomes == ["TryLater", "confirmed"]
    assert len(seen_by_asker(school, first).parts[0].attempts) == 1


@on_sqlite
def test_the_looks_after_an_erasure_belong_to_it(school: School) -> None:
    school.subscribe()
    school.drain()
    asked = school.erase()
    school.passes(2 * DAY)
    (part,) = seen_by_asker(school, asked).parts
    assert [one.outcome for one in part.attempts] == ["absent", "patrolled", "patrolled"]
    assert {one.verdict for one in part.evidence} == {"absent"}


@on_sqlite
def test_what_a_later_operation_overtook_is_superseded(school: School) -> None:
    first = school.subscribe()
    second = school.erase()
    assert as_json(school, first)["state"] == "superseded"
    assert as_json(school, second)["state"] == "open"


@on_sqlite
def test_what_was_refused_is_over_and_not_done(school: School) -> None:
    school.imitation.always("subscribe", fails(Refused("422")))
    asked = school.subscribe()
    school.drain()
    shown = as_json(school, asked)
    assert (shown["state"], shown["holdings"][0]["ended"]) == ("partly", "refused")


@on_sqlite
def test_an_operation_shows_what_the_person_was_answered(school: School) -> None:
    asked = school.erase(email=EMAIL)
    given = Answer("letter", school.clock.at, Outcome.DONE)
    answers.answer(school.ledger, school.customer, asked.operation, given)
    shown = as_json(school, asked)
    assert shown["answered_at"] == "2026-11-22T10:30:00Z"
    assert [one["outcome"] for one in shown["answers"]] == ["done"]


@on_sqlite
def test_a_running_attempt_has_no_outcome_yet(school: School) -> None:
    asked = school.subscribe()
    shown: list[dict[str, Any]] = []
    school.reach.before_change = lambda: shown.append(as_json(school, asked))
    school.drain()
    assert [one["outcome"] for one in shown[0]["holdings"][0]["attempts"]] == [None]


@on_sqlite
def test_an_erasure_that_is_never_seen_shows_the_newest_attempts(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.report.operations.MOST", 3)
    school.subscribe()
    school.drain()
    school.imitation.always("erase", ignores)
    asked = school.erase()
    school.passes(DAY)
    (part,) = seen_by_asker(school, asked).parts
    newest = school.outcomes()[-3:]
    assert [one.outcome for one in part.attempts] == newest
    assert len(part.evidence) == 3


def test_another_customers_operation_is_unknown(school: School) -> None:
    asked = school.subscribe()
    other = customers.create(school.ledger, "De Kwast")
    with school.ledger.read() as tx:
        with pytest.raises(Unknown):
            find(school.ledger, tx, other, asked.operation, {})
        with pytest.raises(Unknown):
            page(tx, other.id, after=asked.operation, limit=10)
        with pytest.raises(Unknown):
            find(school.ledger, tx, school.customer, uuid4(), {})
        assert page(tx, other.id, limit=10) == []


def test_pages_show_every_operation_once_and_the_newest_first(school: School) -> None:
    asked = []
    for one in range(7):
        school.clock.passes(SECOND * (one % 2))  # some at the same moment
        asked.append(school.subscribe(f"cf-{one}", f"p{one}@example.nl", NEWS.id, COURSES.id))
    read: list[Line] = []
    with school.ledger.read() as tx:
        lines = page(tx, school.customer.id, limit=3)
        while lines:
            read += lines
            lines = page(tx, school.customer.id, after=lines[-1].id, limit=3)
    assert {one.id for one in read} == {one.operation for one in asked}
    assert len(read) == len(asked)
    assert [one.accepted_at for one in read] == sorted((o.accepted_at for o in read), reverse=True)
    assert {(one.verb, one.state) for one in read} == {(Verb.SUBSCRIBE, Progress.OPEN)}


@on_sqlite
def test_reading_costs_the_same_however_many_connections_there_are(school: School) -> None:
    before = statements(school, school.erase(ANNA, EMAIL))
    for number in range(5):
        connections.add(
            school.ledger,
            school.customer.id,
            platform=school.platform.name,
            title=f"More {number}",
            settings={},
            account=Account(f"more-{number}", "More"),
            places={},
            fields=(),
            keep_refusal=False,
        )
    asked = school.erase(BEN, "ben@example.nl")
    assert len(seen_by_asker(school, asked).parts) == 6
    assert statements(school, asked) == before


def statements(school: School, asked: Accepted) -> int:
    counted: list[str] = []

    def count(*event: Any) -> None:
        counted.append(event[2])

    engine = school.ledger.database.engine
    sa.event.listen(engine, "before_cursor_execute", count)
    seen_by_asker(school, asked)
    sa.event.remove(engine, "before_cursor_execute", count)
    return len(counted)
