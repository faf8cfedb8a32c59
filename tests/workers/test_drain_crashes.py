"""What the death of a process means to the lane that it worked on, and to whom it took along."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from core.connector import Verb
from core.database import DatabaseAway
from core.ledger import adoption, holdings
from core.ledger.adoption import QUARANTINE
from core.states import Ended, Task
from core.testing.imitation import NEWS, Call, Imitation, Lie
from core.testing.lies import fails
from tests.workers.school import DAY, EMAIL, HOUR, MINUTE, School
from workers import outcomes


class Died(BaseException):
    """The process is gone: nothing after this runs in it."""


AWAY = timedelta(seconds=10)


def away(*_: Any, **__: Any) -> None:
    raise DatabaseAway("OperationalError")


def dies(*_: Any, **__: Any) -> None:
    raise Died


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
    take_up, sizes = holdings.take_up, []

    def counted(tx: Any, lease: Any, several: Any, **named: Any) -> None:
        sizes.append(len(several))
        take_up(tx, lease, several, **named)

    monkeypatch.setattr(holdings, "take_up", counted)
    school.drain()
    assert sizes[:3] == [1, 1, 1]  # then the one that nobody had begun


def test_a_suspect_is_taken_up_as_it_is_when_its_turn_comes(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked meanwhile counts: a moved person was subscribed at the new address as well."""
    asked = ["cf-1", "cf-2", "cf-3"]
    for reference in asked:
        school.subscribe(reference, f"{reference}@example.nl")
    with monkeypatch.context() as patch:
        patch.setattr(holdings, "write", dies)
        die(school)
    moved: list[str] = []

    def looked(_: Imitation, call: Call) -> Any:
        if not moved:  # all were sent; while one of them is looked at, all of them move
            moved.extend(asked)
            for reference in asked:
                school.update(reference, f"{reference}.nieuw@example.nl")
        return call.honestly()

    school.imitation.lie("find", *[looked] * 9)
    school.passes(DAY)
    emails = sorted(entry.email for entry in school.imitation.entries)
    assert emails == [f"{reference}.nieuw@example.nl" for reference in asked]


@pytest.mark.parametrize("times", [1, 2 * QUARANTINE])
def test_a_lane_that_its_database_left_in_mid_turn_is_given_back(
    school: School, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """The process lives, so that nobody else would come for it. Nobody is suspected of a death."""
    asked = school.subscribe()
    monkeypatch.setattr(outcomes, "record", away)
    for _ in range(times):
        school.worker.drain(school.lane)
        assert school.next_turn() == school.clock.at
        assert (school.holding().suspect, school.holding().deaths) == (False, 0)
    monkeypatch.undo()
    school.passes(MINUTE)
    assert school.ended(asked) is Ended.CONFIRMED
    assert (school.imitation.made("subscribe"), school.tasks()) == (1, [])


def test_a_lane_is_given_back_when_the_database_is_there_again(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    school.subscribe()
    began = school.clock.at
    monkeypatch.setattr(outcomes, "record", away)
    monkeypatch.setattr(adoption, "leave", lambda *_: away() if gone(school, began) else None)
    school.worker.drain(school.lane)
    assert school.lane_row().session is None
    assert school.clock.at == began + AWAY


def gone(school: School, began: datetime) -> bool:
    return school.clock.at < began + AWAY


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
