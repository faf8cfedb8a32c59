"""
Which of the report's closed list of states a holding is in.

The ledger's state is the last thing that was done; a report must also heed a lane that is
held, a connection that was closed, what the last look found and what nobody looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.states import State


class Standing(StrEnum):
    """The whole list, as the API gives it. ``kept`` is a refusal or an invoice."""

    QUEUED = "queued"
    SENT = "sent"  # answered, or still settling: not looked yet
    NOT_FOUND = "not_found"
    STILL_THERE = "still_there"
    FINAL_ON = "final_on"
    OVERDUE = "overdue"
    RETRYING = "retrying"
    NEEDS_YOU = "needs_you"
    ONLY_THE_PERSON = "only_the_person"
    SHARED = "shared"
    KEPT = "kept"
    IN_BACKUPS = "in_backups"
    FINISHING = "finishing"
    ATTESTED = "attested"
    CANNOT_LOOK = "cannot_look"
    RETURNED = "returned"


class Whose(StrEnum):
    OURS = "ours"
    YOURS = "yours"
    THE_PLATFORM = "the_platform"
    THE_PERSON = "the_person"


class Count(StrEnum):
    """What a platform was last seen to hold; never what it answered."""

    NOT_FOUND = "not_found"
    STILL_THERE = "still_there"
    UNKNOWN = "unknown"


# Where a ledger's state is shown. Someone who is subscribed as asked is there: ``as_asked``.
SHOWN: Mapping[State, Standing] = {
    state: Standing.STILL_THERE if state is State.CONFIRMED else Standing(state.value)
    for state in State
}

WHOSE: Mapping[Standing, Whose] = {
    Standing.QUEUED: Whose.OURS,
    Standing.SENT: Whose.OURS,
    Standing.NOT_FOUND: Whose.OURS,
    Standing.STILL_THERE: Whose.YOURS,
    Standing.FINAL_ON: Whose.THE_PLATFORM,
    Standing.OVERDUE: Whose.YOURS,
    Standing.RETRYING: Whose.OURS,
    Standing.NEEDS_YOU: Whose.YOURS,
    Standing.ONLY_THE_PERSON: Whose.THE_PERSON,
    Standing.SHARED: Whose.YOURS,
    Standing.KEPT: Whose.OURS,
    Standing.IN_BACKUPS: Whose.OURS,
    Standing.FINISHING: Whose.OURS,
    Standing.ATTESTED: Whose.YOURS,
    Standing.CANNOT_LOOK: Whose.YOURS,
    Standing.RETURNED: Whose.YOURS,
}

# Nobody has to move any more. All other states are open, unless it is there as asked.
OVER = frozenset({Standing.NOT_FOUND, Standing.SHARED, Standing.KEPT, Standing.ATTESTED})

SEEN_AS_ASKED = frozenset({State.CONFIRMED, State.NOT_FOUND, State.KEPT})
SEEN_ABSENT = frozenset({State.CONFIRMED, State.NOT_FOUND, State.KEPT, State.SHARED})
# How an erasure ended stays true, with the time of its look, after the connection is closed.
OUTLIVE_CLOSING = frozenset({State.NOT_FOUND, State.KEPT, State.SHARED, State.ATTESTED})
WE_MOVE = frozenset({State.QUEUED, State.SENT, State.RETRYING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a standing follows from, for one person and in totals alike."""

    state: State
    looked: bool  # at least once
    empty: bool  # the last look found nothing
    reached: bool  # nothing is left to bring about
    task: bool  # a human was asked, and has not answered
    due: bool
    closed: bool  # the connection
    held: bool  # the lane: nothing moves until the customer acts
    can_look: bool  # the platform shows what it holds


def absent(facts: Facts) -> bool:
    """
    The last look found nothing, and counts: it came after all that was asked was done.

    A later look that did not get through takes nothing of that away.
    """
    patrolling = facts.state is State.RETRYING and facts.reached
    return facts.looked and facts.empty and (facts.state in SEEN_ABSENT or patrolling)


def standing(facts: Facts) -> Standing:
    state = facts.state
    unseen = state in SEEN_AS_ASKED and not facts.looked
    present = state is State.NOT_FOUND and not facts.empty  # only a blocklist entry, say
    if unseen or (facts.closed and (present or state not in OUTLIVE_CLOSING)):
        return Standing.CANNOT_LOOK
    if present:
        return Standing.STILL_THERE
    if absent(facts) and state in {State.CONFIRMED, State.RETRYING}:
        return Standing.NOT_FOUND
    if facts.held and state in WE_MOVE:
        return Standing.NEEDS_YOU
    if state is State.NEEDS_YOU and facts.due and not (facts.task or facts.held):
        return Standing.RETRYING  # a human said that it was done: we look next
    return SHOWN[state]


def as_asked(facts: Facts, *, erases: bool) -> bool:
    """We looked, and saw what was asked; a human's word alone is not that."""
    if standing(facts) is Standing.CANNOT_LOOK:
        return False
    if facts.state is State.NOT_FOUND and not facts.empty:
        return not erases
    return facts.state in SEEN_AS_ASKED or standing(facts) is Standing.NOT_FOUND


def count(facts: Facts) -> Count:
    disconnected = facts.closed and standing(facts) is Standing.CANNOT_LOOK
    if disconnected or not (facts.looked and facts.can_look):
        return Count.UNKNOWN
    if not facts.empty:
        return Count.STILL_THERE
    return Count.NOT_FOUND if absent(facts) else Count.UNKNOWN
