"""Schools whose members come, change, opt out and are erased."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from uuid import UUID

import sqlalchemy as sa

from app import wiring
from app.wiring import Installation
from core.connector import Basis, BasisKind, Verb
from core.ledger import Ledger, api_keys, customers
from core.ledger.customers import Customer, MailingList, Purpose
from core.ledger.intake import Request
from core.ledger.schema import holdings, operations, parts
from core.report.operation import Line
from core.report.operations import page
from tests.end_to_end.crash_matrix.platform import NEWS
from tests.end_to_end.crash_matrix.wishes import Member, Wish, wanted, wish
from tests.storms.platform import KEY, Deleting

REHEARSAL = (Verb.SUBSCRIBE, Verb.UPDATE, Verb.UNSUBSCRIBE, Verb.ERASE)
MANY = 100_000
SURNAMES = ("Bakker", "Visser", "Mulder", "Smit")

# What a school asks next of somebody who is there, opted out, or is not there.
FOLLOWS = {
    "subscribed": (
        *(Verb.UPDATE,) * 5,
        *(Verb.UNSUBSCRIBE,) * 2,
        *(Verb.ERASE,) * 3,
    ),
    "unsubscribed": (Verb.SUBSCRIBE, Verb.ERASE),
    "": (Verb.SUBSCRIBE,),
}


@dataclass(frozen=True, slots=True)
class School:
    customer: Customer
    lane: UUID
    secret: str
    members: Sequence[Member] = ()


def open_school(installation: Installation, name: str, platform: str, members: int = 1) -> School:
    """With a list at one connection, a key to our door, and members that nobody asked for yet."""
    customer = customers.create(installation.ledger, name)
    newsletter = MailingList(NEWS, Purpose.NEWSLETTER, "Nieuwsbrief")
    customers.put_list(installation.ledger, customer, newsletter)
    login = {"base_url": platform, "api_key": KEY}
    place = wiring.Wish(Deleting.platform.name, "Nieuwsbrief", login, {NEWS: NEWS})
    lane = wiring.connect(installation, customer, place)
    issued = api_keys.issue(installation.ledger, "administratie", customer.id)
    people = [
        Member(
            f"cf-{number}",
            "Anna",
            f"lid{number}.{lane.hex[:12]}@example.nl",
            f"nieuw{number}.{lane.hex[:12]}@example.nl",
        )
        for number in range(members)
    ]
    return School(customer, lane, issued.secret, people)


def request(school: School, verb: Verb) -> Request:
    """As the intake takes it, of the first member."""
    who = school.members[0]
    subscribes = verb is Verb.SUBSCRIBE
    basis = Basis(BasisKind.CONSENT, "form-1", datetime.now(UTC), "form")
    return Request(
        verb,
        who.reference,
        email=who.email if subscribes else None,
        fields={"last_name": "Bakker"} if verb in {Verb.SUBSCRIBE, Verb.UPDATE} else {},
        lists=(NEWS,) if subscribes else (),
        basis=basis if subscribes else None,
    )


def next_wish(
    who: Member, before: Sequence[Wish], numbers: count[int], chance: random.Random
) -> Wish:
    """No two ask for the same, so that a call which comes twice can be told from two wishes."""
    held, number = wanted(before), next(numbers)
    verb = chance.choice(FOLLOWS[held[3] if held else ""])
    changes: dict[str, str] = {}
    if verb is Verb.UPDATE:
        assert held is not None
        moves = chance.random() < 0.2 and held[0] != who.new_email
        name = f"{chance.choice(SURNAMES)} {number}"
        changes = {"email": who.new_email} if moves else {"last_name": name}
    return wish(who, verb, number, datetime.now(UTC), **changes)


def lines(ledger: Ledger, school: School) -> Sequence[Line]:
    """All that was accepted of this school, by the report."""
    with ledger.read() as tx:
        return page(tx, school.customer.id, limit=MANY)


def still_open(
    ledger: Ledger, *, accepted: datetime | None = None, due: datetime | None = None
) -> int:
    """
    How many parts of operations have not ended: of those that were ``accepted`` before then,
    and that are ``due`` before then, or under way.
    """
    query = (
        sa.select(sa.func.count()).select_from(parts.join(holdings)).where(parts.c.ended.is_(None))
    )
    if accepted is not None:
        query = query.join_from(parts, operations).where(operations.c.accepted_at < accepted)
    if due is not None:
        under_way = holdings.c.intent_fence.is_not(None)
        query = query.where(sa.or_(holdings.c.due_at < due, under_way))
    with ledger.read() as tx:
        return int(tx.db.execute(query).scalar_one())
