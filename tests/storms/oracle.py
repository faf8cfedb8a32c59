"""
What became of what was promised.

It reads what the client was answered, what the platform holds with its journal, and the report.
Never a table of the product.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.ledger import Ledger
from core.report.operation import Line, Progress
from tests.end_to_end.crash_matrix.platform import NEWS
from tests.end_to_end.crash_matrix.wishes import Held, Member, Wish, wanted
from tests.storms.administration import Administration
from tests.storms.platform import Books, Flight
from tests.storms.schools import School, lines

OVER = frozenset({Progress.DONE, Progress.SUPERSEDED})


@dataclass(frozen=True, slots=True)
class Strike:
    """A process was killed, or stopped until it was ``over``, which called from these ports."""

    at: datetime
    ports: frozenset[int]
    over: datetime | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    lost: int
    open: int
    doubled: int
    resurrected: int
    falsely_verified: int
    in_flight_kills: int


def told(ledger: Ledger, schools: Sequence[School]) -> list[Sequence[Line]]:
    """What the report says of each; to be read before the books, by which it has to be true."""
    return [lines(ledger, school) for school in schools]


def judge(
    reports: Sequence[Sequence[Line]],
    administration: Administration,
    books: Books,
    strikes: Iterable[Strike],
) -> Findings:
    known: dict[UUID, Line] = {}
    strangers = 0
    for school, listed in zip(administration.schools, reports, strict=True):
        known |= {line.id: line for line in listed}
        strangers += len(listed) - promised(administration, school)
    accepted = {
        who: [one for one in wishes if one.operation is not None]
        for who, wishes in administration.asked.items()
    }
    everything = [one for wishes in accepted.values() for one in wishes]
    wrong = [who for who, wishes in accepted.items() if is_wrong(who, wishes, known, books)]
    return Findings(
        lost=sum(one.operation not in known for one in everything),
        open=sum(line.state not in OVER for line in known.values()),
        doubled=strangers + doubled(books.flights.values()),
        resurrected=sum(wanted(accepted[who]) is None for who in wrong),
        falsely_verified=len(wrong),
        in_flight_kills=in_flight(strikes, books.flights.values()),
    )


def promised(administration: Administration, school: School) -> int:
    asked = (administration.asked.get(who, ()) for who in school.members)
    return sum(one.operation is not None for wishes in asked for one in wishes)


def is_wrong(who: Member, wishes: Sequence[Wish], known: Mapping[UUID, Line], books: Books) -> bool:
    """The report says that the last was done, and the platform shows something else."""
    last = known.get(wishes[-1].operation) if wishes and wishes[-1].operation else None
    if last is None or last.state is not Progress.DONE:
        return False
    here, due = held(who, books), wanted(wishes)
    if due is None:
        return bool(here)
    if due[3] == "unsubscribed":  # who opted out in time was never carried over
        return any(one[3] not in {"", "unsubscribed"} for one in here)
    return here != [due]


def held(who: Member, books: Books) -> list[Held]:
    found = {one.id: one for email in who.emails for one in books.contacts.search(email=email)}
    return [
        (
            one.email,
            one.fields["first_name"],
            one.fields["last_name"],
            one.lists[NEWS].status if NEWS in one.lists else "",
        )
        for one in found.values()
    ]


def doubled(flights: Iterable[Flight]) -> int:
    """
    Creating requests that were sent when the same one had been carried out already, for all that
    the last look before them could see. Only a request without an answer, which acted after that
    look, is repeated in good faith.
    """
    found = 0
    looked: dict[str, int] = {}  # by address, the journal's line of the last look
    sent: dict[str, list[Flight]] = {}
    for one in sorted(flights, key=lambda one: one.number):
        if one.looks and one.carried_out:
            looked[one.email] = one.applied
        if one.creates and one.carried_out:
            before = sent.setdefault(one.body, [])
            known = looked.get(one.email, math.inf)
            found += any(other.applied < known or not other.cut for other in before)
            before.append(one)
    return found


def in_flight(strikes: Iterable[Strike], flights: Iterable[Flight]) -> int:
    """How many were killed in the middle of a call."""
    by_port: dict[int, list[Flight]] = {}
    for one in flights:
        by_port.setdefault(one.port, []).append(one)
    return sum(
        any(one.was_in_the_air(strike.at) for port in strike.ports for one in by_port.get(port, ()))
        for strike in strikes
    )


def taken_over(strikes: Iterable[Strike], flights: Iterable[Flight]) -> int:
    """How many stood still in the middle of a call until somebody else worked in that lane."""
    everything = list(flights)
    found = 0
    for strike in strikes:
        left = {
            one.lane
            for one in everything
            if one.lane and one.port in strike.ports and one.was_in_the_air(strike.at)
        }
        found += any(
            one.lane in left
            for one in everything
            if one.port not in strike.ports
            and strike.over
            and one.begun_between(strike.at, strike.over)
        )
    return found
