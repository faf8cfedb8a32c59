"""The API as it is served, over a loopback port, with invented schools behind it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa

from app import wiring
from app.api.application import create
from app.api.rates import Rates
from app.serving import serving
from app.settings import Settings
from app.wiring import Installation
from core.ledger import api_keys, customers
from core.ledger.customers import Customer, MailingList, Purpose
from core.ledger.schema import metadata as ledger_tables
from core.safe import metadata as safe_tables
from tests.app.conftest import copy

NUMBERS = count(1)
JSON = {"Content-Type": "application/json"}
PERSON = {"reference": "cf-1", "email": "jan.jansen@example.nl", "first_name": "Jan"}
BASIS = {
    "kind": "consent",
    "id": "form-42",
    "given_at": "2026-11-20T14:05",
    "source": "sign-up form",
}
SUBSCRIBE: dict[str, Any] = {
    "verb": "subscribe",
    "person": PERSON,
    "lists": ["nieuwsbrief"],
    "basis": BASIS,
}
ERASE: dict[str, Any] = {"verb": "erase", "person": {"reference": "cf-1"}}


@dataclass(frozen=True)
class Served:
    """One installation, answering."""

    installation: Installation
    url: str
    operator: str = field(repr=False)

    def client(self, key: str) -> httpx.Client:
        return httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {key}"}, trust_env=False
        )

    def rows(self) -> dict[str, int]:
        """How much is stored, in each table of both databases."""
        ledger = self.installation.ledger
        found = {}
        for database, tables in (
            (ledger.database, ledger_tables),
            (ledger.safe.database, safe_tables),
        ):
            with database.read() as tx:
                for table in tables.sorted_tables:
                    query = sa.select(sa.func.count()).select_from(table)
                    found[table.name] = tx.db.execute(query).scalar_one()
        return found


@dataclass(frozen=True)
class School:
    """A customer whose program has a key."""

    served: Served
    customer: Customer
    key: UUID
    client: httpx.Client = field(repr=False)

    @property
    def path(self) -> str:
        return f"/v1/customers/{self.customer.id}"

    def ask(self, what: object, key: str | None = None) -> httpx.Response:
        return self.post("/operations", what, key)

    def batch(self, *several: object, key: str | None = None) -> httpx.Response:
        return self.post("/operations/batch", {"operations": several}, key)

    def post(self, where: str, what: object = None, key: str | None = None) -> httpx.Response:
        headers = {"Idempotency-Key": key or str(uuid4())}
        return self.client.post(self.path + where, json=what, headers=headers)

    def raw(self, body: bytes, where: str = "/operations", **headers: str) -> httpx.Response:
        usual = {**JSON, "Idempotency-Key": str(uuid4())}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(self.path + where, content=body, headers={**usual, **named})

    def get(self, where: str, **query: str) -> httpx.Response:
        return self.client.get(self.path + where, params=query)

    def connect_by_hand(self, title: str = "Kaartenbak") -> Mapping[str, Any]:
        made = self.post("/connections", by_hand(title))
        assert made.status_code == 201, made.text
        found: Mapping[str, Any] = made.json()
        return found


def by_hand(title: str) -> dict[str, Any]:
    return {
        "platform": "sandbox-by-hand",
        "title": title,
        "settings": {"title": title},
        "lists": {"nieuwsbrief": "contacts"},
    }


@pytest.fixture(scope="session")
def served(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One for all tests: each makes a school of its own. Nobody has to wait here."""
    folder = tmp_path_factory.mktemp("api")
    copy(migrated, folder)
    settings = Settings(database_url=f"sqlite:///{folder}/ledger.db", key_file=folder / "key.json")
    with wiring.opened(settings) as installation:
        operator = api_keys.issue(installation.ledger, "backend", None).secret
        app = create(installation, Rates(time.monotonic, at_once=1e9))
        with serving(app, host="127.0.0.1", port=0) as url:
            yield Served(installation, url, operator)


@pytest.fixture
def operator(served: Served) -> Iterator[httpx.Client]:
    with served.client(served.operator) as client:
        yield client


def school_of(served: Served, name: str) -> School:
    ledger = served.installation.ledger
    customer = customers.create(ledger, f"{name} {next(NUMBERS)}")
    for key, purpose in (("nieuwsbrief", Purpose.NEWSLETTER), ("cursusinfo", Purpose.COURSE_INFO)):
        customers.put_list(ledger, customer, MailingList(key, purpose, key.title()))
    issued = api_keys.issue(ledger, "administration", customer.id)
    return School(served, customer, issued.key.id, served.client(issued.secret))


@pytest.fixture
def school(served: Served) -> Iterator[School]:
    made = school_of(served, "De Verfschuur")
    yield made
    made.client.close()


@pytest.fixture
def other(served: Served) -> Iterator[School]:
    """Another customer of the same installation."""
    made = school_of(served, "Het Atelier")
    yield made
    made.client.close()


def problem(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """The problem that was answered, once it was found to be one."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    told: dict[str, Any] = answer.json()
    assert (answer.status_code, told["type"]) == (status, f"/errors/{kind}"), answer.text
    assert told["status"] == status
    assert told["title"]
    assert told["detail"]
    return told
