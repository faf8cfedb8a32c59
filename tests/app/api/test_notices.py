"""A platform's notice makes us look, whatever it says, and only by the address that we gave."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa

import connectors
from app.api.application import create
from app.api.rates import Rates
from app.serving import serving
from connectors.sandbox.by_hand import WithoutApi
from core.connector import Identity
from core.errors import Refused, Unreadable
from core.faces import Notice, Notices
from core.ledger.schema import holdings
from core.states import State
from tests.app.api.conftest import School, Served, by_hand, problem, school_of
from workers.reach import Reach

PLATFORM = "noticing"


BY_HAND = connectors.installed()["sandbox-by-hand"].platform


class Noticing(WithoutApi, Notices):
    """Takes {"emails": […]}, signed with a word."""

    platform = replace(
        connectors.installed()["sandbox-by-hand"].platform, name=PLATFORM, can_look=True
    )

    def places(self) -> Sequence[Any]:
        return ()

    def whom(self, notice: Notice) -> Sequence[Identity]:
        if notice.headers.get("x-signed") == "wrongly":
            raise Refused("the signature is wrong")
        try:
            return [Identity((one,)) for one in json.loads(notice.body)["emails"]]
        except ValueError:
            raise Unreadable("not JSON") from None


@pytest.fixture
def school(served: Served) -> Iterator[School]:
    before = served.installation.reach
    reach = Reach({**before.connectors, PLATFORM: Noticing}, before.way_out, {})
    installation = replace(served.installation, reach=reach)
    app = create(installation, Rates(lambda: 0.0, at_once=5))
    with serving(app, host="127.0.0.1", port=0) as url:
        made = school_of(Served(installation, url, served.operator), "De Verfschuur")
        yield made
        made.client.close()


@pytest.fixture
def connection(school: School) -> dict[str, Any]:
    wish = {**by_hand("Kaartenbak"), "platform": PLATFORM, "lists": {}}
    answer = school.post("/connections", wish)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def tell(school: School, where: str, body: bytes, **headers: str) -> httpx.Response:
    """As a platform does: without a key."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    url = f"{school.served.url}{where}"
    return httpx.post(url, content=body, headers=named, trust_env=False)


def due(school: School, connection: str) -> list[bool]:
    """Of every holding there: whether it is due at once."""
    with school.served.installation.ledger.read() as tx:
        rows = tx.db.execute(
            sa.select(holdings.c.due_at).where(holdings.c.connection == UUID(connection))
        )
        return [row.due_at is not None and row.due_at <= tx.now for row in rows]


def settled(school: School, connection: str) -> None:
    """Somebody who is there as asked, to be looked at tomorrow."""
    asked = {"verb": "erase", "person": {"reference": "cf-1", "email": "jan@example.nl"}}
    school.ask(asked)
    with school.served.installation.ledger.begin() as tx:
        tx.db.execute(
            sa.update(holdings)
            .where(holdings.c.connection == UUID(connection))
            .values(state=State.NOT_FOUND.value, due_at=tx.now + timedelta(days=1))
        )


def test_who_is_named_gets_a_look(school: School, connection: dict[str, Any]) -> None:
    settled(school, connection["id"])
    assert due(school, connection["id"]) == [False]
    answer = tell(school, connection["hook"], b'{"emails": ["jan@example.nl"]}')
    assert (answer.status_code, answer.content) == (204, b"")
    assert due(school, connection["id"]) == [True]


def test_who_is_not_known_changes_nothing(school: School, connection: dict[str, Any]) -> None:
    settled(school, connection["id"])
    before = school.served.rows()
    assert tell(school, connection["hook"], b'{"emails": ["x@example.nl"]}').status_code == 204
    assert school.served.rows() == before
    assert due(school, connection["id"]) == [False]


def test_the_platform_may_try_the_address(school: School, connection: dict[str, Any]) -> None:
    assert httpx.get(school.served.url + connection["hook"], trust_env=False).status_code == 204


def test_every_other_address_is_unknown_alike(school: School, connection: dict[str, Any]) -> None:
    settled(school, connection["id"])
    other = school.connect_by_hand("Tweede")["id"]
    secret = connection["hook"].rpartition("/")[2]
    told = set()
    for where in (
        f"/in/{connection['id']}/{secret[:-1]}",
        f"/in/{connection['id']}/x",
        f"/in/{connection['id']}/é",
        f"/in/{other}/{secret}",
        f"/in/{uuid4()}/{secret}",
        f"/in/none/{secret}",
    ):
        answer = tell(school, where, b'{"emails": ["jan@example.nl"]}')
        problem(answer, 404, "not-found")
        told.add(answer.content)
    assert len(told) == 1
    assert due(school, connection["id"]) == [False]


def test_a_wrong_signature_is_as_unknown(school: School, connection: dict[str, Any]) -> None:
    answer = tell(school, connection["hook"], b'{"emails": []}', x_signed="wrongly")
    problem(answer, 404, "not-found")


def test_what_cannot_be_read_is_told_without_an_echo(
    school: School, connection: dict[str, Any]
) -> None:
    answer = tell(school, connection["hook"], b"zwart-geheim")
    problem(answer, 422, "invalid")
    assert "geheim" not in answer.text


def test_a_flood_is_held_off(school: School, connection: dict[str, Any]) -> None:
    answers = [tell(school, connection["hook"], b'{"emails": []}') for _ in range(6)]
    assert [one.status_code for one in answers] == [204] * 5 + [429]
    assert answers[-1].headers["retry-after"] == "1"


def test_a_closed_connection_hears_nothing(school: School, connection: dict[str, Any]) -> None:
    school.client.delete(f"{school.path}/connections/{connection['id']}")
    problem(tell(school, connection["hook"], b'{"emails": []}'), 404, "not-found")


def test_a_platform_without_notices_has_no_hook(school: School) -> None:
    assert school.connect_by_hand()["hook"] is None
