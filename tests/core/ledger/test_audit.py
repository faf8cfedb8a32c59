"""Whatever is done to sealed events by who has no key, the first of them is named."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from core.ledger import Ledger, audit, customers, schema, wrapping
from core.ledger.audit import Head, Verified, read_through, seal_after
from core.ledger.customers import Customer
from core.ledger.schema import audit_heads, events
from core.moments import microseconds
from core.refusals import Unknown
from core.sealing import Key
from tests.databases import NOW

Row = list[object]  # position, seal, id, at, kind, operation, holding, was, became
Tampering = Callable[[list[Row], int], None]

SECRET = bytes(range(32))
RATE = 20_000  # rows a second, at the least
ROWS = 10_000


def write(ledger: Ledger, customer: UUID, number: int) -> None:
    rows = [
        {"customer": customer, "at": NOW, "kind": "asked", "operation": uuid4(), "holding": None}
        for _ in range(number)
    ]
    with ledger.begin() as tx:
        tx.db.execute(sa.insert(events), rows)


def sealed(ledger: Ledger, customer: UUID, number: int) -> None:
    write(ledger, customer, number)
    while audit.seal(ledger):
        pass


def verified(ledger: Ledger, customer: UUID, *kept: tuple[Head, bytes]) -> Verified:
    with ledger.read() as tx:
        return audit.verify(ledger, tx, customer, kept)


def kept_head(ledger: Ledger, customer: UUID) -> tuple[Head, bytes]:
    """As read back from a file."""
    with ledger.read() as tx:
        [head] = audit.heads(tx, customer)
        return Head.read(head.signed(ledger.keys_of(tx, customer)))


def tamper(ledger: Ledger, *statements: sa.Executable) -> None:
    with ledger.begin() as tx:
        for statement in statements:
            tx.db.execute(statement)


def at(position: int) -> sa.ColumnElement[bool]:
    return events.c.position == position


def test_events_are_sealed_in_order_each_once(ledger: Ledger, customer: Customer) -> None:
    sealed(ledger, customer.id, 3)
    sealed(ledger, customer.id, 2)
    with ledger.read() as tx:
        rows = tx.db.execute(sa.select(events).order_by(events.c.id)).all()
    assert [row.position for row in rows] == [1, 2, 3, 4, 5]
    assert len({row.seal for row in rows}) == 5
    assert verified(ledger, customer.id) == Verified(customer.id, 5)


def test_nothing_to_seal_writes_nothing(ledger: Ledger, customer: Customer) -> None:
    assert audit.seal(ledger) == 0
    assert verified(ledger, customer.id) == Verified(customer.id, 0)


def test_what_was_not_sealed_yet_is_no_fault(ledger: Ledger, customer: Customer) -> None:
    sealed(ledger, customer.id, 2)
    write(ledger, customer.id, 1)
    assert verified(ledger, customer.id) == Verified(customer.id, 2)


def test_two_who_believe_that_they_lead_seal_no_event_twice(
    ledger: Ledger, customer: Customer
) -> None:
    """The one that comes second finds the heads moved on."""
    write(ledger, customer.id, 3)
    assert [audit.seal(ledger), audit.seal(ledger)] == [3, 0]
    assert verified(ledger, customer.id) == Verified(customer.id, 3)


def test_a_customer_whose_key_is_elsewhere_keeps_nobody_else_waiting(
    ledger: Ledger, customer: Customer
) -> None:
    elsewhere = Ledger(ledger.database, ledger.safe, {2: Key.random()})
    other = customers.create(ledger, "Another school")
    wrapped = elsewhere.key_versions[2].seal(SECRET, wrapping.bound_to(other.id))
    moved = sa.update(schema.customers).where(schema.customers.c.id == other.id)
    tamper(ledger, moved.values(wrapped_key=wrapped, key_version=2))
    write(ledger, other.id, 2)
    write(ledger, customer.id, 3)
    assert audit.seal(ledger) == 3
    assert audit.seal(elsewhere) == 2


@pytest.mark.parametrize(
    ("statements", "position", "how"),
    [
        ([sa.update(events).where(at(3)).values(kind="verified")], 3, "an event was changed"),
        ([sa.update(events).where(at(3)).values(at=NOW.replace(year=2025))], 3, "changed"),
        ([sa.update(events).where(at(3)).values(operation=None)], 3, "an event was changed"),
        ([sa.delete(events).where(at(3))], 3, "an event is missing"),
        ([sa.delete(events).where(events.c.position > 3)], 4, "the newest events are missing"),
        (
            [
                sa.update(events).where(at(2)).values(position=99),
                sa.update(events).where(at(4)).values(position=2),
                sa.update(events).where(at(99)).values(position=4),
            ],
            2,
            "an event was changed",
        ),
    ],
)
def test_what_was_done_to_a_sealed_event_is_named(
    ledger: Ledger,
    customer: Customer,
    statements: list[sa.Executable],
    position: int,
    how: str,
) -> None:
    sealed(ledger, customer.id, 5)
    tamper(ledger, *statements)
    found = verified(ledger, customer.id)
    assert found.broken == position
    assert how in found.how


def test_an_event_that_was_added_between_others_is_named(
    ledger: Ledger, customer: Customer
) -> None:
    sealed(ledger, customer.id, 5)
    added = {"customer": customer.id, "at": NOW, "kind": "asked", "position": 3, "seal": b"made up"}
    tamper(ledger, sa.insert(events).values(added))
    assert verified(ledger, customer.id).broken in {3, 4}
    later = sa.update(events).where(events.c.position >= 3, events.c.seal != b"made up")
    tamper(ledger, later.values(position=events.c.position + 1))
    assert verified(ledger, customer.id).broken == 3


def test_only_a_kept_head_shows_that_the_newest_are_gone_with_their_head(
    ledger: Ledger, customer: Customer
) -> None:
    sealed(ledger, customer.id, 3)
    with ledger.read() as tx:
        [early] = audit.heads(tx, customer.id)
    sealed(ledger, customer.id, 2)
    kept = kept_head(ledger, customer.id)
    back = {"position": early.position, "seal": early.seal}
    tamper(
        ledger,
        sa.delete(events).where(events.c.position > 3),
        sa.update(audit_heads).values(back),
    )
    assert verified(ledger, customer.id) == Verified(customer.id, 3)
    found = verified(ledger, customer.id, kept)
    assert (found.broken, found.how) == (4, "the newest events are missing")


def test_a_kept_head_of_another_trail_is_seen(ledger: Ledger, customer: Customer) -> None:
    """All was taken away, and made anew by somebody who has the key."""
    sealed(ledger, customer.id, 3)
    kept = kept_head(ledger, customer.id)
    tamper(ledger, sa.delete(events), sa.delete(audit_heads))
    sealed(ledger, customer.id, 4)
    assert verified(ledger, customer.id) == Verified(customer.id, 4)
    assert verified(ledger, customer.id, kept).broken == 3


def test_a_head_that_we_did_not_sign_is_refused(ledger: Ledger, customer: Customer) -> None:
    sealed(ledger, customer.id, 3)
    head, signature = kept_head(ledger, customer.id)
    found = verified(ledger, customer.id, (replace(head, position=2), signature))
    assert (found.broken, found.how) == (2, "a kept head is not signed by us")
    assert verified(ledger, customer.id, (head, signature)).broken is None


@pytest.mark.parametrize("told", [None, 3, [], {}, {"customer": "x"}, {"customer": None}])
def test_what_is_no_head_is_refused(told: object) -> None:
    with pytest.raises(Unknown):
        Head.read(told)


# --- a thousand ways


def trail(length: int) -> list[Row]:
    before, rows = b"", []
    for position in range(1, length + 1):
        event = [position + 7, microseconds(NOW), "asked", uuid4(), None, "new", "queued"]
        before = seal_after(SECRET, before, position, event)
        rows.append([position, before, *event])
    return rows


def change(rows: list[Row], index: int) -> None:
    rows[index] = [*rows[index][:4], "verified", *rows[index][5:]]


def delete(rows: list[Row], index: int) -> None:
    del rows[index]


def swap(rows: list[Row], index: int) -> None:
    """Two events change places, their positions stay."""
    other = index + 1 if index + 1 < len(rows) else index - 1
    one, two = rows[index], rows[other]
    rows[index], rows[other] = [one[0], *two[1:]], [two[0], *one[1:]]


def insert(rows: list[Row], index: int) -> None:
    rows[index:] = [[one[0] + 1, *one[1:]] for one in rows[index:]]  # type: ignore[operator]
    rows.insert(index, [index + 1, b"made up", *rows[index - 1][2:]])


def truncate(rows: list[Row], index: int) -> None:
    del rows[index:]


@pytest.mark.parametrize(
    ("length", "times"),
    [
        pytest.param(400, 200, id="short"),
        pytest.param(ROWS, 200, id="full", marks=[pytest.mark.large, pytest.mark.timeout(600)]),
    ],
)
@pytest.mark.parametrize("tampering", [change, delete, swap, insert, truncate])
def test_every_tampering_of_every_kind_is_found(
    tampering: Tampering, length: int, times: int
) -> None:
    chance = random.Random(tampering.__name__)  # noqa: S311 - it only picks rows
    whole = trail(length)
    end = {length: whole[-1][1]}
    customer = uuid4()
    assert read_through(customer, whole, SECRET, end).broken is None  # type: ignore[arg-type]
    for _ in range(times):
        rows, index = list(whole), chance.randrange(length)
        tampering(rows, index)
        found = read_through(customer, rows, SECRET, end)  # type: ignore[arg-type]
        assert found.broken in {index, index + 1}, (tampering, index, found)


def test_ten_thousand_events_are_read_in_half_a_second(ledger: Ledger, customer: Customer) -> None:
    sealed(ledger, customer.id, ROWS)
    began = time.process_time()
    assert verified(ledger, customer.id).events == ROWS
    assert ROWS / (time.process_time() - began) >= RATE
