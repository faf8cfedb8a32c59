"""Which hashes the safe keeps of an erasure, so that nobody comes back unasked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from core.database import Transaction
from core.ledger.person import Someone
from core.ledger.schema import addresses
from core.safe import Burial, Tombstone
from core.sealing import CustomerKeys


def own_addresses(
    tx: Transaction, keys: CustomerKeys, someone: Someone, everyone: Collection[Someone]
) -> set[bytes]:
    """
    The addresses, hashed, that nobody else uses: ``everyone`` as the batch changed them so
    far, all other people as they are stored.
    """
    if someone.finishing is None:
        return set()
    known = {keys.pepper.hash("email", email) for email in someone.finishing.emails}
    here = {digest for one in everyone if one is not someone for digest in one.emails}
    elsewhere = sa.select(addresses.c.hash).where(
        addresses.c.customer == someone.customer,
        addresses.c.hash.in_(list(known)),
        addresses.c.person.not_in([one.id for one in everyone]),
    )
    return known - here - {row.hash for row in tx.db.execute(elsewhere)}


def burials(
    everyone: Collection[Someone], own: Mapping[UUID, Iterable[bytes]], at: datetime
) -> list[Burial]:
    """
    One for everybody who was erased. The person's id, a keyed hash itself, is remembered
    against restoring even where every address stays with somebody else.
    """
    used = {digest for someone in everyone for digest in someone.emails}
    return [
        Burial(
            someone.id,
            someone.key_epoch,
            at,
            {
                Tombstone.RESTORE: {someone.id.bytes, *own[someone.id]},
                Tombstone.DO_NOT_RETURN: set(own[someone.id]) - used,
            },
            someone.finishing,
        )
        for someone in everyone
        if someone.erased_here and someone.finishing is not None
    ]
