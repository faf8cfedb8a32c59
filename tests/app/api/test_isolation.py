"""No key reaches another customer, on any route that there is, whatever ids it is given."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa

from app.api.application import described
from core.connector import Verb
from core.database import Transaction
from core.ledger import tasks
from core.ledger.schema import holdings
from core.states import Task
from tests.app.api.conftest import ERASE, SUBSCRIBE, School, by_hand, problem

BEHIND = "/v1/customers/{customer}/"
ROUTES = [
    (method, path)
    for path, operations in described().openapi()["paths"].items()
    if path.startswith(BEHIND)
    for method in operations
]
# Each body is good, so that only whose it is can be the reason to refuse it.
BODIES: dict[tuple[str, str], Any] = {
    ("put", "lists/{key}"): {"purpose": "newsletter", "title": "X"},
    ("post", "connections"): by_hand("Een"),
    ("patch", "connections/{connection}"): {"settings": {"title": "Kaartenbak"}},
    ("post", "operations"): SUBSCRIBE,
    ("post", "operations/batch"): {"operations": [SUBSCRIBE]},
    ("post", "operations/{operation}/answer"): {
        "how": "letter",
        "at": "2026-11-24",
        "outcome": "done",
    },
    ("put", "people/{reference}/restriction"): {"restricted": True},
    ("post", "tasks/{task}/attestation"): {"role": "administration"},
    ("post", "keys"): {"title": "theirs"},
}
OPERATORS = re.compile("^keys")
PLAIN = (
    *("alerts", "connections", "operations", "operations/batch", "report", "lists", "tasks"),
    "keys",
)


def rest(path: str) -> str:
    return path.removeprefix(BEHIND)


# A list is named by its customer's own key for it, which is no id.
TAKE_AN_ID = [
    (method, path)
    for method, path in ROUTES
    if rest(path) not in PLAIN and not rest(path).startswith("lists/")
]


@pytest.fixture
def theirs(other: School) -> dict[str, str]:
    """Ids of another customer's things of every kind."""
    connection = other.connect_by_hand()["id"]
    other.ask(SUBSCRIBE)
    operation = other.ask(ERASE).json()["id"]
    with other.served.installation.ledger.begin() as tx:
        task = open_task(tx, other, connection)
    return {
        "connection": connection,
        "operation": operation,
        "task": task,
        "reference": "cf-1",
        "key": str(other.key),
    }


def open_task(tx: Transaction, school: School, connection: str) -> str:
    held = tx.db.execute(sa.select(holdings).where(holdings.c.connection == UUID(connection))).one()
    tasks.open_for(
        tx,
        kind=Task.BY_HAND,
        verb=Verb.ERASE,
        customer=school.customer.id,
        connection=held.connection,
        person=held.person,
        holding=held.id,
    )
    [found] = tasks.waiting(tx, school.customer.id)
    return str(found.id)


def call(school: School, base: str, method: str, path: str, ids: dict[str, str]) -> httpx.Response:
    where = f"{base}/{rest(path).format(**ids)}"
    body = BODIES.get((method, rest(path)))
    headers = {"Idempotency-Key": "x"}
    return school.client.request(method, where, json=body, headers=headers)


def test_every_route_with_a_body_has_one_here() -> None:
    document = described().openapi()["paths"]
    wanted = {
        (method, rest(path)) for method, path in ROUTES if "requestBody" in document[path][method]
    }
    assert wanted == BODIES.keys() & wanted, "a new route needs a body in this test"


def each(routes: Sequence[tuple[str, str]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("method", "path"), routes, ids=[f"{method} {rest(path)}" for method, path in routes]
    )


@each(TAKE_AN_ID)
def test_another_customers_things_are_not_found_by_way_of_ones_own(
    school: School, theirs: dict[str, str], method: str, path: str
) -> None:
    before = school.served.rows()
    answer = call(school, school.path, method, path, theirs)
    if OPERATORS.match(rest(path)):
        problem(answer, 403, "not-yours")
    else:
        problem(answer, 404, "not-found")
        random = dict.fromkeys(theirs, "0" * 32)
        assert answer.content == call(school, school.path, method, path, random).content
    assert school.served.rows() == before


@each(ROUTES)
class TestEveryRoute:
    def test_another_customer_is_not_found(
        self, school: School, other: School, theirs: dict[str, str], method: str, path: str
    ) -> None:
        before = school.served.rows()
        answer = call(school, other.path, method, path, theirs)
        unknown = call(school, f"/v1/customers/{'0' * 32}", method, path, theirs)
        problem(answer, 404, "not-found")
        assert answer.content == unknown.content
        assert school.served.rows() == before

    def test_a_revoked_key_opens_nothing(
        self, school: School, operator: httpx.Client, theirs: dict[str, str], method: str, path: str
    ) -> None:
        operator.delete(f"{school.path}/keys/{school.key}")
        before = school.served.rows()
        problem(call(school, school.path, method, path, theirs), 401, "no-key")
        assert school.served.rows() == before
