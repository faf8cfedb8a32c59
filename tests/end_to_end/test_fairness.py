"""One customer's hundred thousand keep nobody else's ten waiting."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import BaseModel

from app import wiring
from app.commands.running import THREADS
from app.running import working
from app.settings import Settings
from app.wiring import Installation
from core import keyfile
from core.connector import Account, Basis, BasisKind, Connector, Place, Verb
from core.ledger import connections, customers, intake
from core.ledger.customers import Customer, MailingList, Purpose
from core.ledger.intake import Accepted, Request
from core.ledger.schema import holdings, lanes, parts
from core.migrations import Store
from core.testing.imitation import Imitation
from tests.databases import Urls
from tests.waiting import eventually
from tests.workers.school import ToImitation

SMALL, EACH = 10, 10  # customers, with so many operations each
LISTS = 20  # of the big customer, each at a connection of its own: more than there are threads
LATENCY = 0.1  # seconds, of every call
BATCH = 1000
PATIENCE = 120.0
GIVEN = datetime(2026, 3, 1, tzinfo=UTC)


class FarAway(ToImitation):
    """Every call takes a while, as over a real line."""

    def connect(
        self,
        platform: str,
        settings: BaseModel,
        *,
        before_call: Callable[[], None] = lambda: None,
        before_change: Callable[[], None] = lambda: None,
        asked_to_rest: Callable[[timedelta], None] = lambda _: None,
    ) -> Connector[Any]:
        def travel() -> None:
            before_call()
            time.sleep(LATENCY)

        return super().connect(
            platform,
            settings,
            before_call=travel,
            before_change=before_change,
            asked_to_rest=asked_to_rest,
        )


@dataclass
class Town:
    installation: Installation

    def customer(self, name: str, lists: int) -> Customer:
        """With so many lists, each at a connection of its own."""
        made = customers.create(self.installation.ledger, name)
        for number in range(lists):
            key, title = f"l-{number}", f"{name} {number}"
            one = MailingList(key, Purpose.NEWSLETTER, title)
            customers.put_list(self.installation.ledger, made, one)
            connections.add(
                self.installation.ledger,
                made.id,
                platform="imitation",
                title=title,
                settings={},
                account=Account(title, title),
                places={key: key},
                fields=(),
                keep_refusal=False,
            )
        return made

    def ask(self, customer: Customer, how_many: int, lists: int = 1) -> None:
        requests = [subscription(customer, number, lists) for number in range(how_many)]
        for start in range(0, how_many, BATCH):
            batch = requests[start : start + BATCH]
            outcomes = intake.accept(self.installation.ledger, customer, batch)
            assert all(isinstance(one, Accepted) for one in outcomes)

    def open(self, of: Sequence[Customer]) -> int:
        mine = holdings.c.customer.in_([one.id for one in of])
        joined = parts.join(holdings, holdings.c.id == parts.c.holding)
        query = sa.select(sa.func.count()).select_from(joined)
        with self.installation.ledger.read() as tx:
            return int(tx.db.execute(query.where(mine, parts.c.ended.is_(None))).scalar_one())

    def worked_on(self) -> int:
        query = sa.select(sa.func.count()).where(lanes.c.session.is_not(None))
        with self.installation.ledger.read() as tx:
            return int(tx.db.execute(query).scalar_one())


def subscription(customer: Customer, number: int, lists: int) -> Request:
    reference = f"cf-{number}"
    email = f"lid{number}.{customer.id.hex}@example.test"
    basis = Basis(BasisKind.CONSENT, reference, GIVEN, "form")
    return Request(Verb.SUBSCRIBE, reference, email, {}, (f"l-{number % lists}",), basis)


FULL = [pytest.mark.large, pytest.mark.alone, pytest.mark.timeout(900)]


@pytest.fixture
def town(urls: Urls, redis_url: str, tmp_path: Path) -> Iterator[Town]:
    keyfile.create(tmp_path / "key.json")
    settings = Settings(
        database_url=urls[Store.LEDGER],
        safe_url=urls[Store.SAFE],
        broker_url=redis_url if urls[Store.LEDGER].startswith("postgresql") else "memory:",
        key_file=tmp_path / "key.json",
    )
    places = [Place(f"l-{number}", "") for number in range(LISTS)]
    imitation = Imitation(lambda: datetime.now(UTC), places=places)
    with wiring.opened(settings) as found:
        yield Town(Installation(settings, found.ledger, FarAway(imitation)))


@pytest.mark.parametrize(
    ("urls", "waiting"),
    [
        pytest.param("sqlite", 4_000, id="short"),
        pytest.param("sqlite", 100_000, id="full-sqlite", marks=FULL),
        pytest.param("postgresql", 100_000, id="full-postgresql", marks=FULL),
    ],
    indirect=["urls"],
)
def test_the_small_ones_are_done_in_twice_the_time_that_they_take_alone(
    town: Town, waiting: int, capsys: pytest.CaptureFixture[str]
) -> None:
    big = town.customer("De Grote Academie", LISTS)
    with working(town.installation, threads=THREADS):
        few = [town.customer(f"School {n}", 1) for n in range(SMALL)]
        alone = asked_by(town, few)
    started = time.monotonic()
    town.ask(big, waiting, LISTS)
    taken = time.monotonic() - started
    with working(town.installation, threads=THREADS):
        more = [town.customer(f"Atelier {n}", 1) for n in range(SMALL)]
        eventually(lambda: town.worked_on() == THREADS, PATIENCE)
        beside = asked_by(town, more)
        left = town.open([big])
    with capsys.disabled():
        said = {"name": "fairness", "waiting": waiting, "left": left, "intake": round(taken, 1)}
        times = {"alone": round(alone, 2), "beside": round(beside, 2)}
        sys.stdout.write(f"\n{json.dumps(said | times)}\n")
    assert left > 0
    assert beside <= 2 * alone


def asked_by(town: Town, few: Sequence[Customer]) -> float:
    for one in few:
        town.ask(one, EACH)
    return eventually(lambda: town.open(few) == 0, PATIENCE)
