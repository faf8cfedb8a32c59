"""What is wrapped under the key file's versions, each of which may give way to a newer one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from core import rows
from core.database import Database, Transaction
from core.ledger.schema import customers, installation
from core.refusals import CannotAccept
from core.sealing import CannotOpen, Key, MissingVersion

AT_ONCE = 500  # keys that are wrapped anew in one transaction
SAMPLE = 3  # one damaged row is no reason to call the key file the wrong one

Versions = Mapping[int, Key]

WRAPPED = sa.select(customers.c.id, customers.c.wrapped_key, customers.c.key_version)


@dataclass(frozen=True, slots=True)
class Step:
    """What one transaction came to; ``unreadable`` are customers whose key does not open."""

    done: int
    unreadable: Sequence[UUID] = field(default=())


def of_customer(tx: Transaction, customer: UUID) -> sa.Row[Any]:
    return tx.db.execute(WRAPPED.where(customers.c.id == customer)).one()


def opened(versions: Versions, row: Any) -> Key:
    """The customer's key. Raises CannotOpen."""
    wrapping = versions.get(row.key_version)
    if wrapping is None:
        raise MissingVersion(str(row.key_version))
    return Key(wrapping.open(row.wrapped_key, bound_to(row.id)))


def new(tx: Transaction, versions: Versions, customer: UUID, key: Key) -> tuple[int, bytes]:
    """A new customer's key, wrapped. Raises CannotOpen."""
    version, wrapping = in_use(tx, versions)
    return version, wrapping.seal(key.secret, bound_to(customer))


def in_use(tx: Transaction, versions: Versions) -> tuple[int, Key]:
    """
    The newest version that is in use, for what is new. Raises CannotOpen.

    One that was only added to this file may not be on every machine yet. Until the transaction
    ends no version is taken out.
    """
    alone(tx)
    newest = max(needed(tx) or versions)
    return newest, proven(tx, versions, newest)


def needed(tx: Transaction) -> dict[int, int]:
    """
    How many keys are wrapped under each version.

    A version is only called unneeded, or taken out of the file, when it is neither here nor among
    the day keys of backups (core.backups.day_keys), which are in the safe.
    """
    counted = sa.select(customers.c.key_version, sa.func.count()).group_by(customers.c.key_version)
    return dict(tx.db.execute(counted).tuples().all())


def unneeded(used: Mapping[int, int], version: int) -> None:
    """Raises CannotAccept while this version wraps something, or may come to."""
    if version in used:
        raise CannotAccept(
            f"Version {version} is needed: without it nobody could read what it wraps (keys: "
            f"{used[version]}). Nothing was changed. Wrap them anew: courseflow-sync rotate-keys"
        )
    if version > max(used, default=0):
        raise CannotAccept(
            f"Version {version} is not in use yet, and what comes next will need it. Nothing was "
            "changed."
        )


def check(tx: Transaction, versions: Versions) -> None:
    """Raises CannotOpen unless this key file is the one with which keys are wrapped here."""
    used = needed(tx)
    if lacking := used.keys() - set(versions):  # as the file was read a moment ago
        raise MissingVersion(str(max(lacking)))
    if used:
        proven(tx, versions, max(used))


def rewrap(database: Database, versions: Versions, newest: int) -> Iterator[Step]:
    """
    Wrap every customer's key under this version. Raises CannotOpen.

    Each step is a transaction; whoever is killed between or within them has lost nothing, and
    begins again. What does not open stays as it is.
    """
    after: UUID | None = None
    while True:
        with database.begin() as tx:
            alone(tx)
            wrapping = proven(tx, versions, newest)
            found = older(tx, newest, after)
            step = rewrapped(tx, versions, found, newest, wrapping)
        if not found:
            return
        after = found[-1].id
        yield step


def older(tx: Transaction, newest: int, after: UUID | None) -> Sequence[sa.Row[Any]]:
    query = WRAPPED.where(customers.c.key_version < newest).order_by(customers.c.id).limit(AT_ONCE)
    if after is not None:
        query = query.where(customers.c.id > after)
    return tx.db.execute(query).all()


def rewrapped(
    tx: Transaction, versions: Versions, found: Sequence[Any], newest: int, wrapping: Key
) -> Step:
    changed, unreadable = [], []
    for row in found:
        try:
            key = opened(versions, row)
        except CannotOpen:
            unreadable.append(row.id)
            continue
        wrapped = wrapping.seal(key.secret, bound_to(row.id))
        changed.append({"id": row.id, "wrapped_key": wrapped, "key_version": newest})
    rows.update(tx, customers, changed)
    return Step(len(changed), tuple(unreadable))


def alone(tx: Transaction) -> None:
    """Until it ends, no other transaction wraps a key; SQLite has one writer anyway."""
    tx.db.execute(sa.select(installation.c.id).with_for_update())


def proven(tx: Transaction, versions: Versions, version: int) -> Key:
    """
    This version's key, which opens what is wrapped under it already. Raises CannotOpen.

    Two machines on which a version was added have a different key of one number: only the one
    that was used first may be used.
    """
    key = versions.get(version)
    if key is None:
        raise MissingVersion(str(version))
    sample = tx.db.execute(WRAPPED.where(customers.c.key_version == version).limit(SAMPLE)).all()
    if sample and not any(opens(versions, row) for row in sample):
        raise CannotOpen(f"customers, version {version}")
    return key


def opens(versions: Versions, row: Any) -> bool:
    try:
        opened(versions, row)
    except CannotOpen:
        return False
    return True


def bound_to(customer: UUID) -> str:
    return f"customers|{customer}"
