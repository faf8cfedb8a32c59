"""One attempt at many holdings, where the platform takes many people in one call."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from core.connector import Connector, Place, Platform, Trace, Verb
from core.database import DatabaseAway
from core.errors import ConnectorError, LeaseLost, OutcomeUnknown, Refused, Unreadable
from core.faces import Bulk, Newcomer
from core.holding import Assignment, Holding
from core.wants import Goal
from workers.attempt import DONE_ANYWAY, Attempt, Done, Scene

log = logging.getLogger(__name__)


def target(holding: Holding, platform: Platform) -> str | None:
    """The place where this is nothing but a first subscription, to be done with others."""
    goal = holding.goal
    alone = goal != Goal(subscribe=goal.subscribe) or len(goal.subscribe) != 1
    if (
        alone
        or holding.acted
        or holding.held_back
        or Verb.SUBSCRIBE in platform.by_hand
        or not platform.can_look
    ):
        return None
    return goal.subscribe[0]


def suits(one: Assignment, place: Place) -> bool:
    """Whether nothing about the person needs more care than a bulk call can take."""
    return one.person is not None and not one.shared and place.id in one.bases


def attempt_many(
    several: Sequence[Assignment],
    place: Place,
    connect: Callable[[], Connector[Any]],
    scene: Scene,
) -> list[Done]:
    """As ``attempt`` for each, in order; never raises. All of them have this ``target``."""
    together = Together(several, place, scene)
    try:
        together.run(connect())
    except (LeaseLost, DatabaseAway):
        return [replace(done, overtaken=True) for done in together.done()]
    except ConnectorError as error:
        return together.failed(error)
    except Exception as error:  # noqa: BLE001 - a connector may fail in any way
        # The type only: the text of an unforeseen error may hold a body or an address.
        log.error("a connector's fault: %s", type(error).__name__)  # noqa: TRY400
        unforeseen = OutcomeUnknown if together.sending else Unreadable
        return together.failed(unforeseen(type(error).__name__))
    return together.done()


class Together:
    """Keeps what is known so far of each, so that a failure half-way loses nothing."""

    def __init__(self, several: Sequence[Assignment], place: Place, scene: Scene) -> None:
        self.attempts = [Attempt(one, scene) for one in several]
        self.place = place
        self.scene = scene
        self.sending = False

    def run(self, connector: Connector[Any]) -> None:
        if not isinstance(connector, Bulk):
            raise TypeError("a platform that declares bulk needs a connector with that face")
        since = self.scene.clock()
        self.sending = True
        outcomes = connector.subscribe_many(
            [self.newcomer(one) for one in self.attempts], self.place
        )
        answered = list(zip(self.attempts, outcomes, strict=True))
        self.sending = False
        for one, outcome in answered:
            one.done = Done(acted=True) if outcome is None else Done(error=outcome)
        started = self.scene.clock()
        found = connector.find_many([one.who for one in self.attempts], self.place, since)
        for one, traces in zip(self.attempts, found, strict=True):
            if traces is not None:
                self.see(connector, one, tuple(traces), started)

    def newcomer(self, one: Attempt) -> Newcomer:
        if one.person is None:
            raise TypeError("nothing is left of this person")
        return Newcomer(one.person, one.bases[self.place.id])

    def see(
        self, connector: Connector[Any], one: Attempt, traces: tuple[Trace, ...], started: datetime
    ) -> None:
        """A refusal does not matter where it is as asked all the same."""
        refusal = one.done.error
        if refusal is not None and not isinstance(refusal, Refused):
            return
        seen = one.see(connector, traces, {}, started)
        if seen.verdict in DONE_ANYWAY:
            one.done = replace(one.done, error=None)

    def done(self) -> list[Done]:
        return [one.done for one in self.attempts]

    def failed(self, error: ConnectorError) -> list[Done]:
        return [replace(done, error=done.error or error) for done in self.done()]
