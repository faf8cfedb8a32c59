"""Where a holding stands after an attempt: the one table of what follows from what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.connector import Erasure, Platform, Verb
from core.errors import (
    ConnectorError,
    OnlyThePerson,
    OutcomeUnknown,
    Refused,
    TryAt,
    Unreadable,
)
from core.holding import Holding, seen
from core.states import Ended, State, Task
from core.verdict import Verdict
from workers.attempt import Done, Look
from workers.schedule import (
    ATTEMPTS,
    DAY,
    SHOWS_SOON,
    Spread,
    look_after,
    patrol_after,
    retry_after,
)


@dataclass(frozen=True, slots=True)
class Step:
    """What to write: the holding's columns, how open operations end, a task to open."""

    changes: Mapping[str, Any]
    outcome: str
    detail: str | None = None
    ended: Ended | None = None
    ended_seq: int = 0
    task: Task | None = None
    verb: Verb | None = None
    settled: bool = False  # what the tasks of this holding asked was seen to be done


@dataclass(frozen=True, slots=True)
class Situation:
    """``now`` is the ledger's; ``row`` is the holding now, ``before`` as it was claimed."""

    row: Holding
    before: Holding
    done: Done
    platform: Platform
    shared: bool
    now: datetime
    spread: Spread
    sent: Mapping[str, Any]


def advance(
    row: Holding,
    before: Holding,
    done: Done,
    platform: Platform,
    *,
    shared: bool,
    now: datetime,
    spread: Spread,
) -> Step:
    """The next state, and when somebody moves next. Newer work always comes at once."""
    sent = what_was_sent(row, before, done, platform, now)
    it = Situation(row, before, done, platform, shared, now, spread, sent)
    if done.overtaken or row.asked_seq != before.asked_seq or row.epoch != before.epoch:
        return Step({**it.sent, "due_at": now, "state": row.state.value}, "overtaken")
    if done.by_hand is not None:
        return by_hand(it, done.by_hand)
    if done.error is not None:
        return failed(it, done.error)
    if done.look is None:
        return failed(it, Unreadable("the attempt ended without a look"))
    return judged(it, done.look) if before.goal else patrolled(it, done.look.judgement.verdict)


def what_was_sent(
    row: Holding, before: Holding, done: Done, platform: Platform, now: datetime
) -> dict[str, Any]:
    """What an attempt leaves in the row whatever follows from it."""
    kept: dict[str, Any] = {"suspect": False, "deaths": 0}
    if done.acted:
        kept["answered_at"] = now
    if done.acted or isinstance(done.error, OutcomeUnknown):
        kept["acted_seq"] = before.asked_seq
    if isinstance(done.error, OutcomeUnknown):
        deadline = max(row.intent_until or now, now)
        kept["ambiguous_until"] = deadline + platform.late_apply
    if done.look is not None:
        kept["seen_at"] = done.look.sight.ended
        kept["seen"] = [seen(trace) for trace in done.look.sight.traces]
    return kept


def by_hand(it: Situation, verb: Verb) -> Step:
    """Where we can look we go on looking: a human may do it without telling us."""
    due = it.now + DAY if it.platform.can_look else None
    changes = {**it.sent, "state": State.NEEDS_YOU.value, "due_at": due}
    return Step(changes, "by hand", task=Task.BY_HAND, verb=verb)


def failed(it: Situation, error: ConnectorError) -> Step:
    """The error's class is the instruction."""
    outcome, detail = type(error).__name__, error.detail
    state = State.RETRYING if it.before.goal else it.row.state  # a patrol changes nothing
    retrying = {**it.sent, "state": state.value, "error": outcome}
    match error:
        case TryAt():  # the platform's word; counts as nothing
            return Step({**retrying, "due_at": it.now + error.wait}, outcome, detail)
        case OutcomeUnknown():
            looks = it.row.looks + 1
            due = it.now + look_after(looks, it.spread)
            return Step({**retrying, "looks": looks, "due_at": due}, outcome, detail)
        case OnlyThePerson():
            changes = {**it.sent, "state": State.ONLY_THE_PERSON.value, "due_at": None}
            return over(it, changes, outcome, detail, Ended.REFUSED)
        case Refused():
            return refused(it, retrying, outcome, detail)
        case _:
            return failed_again(it, retrying, outcome, detail)


def refused(it: Situation, retrying: Mapping[str, Any], outcome: str, detail: str) -> Step:
    if not it.before.goal:
        return Step({**retrying, "due_at": it.now + DAY}, outcome, detail)
    changes = {**retrying, "state": State.NEEDS_YOU.value}
    if never_gives_up(it):
        changes["due_at"] = it.now + DAY
        return Step(changes, outcome, detail, task=Task.REFUSED, verb=verb_of(it))
    changes["due_at"] = None
    return over(it, changes, outcome, detail, Ended.REFUSED, Task.REFUSED)


def failed_again(it: Situation, retrying: Mapping[str, Any], outcome: str, detail: str) -> Step:
    attempts = it.row.attempts + 1
    changes = {**retrying, "attempts": attempts}
    if attempts >= ATTEMPTS and not never_gives_up(it):
        changes |= {"state": State.NEEDS_YOU.value, "due_at": None}
        return over(it, changes, outcome, detail, Ended.GIVEN_UP, Task.GIVEN_UP)
    changes["due_at"] = it.now + retry_after(attempts, it.spread)
    return Step(changes, outcome, detail)


def over(
    it: Situation,
    changes: Mapping[str, Any],
    outcome: str,
    detail: str | None,
    ended: Ended,
    task: Task | None = None,
) -> Step:
    """The operations end here, although the platform does not show what was asked."""
    seq = it.before.asked_seq
    done = {**changes, "reached_seq": seq}
    return Step(done, outcome, detail, ended=ended, ended_seq=seq, task=task, verb=verb_of(it))


def judged(it: Situation, look: Look) -> Step:
    verdict = look.judgement.verdict
    if verdict in good(it):
        if it.row.settling(look.sight.started):
            wait = {**it.sent, "state": State.SENT.value, "due_at": it.row.ambiguous_until}
            return Step(wait, "settling")
        if it.shared and it.before.goal.erase:
            return shared(it)
        return verified(it, verdict, anything=bool(look.sight.traces))
    match verdict:
        case Verdict.FINAL_ON:
            return final_on(it, look.judgement.until)
        case Verdict.WAITING_FOR_PERSON:
            state = {"state": State.ONLY_THE_PERSON.value, "due_at": it.now + DAY}
            return Step({**it.sent, **state}, verdict.value)
        case Verdict.CANNOT_LOOK:
            state = {"state": State.CANNOT_LOOK.value, "due_at": it.now + DAY}
            return Step({**it.sent, **state}, verdict.value, task=Task.CANNOT_LOOK)
        case _:
            return contradicted(it, verdict)


def good(it: Situation) -> frozenset[Verdict]:
    """What needs no further try. An erasure at a shared contact only takes the name away."""
    if it.before.goal.erase and not it.shared:
        return frozenset({Verdict.ABSENT, Verdict.KEPT})
    return frozenset({Verdict.CONFIRMED, Verdict.ABSENT})


def verified(it: Situation, verdict: Verdict, *, anything: bool) -> Step:
    """Seen as asked. After an erasure the patrols begin, unless the person came back since."""
    seq = it.before.wants.erase if it.before.goal.erase else it.before.asked_seq
    changes = {**it.sent, "reached_seq": seq, "attempts": 0, "looks": 0, "error": None}
    if it.before.goal.erase and it.before.asked_seq > seq:
        changes |= {"state": State.QUEUED.value, "due_at": it.now, "erasing": False}
    elif it.before.goal.erase and verdict is Verdict.ABSENT:
        wait = patrol_after(0)
        due = None if wait is None else it.now + wait
        changes |= {"state": State.NOT_FOUND.value, "due_at": due, "erasing": False}
    else:
        state = State.STILL_THERE if verdict is Verdict.ABSENT and anything else STATES[verdict]
        changes |= {"state": state.value, "due_at": None, "erasing": False}
    ended = Ended.CONFIRMED if it.before.goal.erase else ENDS[verdict]
    if verdict is Verdict.KEPT:
        ended = Ended.KEPT
    return Step(changes, verdict.value, ended=ended, ended_seq=seq, settled=True)


STATES = {
    Verdict.CONFIRMED: State.CONFIRMED,
    Verdict.ABSENT: State.NOT_FOUND,
    Verdict.KEPT: State.KEPT,
}
ENDS = {Verdict.CONFIRMED: Ended.CONFIRMED, Verdict.ABSENT: Ended.ABSENT}


def shared(it: Situation) -> Step:
    changes = {**it.sent, "state": State.SHARED.value, "due_at": None, "erasing": False}
    return over(it, changes, "shared", None, Ended.KEPT, Task.SHARED)


def final_on(it: Situation, until: datetime | None) -> Step:
    dates = [moment for moment in (it.row.final_on, until) if moment]
    promised = min(dates)
    if it.now > promised + DAY:
        changes = {"state": State.OVERDUE.value, "due_at": it.now + DAY, "final_on": promised}
        return Step({**it.sent, **changes}, "overdue", task=Task.OVERDUE, verb=Verb.ERASE)
    if came_back(it):
        return superseded(it)
    changes = {"state": State.FINAL_ON.value, "due_at": promised + DAY, "final_on": promised}
    return Step({**it.sent, **changes, "erasing": False}, Verdict.FINAL_ON.value)


def contradicted(it: Situation, verdict: Verdict) -> Step:
    """Answered, but not seen. At first that may only be the platform being slow to show it."""
    if it.before.goal.erase and came_back(it):
        return superseded(it)
    looks = it.row.looks + 1
    changes = {**it.sent, "looks": looks, "due_at": it.now + look_after(looks, it.spread)}
    if it.before.goal.erase and it.platform.erasure is Erasure.ARCHIVES:
        changes |= {"state": State.STILL_THERE.value, "due_at": it.now + DAY}
        return Step(changes, verdict.value, task=Task.STILL_THERE, verb=Verb.ERASE)
    if looks <= SHOWS_SOON:
        return Step({**changes, "state": State.SENT.value}, verdict.value)
    if it.before.goal.erase:
        changes["state"] = State.STILL_THERE.value
        return Step(changes, verdict.value, task=Task.STILL_THERE, verb=Verb.ERASE)
    if looks >= ATTEMPTS and not never_gives_up(it):
        changes |= {"state": State.NEEDS_YOU.value, "due_at": None}
        return over(it, changes, verdict.value, None, Ended.GIVEN_UP, Task.GIVEN_UP)
    return Step({**changes, "state": State.RETRYING.value}, verdict.value)


def came_back(it: Situation) -> bool:
    """A fresh basis was accepted after the erasure, and the erasure was sent and answered."""
    later = any(want.seq > it.before.wants.erase for want in it.before.wants.places.values())
    return later and (it.done.acted or it.before.acted)


def superseded(it: Situation) -> Step:
    seq = it.before.wants.erase
    changes = {"reached_seq": seq, "state": State.QUEUED.value, "due_at": it.now, "erasing": False}
    return Step({**it.sent, **changes}, "superseded", ended=Ended.SUPERSEDED, ended_seq=seq)


def patrolled(it: Situation, verdict: Verdict) -> Step:
    """A look after an erasure was verified: still gone, or back and why."""
    if not it.before.wants.erase:
        return Step({**it.sent, "due_at": None, "state": it.row.state.value}, "looked")
    if verdict in {Verdict.ABSENT, Verdict.KEPT}:
        patrols = it.row.patrol + 1
        wait = patrol_after(patrols)
        due = None if wait is None else it.now + wait
        gone = {"state": STATES[verdict].value, "due_at": due, "patrol": patrols}
        return Step({**it.sent, **gone}, "patrolled", settled=True)
    if it.row.ambiguous_until is not None:  # a late call of ours: erase again
        again = {"reached_seq": it.before.wants.erase - 1, "due_at": it.now, "erasing": True}
        return Step({**it.sent, **again, "state": State.RETRYING.value}, "returned")
    back = {"state": State.RETURNED.value, "due_at": it.now + DAY}
    return Step({**it.sent, **back}, "returned", task=Task.RETURNED, verb=Verb.ERASE)


def never_gives_up(it: Situation) -> bool:
    goal = it.before.goal
    return goal.erase or bool(goal.unsubscribe) or not goal


def verb_of(it: Situation) -> Verb:
    goal = it.before.goal
    if goal.erase or not goal:  # without a goal we are on patrol after an erasure
        return Verb.ERASE
    if goal.unsubscribe:
        return Verb.UNSUBSCRIBE
    return Verb.SUBSCRIBE if goal.subscribe else Verb.UPDATE
