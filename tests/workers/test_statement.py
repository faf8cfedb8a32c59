"""The promises of the design, and the rows of the privacy statement, that stand so far."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from core.connector import Account, Verb
from core.errors import TryLater
from core.ledger import connections
from core.ledger.intake import Request
from core.ledger.schema import operations, people
from core.refusals import NoBasis
from core.report import person_report
from core.sealing import CannotOpen
from core.states import State, Task
from core.testing.imitation import ARCHIVING, HONEST
from core.testing.lies import fails, ignores
from tests.databases import NOW
from tests.workers.school import ANNA, DAY, EMAIL, School, at, on_sqlite

pytestmark = on_sqlite


def subscribed(school: School) -> None:
    school.subscribe()
    school.drain()
    assert school.state() is State.CONFIRMED


def states(school: School) -> dict[str, str]:
    platforms = {school.platform.name: school.platform}
    with school.ledger.read() as tx:
        report = person_report(school.ledger, tx, school.customer, ANNA, platforms)
    return {one["title"]: one["state"] for one in report.to_json()["systems"]}


def test_promise_1_nothing_is_called_gone_without_having_looked(school: School) -> None:
    """The platform answers every erasure with success, and does nothing."""
    subscribed(school)
    school.imitation.always("erase", ignores)
    school.erase()
    school.passes(2 * DAY)
    assert states(school)["Imitation"] == "still_there"
    assert school.imitation.held(EMAIL)


def test_promise_2_an_erasure_never_ends_in_silence(school: School) -> None:
    subscribed(school)
    school.imitation.always("erase", fails(TryLater("503 from platform.example")))
    asked = school.erase()
    school.passes(30 * DAY)
    assert school.ended(asked) is None
    assert school.holding().due_at is not None
    assert school.tasks() == [(Task.GIVEN_UP, Verb.ERASE)]


def test_promise_3_an_import_brings_nobody_back(school: School) -> None:
    subscribed(school)
    school.erase()
    school.drain()
    again = Request(
        Verb.SUBSCRIBE,
        "cf-another-reference",
        email=EMAIL,
        lists=("news",),
        basis=school.basis(),
        imported=True,
    )
    assert isinstance(school.refusal(again), NoBasis)
    school.passes(40 * DAY)
    assert school.imitation.held(EMAIL) == []


def test_promise_4_accounts_to_which_nothing_was_sent_are_in_the_report(school: School) -> None:
    subscribed(school)
    connections.add(
        school.ledger,
        school.customer.id,
        platform=school.platform.name,
        title="Never used",
        settings={},
        account=Account("imitation-2", "Never used"),
        places={},
        fields=(),
        keep_refusal=False,
    )
    school.erase()
    school.drain()
    found = states(school)
    assert (found["Imitation"], found["Never used"]) == ("not_found", "queued")


def test_promise_5_what_an_older_copy_holds_cannot_be_opened_any_more(school: School) -> None:
    subscribed(school)
    with school.ledger.read() as tx:
        keys = school.ledger.keys_of(tx, school.customer.id)
        row = tx.db.execute(sa.select(people)).one()
    old = (row.id, row.key_epoch)
    assert school.ledger.safe.keys({old}, keys)[old].open(row.sealed, f"people|{row.id}")
    school.erase()
    assert school.ledger.safe.keys({old}, keys) == {}
    with pytest.raises(CannotOpen):
        keys.key.open(row.sealed, f"people|{row.id}")


def test_s9_a_request_by_phone_counts_from_the_day_it_came(school: School) -> None:
    subscribed(school)
    school.ask(
        Verb.ERASE,
        received_at=NOW - 5 * DAY,
        channel="phone",
        identity_checked_how="called back on the number on record",
    )
    (asked,) = school.rows(sa.select(operations).where(operations.c.verb == Verb.ERASE.value))
    assert (asked.received_at, asked.channel) == (NOW - 5 * DAY, "phone")
    assert asked.identity_checked_how == "called back on the number on record"
    assert asked.deadline == datetime(2026, 12, 17, 22, 59, 59, 999999, tzinfo=UTC)


@at(replace(ARCHIVING, name=HONEST.name))
def test_s13_what_stays_in_a_newsletter_system_is_told_and_handed_over(school: School) -> None:
    subscribed(school)
    school.erase()
    school.drain()
    assert states(school)["Imitation"] == "still_there"
    assert school.tasks() == [(Task.STILL_THERE, Verb.ERASE)]
    school.attest()  # too early: a word is not a look
    school.passes(timedelta(minutes=1))
    assert states(school)["Imitation"] == "still_there"
    school.imitation.entries.clear()
    school.attest()
    school.passes(timedelta(minutes=1))
    assert (states(school)["Imitation"], school.tasks()) == ("not_found", [])
