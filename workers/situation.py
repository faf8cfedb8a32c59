"""What is known of a holding when an attempt at it has ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.connector import Platform, Verb
from core.errors import OutcomeUnknown
from core.holding import Holding, seen
from core.states import Ended, Task
from core.wants import Goal
from workers.attempt import Done
from workers.schedule import Spread


@dataclass(frozen=True, slots=True)
class Step:
    """What to write: the holding's columns, how open operations end, a task to open."""

    changes: Mapping[str, Any]
    outcome: str
    detail: str | None = None
    ended: Ended | None = None
    ended_seq: int = 0
    task: Task | None = None
    verb: Verb | None = None
    settled: bool = False  # what the tasks of this holding asked was seen to be done


@dataclass(frozen=True, slots=True)
class Situation:
    """``now`` is the ledger's; ``row`` is the holding now, ``before`` as it was claimed."""

    row: Holding
    before: Holding
    done: Done
    platform: Platform
    now: datetime
    spread: Spread
    sent: Mapping[str, Any]

    @property
    def goal(self) -> Goal:
        """What is to be done; where nothing is, what must stay so."""
        return self.before.goal or self.before.wants.standing()

    @property
    def seq(self) -> int:
        """The operation up to which this attempt works: an erasure comes alone and first."""
        return self.before.wants.erase if self.before.goal.erase else self.before.asked_seq

    @property
    def came_back(self) -> bool:
        """A fresh basis was accepted after the erasure, and the erasure was sent."""
        erase = self.before.wants.erase
        later = any(want.seq > erase for want in self.before.wants.places.values())
        return self.goal.erase and later and (self.done.acted or self.before.acted_seq >= erase)


def what_was_sent(
    row: Holding, before: Holding, done: Done, platform: Platform, now: datetime
) -> dict[str, Any]:
    """What an attempt leaves in the row whatever follows from it."""
    kept: dict[str, Any] = {"suspect": False, "deaths": 0}
    if done.acted:
        kept["answered_at"] = now
    if done.acted or isinstance(done.error, OutcomeUnknown):
        kept["acted_seq"] = before.asked_seq
    if isinstance(done.error, OutcomeUnknown):
        deadline = max(row.intent_until or now, now)
        kept["ambiguous_until"] = deadline + platform.late_apply
    if done.look is not None:
        kept["seen_at"] = done.look.sight.ended
        kept["seen"] = [seen(trace) for trace in done.look.sight.traces]
    return kept
