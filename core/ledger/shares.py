"""Which due lanes are rung now, so that no customer crowds out another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

SHARE = 4  # as many as a process works on at once by default


@dataclass(frozen=True, slots=True)
class Ringable:
    """
    A due lane; ``rings`` is how often it was rung since somebody came, ``host`` is named where
    that does not answer.
    """

    connection: UUID
    customer: UUID
    rings: int
    failures: int = 0
    host: str | None = None


@dataclass(frozen=True, slots=True)
class Busy:
    """How many lanes of each customer are worked on, and were rung with nobody there yet."""

    worked_on: Counter[UUID]
    unanswered: Counter[UUID]


def one_for_each_host(due: Sequence[Ringable]) -> list[Ringable]:
    """Of those at a host that does not answer only the one that failed there least is to try."""
    tries: dict[str, Ringable] = {}
    for one in sorted(due, key=lambda one: one.failures):
        if one.host is not None:
            tries.setdefault(one.host, one)
    return [one for one in due if one.host is None or tries[one.host] is one]


def fair(due: Sequence[Ringable], busy: Busy) -> Iterator[Ringable]:
    """
    In the order in which to ring: first one lane of every customer, then each one's second.

    A broker serves in the order of the bells. So of a customer who has its share of the work
    only one bell waits there at a time, and a newcomer waits for that one at the most.
    """
    rung = Counter[UUID](busy.unanswered)
    ranked: list[tuple[int, Ringable]] = []
    for one in due:
        if rung[one.customer] < max(1, SHARE - busy.worked_on[one.customer]):
            ranked.append((rung[one.customer], one))
            rung[one.customer] += 1
    return (one for _, one in sorted(ranked, key=lambda pair: pair[0]))
