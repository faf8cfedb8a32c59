"""The shape of a customer's report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from core.ledger.alerts import Alert, Threshold
from core.report.standing import Count, Standing
from core.report.values import Work, day, iso, of_alert
from core.states import Task


@dataclass(frozen=True, slots=True)
class Totals:
    """How many holdings stand where, and what was last seen of them."""

    states: Mapping[Standing, int]
    counts: Mapping[Count, int]

    @classmethod
    def of(cls, several: Sequence[tuple[Standing, Count, int]]) -> Totals:
        states: dict[Standing, int] = {}
        counts = dict.fromkeys(Count, 0)
        for standing, count, number in several:
            states[standing] = states.get(standing, 0) + number
            counts[count] += number
        return cls({one: states[one] for one in Standing if one in states}, counts)

    def to_json(self) -> dict[str, Any]:
        counts = {what.value: number for what, number in self.counts.items()}
        return {**counts, "states": {one.value: number for one, number in self.states.items()}}


@dataclass(frozen=True, slots=True)
class ConnectionTotals:
    connection: UUID
    platform: str
    title: str
    connected: bool
    totals: Totals

    def to_json(self) -> dict[str, Any]:
        return {
            "connection": str(self.connection),
            "platform": self.platform,
            "title": self.title,
            "connected": self.connected,
            **self.totals.to_json(),
        }


@dataclass(frozen=True, slots=True)
class OpenErasure:
    """A request that was not answered yet; who it was is read from the finishing record."""

    person: UUID
    reference: str | None
    email: str | None  # masked
    asked_at: datetime
    deadline: date
    alert: Alert | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "person": {"reference": self.reference, "email": self.email},
            "asked_at": iso(self.asked_at),
            "deadline": day(self.deadline),
            "alert": of_alert(self.alert) if self.alert else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerReport:
    """``people`` are those whose data we have. Erasures and tasks: the most urgent ones."""

    people: int
    totals: Totals
    connections: tuple[ConnectionTotals, ...]
    open_erasures: int
    erasures: tuple[OpenErasure, ...]
    alerts: Mapping[Threshold, int]
    open_tasks: Mapping[Task, int]
    tasks: tuple[Work, ...]
    time_zone: ZoneInfo

    def to_json(self) -> dict[str, Any]:
        return {
            "people": self.people,
            **self.totals.to_json(),
            "connections": [one.to_json() for one in self.connections],
            "open_erasures": self.open_erasures,
            "erasures": [one.to_json() for one in self.erasures],
            "alerts": {one.value: self.alerts[one] for one in Threshold if one in self.alerts},
            "open_tasks": {kind.value: number for kind, number in self.open_tasks.items()},
            "tasks": [task.to_json() for task in self.tasks],
        }
