"""What follows from a look where nothing is to be done: it changes nothing but what we know."""

from __future__ import annotations

from core.holding import Holding
from core.states import State
from core.verdict import Verdict, opted_out
from workers.attempt import Done, Look
from workers.schedule import DAY
from workers.situation import Situation, Step

STATES = {Verdict.CONFIRMED: State.CONFIRMED, Verdict.ABSENT: State.NOT_FOUND}

# What was seen there, if anything was. All other states wait for somebody, and go on doing so.
SIGHTS = frozenset(
    {
        State.CONFIRMED,
        State.NOT_FOUND,
        State.STILL_THERE,
        State.ONLY_THE_PERSON,
        State.CANNOT_LOOK,
    }
)


def refused_there(holding: Holding, done: Done) -> tuple[str, ...]:
    """Where the person opted out at the platform itself; not where something is to be done."""
    if not holding.hinted or holding.goal or done.look is None:
        return ()
    look = done.look
    return tuple(place for place in look.judgement.unmet.subscribe if opted_out(place, look.sight))


def told(it: Situation, look: Look) -> Step:
    """
    A platform or a human told of a change. Gone there, opted out there, or otherwise than asked:
    said as it is seen, and no new task, as nothing that was asked of us went wrong.
    """
    verdict, state = look.judgement.verdict, seen_state(it, look)
    changes = {**it.sent, "state": state.value, "due_at": it.planned}
    if verdict in STATES:
        changes["error"] = None
    if verdict is Verdict.WAITING_FOR_PERSON:
        changes |= {"due_at": it.now + DAY, "hinted": True}
    settled = verdict in STATES or it.row.state is State.CANNOT_LOOK
    return Step(changes, verdict.value, settled=settled, unseen=state not in SIGHTS)


def seen_state(it: Situation, look: Look) -> State:
    verdict, unmet = look.judgement.verdict, look.judgement.unmet
    if verdict in STATES:
        return reached(look)
    if it.row.state not in SIGHTS:
        return it.row.state
    if not look.sight.traces:
        return State.NOT_FOUND
    if verdict is Verdict.WAITING_FOR_PERSON:
        return State.ONLY_THE_PERSON
    if not unmet.unsubscribe and all(opted_out(one, look.sight) for one in unmet.subscribe):
        return State.CONFIRMED if unmet.subscribe else it.row.state
    return State.STILL_THERE if verdict is Verdict.CONTRADICTED else it.row.state


def reached(look: Look) -> State:
    """Where it is as asked. A blocklist entry is no person, but it is there."""
    verdict = look.judgement.verdict
    only_blocked = verdict is Verdict.ABSENT and bool(look.sight.traces)
    return State.STILL_THERE if only_blocked else STATES[verdict]
