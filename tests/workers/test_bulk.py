"""Many newcomers in one call: an outcome for each, a look for each, and nobody in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from core.connector import Connector, Identity, Limits, Place, Trace
from core.errors import ConnectorError, OnlyThePerson, OutcomeUnknown, TryLater
from core.faces import Bulk, Newcomer
from core.ledger.schema import attempts
from core.states import Ended, State, Task
from core.testing.imitation import HONEST, NEWS, Imitated, Imitation
from core.testing.lies import acts_then_fails, fails, ignores, late
from tests.workers.school import DAY, HOUR, MINUTE, School, at, on_sqlite
from workers import flow

PLATFORM = replace(HONEST, bulk=50, limits=Limits(at_once=4))
PEOPLE = 30

pytestmark = [on_sqlite, at(PLATFORM)]


class Crowds(Imitated, Bulk):
    """The imitation's connector, with the face for many."""

    def at_most(self) -> int:
        return self.imitation.platform.bulk

    def subscribe_many(
        self, several: Sequence[Newcomer], place: Place
    ) -> Sequence[ConnectorError | None]:
        self.before_call()
        self.before_change()
        told: Sequence[ConnectorError | None] = self.imitation.call(
            "subscribe_many", self.each, several, place
        )
        return told

    def each(self, several: Sequence[Newcomer], place: Place) -> list[ConnectorError | None]:
        return [self.one(newcomer, place) for newcomer in several]

    def one(self, newcomer: Newcomer, place: Place) -> ConnectorError | None:
        try:
            self.imitation.subscribe(newcomer.person, place, newcomer.basis)
        except ConnectorError as error:
            return error
        return None

    def find_many(
        self, several: Sequence[Identity], place: Place, since: datetime
    ) -> Sequence[Sequence[Trace] | None]:
        self.before_call()
        found: Sequence[Sequence[Trace] | None] = self.imitation.call(
            "find_many", self.seen_of, several
        )
        return found

    def seen_of(self, several: Sequence[Identity]) -> list[Sequence[Trace] | None]:
        return [self.imitation.find(who) or None for who in several]


@pytest.fixture(autouse=True)
def crowds(school: School) -> Imitation:
    def connect(
        before_call: Callable[[], None], before_change: Callable[[], None]
    ) -> Connector[Any]:
        http = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(500)))
        return Crowds(school.imitation, http, before_call, before_change)

    school.imitation.connect = connect  # type: ignore[method-assign,assignment]
    return school.imitation


def email(number: int) -> str:
    return f"p{number}@example.nl"


def ask(school: School, people: int = PEOPLE) -> list[Any]:
    return [school.subscribe(f"cf-{number}", email(number)) for number in range(people)]


def ends(school: School, asked: Sequence[Any]) -> set[Ended | None]:
    return {school.ended(one) for one in asked}


def test_many_newcomers_are_subscribed_in_one_call_and_each_is_seen(school: School) -> None:
    asked = ask(school)
    school.drain()
    assert ends(school, asked) == {Ended.CONFIRMED}
    made = school.imitation.made
    assert (made("subscribe_many"), made("find_many"), made("subscribe"), made("find")) == (
        1,
        1,
        0,
        0,
    )
    assert len(school.imitation.entries) == PEOPLE


def test_a_few_go_one_by_one(school: School) -> None:
    asked = ask(school, flow.FEWEST - 1)
    school.drain()
    assert ends(school, asked) == {Ended.CONFIRMED}
    assert school.imitation.made("subscribe_many") == 0


def test_one_refusal_is_nobody_elses(school: School) -> None:
    school.imitation.join(email(3), NEWS).opted_out = True
    asked = ask(school)
    school.drain()
    assert school.ended(asked[3]) is Ended.REFUSED
    assert ends(school, [*asked[:3], *asked[4:]]) == {Ended.CONFIRMED}


def test_what_a_bulk_look_cannot_tell_each_is_asked_for_alone(school: School) -> None:
    school.imitation.always("find_many", lambda _, call: [None] * len(call.arguments[0]))
    asked = ask(school)
    school.drain()
    assert ends(school, asked) == {Ended.CONFIRMED}
    assert school.imitation.made("subscribe_many") == 1
    assert school.imitation.made("find") == PEOPLE


def test_yes_to_all_is_no_evidence_for_anybody(school: School) -> None:
    school.imitation.lie("subscribe_many", lambda _, call: [None] * len(call.arguments[0]))
    asked = ask(school)
    school.drain()
    assert ends(school, asked) == {None}
    school.passes(DAY)
    assert ends(school, asked) == {Ended.CONFIRMED}  # sent again, and seen


def test_without_an_answer_everybody_in_the_call_is_in_doubt(school: School) -> None:
    wait = MINUTE
    school.imitation.lie("subscribe_many", late(wait))
    asked = ask(school)
    school.drain()
    assert ends(school, asked) == {None}
    school.passes(HOUR)
    assert ends(school, asked) == {Ended.CONFIRMED}
    assert len(school.imitation.entries) == PEOPLE


@pytest.mark.parametrize(
    "lie",
    [
        fails(TryLater("503 from imitation.test")),
        acts_then_fails(OutcomeUnknown("none")),
        fails(RuntimeError("a fault of the connector")),
        acts_then_fails(RuntimeError("a fault of the connector")),
        lambda _, call: [None] * (len(call.arguments[0]) - 1),
        ignores,
    ],
    ids=["try later", "no answer", "fault", "fault after acting", "one outcome short", "nothing"],
)
def test_whatever_goes_wrong_with_all_ends_well_for_each(school: School, lie: Any) -> None:
    school.imitation.lie("subscribe_many", lie)
    asked = ask(school)
    school.drain()
    assert Ended.CONFIRMED not in ends(school, asked)
    school.passes(DAY)
    assert ends(school, asked) == {Ended.CONFIRMED}
    assert len(school.imitation.entries) == PEOPLE


def test_an_erasure_asked_meanwhile_stops_the_call_and_wins(school: School) -> None:
    asked = ask(school)
    erased: list[Any] = []

    def erase_one() -> None:
        if not erased:
            erased.append(school.erase("cf-7"))

    school.reach.before_change = erase_one
    school.passes(DAY)
    assert school.ended(erased[0]) is Ended.CONFIRMED
    assert school.imitation.held(email(7)) == []
    assert ends(school, [*asked[:7], *asked[8:]]) == {Ended.CONFIRMED}


def test_who_shares_an_address_goes_alone(school: School) -> None:
    school.subscribe("mother", email(5))
    school.drain()
    asked = ask(school)
    school.drain()
    assert ends(school, asked) == {Ended.CONFIRMED}
    assert school.imitation.made("subscribe") == 2  # the mother's, and the child's
    [entry] = school.imitation.held(email(5))
    assert entry.fields["first_name"] in {"", "Anna"}


def test_each_keeps_an_attempt_of_its_own(school: School) -> None:
    ask(school)
    school.drain()
    with school.ledger.read() as tx:
        outcomes = tx.db.execute(sa.select(attempts.c.outcome)).scalars().all()
    assert outcomes == ["confirmed"] * PEOPLE


def test_only_the_person_can_return_is_the_outcome_of_one(school: School) -> None:
    def one_refusal(_: Imitation, call: Any) -> list[ConnectorError | None]:
        honest = call.honestly()
        return [OnlyThePerson("opted out", status=409), *honest[1:]]

    school.imitation.lie("subscribe_many", one_refusal)
    asked = ask(school)
    school.drain()
    assert ends(school, asked) == {Ended.CONFIRMED}  # seen as asked: the refusal does not matter
    assert school.tasks() == []
    assert school.state("cf-0") is State.CONFIRMED
    assert Task.REFUSED not in {kind for kind, _ in school.tasks()}
