"""One attempt at one holding: look if something was sent before, act, look."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from core.connector import Connector, Identity, Person, Place, Platform, Trace, Verb
from core.database import DatabaseAway
from core.errors import ConnectorError, LeaseLost, OutcomeUnknown, Refused, Unreadable
from core.holding import Assignment
from core.states import State
from core.verdict import (
    MAILED,
    Judgement,
    Sight,
    Verdict,
    judge,
    judge_beside_others,
    worst,
)
from core.wants import PUSHES, Goal

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

# Seen as asked, or on its way there: then it does not matter that a call was refused.
DONE_ANYWAY = {Verdict.CONFIRMED, Verdict.ABSENT, Verdict.KEPT, Verdict.FINAL_ON}


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen, and what it says about what was asked."""

    sight: Sight
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Done:
    """
    What an attempt came to: the last look, or how it ended without one.

    ``acted``: a change was sent and definitely answered. ``by_hand``: what a human has to do.
    ``overtaken``: the lane was lost, or newer work came, before the next change could be sent.
    ``look`` is None after an error, and where the platform cannot be looked at.
    """

    acted: bool = False
    by_hand: Verb | None = None
    error: ConnectorError | None = None
    overtaken: bool = False
    held_back: bool = False  # what is left is a push, and those wait
    look: Look | None = None
    remote_ids: tuple[str, ...] = ()  # all that any look of this attempt showed


@dataclass(frozen=True, slots=True)
class Scene:
    """What all attempts of one drain share."""

    platform: Platform
    places: tuple[Place, ...]  # read in this drain: the positive control of every look
    mapped: frozenset[str]  # the places without which nobody can be called gone
    fields: tuple[str, ...]
    keep_refusal: bool
    clock: Clock
    bulk: int = 0  # people that this account takes in one call


def attempt(assignment: Assignment, connect: Callable[[], Connector[Any]], scene: Scene) -> Done:
    """Never raises: even a connector's bug becomes a recorded failure."""
    one = Attempt(assignment, scene)
    try:
        one.run(connect)
    except (LeaseLost, DatabaseAway):  # before a change was sent: about us, not the platform
        return replace(one.done, overtaken=True)
    except ConnectorError as error:
        return replace(one.done, error=error)
    except Exception as error:  # noqa: BLE001 - a connector may fail in any way
        # The type only: the text of an unforeseen error may hold a body or an address.
        log.error("a connector's fault: %s", type(error).__name__)  # noqa: TRY400
        unforeseen = OutcomeUnknown if one.sending else Unreadable
        return replace(one.done, error=unforeseen(type(error).__name__))
    return one.done


class Attempt:
    """Keeps what is known so far, so that a failure half-way loses nothing."""

    def __init__(self, assignment: Assignment, scene: Scene) -> None:
        self.holding = assignment.holding
        self.scene = scene
        self.goal = self.holding.goal or self.holding.wants.standing()  # what a look is judged by
        self.who = assignment.who
        self.person = assignment.person
        self.before = assignment.before
        self.bases = assignment.bases
        self.others = set(assignment.shared)  # addresses that other people use as well
        if self.person is not None and self.person.email in self.others and not self.goal.erase:
            self.others -= {self.person.email}
            self.person = Person(self.person.email)  # a shared contact shows nobody's name
        self.common: tuple[str, ...] = ()  # contacts that an erasure leaves to the others
        self.revived = False  # a late call of ours undid what an erasure did
        self.sending = False
        self.not_ours = {*scene.platform.by_hand, *(PUSHES if self.holding.held_back else ())}
        self.done = Done()

    def run(self, connect: Callable[[], Connector[Any]]) -> None:
        left, by_hand = self.holding.goal, self.scene.platform.by_hand
        if self.holding.waits and not self.holding.acted:
            self.done = replace(self.done, held_back=True)
            return
        if self.scene.platform.can_look or left.without(self.not_ours):
            if not (self.who.emails or self.who.remote_ids):
                raise Refused("nothing is left by which to look for this person")
            connector = connect()
            self.leave_others_alone(connector)
            left = self.work(connector, left)
        self.done = replace(
            self.done,
            by_hand=left.only(by_hand).without(PUSHES if self.holding.held_back else ()).verb,
            held_back=self.holding.held_back and bool(left) and not left.without(PUSHES),
        )

    def leave_others_alone(self, connector: Connector[Any]) -> None:
        """What is found by an address of other people is theirs, remote ids included."""
        if not self.others:
            return
        shared = tuple(email for email in self.who.emails if email in self.others)
        theirs = {trace.remote_id for trace in connector.find(Identity(shared))}
        self.who = Identity(
            tuple(email for email in self.who.emails if email not in self.others),
            tuple(known for known in self.who.remote_ids if known not in theirs),
        )
        self.common = shared if self.goal.erase else ()

    def work(self, connector: Connector[Any], goal: Goal) -> Goal:
        """Do what is ours to do; what is then left of the goal, as far as can be seen."""
        if not self.scene.platform.can_look:
            sent = max(self.holding.acted_seq, self.holding.reached_seq)
            self.act(connector, self.holding.wants.goal(sent).without(self.not_ours))
            return goal.only(self.not_ours)
        if self.looks_first(goal):
            unmet = self.look(connector).unmet
            goal = unmet if goal else goal
        ours = self.patiently(goal).without(self.not_ours)
        if not (ours or self.revived):
            return goal
        refusal = self.act(connector, ours)
        seen = self.look(connector)
        if refusal is not None and seen.verdict not in DONE_ANYWAY:
            raise refusal
        return seen.unmet

    def looks_first(self, goal: Goal) -> bool:
        """
        Before repeating what may have been applied, and before sending a human. An erasure
        waits for nothing that was asked before it.
        """
        settling = self.holding.settling(self.scene.clock()) and not goal.erase
        by_hand = bool(goal.only(self.scene.platform.by_hand))
        return self.holding.acted or settling or not goal or by_hand

    def patiently(self, goal: Goal) -> Goal:
        """Nobody is subscribed twice because the platform is slow to show the first time."""
        slow = self.holding.acted and self.holding.looks and self.holding.state is State.SENT
        return replace(goal, subscribe=()) if slow else goal

    def look(self, connector: Connector[Any]) -> Judgement:
        started = self.scene.clock()
        own = self.find(connector, self.who)
        common = {email: self.find(connector, Identity((email,))) for email in self.common}
        earlier = self.find(connector, self.before)
        return self.see(connector, own, common, started, earlier)

    def see(
        self,
        connector: Connector[Any],
        own: tuple[Trace, ...],
        common: Mapping[str, tuple[Trace, ...]],
        started: datetime,
        earlier: tuple[Trace, ...] = (),
    ) -> Judgement:
        """
        Judge what a look brought, and keep it. What is ``earlier`` than the person's return was
        to be erased: it counts for nothing that is asked now, but it is there.
        """
        sight = Sight(self.scene.places, own, started, self.scene.clock())
        expected = connector.translate(self.person) if self.person else {}
        judgement = judge(
            self.goal,
            expected,
            sight,
            keep_refusal=self.scene.keep_refusal,
            must_see=self.scene.mapped if self.goal.erase else self.holding.wants.places,
        )
        if self.common:
            blank = {email: connector.translate(self.nameless(email)) for email in common}
            patrols = not self.holding.goal  # whoever came later may show a name
            judgement = judge_beside_others(judgement, blank, common, names_may_show=patrols)
        self.revived = self.undone(earlier)
        if self.revived:
            overall = worst([judgement.verdict, Verdict.CONTRADICTED])
            judgement = replace(judgement, verdict=overall)
        beside = (*(trace for traces in common.values() for trace in traces), *earlier)
        everything = (*own, *(trace for trace in beside if trace not in own))
        self.learn(own)
        self.done = replace(self.done, look=Look(replace(sight, traces=everything), judgement))
        return judgement

    def undone(self, earlier: tuple[Trace, ...]) -> bool:
        """What only an erasure knew is mailed, while it or an older call of ours may be late."""
        ours = bool(self.holding.goal) and self.holding.ambiguous_until is not None
        mailed = any(one.presence in MAILED for one in earlier)
        return ours and mailed and Verb.ERASE not in self.not_ours

    def find(self, connector: Connector[Any], who: Identity) -> tuple[Trace, ...]:
        return tuple(connector.find(who)) if who.emails or who.remote_ids else ()

    def nameless(self, email: str) -> Person:
        return Person(email, dict.fromkeys(self.scene.fields))

    def learn(self, own: tuple[Trace, ...]) -> None:
        found = (trace.remote_id for trace in own if trace.remote_id)
        ids = tuple(dict.fromkeys((*self.who.remote_ids, *found)))
        self.who = Identity(self.who.emails, ids)
        self.done = replace(self.done, remote_ids=ids)

    def act(self, connector: Connector[Any], goal: Goal) -> Refused | None:
        """Everything that can be sent, even when a part of it is refused: that is returned."""
        refusal = None
        for call in self.calls(connector, goal):
            self.sending = True
            try:
                call()
            except Refused as error:
                refusal = refusal or error
            else:
                self.done = replace(self.done, acted=True)
            self.sending = False
        return refusal

    def calls(self, connector: Connector[Any], goal: Goal) -> Iterator[Callable[[], None]]:
        if goal.erase:
            for email in self.common:
                yield partial(connector.update, Identity((email,)), self.nameless(email))
            if self.who.emails or self.who.remote_ids:
                yield partial(connector.erase, self.who)
            return
        if self.person is None:
            raise Refused("there is nothing left of this person to send")
        if self.revived:
            ids = tuple(one for one in self.before.remote_ids if one not in self.who.remote_ids)
            yield partial(connector.erase, replace(self.before, remote_ids=ids))
        visible = {place.id: place for place in self.scene.places}
        if goal.update:
            yield partial(connector.update, self.who, self.person)
        leaving = [visible[place] for place in goal.unsubscribe if place in visible]
        if leaving:
            yield partial(connector.unsubscribe, self.who, leaving)
        for place in goal.subscribe:
            if place in visible:
                basis = self.bases[place]
                yield partial(connector.subscribe, self.person, visible[place], basis)
