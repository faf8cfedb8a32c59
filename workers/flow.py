"""The flow of work through a leased lane: taken up, attempted, written down."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from core.connector import Place
from core.database import Transaction
from core.errors import Reconnect, TryAt
from core.holding import Assignment
from core.ledger import assignments, holdings, lanes
from core.ledger.holdings import Claimed
from workers import outcomes
from workers.attempt import Done, Scene, attempt
from workers.bulk import attempt_many, suits, target
from workers.calls import Calls
from workers.turn import Turn, is_reached

QUANTUM = 100  # jobs, and …
TIME = timedelta(seconds=2)  # … after either, a lane that waits for a thread has its turn
LONGEST = timedelta(seconds=30)  # then the places are read anew
FEWEST = 20  # people that are worth a bulk call
TOGETHER = 2  # bulk calls under way, so that one is at the platform while we read the other


@dataclass(frozen=True, slots=True)
class Job:
    """
    One attempt at a holding; with ``place``, at many that are to be subscribed there.
    ``start_by`` is of the turn's clock: the database's may step back.
    """

    several: tuple[Assignment, ...]
    place: Place | None
    start_by: datetime


Ended = tuple[Job, list[Done]]


class Flow:
    """Keeps the calls of one turn busy. Raises LeaseLost or DatabaseAway."""

    def __init__(self, turn: Turn, scene: Scene) -> None:
        self.turn = turn
        self.scene = scene
        self.ledger = turn.ledger
        self.lease = turn.lease
        self.platform = turn.platform
        self.width = turn.platform.limits.at_once
        self.company = turn.hands.company
        self.under_way: Collection[Job] = ()
        self.unreached = 0  # in a row
        self.reached = False  # in this turn

    def run(self) -> None:
        self.suspects()
        with self.company.together(), Calls[Job, list[Done]](self.width) as calls:
            self.stream(calls)

    def suspects(self) -> None:
        """Each alone in its lane; who took a worker along while alone, alone in the process."""
        with self.ledger.begin() as tx:
            waiting = holdings.suspects(tx, self.lease)
        for one in waiting:
            with self.company.alone() if one.holding.deaths else self.company.together():
                if self.turn.stopping:
                    return
                at = self.turn.clock()
                with self.ledger.begin() as tx:
                    lanes.renew(tx, self.lease)
                    now = holdings.suspects(tx, self.lease, one.holding.id)
                    jobs = self.take_up(tx, at, now, None)
                self.write_down([(job, self.attempt(job)) for job in jobs], last=True)

    def stream(self, calls: Calls[Job, list[Done]]) -> None:
        self.under_way = calls.under_way.values()
        begun = since = self.turn.clock()
        started = 0
        ended: list[Ended] = []
        while True:
            now = self.turn.clock()
            if started >= QUANTUM or now > since + TIME:
                started, since = 0, now
                self.turn.over |= now > begun + LONGEST or self.somebody_waits()
            jobs = self.write_down(ended, last=not calls.under_way, calls=calls)
            started += len(jobs)
            for job in jobs:
                calls.start(job, partial(self.attempt, job))
            if not calls.under_way:
                return
            ended = calls.ended()

    def somebody_waits(self) -> bool:
        with self.ledger.read() as tx:
            return lanes.any_waiting(tx) or self.company.waited_for

    def attempt(self, job: Job) -> list[Done]:
        """
        What waits when the turn ends is given back unsent, as the platform may have asked for
        rest; so is what waited too long, as intents say when it is over.
        """
        if self.turn.stopping or self.turn.clock() > job.start_by:
            return [Done(overtaken=True) for _ in job.several]
        done = self.attempted(job)
        waits = [one.error.wait for one in done if isinstance(one.error, TryAt)]
        if waits:
            self.turn.rest(max(waits))
        if any(isinstance(one.error, Reconnect) for one in done):
            self.turn.over = True  # at once: nothing that waits is sent any more
        return done

    def attempted(self, job: Job) -> list[Done]:
        connect = partial(self.turn.connect, job.several)
        if job.place is not None:
            return attempt_many(job.several, job.place, connect, self.scene)
        return [attempt(one, connect, self.scene) for one in job.several]

    # --- taking up

    def next_jobs(self, tx: Transaction, at: datetime, calls: Calls[Job, list[Done]]) -> list[Job]:
        """Many people in one call where everybody at the head of the queue is to go there."""
        if calls.room <= 0 or self.turn.stopping:
            return []
        waiting = holdings.due(tx, self.lease, calls.room)
        place = self.common_target(waiting) if len(waiting) == calls.room else None
        if place is None:
            return self.take_up(tx, at, waiting, None)
        if sum(job.place is not None for job in calls.under_way.values()) >= TOGETHER:
            return []
        many = holdings.due(tx, self.lease, self.scene.bulk)
        return self.take_up(tx, at, [one for one in many if self.goes_to(one) == place.id], place)

    def common_target(self, waiting: Collection[Claimed]) -> Place | None:
        if not self.scene.bulk:
            return None
        targets = {self.goes_to(one) for one in waiting}
        return next((place for place in self.scene.places if targets == {place.id}), None)

    def goes_to(self, one: Claimed) -> str | None:
        return target(one.holding, self.platform)

    def take_up(
        self, tx: Transaction, at: datetime, waiting: Sequence[Claimed], place: Place | None
    ) -> list[Job]:
        """
        Open the people and write the intents. Who cannot go with the many goes alone; of those
        no more than the threads can take soon. Whose address is being erased for somebody else
        stays due until that is over: it would be erased with them. ``at``: the turn's time before
        the transaction.
        """
        found = assignments.assign(self.ledger, tx, self.turn.connection, waiting)
        erasing = addresses_erased(self.under_way)
        assigned = [
            one
            for one in found
            if one.holding.goal.erase or not set(one.who.emails).intersection(erasing)
        ]
        many = [one for one in assigned if place is not None and suits(one, place)]
        many = many if len(many) >= FEWEST else []
        together = {one.attempt for one in many}
        single = [one for one in assigned if one.attempt not in together]
        single = single[: self.width] if place is not None else single
        waits = self.platform.deadline / 2
        start_by = at + waits
        jobs = [Job((one,), None, start_by) for one in single]
        if many:
            jobs.append(Job(tuple(many), place, start_by))
        taken = {one.attempt for job in jobs for one in job.several}
        chosen = [one for one in waiting if one.attempt in taken]
        holdings.take_up(tx, self.lease, chosen, until=tx.now + waits + self.platform.deadline)
        return jobs

    # --- writing down

    def write_down(
        self,
        ended: Sequence[Ended],
        *,
        last: bool,
        calls: Calls[Job, list[Done]] | None = None,
    ) -> list[Job]:
        """
        Store what jobs came to, under the fence, and take up others in the same transaction.

        ``last``: nothing else is under way. Raises LeaseLost; then nothing is written.
        """
        results = [pair for job, done in ended for pair in zip(job.several, done, strict=True)]
        refused = self.notice([done for _, done in results], last=last)
        outcomes.heed(self.turn, results)
        at = self.turn.clock()
        with self.ledger.begin() as tx:
            outcomes.record(tx, self.turn, results)
            lanes.renew(tx, self.lease)
            jobs = self.next_jobs(tx, at, calls) if calls is not None else []
        if refused:
            self.turn.hold()
        return jobs

    def notice(self, done: Sequence[Done], *, last: bool) -> bool:
        """
        End the turn when the platform cannot be reached any more; whether it refused the
        credentials.
        """
        for result in done:
            self.count(result)
        if self.unreached >= self.width or (last and self.unreached and not self.reached):
            self.turn.failures += 1
            self.turn.over, self.turn.reached, self.unreached = True, False, 0
        refused = any(isinstance(one.error, Reconnect) for one in done)
        self.turn.over |= refused
        return refused

    def count(self, result: Done) -> None:
        if result.error is not None and is_reached(result.error) is False:
            self.unreached += 1
        elif not result.overtaken:
            self.unreached, self.reached = 0, True
            self.turn.failures = 0


def addresses_erased(jobs: Iterable[Job]) -> set[str]:
    """By which people are being erased: nobody else used them when that was taken up."""
    several = (one for job in jobs for one in job.several)
    return {email for one in several if one.holding.goal.erase for email in one.who.emails}
