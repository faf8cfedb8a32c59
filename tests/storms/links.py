"""An installation whose workers reach database, broker, platform over lines of a test's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest
import sqlalchemy as sa

from app import wiring
from app.running import working
from app.settings import Settings
from app.wiring import Installation, Wish
from connectors.sandbox.contact import Contact
from connectors.sandbox.server import Imitation
from core import keyfile
from core.ledger import customers
from core.ledger.customers import Customer, MailingList, Purpose
from core.migrations import Store
from tests.databases import Urls
from tests.storms.sandboxes import KEY, LIST, platform
from tests.storms.toxics import TOXICS, Line
from tests.workers.brokers import Lined, door_to
from workers.broker import queue_of

SCHOOLS = 4  # each has an account of twenty calls in a second
PROCESSES, THREADS = 2, 3


class Link(StrEnum):
    """Between a worker and what?"""

    PLATFORM = "platform"
    DATABASE = "database"
    BROKER = "broker"


@dataclass(frozen=True, slots=True)
class Reached:
    """
    ``directly`` is the client's way to the books, which no toxic touches; ``over_lines`` the
    workers' own.
    """

    directly: Installation
    over_lines: Installation
    lines: Mapping[Link, Line]
    platform: Imitation
    schools: list[Customer]

    def held(self) -> list[Contact]:
        """By the platform's own account."""
        with self.platform.one_at_a_time:
            return list(self.platform.contacts.held.values())

    @contextmanager
    def workers(self) -> Iterator[None]:
        with ExitStack() as stack:
            for _ in range(PROCESSES):
                stack.enter_context(working(self.over_lines, threads=THREADS))
            yield
            for line in self.lines.values():  # none is to end its work through a toxic
                line.mend()

    @contextmanager
    def poisoned(self, poisons: Mapping[Link, str]) -> Iterator[None]:
        """By the names of toxics."""
        for link, toxic in poisons.items():
            self.lines[link].poison(TOXICS[toxic])
        try:
            yield
        finally:
            for link in poisons:
                self.lines[link].mend()


@contextmanager
def reached(
    urls: Urls, broker: str, folder: Path, request: pytest.FixtureRequest
) -> Iterator[Reached]:
    keyfile.create(folder / "key.json")
    with ExitStack() as stack:
        door = door_to(broker, request)
        stack.callback(door.close)
        assert isinstance(door, Lined)
        served = stack.enter_context(platform(folder / "platform.journal"))
        lines = {
            Link.PLATFORM: Line(("127.0.0.1", served.server_port)),
            Link.DATABASE: Line(whereabouts(urls[Store.LEDGER])),
            Link.BROKER: door.line,
        }
        stack.callback(lines[Link.PLATFORM].close)
        stack.callback(lines[Link.DATABASE].close)
        directly = Settings(
            database_url=urls[Store.LEDGER],
            safe_url=urls[Store.SAFE],
            broker_url=door.own,
            key_file=folder / "key.json",
            allow_insecure_hosts=(f"127.0.0.1:{lines[Link.PLATFORM].port}",),
        )
        over_lines = directly.model_copy(
            update={
                "database_url": over(lines[Link.DATABASE], urls[Store.LEDGER]),
                "safe_url": over(lines[Link.DATABASE], urls[Store.SAFE]),
                "broker_url": door.url,
            }
        )
        one, other = (stack.enter_context(wiring.opened(each)) for each in (directly, over_lines))
        door.queue = queue_of(one.ledger.database)  # which is to be removed
        login = {"base_url": f"http://{directly.allow_insecure_hosts[0]}", "api_key": KEY}
        schools = [a_school(one, number, login) for number in range(SCHOOLS)]
        yield Reached(one, other, lines, served, schools)


def a_school(installation: Installation, number: int, login: Mapping[str, str]) -> Customer:
    customer = customers.create(installation.ledger, f"School {number}")
    customers.put_list(
        installation.ledger, customer, MailingList(LIST, Purpose.NEWSLETTER, "Nieuws")
    )
    wiring.connect(installation, customer, Wish("sandbox-flaky", "Sandbox", login, {LIST: LIST}))
    return customer


def whereabouts(url: str) -> tuple[str, int] | str:
    """Where the server of a database listens; the tests' own does so at a path."""
    parts = sa.make_url(url)
    if "host" in parts.query:
        return f"{parts.query['host']}/.s.PGSQL.{parts.port or 5432}"
    return str(parts.host), parts.port or 5432


def over(line: Line, url: str) -> str:
    parts = sa.make_url(url).set(host=line.host, port=line.port)
    return parts.difference_update_query(["host"]).render_as_string(hide_password=False)
