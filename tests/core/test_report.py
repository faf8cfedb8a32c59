"""What the report says of a ledger: every system, what was seen there, and whose turn it is."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.connector import Verb
from core.ledger import connections, finishing, lanes, tasks
from core.ledger.answers import Answer, Outcome, answer
from core.ledger.schema import operations
from core.refusals import Unknown
from core.report import headline
from core.report.standing import Standing
from core.states import State, Task
from tests.core.schools import COPY, DELETE, NOW, TRACE, School, school_in, seen

PERSONAL = ("jan", "Jan", "Jansen", "example.nl", "remote-7")


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    with school_in(tmp_path) as made:
        yield made


def test_the_report_has_the_promised_shape(school: School) -> None:
    where = school.connect("Mailer A")
    school.ask(Verb.SUBSCRIBE)
    school.ask(Verb.ERASE)
    school.bring(
        where, State.STILL_THERE, acted_seq=2, answered_at=NOW, **seen(NOW, TRACE), due_at=NOW
    )
    school.open_task(where, Task.STILL_THERE)
    report = school.json()
    task = report["tasks"][0]
    assert list(report) == [
        "person", "asked_at", "deadline", "answered_at", "answers", "alerts", "restricted_at",
        "not_found", "still_there", "unknown", "systems", "tasks",
    ]  # fmt: skip
    assert report["person"] == {"reference": "cf-123", "email": "j•••@e•••.nl"}
    assert report["asked_at"] == "2026-11-22T09:00:00Z"
    assert report["deadline"] == "2026-12-22"
    assert report["systems"][0] == {
        "kind": "platform",
        "platform": "mailer",
        "connection": str(where),
        "title": "Mailer A",
        "state": "still_there",
        "as_asked": False,
        "asked_at": "2026-11-22T09:00:00Z",
        "platform_answered_at": "2026-11-22T09:00:00Z",
        "seen_at": "2026-11-22T09:00:00Z",
        "seen": [
            {"place": "Nieuwsbrief", "presence": "archived", "fields": ["email", "first_name"]}
        ],
        "residue": [
            {
                "what": {"nl": COPY.nl, "en": COPY.en},
                "until": "2026-12-22",
                "by_hand": {"nl": DELETE.nl, "en": DELETE.en},
                "source": "docs",
            }
        ],
        "next": {"at": "2026-12-22T22:59:59Z", "whose": "yours"},
    }
    assert (task["kind"], task["verb"], task["deadline"]) == ("still_there", "erase", "2026-12-22")
    assert task["by_hand"] == {"nl": DELETE.nl, "en": DELETE.en}


def test_no_state_of_the_ledger_is_open_without_a_next_moment(school: School) -> None:
    where = school.connect("Mailer A")
    school.ask(Verb.ERASE)
    for state, due in itertools.product(State, (None, NOW + timedelta(hours=1))):
        school.bring(where, state, due_at=due, final_on=NOW, **seen(NOW, TRACE))
        system = school.system("Mailer A")
        closed = system["state"] in {"not_found", "shared", "kept", "attested"}
        assert system["state"] in set(Standing)
        assert system["next"] or closed or system["as_asked"], state


@pytest.mark.parametrize("verb", [Verb.SUBSCRIBE, Verb.ERASE])
def test_nothing_personal_is_in_the_report_beyond_the_masked_address(
    school: School, verb: Verb
) -> None:
    where = school.connect("Mailer A")
    school.ask(Verb.SUBSCRIBE)
    if verb is Verb.ERASE:
        school.ask(verb)
    for state in State:
        school.bring(where, state, **seen(NOW, TRACE))
        text = json.dumps(school.json(), ensure_ascii=False)
        assert "j•••@e•••.nl" in text
        assert not [word for word in PERSONAL if word in text], state


def test_a_subscriber_is_there_as_asked(school: School) -> None:
    where = school.connect("Mailer A")
    school.ask(Verb.SUBSCRIBE)
    subscribed = {**TRACE, "presence": "subscribed"}
    school.bring(where, State.CONFIRMED, reached_seq=1, due_at=None, **seen(NOW, subscribed))
    report, system = school.json(), school.system("Mailer A")
    assert (system["state"], system["as_asked"], system["next"]) == ("still_there", True, None)
    assert (report["asked_at"], report["deadline"], report["still_there"]) == (None, None, 1)
    assert system["residue"] == []
    assert headline(school.report()).nl == "Staat op 1 plek"


def test_before_an_erasure_only_asked_systems_are_listed(school: School) -> None:
    school.connect("Mailer A")
    school.ask(Verb.SUBSCRIBE)
    school.connect("Mailer B")
    assert [one["title"] for one in school.json()["systems"]] == ["Mailer A"]


def test_after_an_erasure_every_connection_is_listed(school: School) -> None:
    gone = school.connect("Mailer A")
    school.ask(Verb.SUBSCRIBE)
    school.connect("Mailer B")
    connections.close(school.ledger, gone)
    school.ask(Verb.ERASE)
    school.connect("Mailer C")
    found = {one["title"]: one for one in school.json()["systems"]}
    assert list(found) == ["Mailer A", "Mailer B", "Mailer C", "CourseFlow"]
    assert [found[f"Mailer {one}"]["state"] for one in "ABC"] == [
        "cannot_look",
        "queued",
        "queued",  # connected later, and searched all the same
    ]
    assert found["Mailer A"]["next"] == {"at": "2026-12-22T22:59:59Z", "whose": "yours"}
    assert school.json()["unknown"] == 3


def test_disconnecting_leaves_nothing_in_our_hands(school: School) -> None:
    where = school.connect("Mailer A")
    school.ask(Verb.SUBSCRIBE)
    school.bring(where, State.RETRYING, **seen(NOW, TRACE))
    connections.close(school.ledger, where)
    system = school.system("Mailer A")
    assert system["state"] == "cannot_look"
    assert system["next"] == {"at": "2026-11-22T09:00:00Z", "whose": "yours"}
    assert school.json()["unknown"] == 1


def test_our_own_last_record_is_listed_while_it_exists(school: School) -> None:
    school.ask(Verb.ERASE)
    (ours,) = school.json()["systems"]
    assert (ours["kind"], ours["state"], ours["platform"]) == ("ours", "finishing", None)
    assert ours["next"] == {"at": "2027-01-05T22:59:59Z", "whose": "ours"}
    assert {key: school.json()[key] for key in ("not_found", "still_there", "unknown")} == {
        "not_found": 0,
        "still_there": 0,
        "unknown": 0,
    }


def test_the_name_in_our_last_record_goes_by_its_date(school: School) -> None:
    school.connect("Mailer A")
    school.ask(Verb.SUBSCRIBE)
    school.ask(Verb.ERASE)
    named, addresses = school.system("CourseFlow")["residue"]
    assert (named["until"], addresses["until"]) == ("2027-01-05", None)


def test_the_reasons_in_our_last_record_are_told(school: School) -> None:
    school.ask(Verb.ERASE)
    with school.ledger.read() as tx:
        operation = tx.db.execute(sa.select(operations.c.id)).scalar_one()
    given = Answer("letter", NOW, Outcome.PARTLY, "De rekening staat nog open.")
    answer(school.ledger, school.customer, operation, given)
    last = school.system("CourseFlow")["residue"][-1]
    assert last["what"]["en"].startswith("The reasons")


def test_a_forgotten_person_is_still_reported(school: School) -> None:
    where = school.connect("Mailer A")
    school.ask(Verb.SUBSCRIBE)
    school.ask(Verb.ERASE)
    school.bring(where, State.NOT_FOUND, reached_seq=2, due_at=None, **seen())
    school.clock[0] = NOW + timedelta(days=60)
    finishing.end(school.ledger)
    report = school.json()
    assert report["person"] == {"reference": "cf-123", "email": None}
    assert [one["kind"] for one in report["systems"]] == ["platform"]
    assert report["not_found"] == 1


def test_an_unknown_person_is_refused_without_repeating_who(school: School) -> None:
    with pytest.raises(Unknown) as refusal:
        school.report("cf-999")
    assert "cf-999" not in str(refusal.value)
    assert "erasure" in str(refusal.value)


def test_an_answer_to_an_earlier_request_is_no_answer_to_this_one(school: School) -> None:
    where = school.connect("Mailer A")
    school.ask(Verb.SUBSCRIBE)
    school.bring(where, State.CONFIRMED, acted_seq=1, answered_at=NOW, **seen(NOW, TRACE))
    school.clock[0] = NOW + timedelta(hours=1)
    school.ask(Verb.ERASE)
    system = school.system("Mailer A")
    assert system["platform_answered_at"] is None
    assert system["residue"][0]["until"] is None
    assert system["seen_at"] == "2026-11-22T09:00:00Z"
    assert school.json()["still_there"] == 1


def test_a_call_without_an_answer_is_no_answer(school: School) -> None:
    where = school.connect("Mailer A")
    school.ask(Verb.SUBSCRIBE)
    school.bring(where, State.CONFIRMED, acted_seq=1, answered_at=NOW, **seen(NOW, TRACE))
    school.clock[0] = NOW + timedelta(hours=1)
    school.ask(Verb.ERASE)
    school.bring(where, State.RETRYING, acted_seq=2)
    assert school.system("Mailer A")["platform_answered_at"] is None


def test_the_term_of_an_erasure_is_not_the_term_of_a_later_subscription(school: School) -> None:
    where = school.connect("Mailer A")
    school.ask(Verb.ERASE)
    school.clock[0] = NOW + timedelta(days=1)
    school.ask(Verb.SUBSCRIBE)
    school.bring(where, State.NEEDS_YOU, due_at=None)
    school.open_task(where, Task.REFUSED, Verb.SUBSCRIBE)
    assert school.system("Mailer A")["next"] == {"at": "2026-11-23T09:00:00Z", "whose": "yours"}


def test_a_lane_held_for_its_credential_is_the_customers_turn(school: School) -> None:
    where = school.connect("Mailer A")
    school.ask(Verb.SUBSCRIBE)
    with school.ledger.begin() as tx:
        lanes.hold(tx, where, "credentials")
        tasks.open_for(
            tx,
            kind=Task.RECONNECT,
            verb=None,
            customer=school.customer.id,
            connection=where,
        )
    system = school.system("Mailer A")
    assert (system["state"], system["next"]["whose"]) == ("needs_you", "yours")
    assert [task["kind"] for task in school.json()["tasks"]] == ["reconnect"]


def test_what_only_hands_can_do_is_the_customers_turn_until_the_term(school: School) -> None:
    where = school.connect("By hand", "byhand")
    school.ask(Verb.ERASE)
    school.bring(where, State.NEEDS_YOU, due_at=None)
    school.open_task(where, Task.BY_HAND)
    system = school.system("By hand")
    assert system["next"] == {"at": "2026-12-22T22:59:59Z", "whose": "yours"}
    assert headline(school.report()).nl == "Op 1 plek kunnen we niet kijken"


def test_a_person_who_comes_back_is_there_as_asked(school: School) -> None:
    where = school.connect("Mailer A")
    school.ask(Verb.ERASE)
    school.clock[0] = NOW + timedelta(days=1)
    school.ask(Verb.SUBSCRIBE)
    subscribed = {**TRACE, "presence": "subscribed"}
    school.bring(where, State.CONFIRMED, due_at=None, **seen(NOW, subscribed))
    system = school.system("Mailer A")
    assert (system["state"], system["as_asked"]) == ("still_there", True)
    assert school.json()["person"]["email"] == "j•••@e•••.nl"
    assert school.json()["deadline"] == "2026-12-22"


def test_a_second_request_does_not_lengthen_the_term(school: School) -> None:
    school.connect("Mailer A")
    school.ask(Verb.ERASE)
    school.clock[0] = NOW + timedelta(days=10)
    school.ask(Verb.ERASE)
    assert school.json()["deadline"] == "2026-12-22"


def test_an_answer_ends_the_requests_before_it_only(school: School) -> None:
    school.connect("Mailer A")
    school.ask(Verb.ERASE)
    with school.ledger.begin() as tx:
        tx.db.execute(sa.update(operations).values(answered_at=NOW + timedelta(days=1)))
    assert school.json()["answered_at"] == "2026-11-23T09:00:00Z"
    school.clock[0] = NOW + timedelta(days=10)
    school.ask(Verb.ERASE)
    assert school.json()["answered_at"] is None
    assert school.json()["deadline"] == "2027-01-02"


def test_a_deadline_is_a_day_in_the_customers_time_zone(school: School) -> None:
    school.clock[0] = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)  # the 23rd in Amsterdam
    school.ask(Verb.ERASE)
    assert school.json()["deadline"] == "2026-12-23"


def test_a_platform_that_is_no_longer_installed_claims_nothing(school: School) -> None:
    school.connect("Old", "vanished")
    school.ask(Verb.ERASE)
    (left,) = school.system("Old")["residue"]
    assert left["until"] is None
    assert "not know" in left["what"]["en"]
