"""Keys: who has one may do what it is for, from the moment it is issued until it is revoked."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import httpx
import pytest

from tests.app.api.conftest import SUBSCRIBE, School, Served, problem


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", "")],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer cfs_unknown")],
        [("Authorization", "Basic {key}")],
        [("Authorization", "{key}")],
        [("Authorization", "Bearer {key}x")],
        [("Authorization", "Bearer {key}"), ("Authorization", "Bearer {key}")],
        [("X-Api-Key", "{key}")],
    ],
)
def test_without_one_good_key_nothing_opens(served: Served, headers: list[tuple[str, str]]) -> None:
    filled = [(name, value.format(key=served.operator)) for name, value in headers]
    answer = httpx.get(f"{served.url}/v1/customers", headers=filled, trust_env=False)
    problem(answer, 401, "no-key")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_the_scheme_is_read_in_any_case(served: Served) -> None:
    headers = {"Authorization": f"bearer {served.operator}"}
    got = httpx.get(f"{served.url}/v1/customers", headers=headers, trust_env=False)
    assert got.status_code == 200


def test_another_customer_is_as_unknown_as_none(school: School, other: School) -> None:
    theirs = school.client.get(f"{other.path}/report")
    nobodys = school.client.get(f"/v1/customers/{uuid4()}/report")
    nothing = school.client.get("/v1/customers/none/report")
    problem(theirs, 404, "not-found")
    assert theirs.content == nobodys.content == nothing.content
    assert theirs.headers.keys() == nobodys.headers.keys()


OPERATORS: list[Callable[[School], httpx.Response]] = [
    lambda school: school.client.get("/v1/customers"),
    lambda school: school.client.post("/v1/customers", json={"name": "Van mij"}),
    lambda school: school.client.get(school.path),
    lambda school: school.get("/keys"),
    lambda school: school.post("/keys", {"title": "mine"}),
    lambda school: school.client.delete(f"{school.path}/keys/{uuid4()}"),
]


@pytest.mark.parametrize("route", OPERATORS)
def test_what_is_the_operators_is_refused_to_customers(
    school: School, route: Callable[[School], httpx.Response]
) -> None:
    before = school.served.rows()
    problem(route(school), 403, "not-yours")
    assert school.served.rows() == before


def test_an_issued_key_opens_its_customer_until_it_is_revoked(
    served: Served, school: School, operator: httpx.Client
) -> None:
    made = operator.post(f"{school.path}/keys", json={"title": "website"}).json()
    assert made["secret"].startswith("cfs_")
    with served.client(made["secret"]) as client:
        assert client.get(f"{school.path}/report").status_code == 200
        revoked = operator.delete(f"{school.path}/keys/{made['id']}")
        assert (revoked.status_code, revoked.content) == (204, b"")
        problem(client.get(f"{school.path}/report"), 401, "no-key")
    listed = {one["id"]: one for one in operator.get(f"{school.path}/keys").json()["items"]}
    assert listed[made["id"]]["revoked_at"]
    assert made["secret"] not in operator.get(f"{school.path}/keys").text


def test_a_key_that_is_revoked_while_its_body_comes_stores_nothing(
    served: Served, school: School, operator: httpx.Client
) -> None:
    """A body may take half a minute: long enough to notice that a key was stolen."""

    def slowly() -> Iterator[bytes]:
        body = json.dumps(SUBSCRIBE).encode()
        yield body[:10]
        time.sleep(0.5)  # the head was read
        assert operator.delete(f"{school.path}/keys/{school.key}").status_code == 204
        before.update(served.rows())
        yield body[10:]

    before: dict[str, int] = {}
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid4())}
    answer = school.client.post(f"{school.path}/operations", content=slowly(), headers=headers)
    problem(answer, 401, "no-key")
    assert served.rows() == before


def test_a_key_is_not_revoked_by_way_of_another_customer(
    served: Served, school: School, other: School, operator: httpx.Client
) -> None:
    problem(operator.delete(f"{other.path}/keys/{school.key}"), 404, "not-found")
    assert school.get("/report").status_code == 200


def test_customers_are_made_shown_and_listed_page_by_page(operator: httpx.Client) -> None:
    made = [
        operator.post("/v1/customers", json={"name": f"Pagina {uuid4()}"}).json() for _ in range(3)
    ]
    assert operator.get(f"/v1/customers/{made[0]['id']}").json() == made[0]
    listed, query = [], {"limit": "2"}
    while True:
        page = operator.get("/v1/customers", params=query).json()
        listed += page["items"]
        if page["next"] is None:
            break
        query["after"] = page["next"]
    ids = [one["id"] for one in listed]
    assert len(ids) == len(set(ids))
    assert {one["id"] for one in made} <= set(ids)


def test_a_name_that_is_taken_is_a_conflict(operator: httpx.Client) -> None:
    name = f"Dubbel {uuid4()}"
    assert operator.post("/v1/customers", json={"name": name}).status_code == 201
    problem(operator.post("/v1/customers", json={"name": name}), 409, "conflict")


def test_a_time_zone_that_does_not_exist_is_refused(operator: httpx.Client) -> None:
    wish = {"name": f"Tijd {uuid4()}", "time_zone": "Europe/Atlantis"}
    answer = operator.post("/v1/customers", json=wish)
    assert problem(answer, 422, "invalid")["where"][0]["pointer"] == "/time_zone"
    assert "Atlantis" not in answer.text
