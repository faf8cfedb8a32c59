"""The table of legal moves holds every move that the product makes, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from itertools import product
from typing import Any

from core.connector import Presence, Trace, Verb
from core.errors import OnlyThePerson, OutcomeUnknown, Refused, TryLater
from core.holding import Holding
from core.ledger.adoption import state_of
from core.ledger.hints import NOT_BY_HINT
from core.states import State
from core.testing.imitation import ARCHIVING, BLOCKLIST, HONEST, NEWS
from core.transitions import NEW, WAYS, legal
from core.verdict import Judgement, Sight, Verdict
from core.wants import PUSHES, Goal, Wants
from tests.databases import NOW
from tests.workers.test_advance import FRESH
from workers.advance import advance
from workers.attempt import Done, Look
from workers.schedule import ATTEMPTS, DAY, SHOWS_SOON

SOON, LATELY = NOW + DAY, NOW - 2 * DAY
PLATFORMS = {"honest": HONEST, "archives": ARCHIVING, "blind": replace(HONEST, can_look=False)}
WANTS = {
    "subscribe": Wants().subscribe([NEWS.id], 1),
    "update": Wants().change(1),
    "unsubscribe": Wants().unsubscribe([NEWS.id], 1),
    "erase": Wants(erase=1),
    "erase and back": Wants(erase=1).subscribe([NEWS.id], 2),
}
HISTORIES: tuple[dict[str, Any], ...] = (
    {},
    {"looks": SHOWS_SOON},
    {"attempts": ATTEMPTS - 1, "looks": ATTEMPTS - 1},
    {"ambiguous_until": SOON},
    {"ambiguous_until": LATELY},
)
ERRORS = (TryLater("503"), Refused("422"), OnlyThePerson("409"), OutcomeUnknown("none"))
HERE, ARCHIVED, OPTED_OUT, PENDING = (
    (Trace(NEWS.id, presence, {}),)
    for presence in (
        Presence.SUBSCRIBED,
        Presence.ARCHIVED,
        Presence.UNSUBSCRIBED,
        Presence.PENDING,
    )
)
BLOCKED = (Trace(BLOCKLIST, Presence.SUPPRESSED, {}),)


@dataclass(frozen=True, slots=True)
class Spot:
    """
    Somewhere in the life of a holding, in all that decides what its state can become.
    ``overdue``: the platform's date is past; ``task``: up to which operation a human was asked.
    """

    asked: str
    platform: str
    state: State = State.QUEUED
    reached: int = 0
    due: bool = True
    overdue: bool = False
    task: int | None = None

    @property
    def holding(self) -> Holding:
        wants = WANTS[self.asked]
        return replace(
            FRESH,
            state=self.state,
            wants=wants,
            asked_seq=max(wants.live()),
            reached_seq=self.reached,
            due_at=LATELY if self.due else None,
            final_on=LATELY if self.overdue else None,
        )


def lives() -> Iterator[tuple[str, State]]:
    """Every move in every life that can follow from what is asked first."""
    spots = [Spot(wanted, platform) for wanted, platform in product(WANTS, PLATFORMS)]
    known = set(spots)
    yield from ((NEW, state) for state in (asked(is_open=True), asked(is_open=False)))
    while spots:
        spot = spots.pop()
        yield from ((spot.state, after) for after in elsewhere(spot))
        nearby = here(spot)
        yield from ((spot.state, after.state) for after in nearby)
        spots += nearby - known
        known |= nearby


def here(spot: Spot) -> set[Spot]:
    """What can happen next at an open connection, other than that something is asked."""
    by_us = (*attempted(spot), *interrupted(spot)) if spot.due else ()
    return {*by_us, *waited(spot), *told(spot), *attested(spot)}


def elsewhere(spot: Spot) -> Iterator[State]:
    """Where it ends when something is asked, or the connection closed, or both."""
    yield asked(is_open=True)
    yield asked(is_open=False)
    if spot.holding.goal.erase and spot.due:
        yield State.CANNOT_LOOK
    elif spot.task is not None:
        yield attested_blindly(spot).state


def asked(*, is_open: bool) -> State:
    """At a closed connection it can only be an erasure."""
    return State.QUEUED if is_open else State.CANNOT_LOOK


def attempted(spot: Spot) -> Iterator[Spot]:
    for after, settled in steps(replace(spot, task=None)):
        yield after if settled or after.task else replace(after, task=spot.task)


@cache
def steps(spot: Spot) -> frozenset[tuple[Spot, bool]]:
    """Where an attempt can lead, and whether its tasks are done then."""
    return frozenset(
        stepped(replace(spot.holding, **history), done, spot)
        for history, done in product(HISTORIES, outcomes(spot))
    )


def stepped(row: Holding, done: Done, spot: Spot) -> tuple[Spot, bool]:
    step = advance(row, row, done, PLATFORMS[spot.platform], now=NOW, spread=lambda: 0.0)
    final_on = step.changes.get("final_on", row.final_on)
    about = row.wants.erase if step.verb is Verb.ERASE else row.asked_seq
    after = replace(
        spot,
        state=State(step.changes["state"]),
        reached=step.changes.get("reached_seq", row.reached_seq),
        due=step.changes["due_at"] is not None,
        overdue=final_on is not None and final_on < NOW,
        task=about if step.unseen or step.task else None,
    )
    return after, step.settled


def outcomes(spot: Spot) -> Iterator[Done]:
    """What an attempt can come to."""
    goal = spot.holding.goal
    pushes = bool(goal) and not goal.without(PUSHES)
    yield Done(overtaken=True)
    yield from (Done(error=error) for error in ERRORS)
    if goal:
        yield Done(by_hand=goal.verb)
        yield Done(acted=True)  # among many others, or where nobody can look
    if pushes:
        yield Done(held_back=True)
    if not PLATFORMS[spot.platform].can_look:
        return
    for seen in looks(goal or spot.holding.wants.standing()):
        yield Done(look=seen, acted=bool(goal))
        yield Done(look=seen, held_back=pushes)


def looks(goal: Goal) -> Iterator[Look]:
    """What can be seen of somebody. CONFIRMED, of an erasure: others use the address."""
    yield look(Verdict.CANNOT_LOOK, ())
    yield look(Verdict.CONFIRMED, HERE)
    if goal.erase:
        yield look(Verdict.ABSENT, ())
        yield look(Verdict.KEPT, BLOCKED)
        yield look(Verdict.CONTRADICTED, HERE, goal)
        yield look(Verdict.FINAL_ON, HERE, until=SOON)
        yield look(Verdict.FINAL_ON, HERE, until=LATELY)
    if goal.subscribe:
        yield look(Verdict.WAITING_FOR_PERSON, PENDING)
        yield from (look(Verdict.CONTRADICTED, one, goal) for one in ((), OPTED_OUT, ARCHIVED))
    if goal.unsubscribe:
        yield look(Verdict.CONTRADICTED, HERE, goal)
    if goal.update:
        yield from (look(Verdict.ABSENT, one) for one in ((), BLOCKED))
        yield look(Verdict.DIFFERS, HERE, goal)


def look(
    verdict: Verdict,
    traces: tuple[Trace, ...],
    unmet: Goal | None = None,
    until: datetime | None = None,
) -> Look:
    return Look(Sight((NEWS,), traces, NOW, NOW), Judgement(verdict, unmet or Goal(), until))


def interrupted(spot: Spot) -> Iterator[Spot]:
    """Its worker died; for the third time."""
    held = spot.holding
    yield replace(spot, state=State(state_of(spot.state, held.goal, poison=False)))
    poisoned = State(state_of(spot.state, held.goal, poison=True))
    yield replace(spot, state=poisoned, task=held.asked_seq)


def waited(spot: Spot) -> Iterator[Spot]:
    """Until after the date that the platform named, if it did."""
    if spot.state is State.FINAL_ON:
        yield replace(spot, overdue=True)


def told(spot: Spot) -> Iterator[Spot]:
    """By the platform."""
    if spot.state not in NOT_BY_HINT:
        yield replace(spot, due=True)


def attested(spot: Spot) -> Iterator[Spot]:
    if spot.task is not None:
        can_look = PLATFORMS[spot.platform].can_look
        yield replace(spot, task=None, due=True) if can_look else attested_blindly(spot)


def attested_blindly(spot: Spot) -> Spot:
    """A human's word for what the task said, and for nothing that was asked since."""
    reached = max(spot.reached, spot.task or 0)
    rest = spot.holding.asked_seq > reached
    state = State.QUEUED if rest else State.ATTESTED
    return replace(spot, state=state, due=rest, reached=reached, task=None)


def test_the_table_holds_every_move_that_can_be_lived_and_no_other() -> None:
    lived = {(str(was), str(became)) for was, became in lives() if was != became}
    assert lived - legal(WAYS) == set(), "happens, and the database would refuse it"
    assert legal(WAYS) - lived == set(), "nobody can reach it"
