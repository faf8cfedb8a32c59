"""A holding: what one connection holds about one person, as the ledger last knew it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.connector import Basis, Identity, Person, Trace
from core.states import State
from core.wants import Goal, Wants


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

    @property
    def goal(self) -> Goal:
        return self.wants.goal(self.reached_seq)

    @property
    def acted(self) -> bool:
        """Something was sent for what is still to be done: look before repeating."""
        return self.acted_seq > self.reached_seq

    def settling(self, moment: datetime) -> bool:
        return self.ambiguous_until is not None and moment < self.ambiguous_until


@dataclass(frozen=True, slots=True)
class Assignment:
    """A holding with what only memory may hold: the person, to be worked on once."""

    holding: Holding
    attempt: UUID
    who: Identity
    person: Person | None  # None after an erasure
    bases: Mapping[str, Basis]  # by place that is to be subscribed
    shared: frozenset[str]  # those of the addresses that another living person uses as well


def seen(trace: Trace) -> dict[str, Any]:
    """What may be kept of a trace: field names, never values, never a remote id."""
    kept: dict[str, Any] = {
        "place": trace.place,
        "presence": trace.presence.value,
        "fields": sorted(name for name, value in trace.fields.items() if value),
    }
    return {**kept, "until": trace.until.isoformat()} if trace.until else kept
