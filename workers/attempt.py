"""One attempt at one holding: look if something was sent before, act, look."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from core.connector import Connector, Identity, Person, Place, Platform, Trace, Verb
from core.errors import ConnectorError, LeaseLost, Refused, Unreadable
from core.holding import Assignment
from core.verdict import Judgement, Sight, Verdict, judge, judge_update
from core.wants import Goal

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
ERASURE = Goal(erase=True)


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen, and what it says about what was asked."""

    sight: Sight
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Done:
    """
    What an attempt came to: the last look, or how it ended without one.

    ``acted``: a change was sent and definitely answered. ``overtaken``: the lane was lost, or
    newer work came, before the next change could be sent.
    """

    acted: bool = False
    by_hand: Verb | None = None
    error: ConnectorError | None = None
    overtaken: bool = False
    look: Look | None = None

    @property
    def remote_ids(self) -> tuple[str, ...]:
        traces = self.look.sight.traces if self.look else ()
        return tuple(dict.fromkeys(trace.remote_id for trace in traces if trace.remote_id))


@dataclass(frozen=True, slots=True)
class Scene:
    """What all attempts of one drain share."""

    platform: Platform
    places: tuple[Place, ...]  # read in this drain: the positive control of every look
    fields: tuple[str, ...]
    keep_refusal: bool
    clock: Clock


def attempt(assignment: Assignment, connect: Callable[[], Connector[Any]], scene: Scene) -> Done:
    """Never raises: even a connector's bug becomes a recorded failure."""
    verb = by_hand(assignment.holding.goal, scene.platform)
    if verb is not None and not scene.platform.can_look:
        return Done(by_hand=verb)
    one = Attempt(assignment, scene, verb)
    try:
        one.run(connect())
    except LeaseLost:
        return replace(one.done, overtaken=True)
    except ConnectorError as error:
        return replace(one.done, error=error)
    except Exception as error:  # noqa: BLE001 - a connector may fail in any way
        # The type only: the text of an unforeseen error may hold a body or an address.
        log.error("a connector's fault: %s", type(error).__name__)  # noqa: TRY400
        return replace(one.done, error=Unreadable(type(error).__name__))
    return one.done


def by_hand(goal: Goal, platform: Platform) -> Verb | None:
    asked = {
        Verb.ERASE: goal.erase,
        Verb.UNSUBSCRIBE: bool(goal.unsubscribe),
        Verb.SUBSCRIBE: bool(goal.subscribe),
        Verb.UPDATE: goal.update,
    }
    return next((verb for verb, due in asked.items() if due and verb in platform.by_hand), None)


class Attempt:
    """Keeps what is known so far, so that a failure half-way loses nothing."""

    def __init__(self, assignment: Assignment, scene: Scene, by_hand: Verb | None) -> None:
        self.holding = assignment.holding
        self.by_hand = by_hand
        self.assignment = assignment
        self.scene = scene
        self.who = assignment.who
        self.person = self.shown()
        self.done = Done()

    def shown(self) -> Person | None:
        """A contact that people share shows nobody's name."""
        person = self.assignment.person
        if not self.assignment.shared:
            return person
        if self.holding.goal.erase or person is None:
            emails = self.who.emails or ("",)
            return Person(emails[0], dict.fromkeys(self.scene.fields))
        return Person(person.email)

    def run(self, connector: Connector[Any]) -> None:
        goal = self.holding.goal
        if self.looks_first():
            unmet = self.look(connector).unmet
            goal = unmet if goal else goal
        if goal and self.by_hand:
            self.done = replace(self.done, by_hand=self.by_hand)
        elif goal:
            self.act(connector, goal)
            self.look(connector)

    def looks_first(self) -> bool:
        """Before repeating what may have been applied, and before sending a human."""
        sent = self.holding.acted or self.holding.settling(self.scene.clock())
        return sent or self.by_hand is not None or not self.holding.goal

    def look(self, connector: Connector[Any]) -> Judgement:
        started = self.scene.clock()
        traces = tuple(connector.find(self.who))
        sight = Sight(self.scene.places, traces, started, self.scene.clock())
        expected = connector.translate(self.person) if self.person else {}
        judgement = self.judge(expected, traces, sight)
        self.done = replace(self.done, look=Look(sight, judgement))
        found = tuple(trace.remote_id for trace in traces if trace.remote_id)
        ids = tuple(dict.fromkeys((*self.who.remote_ids, *found)))
        self.who = Identity(self.who.emails, ids)
        return judgement

    def judge(
        self, expected: Mapping[str, str], traces: Sequence[Trace], sight: Sight
    ) -> Judgement:
        goal = self.holding.goal or ERASURE
        if goal.erase and self.assignment.shared:
            verdict = judge_update(expected, traces)
            stale = verdict is Verdict.DIFFERS
            return Judgement(verdict, ERASURE if stale else Goal())
        return judge(goal, expected, sight, keep_refusal=self.scene.keep_refusal)

    def act(self, connector: Connector[Any], goal: Goal) -> None:
        visible = {place.id: place for place in self.scene.places}
        if goal.erase and self.assignment.shared:
            if self.person is not None:
                connector.update(self.who, self.person)
        elif goal.erase:
            connector.erase(self.who)
        else:
            self.carry(connector, goal, visible)
        self.done = replace(self.done, acted=True)

    def carry(self, connector: Connector[Any], goal: Goal, visible: Mapping[str, Place]) -> None:
        if self.person is None:
            raise Refused("there is nothing left of this person to send")
        if goal.update:
            connector.update(self.who, self.person)
        leaving = [visible[place] for place in goal.unsubscribe if place in visible]
        if leaving:
            connector.unsubscribe(self.who, leaving)
        for place in goal.subscribe:
            if place in visible:
                connector.subscribe(self.person, visible[place], self.assignment.bases[place])
