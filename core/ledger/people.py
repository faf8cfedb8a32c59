"""The people that a transaction changes: loaded together, stored together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from core import rows
from core.connector import Verb
from core.database import Transaction
from core.ledger import Ledger, lanes, moves, postponed, tasks
from core.ledger.person import Held, Someone
from core.ledger.schema import (
    addresses,
    events,
    holdings,
    operations,
    parts,
    people,
)
from core.states import Ended, State, Task
from core.wants import Wants


def load(
    ledger: Ledger, tx: Transaction, customer: UUID, wanted: Collection[UUID]
) -> dict[UUID, Someone]:
    """Lock these people, known or not, and read what the ledger has of them."""
    insert_missing(tx, customer, wanted)
    found = {row.id: someone_of(row) for row in locked(tx, wanted)}
    keys = ledger.keys_of(tx, customer)
    opened = ledger.safe.keys({(one.id, one.key_epoch) for one in found.values()}, keys)
    for someone in found.values():
        someone.key = opened.get((someone.id, someone.key_epoch))
    open_sealed(found)
    postponed.open_told(tx, found)
    add_addresses(tx, found)
    add_holdings(tx, found)
    erased = [one.id for one in found.values() if one.key_epoch]  # who came back included
    for person, record in ledger.safe.finishing(erased, keys).items():
        found[person].finishing = record
    return found


def insert_missing(tx: Transaction, customer: UUID, wanted: Collection[UUID]) -> None:
    everyone = [
        {
            "id": person,
            "customer": customer,
            "seq": 0,
            "epoch": 0,
            "key_epoch": 0,
            "refused": {},
        }
        for person in sorted(wanted)
    ]
    rows.insert_new(tx, people, everyone)


def locked(tx: Transaction, wanted: Collection[UUID]) -> Sequence[sa.Row[Any]]:
    """In one order, so that two batches cannot wait for each other."""
    these, parameter = rows.one_of(tx.db, people.c.id, wanted)
    query = sa.select(people).where(these).order_by(people.c.id)
    return tx.db.execute(query.with_for_update(key_share=True, of=people), parameter).all()


def someone_of(row: sa.Row[Any]) -> Someone:
    return Someone(
        row.id,
        row.customer,
        row.seq,
        row.epoch,
        row.key_epoch,
        row.erased_at,
        dict(row.refused),
        data={"sealed": row.sealed} if row.sealed else None,
        seq_before=row.seq,
        restricted_at=row.restricted_at,
        erase_at=row.erase_at,
    )


def open_sealed(found: Mapping[UUID, Someone]) -> None:
    for someone in found.values():
        if someone.data is not None:
            sealed, someone.data = someone.data["sealed"], None
            if someone.key is not None:
                someone.data = someone.key.open_json(sealed, f"people|{someone.id}")


def add_addresses(tx: Transaction, found: Mapping[UUID, Someone]) -> None:
    theirs, parameter = rows.one_of(tx.db, addresses.c.person, found)
    query = sa.select(addresses).where(theirs).order_by(addresses.c.since)
    for row in tx.db.execute(query, parameter):
        someone = found[row.person]
        if someone.key is not None:
            someone.emails[row.hash] = someone.key.open(row.sealed, address_row(row)).decode()


def address_row(row: Any) -> str:
    return f"addresses|{row.person}|{row.hash.hex()}"


def add_holdings(tx: Transaction, found: Mapping[UUID, Someone]) -> None:
    theirs, parameter = rows.one_of(tx.db, holdings.c.person, found)
    query = sa.select(holdings).where(theirs).order_by(holdings.c.id)
    by_id = {}
    for row in tx.db.execute(query.with_for_update(key_share=True, of=holdings), parameter):
        state = State(row.state)
        held = Held(
            row.id,
            row.connection,
            Wants.from_json(row.wants),
            state,
            was=state,
            asked_seq=row.asked_seq,
            due_at=row.due_at,
            remote=row.remote,
        )
        found[row.person].holdings[row.connection] = held
        by_id[row.id] = held
    theirs, parameter = rows.one_of(tx.db, parts.c.holding, by_id)
    still_open = sa.select(parts).where(theirs, parts.c.ended.is_(None))
    for row in tx.db.execute(still_open, parameter) if by_id else ():
        by_id[row.holding].parts[row.seq] = row.operation
    for held in by_id.values():
        held.stored_parts = frozenset(held.parts)


def store(
    ledger: Ledger,
    tx: Transaction,
    customer: UUID,
    everyone: Iterable[Someone],
    asked: Sequence[Mapping[str, object]],
) -> None:
    """Write what changed. New keys go to the safe first."""
    changed = [someone for someone in everyone if someone.seq > someone.seq_before]
    fresh = {(one.id, one.key_epoch): one.key for one in changed if one.key and one.key_is_new}
    ledger.safe.keep_keys(fresh, ledger.keys_of(tx, customer))
    store_people(tx, changed)
    store_addresses(tx, customer, changed)
    rows.insert(tx, operations, asked)
    store_holdings(tx, customer, changed)
    postponed.store(tx, changed)
    nobody = [one.id for one in everyone if not one.seq]
    if nobody:
        tx.db.execute(sa.delete(people).where(people.c.id.in_(nobody)))


def store_people(tx: Transaction, changed: Sequence[Someone]) -> None:
    known = [
        {
            "id": someone.id,
            "seq": someone.seq,
            "epoch": someone.epoch,
            "key_epoch": someone.key_epoch,
            "erased_at": someone.erased_at,
            "restricted_at": someone.restricted_at,
            "erase_at": someone.erase_at,
            "refused": someone.refused,
            "sealed": someone.key.seal_json(someone.data, f"people|{someone.id}")
            if someone.key and someone.data
            else None,
        }
        for someone in changed
    ]
    rows.update(tx, people, known)
    erased = [someone.id for someone in changed if someone.erased_here]
    if erased:  # the new erasure has a finishing record again
        tx.db.execute(sa.update(people).where(people.c.id.in_(erased)).values(forgotten_at=None))


def store_addresses(tx: Transaction, customer: UUID, changed: Sequence[Someone]) -> None:
    erased = [someone.id for someone in changed if someone.erased_here]
    if erased:
        tx.db.execute(sa.delete(addresses).where(addresses.c.person.in_(erased)))
    used = [
        {
            "person": someone.id,
            "hash": digest,
            "customer": customer,
            "sealed": someone.key.seal(
                someone.emails[digest].encode(), f"addresses|{someone.id}|{digest.hex()}"
            ),
            "since": since,
        }
        for someone in changed
        if someone.key
        for digest, since in someone.fresh.items()
    ]
    rows.put(tx, addresses, used)  # one that is in use again is so since now


def store_holdings(tx: Transaction, customer: UUID, changed: Sequence[Someone]) -> None:
    touched = [
        (someone, held) for someone in changed for held in someone.holdings.values() if held.changed
    ]
    made = [
        {**NEW, **holding_row(someone, held), "customer": customer}
        for someone, held in touched
        if held.was is None
    ]
    known = [holding_row(someone, held) for someone, held in touched if held.was is not None]
    rows.insert(tx, holdings, made)
    rows.update(tx, holdings, known)
    store_parts(tx, [held for _, held in touched])
    rows.insert(tx, events, [asked(customer, tx, held) for _, held in touched])
    for someone, held in touched:
        if held.state is State.CANNOT_LOOK and someone.finishing is not None:  # a name to look for
            tasks.open_for(
                tx,
                kind=Task.CANNOT_LOOK,
                verb=Verb.ERASE,
                customer=customer,
                connection=held.connection,
                person=someone.id,
                holding=held.id,
            )
    lanes.ring(tx, {held.connection for _, held in touched if held.due_at is not None})


NEW = {"reached_seq": 0, "acted_seq": 0, "deaths": 0, "suspect": False, "seen": []}


def holding_row(someone: Someone, held: Held) -> dict[str, object]:
    """Newer work starts with a clean count; what is ambiguous stays so."""
    return {
        "id": held.id,
        "person": someone.id,
        "connection": held.connection,
        "state": held.state.value,
        "wants": held.wants.to_json(),
        "asked_seq": held.asked_seq,
        "epoch": someone.epoch,
        "erasing": bool(held.wants.erase),
        "due_at": held.due_at,
        "attempts": 0,
        "looks": 0,
        "patrol": 0,
        "final_on": None,
        "error": None,
        "remote": held.remote,
        "held_back": someone.held_back,
    }


def store_parts(tx: Transaction, touched: Sequence[Held]) -> None:
    """Open parts that the wants no longer mention are superseded."""
    ended = {"ended": Ended.SUPERSEDED.value, "ended_at": tx.now}
    still_open = dict.fromkeys(ended)
    over = []
    new = []
    for held in touched:
        live = held.wants.live()
        for seq, operation in held.parts.items():
            part = {"operation": operation, "holding": held.id}
            superseded = seq not in live
            if seq not in held.stored_parts:
                new.append({**part, "seq": seq, **(ended if superseded else still_open)})
            elif superseded:
                over.append({**part, **ended})
    rows.insert(tx, parts, new)
    rows.update(tx, parts, over)


def asked(customer: UUID, tx: Transaction, held: Held) -> dict[str, Any]:
    return moves.event(
        tx,
        "asked",
        customer=customer,
        holding=held.id,
        was=held.was and held.was.value,
        became=held.state.value,
        operation=held.parts.get(held.asked_seq),
    )
