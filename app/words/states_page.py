"""The page of docs/ about states, from the tables of legal moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TypeVar

from app.words.vocabulary import AS_ASKED, STATES, WHOSE
from core.report import operation
from core.report.operation import Progress
from core.report.standing import OVER, SHOWN
from core.report.standing import WHOSE as MOVERS
from core.states import Ended, State
from core.transitions import WAYS, Way, Ways

S = TypeVar("S", bound=StrEnum)

BEGINNING = "the beginning"

INTRODUCTION = """\
# States

Written by `make docs`, from `core/transitions.py` and `core/report/operation.py`. What is not drawn
is refused: by the database too, where holdings are concerned, for whoever writes. Each change of a
holding's state has one event, in the transaction that changes it.
"""

HOLDING = """\
## A holding

What one connection holds about one person. The report shows the same states, heeding also a
connection that waits or was closed.
"""

OPERATION = """\
## An operation

What was asked, once. Where it stands follows from how it ended at each connection.
"""

PART = """\
## An operation at one connection

Open at first, then ended in one of these ways, once; the database refuses a second end.
"""

PROGRESS: Mapping[Progress, tuple[str, str]] = {
    Progress.WAITING: ("It can still be undone, and nothing was sent", "you, until that time"),
    Progress.OPEN: ("It is to be brought about somewhere", "whose turn it is there"),
    Progress.DONE: ("Seen as asked, wherever it goes", "nobody"),
    Progress.PARTLY: ("Over, but somewhere otherwise than asked", "nobody"),
    Progress.SUPERSEDED: ("A later operation says otherwise", "nobody"),
    Progress.UNDONE: ("It never happened", "nobody"),
}

ENDS: Mapping[Ended, str] = {
    Ended.CONFIRMED: "We looked, and saw what was asked.",
    Ended.ABSENT: "Nobody is there whose data could be changed.",
    Ended.SUPERSEDED: "A later operation says otherwise.",
    Ended.REFUSED: "The platform will never do this, and said so.",
    Ended.GIVEN_UP: "It did not succeed in days, and a human was asked.",
    Ended.KEPT: "Erased, but for an address that others use or a blocklist entry that was chosen.",
    Ended.ATTESTED: "A human said that it was done; nobody could look.",
}


def page() -> str:
    parts = (
        INTRODUCTION,
        HOLDING,
        diagram(WAYS),
        groups(WAYS),
        table(WAYS, {state: (meaning(state), mover(state)) for state in State}),
        OPERATION,
        diagram(operation.WAYS),
        groups(operation.WAYS),
        table(operation.WAYS, PROGRESS),
        PART,
        rows(("end", "means"), ((f"`{end}`", ENDS[end]) for end in Ended)),
    )
    return "\n".join(parts)


def meaning(state: State) -> str:
    return (AS_ASKED if state is State.CONFIRMED else STATES[SHOWN[state]]).en


def mover(state: State) -> str:
    """Of somebody who is there as asked, nobody moves."""
    over = state is State.CONFIRMED or SHOWN[state] in OVER
    return "nobody" if over else WHOSE[MOVERS[SHOWN[state]]].en


def diagram(ways: Ways[S]) -> str:
    """An arrow from a group is one from each of its states."""
    lines = ["direction LR"]
    for state, way in ways.items():
        lines += [f"{node(one)} --> {state}" for one in origins(way)]
    drawn = "\n".join(f"    {line}" for line in lines)
    return f"```mermaid\nstateDiagram-v2\n{drawn}\n```\n"


def node(origin: str) -> str:
    return "[*]" if origin == BEGINNING else origin.replace(" ", "_")


def groups(ways: Ways[S]) -> str:
    known = dict.fromkeys(group for way in ways.values() for group in way.groups)
    return rows(
        ("arrows from", "stand for what happens", "from each of these states"),
        ((group.name, group.when, listed(group.states, ways)) for group in known),
    )


def table(ways: Ways[S], words: Mapping[S, tuple[str, str]]) -> str:
    return rows(
        ("state", "means", "who moves next", "what leads there", "from"),
        ((f"`{state}`", *words[state], way.why, sources(way, ways)) for state, way in ways.items()),
    )


def sources(way: Way[S], ways: Ways[S]) -> str:
    named = ", ".join(origins(way))
    return f"{named}; never {listed(way.never, ways)}" if way.never else named


def origins(way: Way[S]) -> Iterator[str]:
    if way.first:
        yield BEGINNING
    yield from (group.name for group in way.groups)


def listed(states: frozenset[S], ways: Ways[S]) -> str:
    """In the order of their table."""
    return ", ".join(f"`{state}`" for state in ways if state in states)


def rows(heads: tuple[str, ...], cells: Iterator[tuple[str, ...]]) -> str:
    lines = (heads, ("---",) * len(heads), *cells)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
