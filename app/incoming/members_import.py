"""Carries a file of members to the intake, batch by batch, telling what became of each row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from app.incoming.given_moments import check_past
from app.incoming.members_csv import BadRow, Member, read
from core.connector import Verb
from core.identity import BadInput
from core.ledger import Ledger
from core.ledger.customers import Customer, lists_of
from core.ledger.intake import Accepted, Batch, Outcome, Request, accept

BATCH = 500

Take = Callable[[Ledger, Customer, Sequence[Request]], list[Outcome]]


@dataclass(frozen=True, slots=True)
class Line:
    """What became of the row that begins on ``line``; without a problem it was taken."""

    line: int
    column: str | None = None  # None: the row as a whole
    problem: str | None = None


def count(path: Path) -> int:
    """How many rows there are, having read them all. Raises BadFile."""
    return sum(1 for _ in read(path))


def carried(
    ledger: Ledger, customer: Customer, path: Path, take: Take = accept
) -> Iterator[Sequence[Line]]:
    """
    Batches of lines in the file's order; each was taken together. ``tried`` takes nothing.

    Raises BadFile: read it once with ``count`` first, so that this is not half-way.
    """
    rows = read(path)
    while batch := list(islice(rows, BATCH)):
        yield settled(ledger, customer, batch, take)


def settled(
    ledger: Ledger, customer: Customer, batch: Sequence[Member | BadRow], take: Take
) -> list[Line]:
    with ledger.read() as tx:
        known, now = lists_of(tx, customer.id), tx.now
    lines = [looked_at(row, known, now) for row in batch]
    good = [
        row
        for row, line in zip(batch, lines, strict=True)
        if isinstance(row, Member) and line.problem is None
    ]
    outcomes = take(ledger, customer, [request(member) for member in good]) if good else []
    refused = {
        member.line: Line(member.line, None, str(outcome))
        for member, outcome in zip(good, outcomes, strict=True)
        if not isinstance(outcome, Accepted)
    }
    return [refused.get(line.line, line) for line in lines]


def looked_at(row: Member | BadRow, known: Collection[str], now: datetime) -> Line:
    """What can be said without the ledger. A cell is never quoted: it may be anything."""
    if isinstance(row, BadRow):
        return Line(row.line, row.column, row.reason.en)
    if not known_all(row.lists, known):
        there = ", ".join(known) or "none yet; make one with courseflow-sync list put"
        return Line(row.line, "lists", f"It names a list that does not exist. Known: {there}.")
    try:
        check_past(row.basis.given_at, now)
    except BadInput as error:
        return Line(row.line, "basis_given_at", str(error))
    return Line(row.line)


def known_all(wanted: Collection[str], known: Collection[str]) -> bool:
    return set(wanted) <= set(known)


def request(member: Member) -> Request:
    return Request(
        Verb.SUBSCRIBE,
        member.reference,
        member.email,
        member.fields,
        member.lists,
        member.basis,
        channel="import",
        imported=True,
    )


class Undo(Exception):
    """Ends a transaction without keeping anything of it."""


def tried(ledger: Ledger, customer: Customer, requests: Sequence[Request]) -> list[Outcome]:
    """What the intake would answer; nothing is stored, in the ledger nor in the safe."""
    outcomes: list[Outcome] = []
    with suppress(Undo), ledger.begin() as tx:
        batch = Batch(ledger, tx, customer, requests)
        outcomes = [batch.take(one) for one in requests]
        raise Undo
    return outcomes
