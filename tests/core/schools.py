"""A school with a ledger of its own, for tests of what is reported about it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from core import rows
from core import safe as safes
from core.connector import (
    Account,
    Basis,
    BasisKind,
    Erasure,
    Platform,
    Residue,
    Text,
    Verb,
)
from core.database import Database
from core.ledger import Ledger, connections, customers, tasks
from core.ledger.customers import Customer, MailingList, Purpose
from core.ledger.intake import Accepted, Request, accept
from core.ledger.schema import holdings, metadata, transitions
from core.report import CustomerReport, PersonReport, customer_report, person_report
from core.safe import Safe
from core.sealing import Key
from core.states import State, Task
from core.transitions import WAYS, legal

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
REFERENCE = "cf-123"
EMAIL = "jan@example.nl"
DELETE = Text(nl="Verwijder het contact.", en="Delete the contact.")
COPY = Text(nl="Een kopie van het contact", en="A copy of the contact")
TRACE = {"place": "p-1", "presence": "archived", "fields": ["email", "first_name"]}


def platform(name: str, **declared: Any) -> Platform:
    usual: dict[str, Any] = {
        "name": name,
        "title": name.title(),
        "hosts": (),
        "stores_in": Text(nl="hier", en="here"),
        "in_eu": True,
        "docs": "docs",
        "checked": date(2026, 11, 1),
        "erasure": Erasure.DELETES,
        "erase_by_hand": DELETE,
        "residue": (Residue(what=COPY, lasts=timedelta(days=30), by_hand=DELETE, source="docs",
                            checked=date(2026, 11, 1)),),
    }  # fmt: skip
    return Platform(**{**usual, **declared})


PLATFORMS = {
    "mailer": platform("mailer"),
    "byhand": platform(
        "byhand", by_hand={Verb.ERASE: DELETE}, can_look=False, erasure=Erasure.IMPOSSIBLE
    ),
}


@dataclass(slots=True)
class School:
    """A customer with a list, whose clock the test moves."""

    ledger: Ledger
    customer: Customer
    clock: list[datetime]

    connected: int = 0

    def connect(self, title: str, platform: str = "mailer") -> UUID:
        """Each a second after the one before it, as its list is in that order."""
        self.connected += 1
        now, self.clock[0] = self.clock[0], NOW + timedelta(seconds=self.connected - 1000)
        try:
            return self.add(title, platform)
        finally:
            self.clock[0] = now

    def add(self, title: str, platform: str) -> UUID:
        return connections.add(
            self.ledger,
            self.customer.id,
            platform=platform,
            title=title,
            settings={},
            account=Account(title, title),
            places={"news": "p-1"},
            fields=("first_name",),
            keep_refusal=False,
        )

    def ask(self, verb: Verb, reference: str = REFERENCE, email: str = EMAIL) -> Accepted:
        names = {"first_name": "Jan", "last_name": "Jansen"}
        basis = Basis(BasisKind.CONSENT, f"b-{self.clock[0]}", self.clock[0], "website")
        request = {
            Verb.SUBSCRIBE: Request(verb, reference, email, names, ("news",), basis),
            Verb.ERASE: Request(verb, reference, email),
        }[verb]
        (outcome,) = accept(self.ledger, self.customer, [request])
        assert isinstance(outcome, Accepted), outcome
        return outcome

    def bring(self, connection: UUID, state: State, **columns: Any) -> None:
        with self.ledger.begin() as tx:
            where = holdings.c.connection == connection
            changed = tx.db.execute(
                sa.update(holdings).where(where).values(state=state.value, **columns)
            )
            assert changed.rowcount

    def open_task(self, connection: UUID, kind: Task, verb: Verb | None = Verb.ERASE) -> None:
        with self.ledger.begin() as tx:
            held = tx.db.execute(
                sa.select(holdings).where(holdings.c.connection == connection)
            ).one()
            tasks.open_for(
                tx,
                kind=kind,
                verb=verb,
                customer=self.customer.id,
                connection=connection,
                person=held.person,
                holding=held.id,
            )

    def report(self, reference: str = REFERENCE) -> PersonReport:
        with self.ledger.read() as tx:
            return person_report(self.ledger, tx, self.customer, reference, PLATFORMS)

    def json(self) -> Any:
        return json.loads(json.dumps(self.report().to_json()))

    def system(self, title: str) -> dict[str, Any]:
        (found,) = [one for one in self.json()["systems"] if one["title"] == title]
        return dict(found)

    def totals(self) -> CustomerReport:
        with self.ledger.read() as tx:
            return customer_report(self.ledger, tx, self.customer, PLATFORMS)


@contextmanager
def school_in(tmp_path: Path) -> Iterator[School]:
    """On SQLite, with one list, at a time that stands still."""
    clock = [NOW]
    database = Database(f"sqlite:///{tmp_path}/ledger", clock=lambda _: clock[0])
    keeps = Database(f"sqlite:///{tmp_path}/safe", clock=lambda _: clock[0])
    metadata.create_all(database.engine)
    safes.metadata.create_all(keeps.engine)
    with database.begin() as tx:
        moves = [{"was": was, "became": became} for was, became in legal(WAYS)]
        rows.insert(tx, transitions, moves)
    ledger = Ledger(database, Safe(keeps), {1: Key.random()})
    customer = customers.create(ledger, "De Verfschuur")
    customers.put_list(ledger, customer, MailingList("news", Purpose.NEWSLETTER, "Nieuwsbrief"))
    yield School(ledger, customer, clock)
    database.engine.dispose()
    keeps.engine.dispose()


def seen(at: datetime = NOW, *traces: Mapping[str, Any]) -> dict[str, Any]:
    return {"seen_at": at, "seen": list(traces)}
