"""What a storm's client asks, with what it may expect by the answers that it got."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from random import Random
from uuid import UUID

from connectors.sandbox.contact import Contact
from core.connector import Basis, BasisKind, Verb
from core.ledger import Ledger, intake
from core.ledger.customers import Customer
from core.ledger.intake import Accepted, Request
from core.report import person_report
from core.report.operation import Progress
from core.report.operations import page
from core.report.values import Kind
from tests.storms.links import Reached
from tests.storms.sandboxes import LIST

OPEN = frozenset({Progress.OPEN, Progress.WAITING})
GLANCE = 5  # people whose report is held against the platform now, while all else goes on
STORIES = (
    (Verb.SUBSCRIBE,),
    (Verb.SUBSCRIBE, Verb.UPDATE),
    (Verb.SUBSCRIBE, Verb.UNSUBSCRIBE),
    (Verb.SUBSCRIBE, Verb.ERASE),
    (Verb.SUBSCRIBE, Verb.UPDATE, Verb.ERASE),
    (Verb.SUBSCRIBE, Verb.ERASE, Verb.SUBSCRIBE),
)


@dataclass
class Person:
    """Somebody who moves, ``number`` being odd, when there is something to update."""

    customer: Customer
    number: int
    story: tuple[Verb, ...]
    told: int = 0
    name: str = "de Vries"
    emails: list[str] = field(default_factory=list)  # the last one holds

    def next(self) -> Request:
        verb, reference = self.story[self.told], f"cf-{self.number}"
        self.told += 1
        match verb:
            case Verb.SUBSCRIBE:
                self.emails.append(f"lid{self.number}.{self.told}@example.test")
                given = Basis(BasisKind.CONSENT, f"b-{self.told}", datetime.now(UTC), "form")
                fields = {"last_name": self.name}
                return Request(verb, reference, self.emails[-1], fields, (LIST,), given)
            case Verb.UPDATE:
                self.name = f"Bos-{self.number}"
                moved = f"lid{self.number}.nieuw@example.test" if self.number % 2 else None
                self.emails += [moved] if moved else []
                return Request(verb, reference, moved, {"last_name": self.name})
            case _:
                return Request(verb, reference)

    @property
    def erased(self) -> bool:
        return self.story[self.told - 1] is Verb.ERASE

    def as_asked(self, held: Collection[Contact]) -> bool:
        """Whether the platform holds of this person what was asked last, no more, no less."""
        mine = self.contacts(held)
        match self.story[self.told - 1]:
            case Verb.ERASE:
                return not mine
            case Verb.UNSUBSCRIBE:
                return not any(is_mailed(one) for one in mine)
            case _:
                [*emails] = [one.email for one in mine]
                named = all(one.fields["last_name"] == self.name for one in mine)
                return emails == self.emails[-1:] and named and all(map(is_mailed, mine))

    def contacts(self, held: Collection[Contact]) -> list[Contact]:
        return [one for one in held if one.email in self.emails]


def is_mailed(one: Contact) -> bool:
    member = one.lists.get(LIST)
    return one.state == "active" and member is not None and member.status == "subscribed"


@dataclass
class Client:
    """Asks so many operations of all schools, in an order that a seed decides."""

    reached: Reached
    operations: int
    seed: int
    people: list[Person] = field(default_factory=list)
    answers: dict[UUID, list[UUID]] = field(default_factory=dict)  # by customer
    falsely_verified: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)  # noqa: S311 - it only decides who asks what
        self.turns = self.in_order()

    def in_order(self) -> list[Person]:
        """One entry for each operation: who asks then."""
        asking: list[Person] = []
        while len(asking) < self.operations:
            number = len(self.people)
            story = STORIES[number % len(STORIES)][: self.operations - len(asking)]
            schools = self.reached.schools
            self.people.append(Person(schools[number % len(schools)], number, story))
            asking += [self.people[-1]] * len(story)
        self.chance.shuffle(asking)
        return asking

    def ask(self, how_many: int, seconds: float = 0.0) -> None:
        """The next so many, evenly over so long."""
        ends = time.monotonic() + seconds
        for left in range(how_many, 0, -1):
            person = self.turns.pop(0)
            [outcome] = intake.accept(self.ledger, person.customer, [person.next()])
            assert isinstance(outcome, Accepted), outcome
            self.answers.setdefault(person.customer.id, []).append(outcome.operation)
            time.sleep(max(0.0, ends - time.monotonic()) / left)

    @property
    def ledger(self) -> Ledger:
        return self.reached.directly.ledger

    def open(self) -> int:
        """How many of the operations that were accepted have not ended, by the report."""
        over: set[UUID] = set()
        with self.ledger.read() as tx:
            for customer, asked in self.answers.items():
                lines = page(tx, customer, limit=len(asked))
                over |= {line.id for line in lines if line.state not in OPEN}
        return len(set(chain(*self.answers.values())) - over)

    def glance(self) -> None:
        """Whom the report calls as asked: is that true, at this very moment?"""
        asked = [one for one in self.people if one.told]
        self.check(self.chance.sample(asked, min(GLANCE, len(asked))))

    def check(self, several: Collection[Person]) -> None:
        """The report is read before the platform: nothing is asked in between."""
        claimed = [one for one in several if self.is_claimed(one)]
        held = self.reached.held()
        self.falsely_verified |= {one.number for one in claimed if not one.as_asked(held)}

    def is_claimed(self, person: Person) -> bool:
        with self.ledger.read() as tx:
            said = person_report(
                self.ledger,
                tx,
                person.customer,
                f"cf-{person.number}",
                self.reached.directly.platforms,
            )
        systems = [one for one in said.systems if one.kind is Kind.PLATFORM]
        return bool(systems) and all(one.as_asked for one in systems)

    def converged(self, patience: float) -> float:
        """How many seconds it took until everything had ended; ``patience`` when it did not."""
        start = time.monotonic()
        while self.open() and time.monotonic() < start + patience:
            self.glance()
            time.sleep(0.2)
        return time.monotonic() - start
