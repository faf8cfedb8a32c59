"""A process dies at any step, and the next one looks first and ends it right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.connector import Presence, Verb
from core.ledger import assignments, holdings, lanes
from core.ledger.holdings import QUARANTINE
from core.ledger.intake import Accepted
from core.states import Ended, Task
from core.testing.imitation import (
    NEWS,
    Call,
    Imitation,
    Lie,
)
from core.testing.lies import (
    acts_then_fails,
    fails,
)
from tests.workers.school import DAY, EMAIL, HOUR, MINUTE, School, on_sqlite


class Died(BaseException):
    """The process is gone: nothing after this runs in it."""


def dies(*_: Any, **__: Any) -> None:
    raise Died


def dies_after(step: Callable[..., Any]) -> Callable[..., Any]:
    def then_dies(*given: Any, **named: Any) -> None:
        step(*given, **named)
        raise Died

    return then_dies


Death = Callable[[School, pytest.MonkeyPatch, str], None]


def at_step(module: Any, name: str) -> Death:
    def death(_: School, patch: pytest.MonkeyPatch, __: str) -> None:
        patch.setattr(module, name, dies)

    return death


def after_step(module: Any, name: str) -> Death:
    def death(_: School, patch: pytest.MonkeyPatch, __: str) -> None:
        patch.setattr(module, name, dies_after(getattr(module, name)))

    return death


def before_the_send(school: School, patch: pytest.MonkeyPatch, _: str) -> None:
    patch.setattr(school.reach, "before_change", dies)


def in_flight(school: School, _: pytest.MonkeyPatch, face: str) -> None:
    school.imitation.lie(face, fails(Died()))


def after_it_acted(school: School, _: pytest.MonkeyPatch, face: str) -> None:
    school.imitation.lie(face, acts_then_fails(Died()))


def at_the_look(school: School, _: pytest.MonkeyPatch, __: str) -> None:
    school.imitation.lie("find", fails(Died()))


DEATHS: dict[str, Death] = {
    "before adopting": at_step(holdings, "adopt"),
    "before the claim": at_step(holdings, "claim"),
    "in the claim": at_step(assignments, "assign"),
    "before the send": before_the_send,
    "in flight": in_flight,
    "after it acted": after_it_acted,
    "at the look": at_the_look,
    "before the record": at_step(holdings, "lock"),
    "in the record": after_step(holdings, "write"),
    "before the release": at_step(lanes, "release"),
}


def ask(school: School, verb: Verb) -> Accepted:
    match verb:
        case Verb.SUBSCRIBE:
            return school.subscribe("cf-9", "nina@example.nl")
        case Verb.UPDATE:
            return school.update(last_name="Bakker")
        case Verb.UNSUBSCRIBE:
            return school.unsubscribe()
        case Verb.ERASE:
            return school.erase()


def truth(school: School) -> dict[str, tuple[str, Presence]]:
    return {one.email: (one.fields["last_name"], one.presence) for one in school.imitation.entries}


WANTED = {
    Verb.SUBSCRIBE: {
        EMAIL: ("de Vries", Presence.SUBSCRIBED),
        "nina@example.nl": ("de Vries", Presence.SUBSCRIBED),
    },
    Verb.UPDATE: {EMAIL: ("Bakker", Presence.SUBSCRIBED)},
    Verb.UNSUBSCRIBE: {EMAIL: ("de Vries", Presence.UNSUBSCRIBED)},
    Verb.ERASE: {},
}


@on_sqlite
@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("verb", list(Verb))
def test_what_a_dead_process_left_ends_right(school: School, verb: Verb, death: str) -> None:
    school.subscribe()
    school.drain()
    before = school.imitation.made(verb.value)
    asked = ask(school, verb)
    with pytest.MonkeyPatch.context() as patch:
        DEATHS[death](school, patch, verb.value)
        with pytest.raises(Died):
            school.worker.drain(school.lane)
    school.bury(school.worker)
    school.worker = school.hire()
    school.passes(HOUR)
    assert school.ended(asked) is Ended.CONFIRMED
    assert truth(school) == WANTED[verb]
    ambiguous = death == "in flight"
    assert school.imitation.made(verb.value) - before <= 1 + ambiguous


@pytest.mark.parametrize("death", ["in the claim", "after it acted", "in the record"])
def test_what_a_dead_process_wrote_half_is_not_there(school: School, death: str) -> None:
    test_what_a_dead_process_left_ends_right(school, Verb.ERASE, death)


def test_the_lane_of_a_dead_process_is_due_at_once(school: School) -> None:
    school.subscribe()
    school.imitation.lie("subscribe", fails(Died()))
    with pytest.raises(Died):
        school.worker.drain(school.lane)
    assert school.next_turn() is None
    school.bury(school.worker)
    assert school.next_turn() == school.clock.at


def die(school: School) -> None:
    with pytest.raises(Died):
        school.worker.drain(school.lane)
    school.bury(school.worker)
    school.worker = school.hire()


def kills(email: str) -> Lie:
    """One person's data kills whatever process sends it."""

    def lie(_: Imitation, call: Call) -> Any:
        if call.arguments[0].email == email:
            raise Died
        return call.honestly()

    return lie


def test_what_kills_its_worker_is_set_apart_and_keeps_no_other_waiting(school: School) -> None:
    school.imitation.always("subscribe", kills(EMAIL))
    poison = school.subscribe()
    others = [school.subscribe(f"cf-{n}", f"p{n}@example.nl") for n in range(2, 6)]
    for _ in range(1 + QUARANTINE):  # the first time it was not alone
        die(school)
    school.passes(20 * MINUTE)
    assert school.tasks() == [(Task.QUARANTINED, Verb.SUBSCRIBE)]
    assert {school.ended(one) for one in others} == {Ended.CONFIRMED}
    school.imitation.lie("subscribe")
    school.passes(DAY)
    assert school.ended(poison) is Ended.CONFIRMED
    assert school.tasks() == []


def test_a_suspect_runs_alone(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(4):
        school.subscribe(f"cf-{n}", f"p{n}@example.nl")
    school.imitation.lie("subscribe", fails(Died()))
    die(school)
    claim, sizes = holdings.claim, []

    def counted(*given: Any, **named: Any) -> Any:
        claimed = claim(*given, **named)
        sizes.append(len(claimed))
        return claimed

    monkeypatch.setattr(holdings, "claim", counted)
    school.drain()
    assert sizes == [1, 1, 2, 0]


def test_a_crash_during_a_patrol_is_no_reason_to_erase_somebody_again(school: School) -> None:
    school.subscribe()
    school.drain()
    school.erase()
    school.drain()
    school.passing(HOUR)
    school.imitation.lie("find", fails(Died()))
    die(school)
    school.imitation.join(EMAIL, NEWS)
    school.passes(DAY)
    assert school.tasks() == [(Task.RETURNED, Verb.ERASE)]
    assert len(school.imitation.held(EMAIL)) == 1
