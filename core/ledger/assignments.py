"""The people behind claimed holdings, opened for one attempt only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from core import rows
from core.connector import Basis, BasisKind, Identity, Person
from core.database import Transaction
from core.holding import NOBODY, Assignment
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
    if not claimed:
        return []
    opening = Opening(ledger, tx, connection, claimed)
    return [opening.assignment(one) for one in claimed]


class Opening:
    """One batch of people, with the keys that still open them."""

    def __init__(
        self, ledger: Ledger, tx: Transaction, connection: Connection, claimed: Sequence[Claimed]
    ) -> None:
        self.tx = tx
        self.connection = connection
        self.customer = ledger.keys_of(tx, connection.customer).for_a_batch()
        these, parameters = rows.one_of(tx.db, people.c.id, {one.holding.person for one in claimed})
        found = tx.db.execute(sa.select(people).where(these), parameters)
        self.people = {row.id: row for row in found}
        alive: set[Incarnation] = {(row.id, row.key_epoch) for row in self.people.values()}
        self.keys = {
            person: key for (person, _), key in ledger.safe.keys(alive, self.customer).items()
        }
        erased = [person for person, row in self.people.items() if row.key_epoch]
        self.records = ledger.safe.finishing(erased, self.customer)
        self.emails: dict[UUID, list[str]] = {}  # every address ever used, newest first
        self.users: dict[bytes, set[UUID]] = {}  # of each address
        self.open_addresses()
        self.bases = self.known_bases()

    def assignment(self, one: Claimed) -> Assignment:
        who = self.identity(one)
        person = one.holding.person
        known = zip(who.emails, hashes(self.customer, who.emails), strict=True)
        return Assignment(
            one.holding,
            one.attempt,
            who,
            self.person(person),
            {
                place: self.bases[person, want.seq]
                for place, want in one.holding.wants.places.items()
                if (person, want.seq) in self.bases
            },
            shared=frozenset(
                email for email, digest in known if self.users.get(digest, set()) - {person}
            ),
            key=self.keys.get(person),
            key_epoch=self.people[person].key_epoch,
            before=self.before(one, who),
        )

    def identity(self, one: Claimed) -> Identity:
        """Who came back while an erasure is under way is still erased by what was known before."""
        person = one.holding.person
        emails, ids = list(self.emails.get(person, ())), []
        if one.remote and person in self.keys:
            ids += self.keys[person].open_json(one.remote, f"holdings|{one.holding.id}")
        if person in self.records and (person not in self.keys or one.holding.goal.erase):
            emails += self.records[person].emails
            ids += self.records[person].remote_ids.get(self.connection.id, ())
        return Identity(tuple(dict.fromkeys(emails)), tuple(dict.fromkeys(ids)))

    def before(self, one: Claimed, who: Identity) -> Identity:
        """What only the finishing record of an erasure still knows, and nobody else uses."""
        record = self.records.get(one.holding.person)
        if record is None:
            return NOBODY
        old = [email for email in record.emails if email not in who.emails]
        known = zip(old, hashes(self.customer, old), strict=True)
        ids = record.remote_ids.get(self.connection.id, ())
        return Identity(
            tuple(email for email, digest in known if not self.users.get(digest)),
            tuple(one for one in ids if one not in who.remote_ids),
        )

    def person(self, person: UUID) -> Person | None:
        """Only what this connection maps: a field that is not named is never sent."""
        row, key = self.people[person], self.keys.get(person)
        if row.sealed is None or key is None:
            return None
        data = key.open_json(row.sealed, f"people|{person}")
        names = [name for name in self.connection.fields if name in data["fields"]]
        return Person(data["email"], {name: data["fields"][name] for name in names})

    def open_addresses(self) -> None:
        """The people's own addresses, and who else uses any of them."""
        theirs, parameters = rows.one_of(self.tx.db, addresses.c.person, self.keys)
        query = sa.select(addresses).where(theirs).order_by(addresses.c.since.desc())
        for row in self.tx.db.execute(query, parameters):
            bound = f"addresses|{row.person}|{row.hash.hex()}"
            email = self.keys[row.person].open(row.sealed, bound).decode()
            self.emails.setdefault(row.person, []).append(email)
        known = {email for emails in self.emails.values() for email in emails}
        known |= {email for record in self.records.values() for email in record.emails}
        same, parameters = rows.one_of(
            self.tx.db, addresses.c.hash, hashes(self.customer, sorted(known))
        )
        users = sa.select(addresses.c.hash, addresses.c.person).where(
            addresses.c.customer == self.connection.customer, same
        )
        for row in self.tx.db.execute(users, parameters):
            self.users.setdefault(row.hash, set()).add(row.person)

    def known_bases(self) -> dict[tuple[UUID, int], Basis]:
        theirs, parameters = rows.one_of(self.tx.db, operations.c.person, self.keys)
        query = sa.select(
            operations.c.id,
            operations.c.person,
            operations.c.seq,
            operations.c.epoch,
            operations.c.basis,
        ).where(theirs, operations.c.basis.is_not(None))
        return {
            (row.person, row.seq): basis_of(
                self.keys[row.person].open_json(row.basis, f"operations|{row.id}")
            )
            for row in self.tx.db.execute(query, parameters)
            if row.epoch >= self.people[row.person].key_epoch
        }


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


def learned(one: Assignment, ids: Sequence[str], key_epoch: int) -> dict[str, bytes]:
    """
    The column that keeps the remote ids that a look found, sealed. Empty where nothing is new,
    and where the key is gone: then ``learn_after_erasure`` keeps them.
    """
    if not new(one, ids) or one.key is None or one.key_epoch != key_epoch:
        return {}
    return {"remote": one.key.seal_json(list(every(one, ids)), f"holdings|{one.holding.id}")}


def learn_after_erasure(
    ledger: Ledger,
    tx: Transaction,
    connection: Connection,
    one: Assignment,
    ids: Sequence[str],
    key_epoch: int,
) -> None:
    """Keep what a look found in the finishing record, or with whoever came back since."""
    if not new(one, ids) or learned(one, ids, key_epoch):
        return
    customer = ledger.keys_of(tx, connection.customer)
    person, holding = one.holding.person, one.holding.id
    key = ledger.safe.keys({(person, key_epoch)}, customer).get((person, key_epoch))
    if key is None:
        ledger.safe.learn_remote_ids(person, connection.id, every(one, ids), customer)
        return
    sealed = key.seal_json(list(every(one, ids)), f"holdings|{holding}")
    tx.db.execute(sa.update(holdings).where(holdings.c.id == holding).values(remote=sealed))


def new(one: Assignment, ids: Sequence[str]) -> bool:
    return not set(ids) <= set(one.who.remote_ids)


def every(one: Assignment, ids: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one.who.remote_ids, *ids)))
