"""An invented school, and a worker's hands on its ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from core import rows
from core.connector import Account, Basis, BasisKind, Verb
from core.database import Transaction
from core.holding import Assignment, Holding
from core.ledger import (
    Ledger,
    adoption,
    assignments,
    connections,
    customers,
    holdings,
    intake,
    lanes,
    schema,
    tasks,
)
from core.ledger.customers import Customer, MailingList, Purpose
from core.ledger.holdings import Claimed, Record
from core.ledger.intake import Accepted, Outcome, Request
from core.ledger.lanes import Lease
from core.refusals import CannotAccept
from core.states import Ended, State, Task

NEWS = "nieuwsbrief"
COURSE = "cursusinfo"
EMAIL = "jan.jansen@example.nl"
NAMES = {"first_name": "Jan", "last_name": "Jansen"}
DEADLINE = timedelta(seconds=30)
LATE = timedelta(minutes=10)


@dataclass(frozen=True)
class School:
    """A customer with two lists: a newsletter, and news about courses."""

    ledger: Ledger
    customer: Customer

    def connect(
        self,
        title: str = "Mailman",
        places: Mapping[str, str] | None = None,
        *,
        keep_refusal: bool = False,
    ) -> UUID:
        return connections.add(
            self.ledger,
            self.customer.id,
            platform="mailman",
            title=title,
            settings={"api_key": f"secret of {title}"},
            account=Account(title, title),
            places={NEWS: "nieuws", COURSE: "cursus"} if places is None else places,
            fields=("first_name", "last_name"),
            keep_refusal=keep_refusal,
        )

    def basis(self, name: str = "b-1", kind: BasisKind = BasisKind.CONSENT, **ago: float) -> Basis:
        return Basis(kind, name, self.now() - timedelta(**ago), "sign-up form", "v3", "ip-hash")

    def now(self) -> datetime:
        with self.ledger.read() as tx:
            return tx.now

    def ask(self, *requests: Request) -> list[Outcome]:
        return intake.accept(self.ledger, self.customer, requests)

    def accepted(self, request: Request) -> Accepted:
        (outcome,) = self.ask(request)
        assert isinstance(outcome, Accepted), outcome
        return outcome

    def refused(self, request: Request) -> CannotAccept:
        (outcome,) = self.ask(request)
        assert isinstance(outcome, CannotAccept), outcome
        return outcome

    def subscription(  # the defaults are a school's ordinary day
        self,
        reference: str = "cf-1",
        email: str = EMAIL,
        *,
        fields: Mapping[str, str | None] | None = None,
        lists: Sequence[str] = (NEWS,),
        basis: Basis | None = None,
        imported: bool = False,
    ) -> Request:
        return Request(
            Verb.SUBSCRIBE,
            reference,
            email,
            NAMES if fields is None else fields,
            tuple(lists),
            basis or self.basis(),
            imported=imported,
        )


def update(reference: str = "cf-1", email: str | None = None, **fields: str | None) -> Request:
    return Request(Verb.UPDATE, reference, email, fields)


def unsubscription(
    reference: str = "cf-1", email: str | None = None, lists: Sequence[str] = ()
) -> Request:
    return Request(Verb.UNSUBSCRIBE, reference, email, lists=tuple(lists))


def erasure(reference: str = "cf-1", email: str | None = None) -> Request:
    return Request(Verb.ERASE, reference, email)


@pytest.fixture
def customer(ledger: Ledger) -> Customer:
    made = customers.create(ledger, "De Verfschuur")
    customers.put_list(ledger, made, MailingList(NEWS, Purpose.NEWSLETTER, "Nieuwsbrief"))
    customers.put_list(ledger, made, MailingList(COURSE, Purpose.COURSE_INFO, "Cursusinfo"))
    return made


@pytest.fixture
def school(ledger: Ledger, customer: Customer) -> School:
    return School(ledger, customer)


@dataclass(frozen=True)
class Hands:
    """What a worker does with one lane, one transaction per step."""

    ledger: Ledger
    session: UUID

    @classmethod
    def of(cls, ledger: Ledger) -> Hands:
        session = uuid4()
        with ledger.begin() as tx:
            tx.db.execute(sa.insert(schema.sessions).values(id=session, started_at=tx.now))
        return cls(ledger, session)

    def lease(self, connection: UUID) -> Lease | None:
        with self.ledger.begin() as tx:
            return lanes.lease(tx, connection, self.session)

    def must_lease(self, connection: UUID) -> Lease:
        lease = self.lease(connection)
        assert lease is not None
        return lease

    def adopt(self, lease: Lease) -> None:
        with self.ledger.begin() as tx:
            adoption.adopt(tx, lease, LATE)

    def claim(self, lease: Lease, limit: int = 10) -> list[Claimed]:
        with self.ledger.begin() as tx:
            lanes.renew(tx, lease)
            return self.taken_up(tx, lease, limit)

    def taken_up(self, tx: Transaction, lease: Lease, limit: int) -> list[Claimed]:
        """A suspect alone and first, as workers do."""
        claimed = holdings.suspects(tx, lease)[:1] or holdings.due(tx, lease, limit)
        holdings.take_up(tx, lease, claimed, until=tx.now + DEADLINE)
        return claimed

    def assigned(self, lease: Lease, limit: int = 10) -> list[Assignment]:
        with self.ledger.begin() as tx:
            claimed = self.taken_up(tx, lease, limit)
            connection = connections.one(tx, lease.connection)
            return assignments.assign(self.ledger, tx, connection, claimed)

    def record(
        self,
        lease: Lease,
        claimed: Iterable[Claimed | Assignment],
        state: State = State.CONFIRMED,
        ended: Ended | None = Ended.CONFIRMED,
        task: Task | None = None,
        **changes: Any,
    ) -> None:
        """As asked unless said otherwise; work that came in meanwhile stays due at once."""
        with self.writing(lease, claimed, state, ended, task, **changes):
            pass

    @contextmanager
    def writing(
        self,
        lease: Lease,
        claimed: Iterable[Claimed | Assignment],
        state: State = State.CONFIRMED,
        ended: Ended | None = Ended.CONFIRMED,
        task: Task | None = None,
        **changes: Any,
    ) -> Iterator[None]:
        """The same, committed at the end of the block."""
        with self.ledger.begin() as tx:
            locked = holdings.lock(tx, lease, [one.holding.id for one in claimed])
            for one in claimed:
                before, here = one.holding, locked[one.holding.id]
                now = here.holding
                over = now.asked_seq == before.asked_seq
                usual = {
                    "state": state.value if over else now.state.value,
                    "due_at": None if over else tx.now,
                    "reached_seq": before.asked_seq,
                    "acted_seq": before.asked_seq,
                    "suspect": False,
                    "deaths": 0,
                }
                record = Record(
                    locked=here,
                    changes={**usual, **changes},
                    attempt=one.attempt,
                    outcome=state.value,
                    ended=ended,
                    ended_seq=before.asked_seq,
                )
                holdings.write(tx, [record])
                if task is not None:
                    self.open(tx, task, before)
            yield

    @staticmethod
    def open(tx: Transaction, task: Task, holding: Holding) -> None:
        tasks.open_for(
            tx,
            kind=task,
            verb=Verb.SUBSCRIBE,
            customer=holding.customer,
            connection=holding.connection,
            person=holding.person,
            holding=holding.id,
        )

    def learn(self, lease: Lease, one: Assignment, *ids: str) -> None:
        with self.ledger.begin() as tx:
            connection = connections.one(tx, lease.connection)
            here = holdings.lock(tx, lease, [one.holding.id])[one.holding.id]
            column = assignments.learned(one, ids, here.key_epoch)
            rows.update(tx, schema.holdings, [{"id": one.holding.id, **column}] if column else [])
            assignments.learn_after_erasure(self.ledger, tx, connection, one, ids, here.key_epoch)

    def release(self, lease: Lease, failures: int = 0, rest: timedelta = timedelta(0)) -> None:
        with self.ledger.begin() as tx:
            lanes.release(tx, lease, next_call_at=None, failures=failures, rest=rest)

    def turn(
        self,
        connection: UUID,
        state: State = State.CONFIRMED,
        ended: Ended | None = Ended.CONFIRMED,
        **changes: Any,
    ) -> list[Assignment]:
        """One whole turn in which everything due goes the same way."""
        lease = self.must_lease(connection)
        self.adopt(lease)
        done: list[Assignment] = []
        while batch := self.assigned(lease):
            self.record(lease, batch, state, ended, **changes)
            done += batch
        self.release(lease)
        return done


@pytest.fixture
def hands(ledger: Ledger) -> Hands:
    return Hands.of(ledger)


def held(tx: Transaction, connection: UUID | None = None) -> list[Holding]:
    query = sa.select(schema.holdings).order_by(schema.holdings.c.id)
    if connection is not None:
        query = query.where(schema.holdings.c.connection == connection)
    return [holdings.holding_of(row) for row in tx.db.execute(query)]


def the_holding(ledger: Ledger, connection: UUID | None = None) -> Holding:
    with ledger.read() as tx:
        (found,) = held(tx, connection)
    return found


def ends(ledger: Ledger) -> dict[int, str | None]:
    """How each numbered operation ended; None while it is open."""
    with ledger.read() as tx:
        rows = tx.db.execute(sa.select(schema.parts.c.seq, schema.parts.c.ended))
        return {row.seq: row.ended for row in rows}


def lane_of(ledger: Ledger, connection: UUID) -> sa.Row[Any]:
    with ledger.read() as tx:
        return tx.db.execute(
            sa.select(schema.lanes).where(schema.lanes.c.connection == connection)
        ).one()


def person_row(ledger: Ledger, person: UUID) -> sa.Row[Any]:
    with ledger.read() as tx:
        return tx.db.execute(sa.select(schema.people).where(schema.people.c.id == person)).one()
