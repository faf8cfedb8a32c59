"""Schools that each have a platform of their own, behind a line of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from app import wiring
from app.settings import Settings
from app.wiring import Installation, Wish
from connectors.sandbox.contacts import Habit
from connectors.sandbox.server import Exchange, Imitation
from core import keyfile
from core.connector import Basis, BasisKind, Verb
from core.ledger import customers, intake
from core.ledger.customers import Customer, MailingList, Purpose
from core.ledger.intake import Accepted, Request
from core.migrations import Store
from core.report.operation import Progress
from core.report.operations import find, page
from tests.databases import Urls
from tests.storms.sandboxes import KEY, LIST, platform
from tests.storms.toxics import Line

GIVEN = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class House:
    """``operations`` are those that were accepted of its school."""

    customer: Customer
    platform: Imitation
    journal: Path
    line: Line
    operations: list[UUID] = field(default_factory=list)


@dataclass
class Town:
    installation: Installation
    folder: Path
    stack: ExitStack
    lines: list[Line]
    houses: list[House] = field(default_factory=list)

    @property
    def runs_on(self) -> str:
        """Database, broker."""
        database = self.installation.ledger.database.engine.dialect.name
        return f"{database}, {self.installation.settings.broker_url.partition(':')[0]}"

    def house(self, habit: Habit = Habit.ARCHIVES, exchange: type[Exchange] = Exchange) -> House:
        """Where nothing asks for patience yet."""
        number, line = len(self.houses), self.lines[len(self.houses)]
        journal = self.folder / f"{number}.journal"
        served = self.stack.enter_context(platform(journal, habit, exchange))
        line.target = ("127.0.0.1", served.server_port)
        customer = customers.create(self.installation.ledger, f"School {number}")
        customers.put_list(
            self.installation.ledger, customer, MailingList(LIST, Purpose.NEWSLETTER, "Nieuws")
        )
        login = {"base_url": f"http://127.0.0.1:{line.port}", "api_key": KEY}
        wish = Wish(f"sandbox-{habit}", "Sandbox", login, {LIST: LIST})
        wiring.connect(self.installation, customer, wish)
        self.houses.append(House(customer, served, journal, line))
        return self.houses[-1]

    def subscribe(self, house: House) -> None:
        """One more person."""
        number = len(house.operations)
        reference = f"cf-{number}"
        email = f"lid{number}.{house.customer.id.hex}@example.test"
        basis = Basis(BasisKind.CONSENT, reference, GIVEN, "form")
        request = Request(Verb.SUBSCRIBE, reference, email, {}, (LIST,), basis)
        [outcome] = intake.accept(self.installation.ledger, house.customer, [request])
        assert isinstance(outcome, Accepted), outcome
        house.operations.append(outcome.operation)

    def subscribe_evenly(self, houses: Sequence[House], each: int, seconds: float) -> None:
        ends = time.monotonic() + seconds
        for left in range(each, 0, -1):
            for one in houses:
                self.subscribe(one)
            time.sleep(max(0.0, ends - time.monotonic()) / left)

    def open(self, *houses: House) -> int:
        """How many operations have not ended as asked, by the report."""
        done = 0
        with self.installation.ledger.read() as tx:
            for one in houses:
                lines = page(tx, one.customer.id, limit=max(1, len(one.operations)))
                done += sum(line.state is Progress.DONE for line in lines)
        return sum(len(one.operations) for one in houses) - done

    def waits(self, house: House, since: int = 0) -> list[float]:
        """Of each operation from this one on, the seconds from accepted to verified."""
        with self.installation.ledger.read() as tx:
            found = [
                find(
                    self.installation.ledger,
                    tx,
                    house.customer,
                    operation,
                    self.installation.platforms,
                )
                for operation in house.operations[since:]
            ]
        return [
            (part.ended_at - one.line.accepted_at).total_seconds()
            for one in found
            for part in one.parts
            if part.ended_at is not None
        ]


@contextmanager
def a_town(urls: Urls, broker: str, folder: Path, houses: int) -> Iterator[Town]:
    """With room for so many houses."""
    keyfile.create(folder / "key.json")
    lines = [Line(("127.0.0.1", 0)) for _ in range(houses)]
    settings = Settings(
        database_url=urls[Store.LEDGER],
        safe_url=urls[Store.SAFE],
        broker_url=broker,
        key_file=folder / "key.json",
        allow_insecure_hosts=tuple(f"127.0.0.1:{one.port}" for one in lines),
    )
    with ExitStack() as stack:
        for line in lines:
            stack.callback(line.close)
        yield Town(stack.enter_context(wiring.opened(settings)), folder, stack, lines)
