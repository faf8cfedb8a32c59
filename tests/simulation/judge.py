"""The judge: compares what was promised, what the platforms hold and what the report says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Never

from core.connector import Erasure, Presence
from core.ledger.intake import person_id
from core.refusals import Unknown
from core.report.operation import Progress
from core.report.operations import find
from core.report.person import person_report
from core.report.standing import OVER, Standing
from core.report.values import Kind, PersonReport, System
from core.testing.imitation import Entry
from tests.simulation.platform import CREATES, Account
from tests.simulation.promises import Due
from tests.simulation.story import PEOPLE, Story
from tests.simulation.world import World

A_LOOK = timedelta(minutes=1)  # takes no longer


class Violation(AssertionError):
    """A promise was broken."""


class Judge:
    """Reads no table of the product: only the client's list, the accounts and the report."""

    def __init__(self, world: World, story: Story) -> None:
        self.world = world
        self.story = story
        self.truth: Sequence[object] = ()
        with world.ledger.read() as tx:
            keys = world.ledger.keys_of(tx, world.customer.id)
        self.people = {reference: person_id(keys, reference) for reference in PEOPLE}
        world.watch(self.check)
        for account in world.accounts.values():
            account.watch(self.sent)

    # --- while it runs

    def sent(self, account: Account) -> None:
        """A call that changes something is about to reach the platform."""
        newest = account.sent[-1]
        owner = self.owner(newest.emails)
        if owner is None:
            return
        due, unsure = self.story.promises.due(owner), self.story.promises.unsure.get(owner, 0)
        if newest.face in CREATES and due.erased and not unsure:  # I3
            self.violated(f"{newest.face} was sent for {owner}, who was erased")
        for other in account.sent[:-1]:  # I6
            if other.ended is None and not other.process.dead and other.emails & newest.emails:
                self.violated(f"two changes at once for {owner}: {other.face}, {newest.face}")

    def owner(self, emails: frozenset[str]) -> str | None:
        addresses = self.story.promises.addresses
        return next((one for one in PEOPLE if addresses.get(one, set()) & emails), None)

    def check(self) -> None:
        """Every claim that stands now is true now, and nothing open is without an owner."""
        touched = self.world.touched()
        truth = [account.shown() for account in self.world.accounts.values()]
        everybody, self.truth = truth != self.truth, truth
        for reference, person in self.people.items():
            if person not in touched and not everybody:
                continue
            report = self.report(reference)
            if report is None:
                continue
            for system in report.systems:
                if system.kind is Kind.PLATFORM:
                    self.check_system(reference, system)

    def check_system(self, reference: str, system: System) -> None:
        account = self.account(system)
        if not system.as_asked and system.state not in OVER and system.next is None:  # I1, I10
            self.violated(f"{reference} is {system.state} at {system.title}, and nobody moves")
        if system.state is Standing.NOT_FOUND:  # I2
            there = self.there(account, reference)
            if there and not self.by_others(account, reference, system):
                self.violated(f"{reference} is called not found, and is at {system.title}")

    def there(self, account: Account, reference: str) -> list[Entry]:
        emails = frozenset(self.story.promises.addresses.get(reference, ()))
        return account.truth(emails)

    def by_others(self, account: Account, reference: str, system: System) -> bool:
        """Somebody acted there after that look began: no look could have told."""
        emails = self.story.promises.addresses.get(reference, set())
        since = (system.seen_at or self.world.now()) - A_LOOK
        return any(one.email in emails and one.at >= since for one in account.outside)

    def account(self, system: System) -> Account:
        return self.world.accounts[system.title]

    def report(self, reference: str) -> PersonReport | None:
        ledger = self.world.ledger
        with ledger.read() as tx:
            try:
                return person_report(
                    ledger, tx, self.world.customer, reference, self.world.platforms
                )
            except Unknown:
                return None

    # --- when everything has come to rest

    def final(self) -> None:
        if self.story.wrong:
            self.violated("; ".join(self.story.wrong))
        self.truth = ()  # look at everybody
        self.check()
        self.check_operations()
        for reference in PEOPLE:
            due = self.story.promises.due(reference)
            report = self.report(reference)
            if report is None:
                if self.story.promises.of(reference):  # I1
                    self.violated(f"{reference} was promised something, and is unknown")
                continue
            systems = [one for one in report.systems if one.kind is Kind.PLATFORM]
            if due.erased and len(systems) != len(self.world.accounts):  # I13
                self.violated(f"the report on {reference} names {len(systems)} systems")
            for system in systems:
                self.check_end(reference, due, report, system)

    def check_operations(self) -> None:
        """I1, I8: every accepted operation ended, or waits for somebody by name."""
        ledger = self.world.ledger
        for promise in self.story.promises.kept:
            with ledger.read() as tx:
                found = find(
                    ledger,
                    tx,
                    self.world.customer,
                    promise.accepted.operation,
                    self.world.platforms,
                )
            for part in found.parts:
                if found.line.state is Progress.OPEN and part.ended is None and part.next is None:
                    self.violated(f"{promise.request.verb} is open, and nobody moves")

    def check_end(self, reference: str, due: Due, report: PersonReport, system: System) -> None:
        account = self.account(system)
        there = self.there(account, reference)
        emails = self.story.promises.addresses.get(reference, set())
        if any(one.email in emails for one in account.outside):
            return  # people did other things there; what is claimed was checked all the same
        if due.erased:
            self.check_erased(reference, system, there)
            if there and system.state is Standing.STILL_THERE and not asks(report, system):
                self.violated(f"{reference} stays at {system.title}, and nobody was asked")
            return
        if due.subscribed or due.unsubscribed:
            # An opt-out waits behind an erasure that the platform did not finish.
            erases = system.state in {Standing.STILL_THERE, Standing.FINAL_ON}
            if not system.as_asked and (due.subscribed or not erases):  # I8
                self.violated(f"{reference} is {system.state} at {system.title} in the end")
            self.check_subscribed(reference, due, there)

    def check_erased(self, reference: str, system: System, there: list[Entry]) -> None:
        """I3, I8, I13: gone, or said to be there with the reason that the platform gives."""
        erasure = self.account(system).platform.erasure
        allowed = {Standing.NOT_FOUND}
        if there:
            allowed = {
                Erasure.ARCHIVES: {Standing.STILL_THERE},
                Erasure.BY_DATE: {Standing.FINAL_ON},
            }.get(erasure, set())
        if system.state not in allowed:
            self.violated(
                f"{reference} was erased, is {'there' if there else 'gone'} at {system.title}, "
                f"and the report says {system.state}"
            )

    def check_subscribed(self, reference: str, due: Due, there: list[Entry]) -> None:
        """Ia: the platform shows what was asked last."""
        mailed = {one.place for one in there if one.presence is Presence.SUBSCRIBED}
        if wrong := mailed & due.unsubscribed:
            self.violated(f"{reference} unsubscribed from {sorted(wrong)}, and is mailed")
        for place in due.subscribed:
            right = [one for one in there if one.place == place and self.shows(one, due)]
            if not right:
                self.violated(f"{reference} is not at {place} as asked")

    @staticmethod
    def shows(entry: Entry, due: Due) -> bool:
        wanted = {name: value or "" for name, value in due.fields.items()}
        shown = {name: entry.fields.get(name, "") for name in wanted}
        return (
            entry.presence is Presence.SUBSCRIBED and entry.email == due.email and shown == wanted
        )

    def violated(self, what: str) -> Never:
        """To the stage as well: a worker takes any error of an attempt as the connector's."""
        violation = Violation(f"{self.world.clock.at:%d %H:%M:%S}: {what}")
        self.world.stage.failed = violation
        raise violation


def asks(report: PersonReport, system: System) -> bool:
    """Promise 2: what we cannot erase is a task with a term."""
    return any(task.connection == system.connection and task.deadline for task in report.tasks)
