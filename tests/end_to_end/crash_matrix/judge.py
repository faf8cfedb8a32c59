"""
Whether a run kept the invariants of RELIABILITY §3.

It reads what the school was answered, what the platform holds with its journal, and the report.
Never a table of the product.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from core.connector import Verb
from core.ledger import Ledger, customers
from core.ledger.intake import person_id
from core.migrations import Store
from core.refusals import Unknown
from core.report import PersonReport, operations, person_report
from core.report.operation import Line, Progress
from core.report.standing import Standing, Whose
from core.report.values import Kind, System
from core.safe import Safe
from core.sealing import Key
from tests.databases import Clock
from tests.end_to_end.crash_matrix.platform import CONTACTS, Books, Deleting, Fate
from tests.end_to_end.crash_matrix.process import School, Stores
from tests.end_to_end.crash_matrix.wishes import Member, Wish, wanted

PLATFORMS = {Deleting.platform.name: Deleting.platform}
MANY = 100


@dataclass(frozen=True, slots=True)
class Sight:
    """What anybody could read at one moment."""

    listed: Sequence[Line]
    reports: Mapping[Member, PersonReport]

    def system(self, who: Member) -> System | None:
        systems = self.reports[who].systems if who in self.reports else ()
        return next((one for one in systems if one.kind is Kind.PLATFORM), None)

    def next_moment(self) -> datetime | None:
        """When we move next, by the report's own word."""
        found = [self.system(who) for who in self.reports]
        turns = [one.next for one in found if one and one.next]
        return min((one.at for one in turns if one.whose is Whose.OURS), default=None)


class Witness:
    """Only reads, with a ledger of its own, in another process than all that work."""

    def __init__(self, stores: Stores, key: bytes, clock: Clock, school: School) -> None:
        for database in stores.values():
            database.clock = clock
        self.ledger = Ledger(stores[Store.LEDGER], Safe(stores[Store.SAFE]), {1: Key(key)})
        with self.ledger.read() as tx:
            customer = customers.with_id(tx, school.customer)
            self.keys = self.ledger.keys_of(tx, school.customer)
        assert customer is not None
        self.customer = customer

    def listed(self) -> Sequence[Line]:
        """All that was accepted, the oldest first."""
        with self.ledger.read() as tx:
            return tuple(reversed(operations.page(tx, self.customer.id, limit=MANY)))

    def report(self, who: Member) -> PersonReport | None:
        with self.ledger.read() as tx, suppress(Unknown):
            return person_report(self.ledger, tx, self.customer, who.reference, PLATFORMS)
        return None

    def opens(self, who: Member) -> bool:
        """Whether the key that this person's data was first sealed with is still there."""
        first = (person_id(self.keys, who.reference), 0)
        return first in self.ledger.safe.keys({first}, self.keys)

    def buried(self, who: Member) -> bool:
        """Whether the safe refuses this person's return without a new basis."""
        digest = self.keys.pepper.hash("email", who.email)
        return bool(self.ledger.safe.buried(self.customer.id, {digest}))


@dataclass(slots=True)
class Judge:
    books: Books
    witness: Witness
    wishes: list[Wish]
    members: tuple[Member, ...]
    found: list[str] = field(default_factory=list)

    def blame(self, what: str) -> None:
        if what not in self.found:
            self.found.append(what)

    # --- at any moment

    def look(self, *, at_all: bool = False) -> Sight:
        """At the first of the members, at the others while something of theirs is open."""
        listed = self.witness.listed()
        reports = {
            who: self.witness.report(who)
            for who in self.members
            if at_all or who is self.members[0] or self.open(listed, who)
        }
        sight = Sight(listed, {who: one for who, one in reports.items() if one})
        self.check(sight)
        return sight

    def check(self, sight: Sight) -> None:
        """What is claimed now is true now."""
        for who in self.members:
            held = self.books.held(who.emails)
            system = sight.system(who)
            if system and system.state is Standing.NOT_FOUND and held:
                self.blame(f"I2: {who.first_name} is called not found, and is there")
            accepted = self.accepted(sight.listed, who)
            if accepted and accepted[-1][1].state is Progress.DONE:
                last, _ = accepted[-1]
                asked = wanted(one for one, _ in accepted)
                if held != ([asked] if asked else []):
                    self.blame(f"I2: {who.first_name}'s {last.verb} is called done: {held}")

    def open(self, listed: Sequence[Line], who: Member) -> list[Verb]:
        accepted = self.accepted(listed, who)
        return [line.verb for _, line in accepted if line.state is Progress.OPEN]

    def accepted(self, listed: Sequence[Line], who: Member) -> list[tuple[Wish, Line]]:
        """What the ledger has of this person's wishes, the one that nobody answered included."""
        known = {one.operation: one for one in self.wishes if one.operation}
        lost = [one for one in self.wishes if one.unanswered]
        found = []
        for line in listed:
            one = known.get(line.id) or next((w for w in lost if w.verb is line.verb), None)
            if one is not None and one.who is who:
                found.append((one, line))
        return found

    # --- at rest

    def conclude(self) -> None:
        sight = self.look(at_all=True)
        self.nothing_lost(sight)
        for who in self.members:
            self.all_ended(sight, who)
            self.keys_as_asked(sight, who)
            self.erased_for_good(sight, who)
            self.one_at_a_time(who)
        self.nothing_doubled()

    def nothing_lost(self, sight: Sight) -> None:
        listed = Counter(line.id for line in sight.listed)
        for one in self.wishes:
            if one.operation and one.operation not in listed:
                self.blame(f"I1: the {one.verb} that was promised is not there")
        lost = sum(one.unanswered for one in self.wishes)
        promised = {one.operation for one in self.wishes if one.operation}
        unknown = [line.verb for line in sight.listed if line.id not in promised]
        if len(unknown) > lost:
            self.blame(f"I7: asked once, and there twice: {unknown}")

    def all_ended(self, sight: Sight, who: Member) -> None:
        accepted = self.accepted(sight.listed, who)
        if not accepted:
            if self.books.held(who.emails):
                self.blame("I1: carried over, and never accepted")
            return
        report, system = sight.reports[who], sight.system(who)
        refused = any(one.status == 409 for one in self.books.changes if one.who in who.emails)
        open_ones = self.open(sight.listed, who)
        if open_ones and (system is None or system.next is None):
            self.blame(f"I1: nobody moves next: {open_ones}")
        if open_ones or accepted[-1][1].state not in {Progress.DONE, Progress.PARTLY}:
            self.blame(f"I8: not brought to an end: {[line.state for _, line in accepted]}")
        if not refused and (accepted[-1][1].state is Progress.PARTLY or report.tasks):
            self.blame(f"I8: given up: {[line.state for _, line in accepted]}")

    def keys_as_asked(self, sight: Sight, who: Member) -> None:
        accepted = self.accepted(sight.listed, who)
        if not accepted:
            return
        erased = any(one.verb is Verb.ERASE for one, _ in accepted)
        if self.witness.opens(who) == erased:
            self.blame(f"I15: {who.first_name}'s first key {'lives' if erased else 'is gone'}")
        if sight.reports[who].email is None:
            self.blame(f"I15: {who.first_name} cannot be opened")
        if self.witness.buried(who) != (wanted(one for one, _ in accepted) is None and erased):
            self.blame(f"I4: {who.first_name}'s tombstone is not as asked")

    def erased_for_good(self, sight: Sight, who: Member) -> None:
        """Nothing that can create or fill data is sent between an erasure and a new basis."""
        erased_at: int | None = None
        spans: list[tuple[int, int]] = []
        last = next(self.books.counter)
        for one, _ in self.accepted(sight.listed, who):
            if one.verb is Verb.ERASE:
                erased_at = erased_at or one.told_at
            elif one.verb is Verb.SUBSCRIBE and erased_at:
                spans.append((erased_at, one.told_at))
                erased_at = None
        spans += [(erased_at, last)] if erased_at else []
        for call in self.books.changes:
            inside = any(start < call.begun < end for start, end in spans)
            if inside and call.fills and call.who in who.emails:
                self.blame(f"I3: {call.method} was sent after {who.first_name}'s erasure")

    def one_at_a_time(self, who: Member) -> None:
        calls = sorted(
            (one for one in self.books.changes if one.who in who.emails), key=lambda one: one.begun
        )
        for one, other in pairwise(calls):
            if one.ended is None or one.ended > other.begun:
                self.blame(f"I6: two changes of {who.first_name} in flight at once")

    def nothing_doubled(self) -> None:
        creating = [one for one in self.books.changes if one.path == CONTACTS]
        ambiguous = {one.body for one in creating if one.fate in {Fate.LATE, Fate.LOST}}
        for body, times in Counter(one.body for one in creating).items():
            if times > 1 + (body in ambiguous):
                self.blame(f"I7: created {times} times")
