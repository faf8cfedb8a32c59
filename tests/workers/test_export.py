"""A person gets a copy of all that is held of them, and of nobody else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.connector import Verb
from core.ledger import connections, customers
from core.ledger.answers import Answer, Outcome, answer
from core.ledger.finishing import end
from core.ledger.restriction import restrict
from core.refusals import Unknown
from core.report.export import export
from tests.workers.school import ANNA, DAY, EMAIL, MINUTE, NAMES, School, on_sqlite

pytestmark = on_sqlite

MOVED = "anna.bakker@example.nl"
BEN = "ben@example.nl"


def exported(school: School, reference: str = ANNA) -> dict[str, Any]:
    with school.ledger.read() as tx:
        platforms = {school.platform.name: school.platform}
        made = export(school.ledger, tx, school.customer, reference, platforms)
    found: dict[str, Any] = json.loads(json.dumps(made))
    return found


@pytest.fixture
def there(school: School) -> School:
    school.subscribe("cf-2", BEN)
    school.subscribe()
    school.drain()
    school.update(email=MOVED, city="Ede")
    school.passes(MINUTE)
    return school


def test_it_holds_the_data_every_address_and_why_we_mail(there: School) -> None:
    made = exported(there)
    fields = {**NAMES, "city": "Ede"}
    assert made["person"] == {"reference": ANNA, "email": MOVED, "fields": fields}
    assert made["addresses"] == [EMAIL, MOVED]
    assert made["controller"] == "De Verfschuur"
    subscribed, updated = made["operations"]
    assert (subscribed["verb"], subscribed["state"]) == ("subscribe", "done")
    assert (subscribed["basis"]["kind"], subscribed["basis"]["source"]) == ("consent", "form")
    assert (updated["verb"], updated["basis"]) == ("update", None)


def test_it_names_who_received_what_and_what_was_last_seen_there(there: School) -> None:
    made = exported(there)
    (to,) = made["recipients"]
    assert (to["title"], to["fields"]) == ("Imitation", ["email", "first_name", "last_name"])
    assert to["stores_in"] == {"nl": there.platform.stores_in.nl, "en": there.platform.stores_in.en}
    assert to["ids_there"] == [entry.id for entry in there.imitation.held(MOVED)]
    assert made["systems"][0]["seen"][0]["presence"] == "subscribed"


def test_who_got_nothing_is_no_recipient(school: School) -> None:
    school.subscribe()
    assert exported(school)["recipients"] == []
    school.drain()
    connections.close(school.ledger, school.lane)
    (to,) = exported(school)["recipients"]
    assert to["disconnected_at"] is not None


def test_nothing_of_anybody_else_is_in_it(there: School) -> None:
    assert BEN not in json.dumps(exported(there))
    assert MOVED not in json.dumps(exported(there, "cf-2"))


def test_refusals_and_restrictions_are_in_it(there: School) -> None:
    there.unsubscribe()
    restrict(there.ledger, there.customer, ANNA, restricted=True)
    made = exported(there)
    assert len(made["refused_lists"]) == 2
    assert made["restricted_at"] == "2026-11-22T10:31:00Z"


def test_an_erasure_that_can_be_undone_is_in_it_with_what_was_told(there: School) -> None:
    there.ask(Verb.ERASE, email=BEN, undo=MINUTE)
    assert exported(there)["operations"][-1]["told"] == {"reference": ANNA, "email": BEN}


def test_of_somebody_erased_there_is_the_last_record_until_it_goes(there: School) -> None:
    asked = there.erase()
    there.passes(40 * DAY)
    given = Answer("letter", there.clock.at, Outcome.DONE, "Zoals gevraagd.")
    made = exported(there)
    assert (made["person"], made["addresses"]) == (None, [])
    assert [one["basis"] for one in made["operations"]] == [None] * 3
    assert made["last_record"]["emails"] == [MOVED, EMAIL]
    assert made["last_record"]["name"] == "Anna de Vries"
    answer(there.ledger, there.customer, asked.operation, given)
    end(there.ledger)
    made = exported(there)
    assert made["last_record"] is None
    assert [one["reason"] for one in made["answers"]] == [None], "it went with the record"
    assert EMAIL not in json.dumps(made)


def test_who_came_back_gets_what_is_held_since(there: School) -> None:
    there.erase()
    there.passes(DAY)
    there.subscribe()
    there.passes(MINUTE)
    made = exported(there)
    assert made["addresses"] == [EMAIL]
    assert [bool(one["basis"]) for one in made["operations"]] == [False, False, False, True]


def test_nobody_unknown_or_of_another_customer_is_exported(there: School) -> None:
    other = customers.create(there.ledger, "De Kwast")
    with there.ledger.read() as tx:
        for owner, reference in ((other, ANNA), (there.customer, "cf-9")):
            with pytest.raises(Unknown):
                export(there.ledger, tx, owner, reference, {})
