"""A school's ordinary week comes out the same on every database, over every broker."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from app import wiring
from app.running import working
from app.settings import Settings
from app.wiring import Installation
from core import keyfile
from core.connector import Account, Basis, BasisKind, Presence, Verb
from core.database import Database
from core.ledger import connections, customers, intake
from core.ledger.customers import Customer, MailingList, Purpose
from core.ledger.intake import Accepted, Request
from core.ledger.schema import parts
from core.migrations import Store
from core.states import Ended
from core.testing.imitation import COURSES, NEWS, Imitation
from tests.databases import Urls
from tests.workers.brokers import PATIENCE, Door, Lined, door_to, process
from tests.workers.school import ToImitation
from workers.broker import QUEUE, queue_of

MEMBERS = 12
CONNECTIONS = 3  # one has the lists; an erasure is asked of every one
NAMES = {"first_name": "Anna", "last_name": "de Vries"}
everywhere = pytest.mark.parametrize(
    ("urls", "door"),
    [
        ("sqlite", "memory"),
        ("postgresql", "memory"),
        ("postgresql", "redis"),
        ("postgresql", "rabbitmq"),
    ],
    indirect=True,
)


@dataclass
class Week:
    """One school at one platform, with whoever works for it."""

    installation: Installation
    imitation: Imitation
    customer: Customer
    processes: int

    def ask(self, *requests: Request) -> None:
        outcomes = intake.accept(self.installation.ledger, self.customer, requests)
        assert all(isinstance(one, Accepted) for one in outcomes), outcomes

    def ends(self) -> list[str | None]:
        with self.installation.ledger.read() as tx:
            return list(tx.db.execute(sa.select(parts.c.ended)).scalars())

    def done(self) -> None:
        """Everything that was asked so far has ended."""
        start = time.monotonic()
        while None in self.ends():
            assert time.monotonic() - start < PATIENCE, "it is not done in time"
            time.sleep(0.02)

    def mailed(self, member: int) -> set[str]:
        held = self.imitation.held(email(member))
        return {one.place for one in held if one.presence is Presence.SUBSCRIBED}

    def workers(self) -> ExitStack:
        stack = ExitStack()
        for _ in range(self.processes):
            stack.enter_context(working(self.installation, threads=2))
        return stack


@pytest.fixture
def door(request: pytest.FixtureRequest) -> Iterator[Door]:
    one = door_to(request.param, request)
    yield one
    one.close()


@pytest.fixture
def blank_sqlite(tmp_path: Path) -> Iterator[Database]:
    one = Database(f"sqlite:///{tmp_path}/another.db")
    yield one
    one.engine.dispose()


@pytest.fixture
def week(urls: Urls, door: Door, tmp_path: Path) -> Iterator[Week]:
    keyfile.create(tmp_path / "key.json")
    settings = Settings(
        database_url=urls[Store.LEDGER],
        safe_url=urls[Store.SAFE],
        broker_url=door.url,
        key_file=tmp_path / "key.json",
    )
    imitation = Imitation(lambda: datetime.now(UTC))
    with wiring.opened(settings) as found:
        installation = Installation(settings, found.ledger, ToImitation(imitation))
        processes = 2 if isinstance(door, Lined) else 1
        yield Week(installation, imitation, a_school(installation), processes)
        door.queue = queue_of(found.ledger.database)  # which is to be removed


def a_school(installation: Installation) -> Customer:
    ledger = installation.ledger
    customer = customers.create(ledger, "De Verfschuur")
    for place, purpose in ((NEWS, Purpose.NEWSLETTER), (COURSES, Purpose.COURSE_INFO)):
        customers.put_list(ledger, customer, MailingList(place.id, purpose, place.title))
    for number in range(CONNECTIONS):
        title = f"Imitation {number}"
        connections.add(
            ledger,
            customer.id,
            platform="imitation",
            title=title,
            settings={},
            account=Account(title, title),
            places={NEWS.id: NEWS.id, COURSES.id: COURSES.id} if number == 0 else {},
            fields=tuple(NAMES),
            keep_refusal=False,
        )
    return customer


def email(member: int) -> str:
    return f"lid{member}@example.nl"


def subscription(member: int) -> Request:
    basis = Basis(BasisKind.CONSENT, f"b-{member}", datetime(2026, 3, 1, tzinfo=UTC), "form")
    lists = (NEWS.id, COURSES.id)
    return Request(Verb.SUBSCRIBE, f"cf-{member}", email(member), NAMES, lists, basis)


@everywhere
def test_a_school_s_week_runs_to_its_end(week: Week) -> None:
    """The oracle is the platform: who is mailed by which list, under which name."""
    with week.workers():
        week.ask(*map(subscription, range(MEMBERS)))
        week.done()
        assert all(week.mailed(one) == {NEWS.id, COURSES.id} for one in range(MEMBERS))
        week.ask(*(Request(Verb.UPDATE, f"cf-{n}", fields={"last_name": "Bos"}) for n in range(6)))
        week.ask(*(Request(Verb.UNSUBSCRIBE, f"cf-{n}") for n in (0, 6)))
        week.ask(*(Request(Verb.ERASE, f"cf-{n}") for n in (1, 7)))
        week.done()
    left = {n: week.mailed(n) for n in range(MEMBERS)}
    assert [n for n, places in left.items() if places == {COURSES.id}] == [0, 6]
    assert [n for n, places in left.items() if not places] == [1, 7]
    assert [week.imitation.held(email(n)) for n in (1, 7)] == [[], []]
    named = {one.email for one in week.imitation.entries if one.fields["last_name"] == "Bos"}
    assert named == {email(n) for n in (0, 2, 3, 4, 5)}
    assert set(week.ends()) <= {Ended.CONFIRMED.value, Ended.SUPERSEDED.value, Ended.ABSENT.value}
    assert week.imitation.made("erase") == 2 * CONNECTIONS
    assert week.imitation.made("subscribe") == 2 * MEMBERS


@pytest.mark.parametrize("queue", [QUEUE, f"{QUEUE}-of-another-database"])
@pytest.mark.parametrize(
    ("urls", "door"), [("postgresql", "redis"), ("postgresql", "rabbitmq")], indirect=True
)
def test_what_rings_for_another_installation_is_left_to_it(
    week: Week, door: Door, queue: str
) -> None:
    """Whoever took it would know nothing of that lane, and nobody else would hear of it."""
    door.queue = queue
    elsewhere = process(door)
    elsewhere.ring(uuid4())
    with week.workers():
        week.ask(*map(subscription, range(3)))
        week.done()
    assert len(door.waiting()) == 1
    elsewhere.close()
    door.forget()


def test_a_database_has_one_queue_by_whatever_address(urls: Urls, blank_sqlite: Database) -> None:
    one, again = Database(urls[Store.LEDGER]), Database(urls[Store.LEDGER])
    other = Database(urls[Store.SAFE])
    assert queue_of(one) == queue_of(again)
    assert len({queue_of(each) for each in (one, other, blank_sqlite)}) == 3
    for each in (one, again, other):
        each.engine.dispose()
