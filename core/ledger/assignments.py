"""The people behind claimed holdings, opened for one attempt only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from core.connector import Basis, BasisKind, Identity, Person
from core.database import Transaction
from core.holding import Assignment, Holding
from core.ledger import Ledger
from core.ledger.connections import Connection
from core.ledger.holdings import Claimed
from core.ledger.schema import addresses, holdings, operations, people
from core.safe import Incarnation
from core.sealing import CustomerKeys


def assign(
    ledger: Ledger, tx: Transaction, connection: Connection, claimed: Sequence[Claimed]
) -> list[Assignment]:
    """What each claimed holding needs. After an erasure only its finishing record is left."""
    opening = Opening(ledger, tx, connection, claimed)
    users = opening.users_of_addresses()
    return [opening.assignment(one, users) for one in claimed]


class Opening:
    """One batch of people, with the keys that still open them."""

    def __init__(
        self, ledger: Ledger, tx: Transaction, connection: Connection, claimed: Sequence[Claimed]
    ) -> None:
        self.tx = tx
        self.connection = connection
        self.customer = ledger.keys_of(tx, connection.customer)
        self.persons = [one.holding.person for one in claimed]
        query = sa.select(people).where(people.c.id.in_(self.persons))
        self.people = {row.id: row for row in tx.db.execute(query)}
        alive: set[Incarnation] = {(row.id, row.key_epoch) for row in self.people.values()}
        found = ledger.safe.keys(alive, self.customer)
        self.keys = {person: key for (person, _), key in found.items()}
        erased = [
            one.holding.person
            for one in claimed
            if one.holding.person not in self.keys or one.holding.goal.erase
        ]
        self.records = ledger.safe.finishing(erased, self.customer)
        self.emails = self.known_emails()
        self.bases = self.known_bases()

    def assignment(self, one: Claimed, users: Mapping[bytes, set[UUID]]) -> Assignment:
        who = self.identity(one)
        known = zip(who.emails, hashes(self.customer, who.emails), strict=True)
        me = {one.holding.person}
        return Assignment(
            one.holding,
            one.attempt,
            who,
            self.person(one.holding.person),
            {
                place: self.bases[one.holding.person, want.seq]
                for place, want in one.holding.wants.places.items()
                if (one.holding.person, want.seq) in self.bases
            },
            shared=frozenset(email for email, digest in known if users.get(digest, set()) - me),
        )

    def identity(self, one: Claimed) -> Identity:
        """Who came back while an erasure is under way is still erased by what was known before."""
        person = one.holding.person
        emails, ids = list(self.emails.get(person, ())), []
        if one.remote and person in self.keys:
            ids += self.keys[person].open_json(one.remote, f"holdings|{one.holding.id}")
        if person in self.records:
            emails += self.records[person].emails
            ids += self.records[person].remote_ids.get(self.connection.id, ())
        return Identity(tuple(dict.fromkeys(emails)), tuple(dict.fromkeys(ids)))

    def person(self, person: UUID) -> Person | None:
        """Only what this connection maps: a field that is not named is never sent."""
        row, key = self.people[person], self.keys.get(person)
        if row.sealed is None or key is None:
            return None
        data = key.open_json(row.sealed, f"people|{person}")
        names = [name for name in self.connection.fields if name in data["fields"]]
        return Person(data["email"], {name: data["fields"][name] for name in names})

    def known_emails(self) -> dict[UUID, list[str]]:
        """Every address ever used, newest first."""
        found: dict[UUID, list[str]] = {}
        query = sa.select(addresses).where(addresses.c.person.in_(list(self.keys)))
        for row in self.tx.db.execute(query.order_by(addresses.c.since.desc())):
            bound = f"addresses|{row.person}|{row.hash.hex()}"
            email = self.keys[row.person].open(row.sealed, bound).decode()
            found.setdefault(row.person, []).append(email)
        return found

    def known_bases(self) -> dict[tuple[UUID, int], Basis]:
        query = sa.select(operations).where(
            operations.c.person.in_(list(self.keys)), operations.c.basis.is_not(None)
        )
        return {
            (row.person, row.seq): basis_of(
                self.keys[row.person].open_json(row.basis, f"operations|{row.id}")
            )
            for row in self.tx.db.execute(query)
            if row.epoch >= self.people[row.person].key_epoch
        }

    def users_of_addresses(self) -> dict[bytes, set[UUID]]:
        known = [email for emails in self.emails.values() for email in emails]
        known += [email for record in self.records.values() for email in record.emails]
        found: dict[bytes, set[UUID]] = {}
        query = sa.select(addresses.c.hash, addresses.c.person).where(
            addresses.c.customer == self.connection.customer,
            addresses.c.hash.in_(hashes(self.customer, known)),
        )
        for row in self.tx.db.execute(query):
            found.setdefault(row.hash, set()).add(row.person)
        return found


def hashes(customer: CustomerKeys, emails: Iterable[str]) -> list[bytes]:
    return [customer.pepper.hash("email", email) for email in emails]


def basis_of(stored: Mapping[str, Any]) -> Basis:
    return Basis(
        BasisKind(stored["kind"]),
        stored["id"],
        datetime.fromisoformat(stored["given_at"]),
        stored["source"],
        stored["text_version"],
        stored["proof"],
    )


def learn(
    ledger: Ledger,
    tx: Transaction,
    connection: Connection,
    holding: Holding,
    who: Identity,
    ids: Sequence[str],
) -> None:
    """
    Keep the remote ids that a look found, sealed: beside the person while there is one, in
    the finishing record once the person was erased, even if that happened meanwhile.
    """
    if set(ids) <= set(who.remote_ids):
        return
    customer = ledger.keys_of(tx, connection.customer)
    epoch = tx.db.execute(sa.select(people.c.key_epoch).where(people.c.id == holding.person))
    incarnation = (holding.person, epoch.scalar_one())
    key = ledger.safe.keys({incarnation}, customer).get(incarnation)
    known = tuple(dict.fromkeys((*who.remote_ids, *ids)))
    if key is None:
        ledger.safe.learn_remote_ids(holding.person, connection.id, known, customer)
        return
    sealed = key.seal_json(list(known), f"holdings|{holding.id}")
    tx.db.execute(sa.update(holdings).where(holdings.c.id == holding.id).values(remote=sealed))
