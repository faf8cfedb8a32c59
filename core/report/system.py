"""One connection in a person's report: what was asked, answered, seen there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from core.connector import Platform, Residue, Text
from core.holding import Holding
from core.ledger.connections import Connection
from core.ledger.tasks import OpenTask
from core.report.condition import Condition
from core.report.moves import Board, next_move
from core.report.standing import Count, Facts, Standing, as_asked, count, standing
from core.report.values import Left, Seen, System
from core.states import State

UNDECLARED = Left(
    Text(
        nl="Wat hier achterblijft weten we niet: dit platform is niet meer geïnstalleerd",
        en="What stays here we do not know: this platform is no longer installed",
    ),
    None,
    None,
    "",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """One connection as a report reads it; ``holding`` is None where nothing was ever asked."""

    connection: Connection
    platform: Platform | None
    lane: Condition
    holding: Holding | None
    asked_at: datetime | None
    deadline: datetime | None  # of the person's erasure; None: none was asked
    tasks: tuple[OpenTask, ...]
    lane_tasks: tuple[OpenTask, ...]
    titles: Mapping[str, str]  # list key → the customer's title
    now: datetime
    zone: ZoneInfo
    restricted_at: datetime | None = None  # the person, by the customer
    erase_at: datetime | None = None  # an erasure that can still be undone

    @property
    def erases(self) -> bool:
        """An erasure is the last that was asked here, or reached this person elsewhere."""
        if self.holding is None or self.erase_at is not None:
            return self.deadline is not None
        return self.holding.wants.erase == self.holding.asked_seq

    @property
    def waits_since(self) -> datetime | None:
        """Since when this holding waits for the restriction to be lifted; None: it does not."""
        if self.restricted_at is None or self.holding is None or not self.holding.waits:
            return None
        return max(self.restricted_at, self.asked_at or self.restricted_at)

    @property
    def due_at(self) -> datetime | None:
        """Our own next move; None where the connection is closed, or nothing is left to do."""
        if not self.connection.is_open:
            return None
        return self.erase_at or (self.holding.due_at if self.holding else None)

    @property
    def facts(self) -> Facts:
        held, waits = self.holding, self.erase_at is not None
        state = held.state if held else State.CANNOT_LOOK
        return Facts(
            state=State.QUEUED if waits else state,
            looked=held is not None and held.seen_at is not None,
            empty=held is None or not held.seen,
            reached=not waits and held is not None and held.reached_seq >= held.asked_seq,
            task=bool(self.tasks),
            due=waits or (held is not None and held.due_at is not None),
            closed=not self.connection.is_open,
            held=not waits and (self.lane.held or self.waits_since is not None),
            can_look=self.platform is None or self.platform.can_look,
        )


def system_of(here: Here) -> System:
    held, facts = here.holding, here.facts
    shown, counted = standing(facts), count(facts)
    answered_at = platform_answered_at(here)
    return System(
        platform=here.connection.platform,
        connection=here.connection.id,
        title=here.connection.title,
        state=shown,
        as_asked=as_asked(facts, erases=here.erases),
        asked_at=here.asked_at,
        platform_answered_at=answered_at,
        seen_at=held.seen_at if held else None,
        seen=seen_of(here, held.seen) if held else (),
        residue=residue_of(here, answered_at if facts.looked and not facts.empty else None)
        if here.deadline and here.erase_at is None  # nobody deletes by hand what may be undone
        else (),
        next=next_move(board_of(here, facts, shown)),
        counts_as=counted,
        blind=counted is Count.UNKNOWN and is_blind(facts, shown),
        disconnected_at=here.connection.closed_at,
    )


def is_blind(facts: Facts, shown: Standing) -> bool:
    return not facts.can_look or shown in {Standing.CANNOT_LOOK, Standing.ATTESTED}


def platform_answered_at(here: Here) -> datetime | None:
    """An answer to what is asked now: one to an earlier request proves nothing of this."""
    held = here.holding
    if held is None or held.answered_at is None or here.asked_at is None or not held.acted:
        return None
    return held.answered_at if held.answered_at >= here.asked_at else None


def seen_of(here: Here, kept: Iterable[Mapping[str, Any]]) -> tuple[Seen, ...]:
    """From what is kept of a look."""
    places = {place: here.titles.get(key, key) for key, place in here.connection.places.items()}
    return tuple(
        Seen(places.get(one["place"], one["place"]), one["presence"], tuple(one["fields"]))
        for one in kept
    )


def residue_of(here: Here, answered_at: datetime | None) -> tuple[Left, ...]:
    if here.platform is None:
        return (UNDECLARED,)
    since = answered_at if here.erases else None
    return tuple(left(one, since, here.zone) for one in here.platform.residue)


def left(residue: Residue, since: datetime | None, zone: ZoneInfo) -> Left:
    """The date runs from the platform's answer to an erasure of what is still seen there."""
    until = None
    if since is not None and residue.lasts is not None:
        until = (since + residue.lasts).astimezone(zone).date()
    return Left(residue.what, until, residue.by_hand, residue.source)


def board_of(here: Here, facts: Facts, shown: Standing) -> Board:
    held = here.holding
    waits_since = here.connection.closed_at or here.asked_at or here.now
    return Board(
        standing=shown,
        as_asked=as_asked(facts, erases=here.erases),
        now=here.now,
        since=waits_since,
        deadline=here.deadline if here.erases else None,
        due_at=here.due_at,
        not_before=here.lane.not_before if here.erase_at is None else None,
        held=facts.held,
        waits_since=here.waits_since,
        final_on=held.final_on if held else None,
        tasks=here.tasks,
        lane_tasks=here.lane_tasks,
    )
