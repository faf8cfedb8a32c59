"""Which states of a holding may follow each other: the one table for code, database, docs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from core.states import State

S = TypeVar("S", bound=StrEnum)

NEW = "new"  # before the first state


@dataclass(frozen=True, slots=True)
class Group(Generic[S]):
    """States that something can happen in, with the words for when."""

    name: str
    when: str
    states: frozenset[S]


@dataclass(frozen=True, slots=True)
class Way(Generic[S]):
    """What leads to a state: from any of these groups, but from ``never``; ``first``: at once."""

    why: str
    groups: tuple[Group[S], ...]
    never: frozenset[S] = frozenset()
    first: bool = False

    def origins(self) -> frozenset[str]:
        states = frozenset[S]().union(*(group.states for group in self.groups)) - self.never
        return frozenset({state.value for state in states} | ({NEW} if self.first else set()))


Ways = Mapping[S, Way[S]]


def legal(ways: Ways[S]) -> frozenset[tuple[str, str]]:
    """Every pair of what was and what became of it. To stay is no move."""
    pairs = {(was, state.value) for state, way in ways.items() for was in way.origins()}
    return frozenset(pair for pair in pairs if pair[0] != pair[1])


ANY = Group("any", "at any time", frozenset(State))
TO_SEND = Group(
    "to send",
    "while a subscription, an update or an unsubscription is to be brought about",
    frozenset(
        {
            State.QUEUED,
            State.SENT,
            State.RETRYING,
            State.NEEDS_YOU,
            State.ONLY_THE_PERSON,
            State.CANNOT_LOOK,
        }
    ),
)
TO_ERASE = Group(
    "to erase",
    "while an erasure is to be brought about",
    frozenset(
        {
            State.QUEUED,
            State.SENT,
            State.RETRYING,
            State.NEEDS_YOU,
            State.CANNOT_LOOK,
            State.STILL_THERE,
            State.FINAL_ON,
            State.OVERDUE,
        }
    ),
)
KNOWN = Group(
    "known",
    "when nothing is to be done, and a platform or a human tells us to look",
    frozenset(
        {
            State.CONFIRMED,
            State.NOT_FOUND,
            State.STILL_THERE,
            State.ONLY_THE_PERSON,
            State.CANNOT_LOOK,
            State.NEEDS_YOU,
        }
    ),
)
ERASED = Group(
    "erased",
    "after an erasure, at a patrol or when we are told to look",
    frozenset(
        {
            State.NOT_FOUND,
            State.KEPT,
            State.SHARED,
            State.RETURNED,
            State.FINAL_ON,
            State.OVERDUE,
            State.NEEDS_YOU,
            State.CANNOT_LOOK,
        }
    ),
)

WAYS: Ways[State] = {
    State.QUEUED: Way(
        "Something is asked; or pushes are held back; or an erasure ended and the person had come "
        "back meanwhile.",
        (ANY,),
        first=True,
    ),
    State.SENT: Way(
        "The platform answered, and does not show it yet; or it shows it while an earlier call "
        "may still act.",
        (TO_SEND, TO_ERASE),
    ),
    State.RETRYING: Way(
        "An attempt failed, or was lost with its worker; or a late call of ours brought an erased "
        "person back.",
        (TO_SEND, TO_ERASE, ERASED),
    ),
    State.CONFIRMED: Way(
        "A look shows what was asked, or that the person opted out there.", (TO_SEND, KNOWN)
    ),
    State.NOT_FOUND: Way("A look finds nothing.", (TO_SEND, TO_ERASE, KNOWN, ERASED)),
    State.STILL_THERE: Way(
        "A look after an erasure finds the person; or one finds another presence than was asked.",
        (TO_SEND, TO_ERASE, KNOWN),
    ),
    State.FINAL_ON: Way(
        "The platform says by which date it erases.",
        (TO_ERASE, ERASED),
        never=frozenset({State.OVERDUE}),
    ),
    State.OVERDUE: Way("A day after that date the person is still there.", (TO_ERASE, ERASED)),
    State.RETURNED: Way("The person is there again, and not by us.", (ERASED,)),
    State.NEEDS_YOU: Way(
        "It is done by hand only, or was refused, or given up; or three workers died at it.",
        (ANY,),
        never=frozenset({State.ATTESTED}),
    ),
    State.ONLY_THE_PERSON: Way(
        "The platform waits for the person, or will hear of it from nobody else.",
        (TO_SEND, KNOWN),
    ),
    State.SHARED: Way(
        "Only contacts that other people use are left, without this person's name.",
        (TO_ERASE, ERASED),
    ),
    State.KEPT: Way(
        "Only the blocklist entry is left that the customer chose to keep.", (TO_ERASE, ERASED)
    ),
    State.ATTESTED: Way("A human says that it was done, where we cannot look.", (ANY,)),
    State.CANNOT_LOOK: Way(
        "The platform, or the credential, does not show what it holds; or the connection was "
        "closed while an erasure was open there.",
        (ANY,),
        first=True,
    ),
}
