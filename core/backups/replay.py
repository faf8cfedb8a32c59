"""
Bringing a ledger from a backup up to what its safe remembers.

Until that is done nobody starts (core.ledger.pulse). What else was asked since the backup, a
sign-up or a change, is lost with the ledger that was lost: whoever asked it has to ask again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from core.connector import Verb
from core.database import Transaction
from core.ledger import Ledger, customers, pulse
from core.ledger.customers import Customer
from core.ledger.intake import Batch, Request
from core.ledger.people import load
from core.ledger.person import Someone
from core.ledger.schema import customers as customer_rows
from core.ledger.schema import events, people
from core.moments import microseconds
from core.safe import Erasure, Finishing
from core.states import State

AT_ONCE = 200
CHANNEL = "restore"  # of what is asked again in the name of who asked it before
RESTORED = "restored"  # the event in each customer's trail


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many erasures, and people who opted out, the ledger did not know."""

    erased: int = 0
    refused: int = 0

    def __add__(self, other: Replayed) -> Replayed:
        return Replayed(self.erased + other.erased, self.refused + other.refused)


def replay(ledger: Ledger) -> Iterator[Replayed]:
    """
    In steps, each of which is committed; whoever is killed begins again. With the last step
    work may start. Where ledger and safe are of one moment, nothing is found.

    Keys that the ledger knows to be destroyed are destroyed, should the safe be the older one.
    Raises CannotOpen or DatabaseAway.
    """
    with ledger.read() as tx:
        everybody = customers.every(tx)
    for customer in everybody:
        yield from erasures(ledger, customer)
        yield refusals(ledger, customer)
        destroy_older_keys(ledger, customer)
    begin_again(ledger, everybody)


def begin_again(ledger: Ledger, everybody: Sequence[Customer]) -> None:
    """Links to pages end, as this ledger has forgotten which were ended since."""
    with ledger.begin() as tx:
        before = pulse.of_ledger(tx, alone=True)
        with ledger.safe.database.read() as its:
            restored = not pulse.in_step(before, its)
        if restored and everybody:
            told = [{"customer": one.id, "at": tx.now, "kind": RESTORED} for one in everybody]
            tx.db.execute(sa.insert(events), told)
            tx.db.execute(sa.update(customer_rows).values(links_since=tx.now))
        new = pulse.begin(tx, ledger.safe.database, before)
    pulse.end(ledger.safe.database, new)


def erasures(ledger: Ledger, customer: Customer) -> Iterator[Replayed]:
    after: UUID | None = None
    while remembered := ledger.safe.erasures(customer.id, after, AT_ONCE):
        after = remembered[-1].person
        yield erased_again(ledger, customer, remembered)


def erased_again(ledger: Ledger, customer: Customer, several: Sequence[Erasure]) -> Replayed:
    """Those that this ledger has not. The safe remembers them already, with their dates."""
    with ledger.begin() as tx:
        keys = ledger.keys_of(tx, customer.id)
        records = ledger.safe.finishing([one.person for one in several], keys)
        unknown = missing(tx, several, records)
        if not unknown:
            return Replayed()
        batch = Batch(ledger, tx, customer, [])
        batch.people = load(ledger, tx, customer.id, {one.person for one in unknown})
        for one in unknown:
            erase(batch, batch.people[one.person], one, records.get(one.person))
        batch.store()
    ledger.safe.confirm({one.person: one.epoch for one in unknown})
    return Replayed(erased=len(unknown))


def missing(
    tx: Transaction, several: Sequence[Erasure], records: Mapping[UUID, Finishing]
) -> list[Erasure]:
    """Who came and was gone since the backup is not in it, and needs nothing any more."""
    query = sa.select(people.c.id, people.c.key_epoch).where(
        people.c.id.in_([one.person for one in several])
    )
    known = {row.id: row.key_epoch for row in tx.db.execute(query)}
    return [
        one
        for one in several
        if (one.person in known or one.person in records) and known.get(one.person, 0) < one.epoch
    ]


def erase(batch: Batch, someone: Someone, known: Erasure, record: Finishing | None) -> None:
    """
    As it was erased then, everywhere.

    Without a record that erasure was at its end: everybody had looked and was answered, and
    nobody can look again. Who came back afterwards must not be erased again: what they asked
    then is lost here, so that a human has to look.
    """
    someone.epoch = known.epoch - 1
    someone.finishing = record or Finishing("", (), "", {})
    asked = Request(Verb.ERASE, someone.finishing.reference, received_at=known.at, channel=CHANNEL)
    touched = batch.erase(someone, asked)
    someone.erased_at, someone.finishing = known.at, record
    if record is None or known.returned:
        for held in touched:
            held.state, held.due_at = State.CANNOT_LOOK, None
    if record is not None:
        batch.record(someone, asked, touched)


def refusals(ledger: Ledger, customer: Customer) -> Replayed:
    """Opt-outs hold again, and are asked again where the person is still subscribed."""
    remembered = ledger.safe.refusals(customer.id)
    with ledger.begin() as tx:
        found = tx.db.execute(sa.select(people.c.id, people.c.refused).where(mine(customer)))
        known = {row.id: row.refused for row in found}
        newer = {
            person: fresh
            for person, lists in remembered.items()
            if (fresh := unheard(lists, known.get(person, {})))
        }
        if newer:
            batch = Batch(ledger, tx, customer, [])
            batch.people = load(ledger, tx, customer.id, set(newer))
            for person, lists in newer.items():
                refuse(batch, batch.people[person], lists)
            batch.store()
    return Replayed(refused=len(newer))


def mine(customer: Customer) -> sa.ColumnElement[bool]:
    return people.c.customer == customer.id


def unheard(lists: Mapping[str, datetime], known: Mapping[str, int]) -> dict[str, datetime]:
    return {key: at for key, at in lists.items() if known.get(key, 0) < microseconds(at)}


def refuse(batch: Batch, someone: Someone, lists: Mapping[str, datetime]) -> None:
    """One whom the backup does not know is refused all the same, should they be asked for."""
    wanted = [key for key in lists if key in batch.lists]
    if someone.data is not None and wanted:
        asked = Request(
            Verb.UNSUBSCRIBE, someone.data["reference"], lists=tuple(wanted), channel=CHANNEL
        )
        batch.record(someone, asked, batch.unsubscribe(someone, asked))
    else:
        someone.next()
    someone.refused.update({key: microseconds(at) for key, at in lists.items()})


def destroy_older_keys(ledger: Ledger, customer: Customer) -> None:
    with ledger.read() as tx:
        query = sa.select(people.c.id, people.c.key_epoch).where(
            mine(customer), people.c.key_epoch > 0
        )
        erased = {row.id: row.key_epoch for row in tx.db.execute(query)}
    ledger.safe.confirm(erased)
