"""A holding: what one connection holds about one person, as the ledger last knew it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.connector import Basis, Identity, Person, Trace
from core.sealing import Key
from core.states import State
from core.wants import PUSHES, Goal, Wants


@dataclass(frozen=True, slots=True)
class Holding:
    """Numbers are the person's operations, in the order in which they were accepted."""

    id: UUID
    customer: UUID
    person: UUID
    connection: UUID
    state: State
    wants: Wants
    asked_seq: int
    reached_seq: int
    acted_seq: int
    epoch: int
    due_at: datetime | None
    attempts: int  # definite failures
    looks: int  # that did not show what was asked
    deaths: int  # of workers, while this ran alone
    suspect: bool
    intent_fence: int | None
    intent_until: datetime | None
    ambiguous_until: datetime | None
    answered_at: datetime | None
    seen_at: datetime | None
    seen: tuple[Mapping[str, Any], ...]
    patrol: int
    final_on: datetime | None
    error: str | None
    held_back: bool = False  # nothing may be pushed: restricted, or about to be erased
    hinted: bool = False  # the platform told of a change, and nobody looked since
    hinted_at: datetime | None = None
    planned_at: datetime | None = None  # what was due before the hint

    @property
    def goal(self) -> Goal:
        return self.wants.goal(self.reached_seq)

    @property
    def acted(self) -> bool:
        """Something was sent for what is still to be done: look before repeating."""
        return self.acted_seq >= self.wants.erase and self.acted_seq > self.reached_seq

    def covered(self, asked: int) -> int:
        """
        The operation up to which an attempt works that was taken up when ``asked`` was the
        last: an erasure comes alone and first. What a newer one overtook no longer matters.
        """
        erase = self.wants.erase
        return erase if self.reached_seq < erase <= asked else asked

    @property
    def waits(self) -> bool:
        """All that is left to do here is a push, and those are held back."""
        return self.held_back and bool(self.goal) and not self.goal.without(PUSHES)

    def settling(self, moment: datetime) -> bool:
        return self.ambiguous_until is not None and moment < self.ambiguous_until


NOBODY = Identity(())


@dataclass(frozen=True, slots=True)
class Assignment:
    """A holding with what only memory may hold: the person, to be worked on once."""

    holding: Holding
    attempt: UUID
    who: Identity
    person: Person | None  # None after an erasure
    bases: Mapping[str, Basis]  # by place that is to be subscribed
    shared: frozenset[str]  # those of the addresses that another living person uses as well
    key: Key | None  # the person's, of the incarnation ``key_epoch``
    key_epoch: int
    before: Identity = NOBODY  # who came back was known by this; it may still be held somewhere


def seen(trace: Trace) -> dict[str, Any]:
    """What may be kept of a trace: field names, never values, never a remote id."""
    kept: dict[str, Any] = {
        "place": trace.place,
        "presence": trace.presence.value,
        "fields": sorted(name for name, value in trace.fields.items() if value),
    }
    return {**kept, "until": trace.until.isoformat()} if trace.until else kept
