"""A platform tells that somebody changed there: we look, and say what we see."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.connector import Identity, Presence, Verb
from core.errors import Refused, TryLater
from core.ledger import connections, schema
from core.ledger.answers import Answer, Outcome, answer
from core.ledger.connections import Connection
from core.ledger.finishing import end
from core.ledger.hints import hook_secret, is_hook_secret, look_again
from core.ledger.intake import Request
from core.refusals import NoBasis
from core.report import person_report
from core.report.values import System
from core.states import State, Task
from core.testing.imitation import COURSES, NEWS, Call, Entry, Imitation
from core.testing.lies import fails
from tests.workers.school import ANNA, DAY, EMAIL, HOUR, MINUTE, NAMES, SECOND, School, on_sqlite
from workers.schedule import ATTEMPTS

BEN = "ben@example.nl"


def connection(school: School) -> Connection:
    with school.ledger.read() as tx:
        return connections.one(tx, school.lane)


def hint(school: School, *emails: str) -> int:
    identities = [Identity((email,)) for email in emails or (EMAIL,)]
    return look_again(school.ledger, connection(school), identities)


def told(school: School) -> None:
    assert hint(school) == 1
    school.passes(SECOND)


def entry(school: School) -> Entry:
    (found,) = school.imitation.held(EMAIL)
    return found


def looks(school: School) -> int:
    return school.imitation.made("find")


def refused(school: School) -> Any:
    where = schema.people.c.id == school.person()
    return school.rows(sa.select(schema.people.c.refused).where(where))[0].refused


def shown(school: School) -> System:
    with school.ledger.read() as tx:
        platforms = {school.platform.name: school.platform}
        return person_report(school.ledger, tx, school.customer, ANNA, platforms).systems[0]


@pytest.fixture
def there(school: School) -> School:
    school.subscribe()
    school.drain()
    assert school.state() is State.CONFIRMED
    school.passes(HOUR)
    return school


def test_whom_a_platform_names_is_looked_at_now_and_nothing_else(there: School) -> None:
    there.subscribe("cf-2", BEN)
    there.passes(HOUR)
    before, calls = looks(there), len(there.imitation.calls)
    told(there)
    assert looks(there) == before + 1
    assert len(there.imitation.calls) == calls + 2, "the places and one look"
    assert there.state() is State.CONFIRMED
    assert there.next_turn() is None


@on_sqlite
@pytest.mark.parametrize("emails", [(BEN,), ("nobody@example.nl",)])
def test_whom_we_do_not_hold_there_is_nobody_to_look_for(
    there: School, emails: tuple[str, ...]
) -> None:
    assert hint(there, *emails) == 0
    assert there.next_turn() is None


@on_sqlite
def test_a_holding_is_looked_at_once_a_minute_at_most(there: School) -> None:
    before = looks(there)
    for _ in range(20):
        hint(there)
        there.passes(SECOND)
    assert looks(there) == before + 1
    there.passes(MINUTE)
    told(there)
    assert looks(there) == before + 2


@on_sqlite
def test_who_is_gone_there_is_not_found_and_no_task(there: School) -> None:
    there.imitation.entries.clear()
    told(there)
    assert there.state() is State.NOT_FOUND
    assert shown(there).state == "not_found"
    assert there.tasks() == []


def test_i5_who_opted_out_there_is_brought_back_by_a_new_consent_only(there: School) -> None:
    old = there.basis(ago=MINUTE)
    entry(there).presence = Presence.UNSUBSCRIBED
    told(there)
    assert refused(there).keys() == {NEWS.id}
    assert (there.state(), there.tasks()) == (State.CONFIRMED, [])
    assert [one.presence for one in shown(there).seen] == ["unsubscribed"]
    there.update(first_name="Ann")
    there.passes(MINUTE)
    assert entry(there).presence is Presence.UNSUBSCRIBED
    again = Request(Verb.SUBSCRIBE, ANNA, EMAIL, NAMES, (NEWS.id,), old)
    assert isinstance(there.refusal(again), NoBasis)
    told_again = hint(there)
    there.passes(SECOND)
    assert (told_again, there.state(), there.tasks()) == (1, State.CONFIRMED, [])


@on_sqlite
def test_whom_the_platform_blocked_is_refused_too(there: School) -> None:
    there.imitation.entries.clear()
    there.imitation.blocked.add(EMAIL)
    told(there)
    assert refused(there).keys() == {NEWS.id}
    assert (there.state(), there.tasks()) == (State.CONFIRMED, [])


@on_sqlite
def test_an_opt_out_of_one_list_refuses_no_other(there: School) -> None:
    there.subscribe(ANNA, EMAIL, COURSES.id)
    there.passes(HOUR)
    [news] = [one for one in there.imitation.held(EMAIL) if one.place == NEWS.id]
    news.presence = Presence.UNSUBSCRIBED
    told(there)
    assert refused(there).keys() == {NEWS.id}
    assert there.holding().wants["places"][COURSES.id][0] is True


def test_a_consent_that_came_while_we_looked_is_not_refused(there: School) -> None:
    entry(there).presence = Presence.UNSUBSCRIBED

    def consents(_: Imitation, call: Call) -> object:
        seen = call.honestly()
        there.subscribe()
        return seen

    there.imitation.lie("find", consents)
    hint(there)
    there.drain()
    assert refused(there) == {}


@on_sqlite
def test_what_was_changed_there_is_said_and_is_no_task(there: School) -> None:
    entry(there).presence = Presence.ARCHIVED
    told(there)
    assert (there.state(), there.tasks()) == (State.STILL_THERE, [])
    assert shown(there).as_asked is False
    assert shown(there).next is not None
    entry(there).presence = Presence.SUBSCRIBED
    there.passes(MINUTE)
    told(there)
    assert there.state() is State.CONFIRMED


@on_sqlite
def test_a_name_that_the_person_changed_there_changes_nothing(there: School) -> None:
    entry(there).fields["first_name"] = "Annie"
    told(there)
    assert (there.state(), there.tasks()) == (State.CONFIRMED, [])
    assert entry(there).fields["first_name"] == "Annie"
    verdicts = there.rows(sa.select(schema.evidence.c.verdict))
    assert "differs" in {row.verdict for row in verdicts}


@on_sqlite
def test_where_we_cannot_look_any_more_nobody_is_called_gone(there: School) -> None:
    there.imitation.hidden.add(NEWS.id)
    told(there)
    assert there.state() is State.CANNOT_LOOK
    assert shown(there).state == "cannot_look"
    there.imitation.hidden.clear()
    there.passes(DAY)
    assert (there.state(), there.tasks()) == (State.CONFIRMED, [])


@on_sqlite
def test_what_changed_while_we_could_not_look_is_said_once_we_can(there: School) -> None:
    there.imitation.hidden.add(NEWS.id)
    told(there)
    assert there.tasks() == [(Task.CANNOT_LOOK, Verb.SUBSCRIBE)]
    there.imitation.hidden.clear()
    there.imitation.entries.clear()
    there.passes(DAY)
    assert (there.state(), there.tasks()) == (State.NOT_FOUND, [])


@on_sqlite
def test_who_has_to_confirm_there_is_looked_at_daily_and_is_no_task(there: School) -> None:
    entry(there).presence = Presence.PENDING
    told(there)
    before = looks(there)
    there.passes(3 * DAY)
    assert looks(there) == before + 3
    assert (there.state(), there.tasks()) == (State.ONLY_THE_PERSON, [])


@pytest.fixture
def refused_here(school: School) -> School:
    """Somebody whom the platform will not take: the school has to do it."""
    school.imitation.always("subscribe", fails(Refused("422")))
    school.subscribe()
    school.drain()
    school.passes(HOUR)
    assert school.tasks() == [(Task.REFUSED, Verb.SUBSCRIBE)]
    return school


@on_sqlite
def test_what_waits_for_a_human_goes_on_waiting_where_we_cannot_look(refused_here: School) -> None:
    refused_here.imitation.hidden.add(NEWS.id)
    told(refused_here)
    assert refused_here.state() is State.NEEDS_YOU
    assert refused_here.tasks() == [(Task.REFUSED, Verb.SUBSCRIBE)]


@on_sqlite
def test_what_a_human_said_was_done_is_asked_again_by_the_look_of_a_hint(
    refused_here: School,
) -> None:
    hint(refused_here)
    refused_here.attest()
    refused_here.passes(SECOND)
    assert refused_here.state() is State.NEEDS_YOU
    assert refused_here.tasks() == [(Task.REFUSED, Verb.SUBSCRIBE)]


@on_sqlite
@pytest.mark.parametrize("error", [TryLater("503"), Refused("422")])
def test_a_look_that_fails_asks_nothing_of_anybody(there: School, error: Exception) -> None:
    there.imitation.lie("find", *[fails(error)] * (ATTEMPTS + 1))
    hint(there)
    there.passes(10 * DAY)
    assert (there.state(), there.tasks(), there.next_turn()) == (State.CONFIRMED, [], None)


def test_an_erasure_that_a_platform_tells_of_uses_up_no_patrol(there: School) -> None:
    there.erase()
    there.drain()
    erased_at, found = there.clock.at, []
    while (due := there.holding().due_at) is not None:
        there.passes((due - there.clock.at) / 2)
        told(there)
        assert (there.state(), there.holding().due_at) == (State.NOT_FOUND, due)
        found.append(due - erased_at)
        there.passes(due - there.clock.at)
    assert found == [HOUR, DAY, 7 * DAY, 30 * DAY]
    told(there)
    assert (there.state(), there.holding().due_at) == (State.NOT_FOUND, None)


@on_sqlite
def test_an_erased_person_who_is_there_again_is_found_by_what_the_platform_told(
    there: School,
) -> None:
    there.erase()
    there.passes(2 * HOUR)
    there.imitation.join(EMAIL)
    told(there)
    assert there.state() is State.RETURNED
    assert there.tasks() == [(Task.RETURNED, Verb.ERASE)]


@on_sqlite
def test_when_our_last_record_is_gone_there_is_nothing_to_look_by(there: School) -> None:
    asked = there.erase()
    there.passes(40 * DAY)
    given = Answer("letter", there.clock.at, Outcome.DONE)
    answer(there.ledger, there.customer, asked.operation, given)
    end(there.ledger)
    assert hint(there) == 0


@on_sqlite
def test_what_is_tried_again_later_is_not_sent_sooner_by_a_hint(school: School) -> None:
    school.imitation.always("subscribe", fails(TryLater("503")))
    school.subscribe()
    school.drain()
    assert hint(school) == 0


@on_sqlite
def test_what_changes_while_we_look_is_looked_at_once_more(there: School) -> None:
    def changes(_: Imitation, call: Call) -> object:
        seen = call.honestly()
        there.imitation.entries.clear()
        there.clock.passes(MINUTE)
        hint(there)
        return seen

    there.imitation.lie("find", changes)
    hint(there)
    there.drain()
    assert there.state() is State.CONFIRMED
    there.passes(SECOND)
    assert there.state() is State.NOT_FOUND


@on_sqlite
def test_at_a_closed_connection_nobody_is_looked_at(there: School) -> None:
    connections.close(there.ledger, there.lane)
    assert hint(there) == 0


@on_sqlite
def test_each_connection_has_a_secret_of_its_own(there: School) -> None:
    with there.ledger.read() as tx:
        here = connections.one(tx, there.lane)
        other = replace(here, id=UUID(int=1))
        assert hook_secret(there.ledger, tx, other) != hook_secret(there.ledger, tx, here)
        secret = hook_secret(there.ledger, tx, here)
        assert len(bytes.fromhex(secret)) == 32
        assert is_hook_secret(there.ledger, tx, here, secret)
        for wrong in ("", secret[:-1], secret.upper(), "é" * 64):
            assert not is_hook_secret(there.ledger, tx, here, wrong)
