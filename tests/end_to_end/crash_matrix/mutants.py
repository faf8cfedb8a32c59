"""Faults that are planted in the product, one at a time, to see that the matrix finds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from core import rows, verdict
from core.ledger import Ledger, adoption, holdings, idempotency, intake, lanes, schema
from core.ledger.person import Someone
from core.safe import Safe
from core.verdict import Judgement, Verdict
from core.wants import Goal
from workers.attempt import Attempt
from workers.fence import Fence
from workers.situation import Situation

Plant = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """``run`` finds it, as it ``breaks`` that invariant; where it ``stalls`` that takes a while."""

    plant: Plant
    run: str
    breaks: str
    stalls: bool = False


def instead(of: Any, name: str, does: Callable[..., Any]) -> Plant:
    def plant(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(of, name, does)

    return plant


def nothing(*_: Any, **__: Any) -> None: ...


def keys_destroyed_early(patch: pytest.MonkeyPatch) -> None:
    """The safe is told before the ledger has committed."""
    bury = Safe.bury

    def buried(safe: Safe, customer: Any, burials: Any, keys: Any) -> None:
        bury(safe, customer, burials, keys)
        safe.confirm({one.person: one.epoch for one in burials})

    patch.setattr(Safe, "bury", buried)


def safe_written_late(patch: pytest.MonkeyPatch) -> None:
    """The finishing record comes after the ledger's commit."""
    bury, committed = Safe.bury, intake.committed
    late: list[Any] = []

    def then_bury(ledger: Ledger, batch: Any) -> None:
        for given in late:
            bury(*given)
        committed(ledger, batch)

    patch.setattr(Safe, "bury", lambda *given: late.append(given))
    patch.setattr("app.api.asking.committed", then_bury)


def done_when_taken_up(patch: pytest.MonkeyPatch) -> None:
    """Who takes work up writes down that it is done."""
    take_up = holdings.take_up

    def taken(tx: Any, lease: Any, several: Any, until: Any) -> None:
        take_up(tx, lease, several, until)
        done = [{"id": one.holding.id, "reached_seq": one.holding.asked_seq} for one in several]
        rows.update(tx, schema.holdings, done)

    patch.setattr(holdings, "take_up", taken)


def rung_once(patch: pytest.MonkeyPatch) -> None:
    """A bell that nobody answers is not rung again."""
    patch.setattr(lanes, "RING_AGAIN", timedelta(days=1000))


def never_dead(patch: pytest.MonkeyPatch) -> None:
    """Nobody's death is noticed, and leases do not run out."""
    patch.setattr(lanes, "reclaim", lambda *_: 0)


def epoch_stays(patch: pytest.MonkeyPatch) -> None:
    erase = Someone.erase

    def erased(someone: Someone, *given: Any) -> None:
        erase(someone, *given)
        someone.epoch -= 1

    patch.setattr(Someone, "erase", erased)


MUTANTS: Mapping[str, Mutant] = {
    "what was in flight is not in doubt": Mutant(
        instead(adoption, "unsure", lambda *_: {}), "P8-subscribe-sqlite-1", "I2"
    ),
    "what was in flight is left lying": Mutant(
        instead(adoption, "adopt", nothing), "P7-update-sqlite-0", "I8", stalls=True
    ),
    "no fence": Mutant(instead(Fence, "check", nothing), "P7-subscribe-sqlite-4", "I3"),
    "no reconciling": Mutant(instead(Ledger, "reconcile", nothing), "P2b-erase-sqlite-0", "I15"),
    "keys destroyed before the commit": Mutant(
        keys_destroyed_early, "P1b-erase-sqlite-1", "I8", stalls=True
    ),
    "the safe is written after the commit": Mutant(safe_written_late, "P2b-erase-sqlite-0", "I15"),
    "done when taken up": Mutant(done_when_taken_up, "P7-update-sqlite-0", "I8"),
    "no settling": Mutant(
        instead(Situation, "settling", lambda *_: False), "P8-subscribe-sqlite-1", "I2"
    ),
    "a lease of the dead stays": Mutant(never_dead, "P6-update-sqlite-0", "I8", stalls=True),
    "a bell is rung once": Mutant(rung_once, "P4-update-sqlite-3", "I8", stalls=True),
    "repeated without a look": Mutant(
        instead(Attempt, "looks_first", lambda *_: False), "P9-subscribe-sqlite-0", "I7"
    ),
    "an erasure raises no epoch": Mutant(epoch_stays, "P7-subscribe-sqlite-4", "I3"),
    "the answer is believed": Mutant(
        instead(verdict, "judge_erasure", lambda *_, **__: Judgement(Verdict.ABSENT, Goal())),
        "P8-erase-sqlite-3",
        "I2",
    ),
    "no memory of requests": Mutant(
        instead(idempotency, "recall", lambda *_: None), "P2-update-sqlite-0", "I7"
    ),
}
