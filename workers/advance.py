"""Where a holding stands after an attempt: the one table of what follows from what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from core.connector import Erasure, Platform, Verb
from core.errors import (
    ConnectorError,
    OnlyThePerson,
    OutcomeUnknown,
    Reconnect,
    Refused,
    TryAt,
)
from core.holding import Holding
from core.ledger.hints import NOT_BY_HINT
from core.states import Ended, State, Task
from core.verdict import Verdict
from workers.attempt import Done, Look
from workers.schedule import (
    ATTEMPTS,
    DAY,
    PATROL,
    SHOWS_SOON,
    Spread,
    look_after,
    patrol_after,
    retry_after,
)
from workers.situation import Situation, Step, what_was_sent
from workers.told import SIGHTS, reached, told

AS_ASKED = {Verdict.CONFIRMED, Verdict.ABSENT, Verdict.KEPT}
ENDS = {Verdict.CONFIRMED: Ended.CONFIRMED, Verdict.ABSENT: Ended.ABSENT}

# After an erasure: CONFIRMED is a contact that stays for somebody else.
GONE = {
    Verdict.ABSENT: State.NOT_FOUND,
    Verdict.KEPT: State.KEPT,
    Verdict.CONFIRMED: State.SHARED,
}


def advance(
    row: Holding,
    before: Holding,
    done: Done,
    platform: Platform,
    *,
    now: datetime,
    spread: Spread,
) -> Step:
    """The next state, and when somebody moves next. Newer work always comes at once."""
    sent = what_was_sent(row, before, done, platform, now)
    step = follows(Situation(row, before, done, platform, now, spread, sent))
    if row.hinted_at == before.hinted_at or State(step.changes["state"]) in NOT_BY_HINT:
        return step
    again = {"hinted": True, "planned_at": step.changes["due_at"], "due_at": now}
    return replace(step, changes={**step.changes, **again})  # told while we looked


def follows(it: Situation) -> Step:
    row, before, done = it.row, it.before, it.done
    if done.overtaken or newer(row) != newer(before):
        return overtaken(it)
    if done.error is not None:
        return failed(it, done.error)
    if done.by_hand is not None:
        return by_hand(it, done.by_hand)
    if done.held_back:
        return held_back(it)
    if done.look is None:
        return unlooked(it) if done.acted and it.platform.can_look else cannot_look(it)
    if before.goal:
        return judged(it, done.look)
    if it.goal.erase:
        return patrolled(it, done.look)
    if done.look.judgement.verdict is not Verdict.CANNOT_LOOK or row.state not in SIGHTS:
        return told(it, done.look)
    unseen = cannot_look(it)
    return replace(unseen, changes={**unseen.changes, "hinted": True})


def newer(holding: Holding) -> tuple[int, int, int]:
    """Differs once there is newer work, or a human's word that none is left."""
    return holding.asked_seq, holding.epoch, holding.reached_seq


def unlooked(it: Situation) -> Step:
    """Answered together with many others, whom one look did not show; now for this one alone."""
    sent = {"state": State.SENT.value, "due_at": it.now, "looks": it.row.looks + 1}
    return Step({**it.sent, **sent}, "answered")


def overtaken(it: Situation) -> Step:
    """What was seen as asked before the newer work came stays so, and is not done again."""
    due = None if it.row.due_at is None else it.now
    changes = {**it.sent, "state": it.row.state.value, "due_at": due}
    finished = not (it.done.overtaken or it.done.error or it.done.by_hand)
    if finished and it.done.look is not None and it.before.goal:
        step = judged(it, it.done.look)
        if step.settled:
            reached = {"reached_seq": it.seq, "erasing": it.row.wants.erase > it.seq}
            return Step({**changes, **reached}, "overtaken", ended=step.ended, ended_seq=it.seq)
    return Step(changes, "overtaken")


def by_hand(it: Situation, verb: Verb) -> Step:
    """Where we can look we go on looking: a human may do it without telling us."""
    due = it.now + DAY if it.platform.can_look else None
    changes = {**it.sent, "state": State.NEEDS_YOU.value, "due_at": due}
    return Step(changes, "by hand", task=Task.BY_HAND, verb=verb)


def held_back(it: Situation) -> Step:
    """
    Nobody moves until pushes may go on; what may still act is looked at before. What stands
    beside them, an unsubscription, was done and seen.
    """
    outcome, look = "held back", it.done.look
    if look is not None and look.judgement.verdict is Verdict.CANNOT_LOOK:
        return cannot_look(it)
    if it.row.settling(look.sight.started if look else it.now):
        wait = {"state": State.SENT.value, "due_at": it.row.ambiguous_until}
        return Step({**it.sent, **wait}, outcome)
    due = None if it.row.held_back else it.now  # it was lifted while we looked
    changes = {**it.sent, "state": State.QUEUED.value, "due_at": due}
    if look is None:
        return Step(changes, outcome)
    waiting = it.before.wants.pushes(it.before.reached_seq)
    seen = Ended.CONFIRMED
    return Step(changes, outcome, ended=seen, ended_seq=it.seq, still_open=waiting)


def failed(it: Situation, error: ConnectorError) -> Step:
    """The error's class is the instruction."""
    outcome, detail = type(error).__name__, error.detail
    state = State.RETRYING if it.before.goal else it.row.state  # a lost look says nothing
    retrying = {**it.sent, "state": state.value, "error": outcome}
    match error:
        case TryAt():  # the platform's word; counts as nothing
            return Step({**retrying, "due_at": it.now + error.wait}, outcome, detail)
        case Reconnect():  # the lane is held until then; counts as nothing
            return Step({**retrying, "due_at": it.now}, outcome, detail)
        case OutcomeUnknown():
            looks = it.row.looks + 1
            return again(
                it,
                {**retrying, "looks": looks},
                looks,
                look_after(looks, it.spread),
                outcome,
                detail,
            )
        case Refused():
            return refused(it, retrying, error)
        case _:
            attempts = it.row.attempts + 1
            wait = retry_after(attempts, it.spread)
            return again(it, {**retrying, "attempts": attempts}, attempts, wait, outcome, detail)


def again(
    it: Situation,
    changes: Mapping[str, Any],
    times: int,
    wait: timedelta,
    outcome: str,
    detail: str | None = None,
) -> Step:
    """After so many times a human is told; a subscription or an update then ends."""
    later = {**changes, "due_at": it.now + wait}
    if times < ATTEMPTS:
        return Step(later, outcome, detail)
    if it.only_told:
        return let_it_be(it, changes, outcome, detail)
    if never_gives_up(it):
        return Step(later, outcome, detail, task=Task.GIVEN_UP, verb=it.goal.verb)
    changes = {**changes, "state": State.NEEDS_YOU.value}
    return over(it, changes, outcome, detail, Ended.GIVEN_UP, Task.GIVEN_UP)


def let_it_be(it: Situation, changes: Mapping[str, Any], outcome: str, detail: str | None) -> Step:
    """A look that we were only told to take does not succeed: nothing was asked of us."""
    planned = {"due_at": it.planned, "hinted": False, "attempts": 0, "looks": 0}
    return Step({**changes, **planned}, outcome, detail, unseen=it.row.state not in SIGHTS)


def refused(it: Situation, retrying: Mapping[str, Any], error: Refused) -> Step:
    outcome, detail = type(error).__name__, error.detail
    if it.goal.erase and not it.before.goal:
        return Step({**retrying, "due_at": it.now + DAY}, outcome, detail)
    if it.only_told:
        return let_it_be(it, retrying, outcome, detail)
    if never_gives_up(it):
        changes = {**retrying, "state": State.NEEDS_YOU.value, "due_at": it.now + DAY}
        return Step(changes, outcome, detail, task=Task.REFUSED, verb=it.goal.verb)
    if isinstance(error, OnlyThePerson):
        changes = {**retrying, "state": State.ONLY_THE_PERSON.value}
        return over(it, changes, outcome, detail, Ended.REFUSED)
    changes = {**retrying, "state": State.NEEDS_YOU.value}
    return over(it, changes, outcome, detail, Ended.REFUSED, Task.REFUSED)


def over(
    it: Situation,
    changes: Mapping[str, Any],
    outcome: str,
    detail: str | None,
    ended: Ended,
    task: Task | None = None,
) -> Step:
    """The operations end here, although the platform does not show what was asked."""
    done = {**changes, "reached_seq": it.seq, "due_at": None}
    return Step(done, outcome, detail, ended=ended, ended_seq=it.seq, task=task, verb=it.goal.verb)


def judged(it: Situation, look: Look) -> Step:
    verdict = look.judgement.verdict
    if verdict in AS_ASKED | {Verdict.FINAL_ON} and it.settling(look.sight.started):
        wait = {"state": State.SENT.value, "due_at": it.settled_at}
        return Step({**it.sent, **wait}, "settling")
    if verdict in AS_ASKED:
        return erased(it, verdict) if it.goal.erase else verified(it, look)
    match verdict:
        case Verdict.FINAL_ON:
            return final_on(it, look.judgement.until)
        case Verdict.WAITING_FOR_PERSON:
            state = {"state": State.ONLY_THE_PERSON.value, "due_at": it.now + DAY}
            return Step({**it.sent, **state}, verdict.value)
        case Verdict.CANNOT_LOOK:
            return cannot_look(it)
        case _:
            return contradicted(it, verdict)


def verified(it: Situation, look: Look) -> Step:
    """Seen as asked, after everything unanswered that came before could no longer act."""
    verdict = look.judgement.verdict
    changes = {
        "state": reached(look).value,
        "due_at": None,
        "reached_seq": it.seq,
        "erasing": False,
        "attempts": 0,
        "looks": 0,
        "error": None,
        "ambiguous_until": None,
    }
    return Step(
        {**it.sent, **changes},
        verdict.value,
        ended=ENDS[verdict],
        ended_seq=it.seq,
        settled=True,
    )


def erased(it: Situation, verdict: Verdict) -> Step:
    """Now the patrols begin, unless the person came back since; what is kept needs none."""
    changes = {
        "state": GONE[verdict].value,
        "due_at": it.now + PATROL[0] if verdict is Verdict.ABSENT else None,
        "reached_seq": it.seq,
        "erasing": False,
        "attempts": 0,
        "looks": 0,
        "patrol": 0,
        "final_on": None,
        "error": None,
    }
    if it.before.asked_seq > it.seq:
        changes |= {"state": State.QUEUED.value, "due_at": it.now}
    shared = verdict is Verdict.CONFIRMED
    return Step(
        {**it.sent, **changes},
        "shared" if shared else verdict.value,
        ended=Ended.CONFIRMED if verdict is Verdict.ABSENT else Ended.KEPT,
        ended_seq=it.seq,
        task=Task.SHARED if shared else None,
        verb=Verb.ERASE,
        settled=True,
    )


def final_on(it: Situation, until: datetime | None) -> Step:
    """The platform's first word counts, however often it says a later date."""
    if it.returns:  # it erases already, whoever asked it to
        return superseded(it)
    promised = min(moment for moment in (it.row.final_on, until) if moment)
    changes = {**it.sent, "final_on": promised, "erasing": False}
    if it.now >= promised + DAY:
        changes |= {"state": State.OVERDUE.value, "due_at": it.now + DAY}
        return Step(changes, "overdue", task=Task.OVERDUE, verb=Verb.ERASE)
    changes |= {"state": State.FINAL_ON.value, "due_at": promised + DAY}
    return Step(changes, Verdict.FINAL_ON.value)


def cannot_look(it: Situation) -> Step:
    if it.came_back:
        return superseded(it)
    changes = {"state": State.CANNOT_LOOK.value, "due_at": it.now + DAY}
    verdict = Verdict.CANNOT_LOOK.value
    return Step({**it.sent, **changes}, verdict, task=Task.CANNOT_LOOK, verb=it.goal.verb)


def contradicted(it: Situation, verdict: Verdict) -> Step:
    """Answered, but not seen. At first that may only be the platform being slow to show it."""
    if it.came_back:
        return superseded(it)
    looks = it.row.looks + 1
    changes = {**it.sent, "looks": looks, "state": State.SENT.value}
    wait = look_after(looks, it.spread)
    if it.goal.erase and it.platform.erasure is Erasure.ARCHIVES:
        changes |= {"state": State.STILL_THERE.value, "due_at": it.now + DAY}
        return Step(changes, verdict.value, task=Task.STILL_THERE, verb=Verb.ERASE)
    if looks <= SHOWS_SOON:
        return Step({**changes, "due_at": it.now + wait}, verdict.value)
    if it.goal.erase:
        changes |= {"state": State.STILL_THERE.value, "due_at": it.now + wait}
        return Step(changes, verdict.value, task=Task.STILL_THERE, verb=Verb.ERASE)
    changes["state"] = State.RETRYING.value
    return again(it, changes, looks, wait, verdict.value)


def superseded(it: Situation) -> Step:
    changes = {
        "reached_seq": it.seq,
        "state": State.QUEUED.value,
        "due_at": it.now,
        "erasing": False,
    }
    return Step({**it.sent, **changes}, "superseded", ended=Ended.SUPERSEDED, ended_seq=it.seq)


def patrolled(it: Situation, look: Look) -> Step:
    """A look after an erasure was verified: still gone, or back and why."""
    verdict = look.judgement.verdict
    if verdict in GONE:
        patrols = it.row.patrol + (0 if it.between_patrols else 1)
        wait = patrol_after(patrols)
        due = None if wait is None else it.now + wait
        if it.between_patrols:
            due = it.row.planned_at
        gone = {"state": GONE[verdict].value, "due_at": due, "patrol": patrols, "error": None}
        return Step({**it.sent, **gone}, "patrolled", settled=True)
    if verdict is Verdict.CANNOT_LOOK:
        return cannot_look(it)
    if verdict is Verdict.FINAL_ON:
        return final_on(it, look.judgement.until)
    if it.row.ambiguous_until is not None:  # a late call of ours explains it, once
        erase_again = {
            "state": State.RETRYING.value,
            "due_at": it.now,
            "reached_seq": it.before.wants.erase - 1,
            "erasing": True,
            "ambiguous_until": None,
        }
        return Step({**it.sent, **erase_again}, "returned")
    back = {"state": State.RETURNED.value, "due_at": it.now + DAY}
    return Step({**it.sent, **back}, "returned", task=Task.RETURNED, verb=Verb.ERASE)


def never_gives_up(it: Situation) -> bool:
    return it.goal.erase or bool(it.goal.unsubscribe)
