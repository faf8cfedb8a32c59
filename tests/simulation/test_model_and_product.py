"""The model is the product's: they write down the same, and the product keeps what it assumes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from itertools import product

import pytest

import connectors
from core.connector import Identity, Place, Platform, Presence, Trace
from core.errors import ConnectorError, OutcomeUnknown, TryLater
from core.holding import Assignment, Holding
from core.states import State as HoldingState
from core.testing.imitation import HONEST
from core.verdict import Sight, judge
from tests.databases import NOW
from tests.simulation import ordering_model
from tests.simulation.exhaustive import explore
from tests.simulation.ordering import Bounds, Doubt, F, Outcome, Row, Rules, State, Worker
from tests.simulation.ordering_model import Model
from tests.simulation.script import Script, letters
from tests.simulation.writing_down import written
from tests.workers.school import SECOND
from tests.workers.test_advance import FRESH
from workers import advance, situation
from workers.attempt import Attempt, Done, Look, Scene
from workers.schedule import PATROL
from workers.situation import Situation, Step

PLACE = Place("news", "Nieuwsbrief")
LOOKED = NOW - 2 * SECOND
ERRORS: dict[Outcome, ConnectorError] = {
    "failed": TryLater("503"),
    "unknown": OutcomeUnknown("no answer"),
}
AT_REST = {HoldingState.CONFIRMED, HoldingState.NOT_FOUND}


@dataclass(frozen=True, slots=True)
class Written:
    """One row that the model wrote down, and from what."""

    script: Script
    asked: int
    row: Row
    worker: Worker
    after: Row


@cache
def all_written() -> list[Written]:
    """Each of them once, on scripts that between them ask everything."""
    found: dict[tuple[object, ...], Written] = {}

    def noted(script: Script, rules: Rules, s: State, w: Worker) -> State:
        after = written(script, rules, s, w)
        if w.leased:
            key = tuple(script.verbs), s.asked, s.row, w
            found[key] = Written(script, s.asked, s.row, w, after.row)
        return after

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordering_model, "written", noted)
        for text in ("S,U", "S,E,S'", "S,E,U", "S,E,X"):
            model = Model(text, F, Bounds(late=1, crashes=0, pauses=0, slow=1), punctual=False)
            explore(model.start, model.moves, lambda _: None)
    return list(found.values())


def moment(doubt: Doubt, *, ended_after_look: bool) -> datetime | None:
    match doubt:
        case "none":
            return None
        case "settling":
            return NOW + SECOND
        case "over":
            return LOOKED + SECOND if ended_after_look else LOOKED - SECOND


def holding(script: Script, asked: int, row: Row, worker: Worker | None = None) -> Holding:
    """``worker`` says what had ended when it looked."""
    late, unseen = (worker.in_doubt, worker.unseen) if worker else (False, False)
    answered = moment(row.answered, ended_after_look=unseen)
    return replace(
        FRESH,
        state=HoldingState.QUEUED if row.claim is None else HoldingState.NOT_FOUND,
        wants=script.wants[asked],
        asked_seq=asked,
        reached_seq=row.reached,
        acted_seq=row.acted,
        epoch=script.epoch[asked],
        ambiguous_until=moment(row.doubt, ended_after_look=late),
        answered_at=answered and answered - HONEST.late_apply,
        intent_until=NOW,
    )


def look(one: Written, before: Holding) -> Look:
    """As the product would judge what the model saw."""
    there = one.worker.saw
    presence = Presence.SUBSCRIBED if there > 0 else Presence.UNSUBSCRIBED
    traces = (Trace(PLACE.id, presence, {"data": str(abs(there))}),) if there else ()
    sight = Sight((PLACE,), traces, LOOKED, NOW)
    expected = {"data": str(one.script.data[one.worker.asked])}
    return Look(sight, judge(before.goal or before.wants.standing(), expected, sight))


def by_the_product(one: Written) -> Row:
    now = holding(one.script, one.asked, one.row, one.worker)
    before = holding(one.script, one.worker.asked, one.row, one.worker)
    done = Done(
        acted=one.worker.acted,
        error=ERRORS.get(one.worker.outcome),
        overtaken=one.worker.outcome == "overtaken",
        look=look(one, before) if one.worker.outcome == "seen" else None,
    )
    step = advance.advance(now, before, done, HONEST, now=NOW, spread=lambda: 0)
    kept = {"ambiguous_until": now.ambiguous_until, "answered_at": now.answered_at}
    changes = {**kept, **step.changes}
    state = HoldingState(changes["state"])
    return Row(
        reached=changes.get("reached_seq", now.reached_seq),
        acted=changes.get("acted_seq", now.acted_seq),
        doubt=doubt_of(changes["ambiguous_until"]),
        answered=doubt_of(changes["answered_at"], HONEST.late_apply),
        claim=one.worker.saw if state in AT_REST else None,
        patrolled=bool(changes.get("patrol", one.row.patrolled)),
        returned=state is HoldingState.RETURNED,
    )


def doubt_of(since: datetime | None, lasts: timedelta = timedelta(0)) -> Doubt:
    if since is None:
        return "none"
    return "settling" if since + lasts > NOW else "over"


def differences() -> Iterator[tuple[Written, Row]]:
    pairs = ((one, by_the_product(one)) for one in all_written())
    return ((one, row) for one, row in pairs if row != one.after)


def test_the_product_writes_down_what_the_model_does() -> None:
    assert len(all_written()) > 300
    assert list(differences()) == []


Patch = pytest.MonkeyPatch


def nothing_settles(patch: Patch) -> None:
    patch.setattr(Holding, "settling", lambda *_: False)
    patch.setattr(Situation, "settling", lambda *_: False)


def an_answer_is_the_deed(patch: Patch) -> None:
    patch.setattr(situation, "may_still_act", lambda *_: None)


def nobody_comes_back(patch: Patch) -> None:
    patch.setattr(Situation, "came_back", False)


def an_opt_out_is_a_return(patch: Patch) -> None:
    patch.setattr(Situation, "came_back", property(lambda it: it.before.asked_seq > it.seq))


def an_erasure_comes_with_what_follows(patch: Patch) -> None:
    patch.setattr(Holding, "covered", lambda _, asked: asked)


def newer_work_starts_all_over(patch: Patch) -> None:
    def forgets(it: Situation) -> Step:
        return Step({**it.sent, "state": it.row.state, "due_at": it.now}, "overtaken")

    patch.setattr(advance, "overtaken", forgets)


def every_return_is_a_task(patch: Patch) -> None:
    patch.setattr(advance, "patrolled", lambda it, _: advance.cannot_look(it))


@pytest.mark.parametrize(
    "fault",
    [
        nothing_settles,
        an_answer_is_the_deed,
        nobody_comes_back,
        an_opt_out_is_a_return,
        an_erasure_comes_with_what_follows,
        newer_work_starts_all_over,
        every_return_is_a_task,
    ],
)
def test_a_product_that_writes_down_something_else_is_noticed(
    monkeypatch: Patch, fault: Callable[[Patch], None]
) -> None:
    fault(monkeypatch)
    assert any(differences())


def test_the_product_sees_what_the_model_sees() -> None:
    for one in all_written():
        w = one.worker
        if w.outcome == "seen":
            judgement = look(one, holding(one.script, w.asked, one.row, w)).judgement
            unmet = one.script.unmet(w.asked, w.reached, w.saw)
            assert letters(judgement.unmet) == unmet
            assert (judgement.verdict in advance.AS_ASKED) == (not unmet)


def test_the_product_looks_first_where_the_model_does() -> None:
    scene = Scene(HONEST, (PLACE,), frozenset(), (), keep_refusal=False, clock=lambda: NOW)
    for one in all_written():
        here = holding(one.script, one.asked, one.row)
        assigned = Assignment(here, FRESH.id, Identity(()), None, {}, frozenset(), None, 0)
        model = Model(",".join(one.script.verbs), F, Bounds())
        if here.goal:
            looks = Attempt(assigned, scene).looks_first(here.goal)
            assert looks == model.may_repeat(one.asked, one.row)


def test_an_attempt_covers_what_it_does_in_the_model() -> None:
    """Of one that a newer erasure overtook, it is enough that it did not send that erasure."""
    script = Script("S,E,S',E")
    numbers = range(len(script.wants))
    for asked, begun, reached in product(numbers, numbers, numbers):
        if not reached <= begun <= asked:
            continue
        covered = holding(script, asked, Row(reached=reached)).covered(begun)
        erase = script.wants[asked].erase
        assert covered == script.covered(begun, reached) or covered < erase


@pytest.mark.parametrize("name", connectors.installed())
def test_every_platform_declares_how_late_it_acts_and_the_patrol_comes_after(name: str) -> None:
    platform: Platform = connectors.installed()[name].platform
    assert platform.late_apply > timedelta(0)
    assert platform.deadline * 1.5 + platform.late_apply < PATROL[0]
