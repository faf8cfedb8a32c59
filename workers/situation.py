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
    still_open: frozenset[int] = frozenset()  # of the operations up to ``ended_seq``
    task: Task | None = None
    verb: Verb | None = None
    settled: bool = False  # what the tasks of this holding asked was seen to be done
    unseen: bool = False  # it waits for a human still, whatever one said was done


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
        """The operation up to which this attempt works."""
        return self.before.covered(self.before.asked_seq)

    @property
    def returns(self) -> bool:
        """A fresh basis was accepted after the erasure that is to be done first."""
        erase = self.before.wants.erase
        places = self.before.wants.places.values()
        later = any(want.subscribed and want.seq > erase for want in places)
        return self.goal.erase and later

    @property
    def came_back(self) -> bool:
        """The same, and the erasure was sent."""
        sent = self.done.acted or self.before.acted_seq >= self.before.wants.erase
        return self.returns and sent

    def settling(self, moment: datetime) -> bool:
        return self.settled_at is not None and moment < self.settled_at

    @property
    def settled_at(self) -> datetime | None:
        """When nothing that was sent can act any more; None: nothing is in doubt."""
        until: datetime | None = self.sent.get("ambiguous_until", self.row.ambiguous_until)
        return until

    @property
    def only_told(self) -> bool:
        """Nothing is to be done, and no patrol either: somebody told us to look."""
        return not self.before.goal and not self.goal.erase

    @property
    def planned(self) -> datetime | None:
        """What was due before somebody told."""
        return self.row.planned_at if self.before.hinted else None

    @property
    def between_patrols(self) -> bool:
        """This look came because a platform told something: it is no patrol, nor uses one up."""
        planned = self.row.planned_at
        return self.before.hinted and (planned is None or planned > self.now)


def what_was_sent(
    row: Holding, before: Holding, done: Done, platform: Platform, now: datetime
) -> dict[str, Any]:
    """What an attempt leaves in the row whatever follows from it."""
    kept: dict[str, Any] = {"suspect": False, "deaths": 0}
    if done.acted:
        kept["answered_at"] = now
    if done.acted or isinstance(done.error, OutcomeUnknown):
        kept["acted_seq"] = before.covered(before.asked_seq)
    if isinstance(done.error, OutcomeUnknown):
        deadline = max(row.intent_until or now, now)
        kept["ambiguous_until"] = deadline + platform.late_apply
    elif late := may_still_act(before, done, platform, now):
        kept["ambiguous_until"] = max(late, row.ambiguous_until or late)
    if done.look is not None:
        kept["hinted"] = False
        kept["seen_at"] = done.look.sight.ended
        kept["seen"] = [seen(trace) for trace in done.look.sight.traces]
    return kept


def may_still_act(
    before: Holding, done: Done, platform: Platform, now: datetime
) -> datetime | None:
    """
    Until when a change that was answered, and never seen, may still act: a platform that says
    yes at once can do it later. That matters once it is overtaken, or repeated, as what is seen
    then may be what the first one did. An erasure matters to whoever came back, even when it was
    seen, as it may have been sent twice. None: there is no such change.
    """
    unseen = before.reached_seq < before.acted_seq
    if unseen and done.acted and not before.goal.erase:  # a second erasure may well come late
        return now + platform.late_apply
    if before.answered_at is None:
        return None
    overtaken = unseen and before.acted_seq < before.covered(before.asked_seq)
    erased = bool(before.goal.subscribe) and before.acted_seq == before.wants.erase
    if not (overtaken or erased):
        return None
    return before.answered_at + platform.late_apply
