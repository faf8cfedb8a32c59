"""What attempts came to, written down under the fence of their lane."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.database import Transaction
from core.holding import Assignment
from core.ledger import assignments, holdings, opt_outs, tasks
from core.ledger.holdings import Locked, Record
from workers.advance import advance
from workers.attempt import Done
from workers.situation import Step
from workers.told import refused_there
from workers.turn import Turn

Results = Sequence[tuple[Assignment, Done]]


def heed(turn: Turn, results: Results) -> None:
    """Who turned out to have opted out at the platform, in a transaction of each one's own."""
    for one, done in results:
        if places := refused_there(one.holding, done):
            opt_outs.heed(turn.ledger, turn.connection, one.holding, places)


def record(tx: Transaction, turn: Turn, results: Results) -> None:
    """The next state of each holding, its attempt, its evidence, its tasks. Raises LeaseLost."""
    if not results:
        return
    locked = holdings.lock(tx, turn.lease, [one.holding.id for one, _ in results])
    steps = [step(turn, locked[one.holding.id], one, done, tx.now) for one, done in results]
    written = list(zip(results, steps, strict=True))
    holdings.write(
        tx, [record_of(locked[one.holding.id], one, done, came) for (one, done), came in written]
    )
    for one, done in results:
        epoch = locked[one.holding.id].key_epoch
        assignments.learn_after_erasure(
            turn.ledger, tx, turn.connection, one, done.remote_ids, epoch
        )
    tasks.close_seen(tx, [one.holding.id for (one, _), came in written if came.settled])
    for (one, _), came in written:
        open_tasks(tx, one, came)


def step(turn: Turn, here: Locked, one: Assignment, done: Done, now: datetime) -> Step:
    return advance(
        here.holding,
        one.holding,
        done,
        turn.platform,
        now=now,
        spread=lambda: turn.hands.chance.uniform(-1, 1),
    )


def record_of(here: Locked, one: Assignment, done: Done, came: Step) -> Record:
    look = None
    if done.look is not None:
        look = {
            "started_at": done.look.sight.started,
            "ended_at": done.look.sight.ended,
            "verdict": done.look.judgement.verdict.value,
            "places": [place.id for place in done.look.sight.places],
            "seen": came.changes["seen"],
        }
    return Record(
        locked=here,
        changes={**came.changes, **assignments.learned(one, done.remote_ids, here.key_epoch)},
        attempt=one.attempt,
        outcome=came.outcome,
        detail=came.detail,
        ended=came.ended,
        ended_seq=came.ended_seq,
        still_open=came.still_open,
        look=look,
    )


def open_tasks(tx: Transaction, one: Assignment, came: Step) -> None:
    if came.unseen:
        tasks.open_again(tx, one.holding)
    if came.task is not None:
        tasks.open_for(
            tx,
            kind=came.task,
            verb=came.verb,
            customer=one.holding.customer,
            connection=one.holding.connection,
            person=one.holding.person,
            holding=one.holding.id,
        )
