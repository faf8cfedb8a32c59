"""A person with their holdings, as the requests of one transaction change them in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from core.safe import Finishing
from core.sealing import CustomerKeys, Key
from core.states import State
from core.wants import Wants


@dataclass(slots=True)
class Held:
    """A holding as the batch changes it; ``parts`` are the operations still open there."""

    id: UUID
    connection: UUID
    wants: Wants = field(default_factory=Wants)
    state: State = State.QUEUED
    was: State | None = None  # None: this batch makes the holding
    asked_seq: int = 0
    due_at: datetime | None = None
    parts: dict[int, UUID] = field(default_factory=dict)
    stored_parts: frozenset[int] = frozenset()
    remote: bytes | None = None
    changed: bool = False

    def want(self, wants: Wants, seq: int, now: datetime) -> None:
        self.wants, self.asked_seq, self.changed = wants, seq, True
        self.state, self.due_at = State.QUEUED, now


@dataclass(frozen=True, slots=True)
class Told:
    """What came with an erasure that can still be undone."""

    reference: str
    emails: tuple[str, ...] = field(default=(), repr=False)

    def also(self, email: str | None) -> Told:
        return replace(self, emails=(*self.emails, email)) if email else self


@dataclass(slots=True)
class Someone:
    """A person as the batch changes them. ``data`` is None while we know nothing sealed."""

    id: UUID
    customer: UUID
    seq: int = 0
    epoch: int = 0
    key_epoch: int = 0
    erased_at: datetime | None = None
    refused: dict[str, int] = field(default_factory=dict)
    key: Key | None = None
    key_is_new: bool = False
    data: dict[str, Any] | None = None
    emails: dict[bytes, str] = field(default_factory=dict)  # by keyed hash, newest last
    fresh: dict[bytes, int] = field(default_factory=dict)  # to be stored: since which operation
    holdings: dict[UUID, Held] = field(default_factory=dict)
    finishing: Finishing | None = None
    erased_here: bool = False
    seq_before: int = 0
    restricted_at: datetime | None = None
    erase_at: datetime | None = None  # an erasure that can still be undone
    told: Told | None = None  # whom that one is about
    postponed_here: bool = False
    overtook: bool = False  # an erasure that can still be undone, by one that is done now

    @property
    def held_back(self) -> bool:
        """Nothing may be pushed."""
        return self.restricted_at is not None or self.erase_at is not None

    @property
    def findable(self) -> bool:
        return self.data is not None or self.finishing is not None or self.told is not None

    @property
    def in_use(self) -> bytes | None:
        """The address, hashed; by the others they are only looked for."""
        return next(reversed(self.emails), None)

    def is_back_with(self, address: bytes) -> bool:
        """Erased once, signed up again since, and this is the address of that."""
        return self.key_epoch > 0 and self.erased_at is None and address == self.in_use

    def next(self) -> int:
        self.seq += 1
        return self.seq

    def at(self, connection: UUID) -> Held:
        return self.holdings.setdefault(connection, Held(uuid4(), connection))

    def learn(
        self,
        reference: str,
        email: str | None,
        fields: Mapping[str, str | None],
        keys: CustomerKeys,
    ) -> bool:
        """Merge new data; whether anything changed. An absent field keeps what is known."""
        if self.key is None:
            self.key, self.key_is_new = Key.random(), True
        known = self.data or {"reference": reference, "email": "", "fields": {}}
        merged = {
            "reference": reference,
            "email": email or known["email"],
            "fields": {**known["fields"], **fields},
        }
        changed, self.data = merged != self.data, merged
        if email is not None:
            self.use(email, keys)
        return changed

    def use(self, email: str, keys: CustomerKeys) -> None:
        """From now on this is the address in use."""
        digest = keys.pepper.hash("email", email)
        if digest != self.in_use:
            self.emails.pop(digest, None)
            self.emails[digest] = email
            self.fresh[digest] = self.seq

    def also_look_for(self, email: str, keys: CustomerKeys) -> None:
        """An address by which the person may be found, but not the one in use."""
        digest = keys.pepper.hash("email", email)
        if digest not in self.emails:
            self.emails = {digest: email, **self.emails}
            self.fresh[digest] = 0

    def postpone(self, reference: str, email: str | None, until: datetime) -> None:
        """Erase at that moment, or at an earlier one that holds already."""
        if self.key is None:
            self.key, self.key_is_new = Key.random(), True
        self.erase_at = min(self.erase_at or until, until)
        self.told = (self.told or Told(reference)).also(email)
        self.postponed_here = True

    def erase(self, reference: str, email: str | None, now: datetime, keys: CustomerKeys) -> None:
        """Leave only the finishing record; the key is destroyed once this is committed."""
        before = self.finishing or Finishing(reference, (), "", {})
        also = (self.told or Told(reference)).also(email).emails
        told = {keys.pepper.hash("email", one): one for one in also}
        known = reversed({**self.emails, **told}.values())
        record = replace(
            before,
            emails=tuple(dict.fromkeys((*known, *before.emails))),
            name=full_name(self.data) or before.name,
        )
        for held in self.holdings.values():
            record = record.with_remote_ids(held.connection, self.remote_ids(held))
            held.remote = None
        self.finishing = record
        self.epoch += 1
        self.key_epoch = self.epoch
        self.erased_at, self.erased_here = now, True
        self.restricted_at = None  # there is nothing left to restrict
        self.overtook = self.told is not None
        self.erase_at, self.told = None, None
        self.data, self.key, self.key_is_new = None, None, False
        self.emails, self.fresh = {}, {}

    def remote_ids(self, held: Held) -> tuple[str, ...]:
        if held.remote is None or self.key is None:
            return ()
        return tuple(self.key.open_json(held.remote, f"holdings|{held.id}"))


def full_name(data: Mapping[str, Any] | None) -> str:
    fields = data["fields"] if data else {}
    return " ".join(fields[key] for key in ("first_name", "last_name") if fields.get(key))
