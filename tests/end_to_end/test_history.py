"""One person's history, from the first subscription to the last look, on every connector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from core import basis as bases
from core.connector import Account, Basis, BasisKind, Presence, Verb
from core.ledger import Ledger, connections, customers, tasks
from core.ledger.customers import Customer, MailingList, Purpose
from core.ledger.intake import Accepted, Outcome, Request, accept
from core.ledger.schema import hosts, lanes, parts
from core.ledger.tasks import OpenTask
from core.refusals import CannotAccept
from core.report import person_report
from core.report.export import export
from core.report.standing import Count, Standing
from core.report.values import System
from core.safe import Safe
from core.states import Ended, Task
from core.wants import Wants
from tests.databases import NOW, Clock
from tests.end_to_end.doors import DOORS, Door, opened
from workers.dispatcher import Dispatcher
from workers.drain import Worker

ANNA = "cf-1"
EMAIL = "anna@example.nl"
OLD = {"first_name": "Anna", "last_name": "de Vries"}
NEW = {"first_name": "Anneke", "last_name": "Bakker"}
NEWS = "newsletter"
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
LAST_PATROL = timedelta(days=30)
MONTH = timedelta(days=31)
MOST_TURNS = 500

on_sqlite = pytest.mark.parametrize("urls", ["sqlite"], indirect=True)


@dataclass
class History:
    """A school with one connection; what is due is done, whenever time passes."""

    ledger: Ledger
    clock: Clock
    door: Door
    customer: Customer = field(init=False)
    worker: Worker = field(init=False)
    dispatcher: Dispatcher = field(init=False)

    def __post_init__(self) -> None:
        self.customer = customers.create(self.ledger, "De Verfschuur")
        customers.put_list(
            self.ledger, self.customer, MailingList(NEWS, Purpose.NEWSLETTER, "Nieuwsbrief")
        )
        settings = self.door.reach.settings(self.door.platform.name, self.door.settings)
        account: Account = self.door.reach.connect(self.door.platform.name, settings).check()
        connections.add(
            self.ledger,
            self.customer.id,
            platform=self.door.platform.name,
            title="Nieuwsbrief",
            settings=dict(self.door.settings),
            account=account,
            places={NEWS: self.door.place},
            fields=tuple(OLD),
            keep_refusal=False,
        )
        self.worker = Worker(
            self.ledger,
            self.door.reach,
            monotonic=self.monotonic,
            sleep=self.sleep,
        )
        self.dispatcher = Dispatcher(self.ledger, self.drain)

    def monotonic(self) -> float:
        return (self.clock.at - NOW).total_seconds()

    def sleep(self, seconds: float) -> None:
        self.clock.passes(timedelta(seconds=seconds))

    def drain(self, lane: UUID) -> None:
        self.worker.drain(lane)

    def passes(self, time: timedelta) -> None:
        until = self.clock.at + time
        for _ in range(MOST_TURNS):
            due = self.next_turn()
            if due is None or due > until:
                self.clock.at = max(until, self.clock.at)
                self.dispatcher.tick()
                return
            self.clock.at = max(due, self.clock.at + SECOND)  # a lane is rung once a second
            self.dispatcher.tick()
        raise AssertionError("the lane never comes to rest")

    def next_turn(self) -> datetime | None:
        with self.ledger.read() as tx:
            lane = tx.db.execute(sa.select(lanes)).one()
            closed = tx.db.execute(sa.select(hosts.c.closed_until)).scalars().all()
        if lane.ready_at is None or lane.held_for is not None:
            return None
        bounds: list[datetime | None] = [lane.ready_at, lane.closed_until, *closed]
        return max(bound for bound in bounds if bound)

    def ask(self, request: Request) -> Outcome:
        (outcome,) = accept(self.ledger, self.customer, [request])
        return outcome

    def consent(self, name: str) -> Basis:
        return Basis(BasisKind.CONSENT, name, self.clock.at, "form")

    def subscribe(self, basis: Basis, fields: Any, *, imported: bool = False) -> Outcome:
        return self.ask(
            Request(Verb.SUBSCRIBE, ANNA, EMAIL, fields, (NEWS,), basis, imported=imported)
        )

    def copy(self) -> dict[str, Any]:
        """All that is known of the person, as a backup or an export would bring it back."""
        with self.ledger.read() as tx:
            known = {self.door.platform.name: self.door.platform}
            return export(self.ledger, tx, self.customer, ANNA, known)

    def told(self) -> System:
        """The report, once it called nothing gone that is there."""
        with self.ledger.read() as tx:
            known = {self.door.platform.name: self.door.platform}
            report = person_report(self.ledger, tx, self.customer, ANNA, known)
        system = report.systems[0]
        if system.state is Standing.NOT_FOUND:
            assert not self.held(), "called not found, and there"
        return system

    def held(self) -> list[str]:
        return self.door.held(EMAIL)

    def is_erased(self) -> None:
        """And with the person the change that was still waiting, which is never sent."""
        filled = self.door.filled()
        change = self.ask(Request(Verb.UPDATE, ANNA, fields=NEW))
        assert isinstance(change, Accepted)
        assert isinstance(self.ask(Request(Verb.ERASE, ANNA)), Accepted)
        self.passes(HOUR / 2)
        told = self.told()
        assert told.state is self.door.erased
        if told.state is Standing.STILL_THERE:
            assert {one.presence for one in told.seen} == {Presence.ARCHIVED.value}
        assert self.door.filled() == filled, "something was sent after the erasure"
        assert self.ended(change) is Ended.SUPERSEDED, "an older wish outlived the erasure"

    def ended(self, operation: Accepted) -> Ended | None:
        with self.ledger.read() as tx:
            query = sa.select(parts.c.ended).where(parts.c.operation == operation.operation)
            end = tx.db.execute(query).scalar_one()
        return Ended(end) if end else None

    def comes_back_by_no_old_data(self, old: dict[str, Any]) -> None:
        filled, held = self.door.filled(), self.held()
        person = old["person"]
        given = next(one["basis"] for one in old["operations"] if one["basis"])
        basis = Basis(
            BasisKind(given["kind"]),
            given["id"],
            datetime.fromisoformat(given["given_at"]),
            given["source"],
        )
        again = {"email": person["email"], "fields": person["fields"]}
        for request in (
            Request(Verb.UPDATE, ANNA, **again),
            Request(Verb.SUBSCRIBE, ANNA, lists=(NEWS,), basis=basis, **again),
            Request(Verb.SUBSCRIBE, "cf-2", lists=(NEWS,), basis=basis, **again),
            Request(
                Verb.SUBSCRIBE,
                ANNA,
                lists=(NEWS,),
                basis=self.consent("import"),
                imported=True,
                **again,
            ),
        ):
            assert isinstance(self.ask(request), CannotAccept), f"{request.verb} accepted"
        self.passes(HOUR)
        assert self.door.filled() == filled, "something was sent between erasure and fresh basis"
        assert self.held() == held

    def enrols_again(self) -> None:
        self.passes(SECOND)
        basis = self.consent("fresh")
        assert isinstance(self.subscribe(basis, NEW), Accepted)
        self.passes(HOUR)
        if self.door.joins:
            assert not self.held()
            assert self.told().state is Standing.ONLY_THE_PERSON
            self.door.joins(EMAIL)
            assert isinstance(self.subscribe(self.consent("at the form"), NEW), Accepted)
            self.passes(HOUR)
        assert self.told().as_asked
        (there,) = self.held()
        assert all(value in there for value in NEW.values())
        assert OLD["last_name"] not in there

    def tasks(self) -> Sequence[OpenTask]:
        with self.ledger.read() as tx:
            return tasks.waiting(tx, self.customer.id)

    def is_done_by_hand(self, verb: Verb) -> None:
        """A task says how, and until someone says that it was done nothing is claimed."""
        self.passes(HOUR)
        assert self.told().state is Standing.NEEDS_YOU
        with self.ledger.read() as tx:
            known = {self.door.platform.name: self.door.platform}
            (work,) = person_report(self.ledger, tx, self.customer, ANNA, known).tasks
        assert (work.kind, work.verb) == (Task.BY_HAND, verb)
        assert work.by_hand == self.door.platform.by_hand[verb]
        tasks.attest(
            self.ledger, self.customer.id, work.id, role="staff", platform=self.door.platform
        )
        told = self.told()
        assert (told.state, told.counts_as) == (Standing.ATTESTED, Count.UNKNOWN)

    def goes_its_way(self) -> None:
        assert isinstance(self.subscribe(self.consent("first"), OLD), Accepted)
        self.passes(HOUR)
        assert self.told().as_asked
        (there,) = self.held()
        assert all(value in there for value in OLD.values())
        assert self.door.filled(), "what could create something is not counted"
        old = self.copy()
        self.is_erased()
        self.comes_back_by_no_old_data(old)
        self.enrols_again()
        second_import = self.subscribe(self.consent("second import"), NEW, imported=True)
        assert isinstance(second_import, Accepted), "the fresh basis lifts the tombstone"
        self.passes(HOUR)
        erased_at, filled = self.clock.at, self.door.filled()
        self.is_erased()
        self.passes(MONTH)
        told = self.told()
        assert told.state is self.door.patrolled
        assert told.seen_at
        assert told.seen_at >= erased_at + LAST_PATROL
        assert self.door.filled() == filled


@pytest.fixture
def history(request: pytest.FixtureRequest, ledger: Ledger, clock: Clock) -> Iterator[History]:
    with opened(getattr(request, "param", "imitation"), clock, request) as door:
        one = History(ledger, clock, door)
        yield one
        one.worker.close()


@on_sqlite
@pytest.mark.parametrize("history", list(DOORS), indirect=True)
def test_who_was_erased_comes_back_by_a_fresh_basis_only(history: History) -> None:
    history.goes_its_way()


@pytest.mark.parametrize("urls", ["postgresql"], indirect=True)
def test_the_same_history_holds_on_postgresql(history: History) -> None:
    history.goes_its_way()


@on_sqlite
@pytest.mark.parametrize("history", ["by-hand"], indirect=True)
def test_where_only_a_human_can_act_no_task_brings_the_erased_back(history: History) -> None:
    first = history.subscribe(history.consent("first"), OLD)
    assert isinstance(first, Accepted)
    history.is_done_by_hand(Verb.SUBSCRIBE)
    old = history.copy()
    assert isinstance(history.ask(Request(Verb.ERASE, ANNA)), Accepted)
    history.is_done_by_hand(Verb.ERASE)
    history.comes_back_by_no_old_data(old)
    assert history.tasks() == []
    assert history.told().state is Standing.ATTESTED
    assert isinstance(history.subscribe(history.consent("fresh"), NEW), Accepted)
    history.is_done_by_hand(Verb.SUBSCRIBE)
    assert isinstance(history.ask(Request(Verb.ERASE, ANNA)), Accepted)
    history.is_done_by_hand(Verb.ERASE)
    history.passes(MONTH)
    assert history.told().state is Standing.ATTESTED
    assert history.told().residue


def no_check(*_: object, **__: object) -> None:
    """Every basis is good enough."""


def none_buried(*_: object, **__: object) -> dict[bytes, datetime]:
    """The safe remembers nobody."""
    return {}


def older_wishes_stay(wants: Wants, seq: int) -> Wants:
    return Wants(wants.places, wants.update, seq)


@on_sqlite
@pytest.mark.parametrize(
    ("where", "name", "fault", "found"),
    [
        (bases, "check", no_check, "subscribe accepted"),
        (Safe, "buried", none_buried, "subscribe accepted"),
        (Wants, "erased", older_wishes_stay, "an older wish outlived"),
    ],
    ids=["no basis is checked", "no tombstone counts", "an erasure keeps older wishes"],
)
def test_a_planted_fault_breaks_the_history(
    history: History,
    monkeypatch: pytest.MonkeyPatch,
    where: object,
    name: str,
    fault: object,
    found: str,
) -> None:
    monkeypatch.setattr(where, name, fault)
    with pytest.raises(AssertionError, match=found):
        history.goes_its_way()
