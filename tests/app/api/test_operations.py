"""Asking over HTTP: accepted whole, or refused with a reason, each for itself in a batch."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from core.ledger import alerts, schema
from tests.app.api.conftest import BASIS, ERASE, PERSON, SUBSCRIBE, School, problem


def test_what_is_asked_is_accepted_for_each_connection_concerned(school: School) -> None:
    connection = school.connect_by_hand()["id"]
    answer = school.ask(SUBSCRIBE)
    assert answer.status_code == 202
    told = answer.json()
    assert told["verb"] == "subscribe"
    assert told["state"] == "open"
    assert told["holdings"] == [{"connection": connection, "state": "queued"}]


def test_where_no_connection_is_concerned_it_says_so(school: School) -> None:
    told = school.ask(SUBSCRIBE).json()
    assert (told["state"], told["holdings"]) == ("done", [])


def test_an_accepted_operation_can_be_read_back(school: School) -> None:
    school.connect_by_hand()
    made = school.ask(SUBSCRIBE).json()
    told = school.get(f"/operations/{made['id']}").json()
    assert (told["id"], told["state"]) == (made["id"], "open")
    assert [one["connection"] for one in told["holdings"]] == [
        one["connection"] for one in made["holdings"]
    ]


def test_an_erasure_covers_every_connection_of_somebody_unknown(school: School) -> None:
    places = {school.connect_by_hand(title)["id"] for title in ("Een", "Twee")}
    asked = {"verb": "erase", "person": {"reference": "cf-9", "email": "piet@example.nl"}}
    told = school.ask(asked).json()
    assert {one["connection"] for one in told["holdings"]} == places


def test_an_erasure_takes_no_narrowing(school: School) -> None:
    told = problem(school.ask({**ERASE, "lists": ["nieuwsbrief"]}), 422, "invalid")
    assert told["where"][0]["pointer"] == "/lists"


def test_a_basis_belongs_to_subscribing_only(school: School) -> None:
    told = problem(school.ask({**ERASE, "basis": BASIS}), 422, "invalid")
    assert told["where"][0]["pointer"] == "/basis"


def test_a_subscription_without_a_basis_is_refused(school: School) -> None:
    asked = {name: value for name, value in SUBSCRIBE.items() if name != "basis"}
    assert "basis" in problem(school.ask(asked), 422, "no-basis")["detail"]


def test_an_update_of_somebody_unknown_is_refused(school: School) -> None:
    problem(school.ask({"verb": "update", "person": PERSON}), 422, "refused")


def test_an_unknown_list_is_pointed_at_and_not_repeated(school: School) -> None:
    answer = school.ask({**SUBSCRIBE, "lists": ["nieuwsbrief", "geheim"]})
    assert problem(answer, 422, "invalid")["where"][0]["pointer"] == "/lists/1"
    assert "geheim" not in answer.text


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"basis": {**BASIS, "given_at": "2999-01-01"}}, "/basis/given_at"),
        ({"basis": {**BASIS, "given_at": "soon"}}, "/basis/given_at"),
        ({"request": {"received_at": "2999-01-01"}}, "/request/received_at"),
        ({"request": {"channel": "jan@example.nl"}}, "/request/channel"),
        ({"person": {**PERSON, "email": "no address"}}, "/person/email"),
        ({"person": {**PERSON, "first_name": "=SUM(A1)"}}, "/person/first_name"),
        ({"person": {**PERSON, "fields": {"a@b": "c"}}}, "/person/fields"),
        ({"person": {**PERSON, "fields": {"shoe size": 43}}}, "/person/fields"),
        ({"verb": "destroy"}, "/verb"),
    ],
)
def test_what_is_wrong_is_pointed_at(school: School, wrong: Any, pointer: str) -> None:
    told = problem(school.ask({**SUBSCRIBE, **wrong}), 422, "invalid")
    assert [one["pointer"] for one in told["where"]] == [pointer]
    assert told["where"][0]["reason"]


def test_each_item_of_a_batch_has_its_own_outcome_in_order(school: School) -> None:
    good = [
        {**SUBSCRIBE, "person": {"reference": f"cf-{n}", "email": f"p{n}@example.nl"}}
        for n in range(3)
    ]
    unread = {**SUBSCRIBE, "person": {"reference": "a@b"}, "jan@example.nl": 1}
    unlisted = {**SUBSCRIBE, "lists": ["none"]}
    refused = {"verb": "update", "person": {"reference": "nobody", "email": "x@example.nl"}}
    answer = school.batch(good[0], unread, good[1], unlisted, refused, good[2])
    assert answer.status_code == 202
    told = answer.json()["outcomes"]
    kinds = [one["problem"]["type"] if "problem" in one else one["verb"] for one in told]
    assert kinds == [
        "subscribe",
        "/errors/invalid",
        "subscribe",
        "/errors/invalid",
        "/errors/refused",
        "subscribe",
    ]
    assert "example.nl" not in answer.text


def test_a_thousand_may_be_asked_at_once_and_not_one_more(school: School) -> None:
    item = {"verb": "erase", "person": {"reference": "cf-1", "email": "jan@example.nl"}}
    assert len(school.batch(*[item] * 1000).json()["outcomes"]) == 1000
    before = school.served.rows()
    told = problem(school.batch(*[item] * 1001), 422, "invalid")
    assert told["where"][0]["pointer"] == "/operations"
    assert school.served.rows() == before


def test_an_empty_batch_is_refused(school: School) -> None:
    problem(school.batch(), 422, "invalid")


def test_operations_are_listed_newest_first_page_by_page(school: School) -> None:
    made = [school.ask({**SUBSCRIBE, "request": {"channel": f"c{n}"}}).json() for n in range(5)]
    first = school.get("/operations", limit="2").json()
    second = school.get("/operations", limit="2", after=first["next"]).json()
    third = school.get("/operations", limit="2", after=second["next"]).json()
    listed = [one["id"] for part in (first, second, third) for one in part["items"]]
    assert listed == [one["id"] for one in reversed(made)]
    assert third["next"] is None


def test_an_answer_to_the_person_ends_the_term(school: School) -> None:
    school.ask(SUBSCRIBE)
    made = school.ask(ERASE).json()
    where = f"/operations/{made['id']}/answer"
    told = school.get(f"/operations/{made['id']}").json()
    given = {"how": "letter", "at": told["accepted_at"].replace("Z", ".999999Z"), "outcome": "done"}
    assert school.post(where, given).status_code == 200
    assert school.get(f"/operations/{made['id']}").json()["answered_at"]
    extension = {**given, "outcome": "extended", "reason": "Many requests."}
    problem(school.post(where, extension), 409, "conflict")


def test_a_refusal_of_the_person_needs_its_reason(school: School) -> None:
    school.ask(SUBSCRIBE)
    made = school.ask(ERASE).json()
    told = school.get(f"/operations/{made['id']}").json()
    at = told["accepted_at"].replace("Z", ".999999Z")
    given = {"how": "letter", "at": at, "outcome": "refused"}
    problem(school.post(f"/operations/{made['id']}/answer", given), 422, "refused")


def test_an_erasure_can_be_undone_while_its_minutes_run(school: School) -> None:
    school.connect_by_hand()
    school.ask(SUBSCRIBE)
    made = school.ask({**ERASE, "undo_minutes": 30}).json()
    assert made["state"] == "waiting"
    told = school.post(f"/operations/{made['id']}/undo").json()
    assert (told["id"], told["state"]) == (made["id"], "undone")
    problem(school.post(f"/operations/{made['id']}/undo"), 409, "conflict")


def test_an_erasure_without_minutes_cannot_be_undone(school: School) -> None:
    school.ask(SUBSCRIBE)
    made = school.ask(ERASE).json()
    problem(school.post(f"/operations/{made['id']}/undo"), 409, "conflict")


@pytest.mark.parametrize("minutes", [-1, 1441, "30", True, 1.5, None])
def test_minutes_that_are_none_are_pointed_at(school: School, minutes: object) -> None:
    told = problem(school.ask({**ERASE, "undo_minutes": minutes}), 422, "invalid")
    assert told["where"][0]["pointer"] == "/undo_minutes"


def test_only_an_erasure_has_minutes_to_undo_it(school: School) -> None:
    told = problem(school.ask({**SUBSCRIBE, "undo_minutes": 5}), 422, "invalid")
    assert told["where"][0]["pointer"] == "/undo_minutes"


def test_what_is_asked_of_a_restricted_person_is_accepted_and_says_that_it_waits(
    school: School,
) -> None:
    school.connect_by_hand()
    school.ask(SUBSCRIBE)
    where = f"{school.path}/people/cf-1/restriction"
    told = school.client.put(where, json={"restricted": True}).json()
    assert told["since"]
    again = school.ask({"verb": "update", "person": {**PERSON, "first_name": "Johan"}}).json()
    assert again["restricted"] is True
    assert school.client.put(where, json={"restricted": False}).json() == {
        "restricted": False,
        "since": None,
    }


def test_a_person_whom_we_do_not_know_cannot_be_restricted(school: School) -> None:
    where = f"{school.path}/people/nobody/restriction"
    problem(school.client.put(where, json={"restricted": True}), 404, "not-found")


def test_a_term_that_runs_out_is_told_until_the_person_is_answered(school: School) -> None:
    school.connect_by_hand()
    made = [school.ask({**ERASE, "person": person(n)}).json()["id"] for n in range(3)]
    ledger = school.served.installation.ledger
    with ledger.begin() as tx:
        mine = schema.operations.c.customer == school.customer.id
        term = {"deadline": tx.now - timedelta(days=1), "alert_at": tx.now}
        tx.db.execute(sa.update(schema.operations).where(mine).values(term))
    alerts.raise_due(ledger)
    first = school.get("/alerts", limit="2").json()
    second = school.get("/alerts", limit="2", after=first["next"]).json()
    found = [*first["items"], *second["items"]]
    assert sorted(one["operation"] for one in found) == sorted(made)
    assert {one["threshold"] for one in found} == {"over"}
    assert second["next"] is None
    told = {"how": "letter", "at": "2026-11-24", "outcome": "done"}
    with ledger.read() as tx:
        told["at"] = tx.now.isoformat()
    school.post(f"/operations/{made[0]}/answer", told)
    left = school.get("/alerts").json()["items"]
    assert sorted(one["operation"] for one in left) == sorted(made[1:])


def person(number: int) -> dict[str, str]:
    return {"reference": f"cf-{number}", "email": f"p{number}@example.nl"}
