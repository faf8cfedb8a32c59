"""Totals of a customer: they agree with each person's report, and name what is urgent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.connector import Verb
from core.ledger import connections, finishing
from core.ledger.schema import operations
from core.states import State, Task
from tests.core.schools import EMAIL, NOW, TRACE, School, school_in, seen


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    with school_in(tmp_path) as made:
        yield made


def test_totals_agree_with_the_reports_of_each_person(school: School) -> None:
    first, second = school.connect("Mailer A"), school.connect("By hand", "byhand")
    closed = school.connect("Mailer B")
    for number in range(4):
        school.ask(Verb.SUBSCRIBE, f"cf-{number}", f"p{number}@example.nl")
    connections.close(school.ledger, closed)
    school.bring(first, State.CONFIRMED, reached_seq=1, **seen(NOW, TRACE))
    school.ask(Verb.ERASE, "cf-0", "p0@example.nl")
    school.ask(Verb.ERASE, "cf-1", "p1@example.nl")
    school.bring(second, State.NEEDS_YOU, due_at=None)
    reports = [school.report(f"cf-{number}").to_json() for number in range(4)]
    totals = school.totals().to_json()
    for what in ("not_found", "still_there", "unknown"):
        assert totals[what] == sum(report[what] for report in reports), what
    systems = [one for report in reports for one in report["systems"] if one["kind"] != "ours"]
    states = [one["state"] for one in systems]
    assert totals["states"] == {state: states.count(state) for state in totals["states"]}
    assert sum(totals["states"].values()) == len(states)
    assert [one["connected"] for one in totals["connections"]] == [True, True, False]
    assert totals["people"] == 2


def test_totals_name_whose_answer_is_due_first(school: School) -> None:
    where = school.connect("Mailer A")
    school.ask(Verb.ERASE, "cf-1", EMAIL)
    school.open_task(where, Task.STILL_THERE)
    school.clock[0] = NOW + timedelta(days=1)
    school.ask(Verb.ERASE, "cf-2", "els@example.test")
    totals = school.totals().to_json()
    assert [one["person"]["reference"] for one in totals["erasures"]] == ["cf-1", "cf-2"]
    assert [one["deadline"] for one in totals["erasures"]] == ["2026-12-22", "2026-12-23"]
    assert totals["open_tasks"] == {"still_there": 1}
    text = json.dumps(totals, ensure_ascii=False)
    assert not [word for word in ("jan@", "els@", "example") if word in text]


def test_an_answered_erasure_is_not_open(school: School) -> None:
    school.ask(Verb.ERASE)
    with school.ledger.begin() as tx:
        tx.db.execute(sa.update(operations).values(answered_at=NOW + timedelta(days=1)))
    assert school.totals().open_erasures == 0


def test_an_erasure_of_whom_nobody_knows_any_more_is_not_open(school: School) -> None:
    school.ask(Verb.ERASE)
    assert school.totals().open_erasures == 1
    school.clock[0] = NOW + timedelta(days=60)
    finishing.end(school.ledger)
    assert school.totals().open_erasures == 0
