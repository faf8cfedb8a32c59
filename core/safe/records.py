"""What the safe is told of an erasure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from core.safe.schema import Tombstone
from core.sealing import CustomerKeys


@dataclass(frozen=True, slots=True)
class Finishing:
    """
    The little that ending an erasure still needs; ``remote_ids`` by connection, ``reasons`` by
    the answer that gave them.
    """

    reference: str
    emails: tuple[str, ...]
    name: str
    remote_ids: Mapping[UUID, tuple[str, ...]]
    reasons: Mapping[UUID, str] = field(default_factory=dict)

    def with_remote_ids(self, connection: UUID, ids: Iterable[str]) -> Finishing:
        known = dict.fromkeys((*self.remote_ids.get(connection, ()), *ids))
        return replace(self, remote_ids={**self.remote_ids, connection: tuple(known)})

    def sealed(self, person: UUID, epoch: int, customer: CustomerKeys) -> bytes:
        value = {
            "reference": self.reference,
            "emails": self.emails,
            "name": self.name,
            "remote_ids": {str(where): ids for where, ids in self.remote_ids.items()},
            "reasons": {str(answer): reason for answer, reason in self.reasons.items()},
        }
        return customer.key.seal_json(value, bound_to(person, epoch))

    @classmethod
    def opened(cls, row: Any, customer: CustomerKeys) -> Finishing:
        """From a row of the safe. Raises CannotOpen."""
        stored = customer.key.open_json(row.sealed, bound_to(row.person, row.epoch))
        remote = {UUID(where): tuple(ids) for where, ids in stored["remote_ids"].items()}
        reasons = {UUID(answer): reason for answer, reason in stored.get("reasons", {}).items()}
        return cls(stored["reference"], tuple(stored["emails"]), stored["name"], remote, reasons)


def bound_to(person: UUID, epoch: int) -> str:
    return f"finishing|{person}|{epoch}"


@dataclass(frozen=True, slots=True)
class Erasure:
    """What is remembered of one; whether the person ``returned`` afterwards."""

    person: UUID
    epoch: int
    at: datetime
    returned: bool


@dataclass(frozen=True, slots=True)
class Burial:
    """One erasure as it is about to be accepted; ``hashes`` are keyed, and say nobody's name."""

    person: UUID
    epoch: int
    at: datetime
    hashes: Mapping[Tombstone, Collection[bytes]]
    finishing: Finishing
