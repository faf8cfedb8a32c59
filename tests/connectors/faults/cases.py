"""Which fault is played on which call of which verb."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.connector import Verb
from tests.connectors.faults.bodies import lies, wrong_successes
from tests.connectors.faults.fault import Fault
from tests.connectors.faults.statuses import statuses
from tests.connectors.faults.wires import broken, slow, too_much

CHECK, PLACES, FIND = "check", "places", "find"
MANY = "subscribe many"
LOOKS = {CHECK, PLACES, FIND}
FAULTS: Sequence[Fault] = [
    *statuses(),
    *broken(),
    *slow(),
    *too_much(),
    *wrong_successes(),
    *lies(),
]


class When(StrEnum):
    FIRST_READ = "its first reading"
    LAST_READ = "its last reading before a change"
    CHANGE = "its first change"
    DONE = "its first change, after it was done"


Moments = Sequence[tuple[str, When]]
READING = {When.FIRST_READ, When.LAST_READ}
EVERYWHERE: Moments = (
    (CHECK, When.FIRST_READ),
    (PLACES, When.FIRST_READ),
    (FIND, When.FIRST_READ),
    (FIND, When.LAST_READ),
    (Verb.ERASE, When.LAST_READ),
    *((verb, When.CHANGE) for verb in Verb),
    (Verb.ERASE, When.DONE),
    *((verb, When.DONE) for verb in (Verb.SUBSCRIBE, Verb.UPDATE, Verb.UNSUBSCRIBE)),
    *((verb, When.LAST_READ) for verb in (Verb.UPDATE, Verb.UNSUBSCRIBE)),
)
# Of those that read before they add somebody, and of those that can add many at once.
LOOKS_FIRST: Moments = ((Verb.SUBSCRIBE, When.LAST_READ),)
IN_BULK: Moments = tuple((MANY, when) for when in (When.LAST_READ, When.CHANGE, When.DONE))


@dataclass(frozen=True, slots=True)
class Case:
    fault: Fault
    verb: str
    when: When

    def __str__(self) -> str:
        return f"{self.fault.kind}: {self.fault.name}, at {self.when} of {self.verb}"

    @property
    def reads(self) -> bool:
        return self.when in READING


def cases(fault: Fault, moments: Moments) -> Iterator[Case]:
    for verb, when in moments:
        if possible(fault, when):
            yield Case(fault, verb, when)


def possible(fault: Fault, when: When) -> bool:
    match when:
        case When.FIRST_READ | When.LAST_READ:
            return fault.reads
        case When.CHANGE:
            return fault.acts is not True and not fault.bridged
        case When.DONE:
            return fault.acts is not False and not fault.bridged
