"""After a school lived through everything, each answer still fits the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import pytest

from app.api.application import described
from connectors.sandbox.server import Imitation
from core.ledger.connections import of_customer
from tests.app.api.conftest import ERASE, PERSON, SUBSCRIBE, School, problem
from tests.app.api.test_connections import connected, platform, school
from workers.drain import Worker

__all__ = ["platform", "school"]

DOCUMENT = described().openapi()


def work(school: School) -> None:
    """One turn for every connection."""
    installation = school.served.installation
    worker = Worker(installation.ledger, installation.reach)
    with installation.ledger.read() as tx:
        lanes = [one.id for one in of_customer(tx, school.customer.id)]
    for lane in lanes:
        worker.drain(lane)
    worker.close()


@pytest.fixture
def lived(school: School, platform: Imitation) -> School:
    connected(school, platform)
    school.connect_by_hand()
    for number in range(3):
        person = {**PERSON, "reference": f"cf-{number}", "email": f"p{number}@example.nl"}
        school.ask({**SUBSCRIBE, "person": person})
    work(school)
    school.ask({"verb": "update", "person": {"reference": "cf-0", "last_name": "Bakker"}})
    school.ask({"verb": "unsubscribe", "person": {"reference": "cf-2"}})
    school.ask(ERASE)
    work(school)
    return school


def follow(school: School) -> Iterator[tuple[str, httpx.Response]]:
    """Everything that can be read, by the path of the document."""
    for name in ("connections", "operations", "tasks"):
        listed = school.get(f"/{name}")
        yield f"/{name}", listed
        for one in listed.json()["items"]:
            yield f"/{name}/{{{name[:-1]}}}", school.get(f"/{name}/{one['id']}")
    for name in ("lists", "report"):
        yield f"/{name}", school.get(f"/{name}")
    for number in range(3):
        for name in ("report", "export"):
            yield f"/people/{{reference}}/{name}", school.get(f"/people/cf-{number}/{name}")


def checked(path: str, answer: httpx.Response) -> Any:
    operation = DOCUMENT["paths"][f"/v1/customers/{{customer}}{path}"]["get"]
    media = operation["responses"]["200"]["content"]["application/json"]
    schema = {**media["schema"], "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(schema).validate(answer.json())
    return answer.json()


def test_every_answer_fits_the_document(lived: School) -> None:
    seen: dict[str, list[Any]] = {}
    for path, answer in follow(lived):
        seen.setdefault(path, []).append(checked(path, answer))
    told = [one for one in seen["/operations/{operation}"] if one["holdings"]]
    assert any(part["evidence"] for one in told for part in one["holdings"])
    assert any(part["attempts"] for one in told for part in one["holdings"])
    assert seen["/tasks/{task}"], "nothing was left to a human"
    assert any(one["systems"] for one in seen["/people/{reference}/report"])
    assert any(one["recipients"] for one in seen["/people/{reference}/export"])
    assert any(one["last_record"] for one in seen["/people/{reference}/export"])


def test_a_task_is_shown_with_whom_it_is_about_and_attested_once(lived: School) -> None:
    every = lived.get("/tasks").json()["items"]
    [task] = [one for one in every if (one["verb"], one["kind"]) == ("erase", "by_hand")]
    shown = lived.get(f"/tasks/{task['id']}").json()
    assert shown["person"]["emails"] == ["p1@example.nl"]
    where = f"/tasks/{task['id']}/attestation"
    told = problem(lived.post(where, {"role": "Jan de Vries"}), 422, "invalid")
    assert told["where"][0]["pointer"] == "/role"
    assert "Vries" not in str(told)
    assert lived.post(where, {"role": "administration"}).json()["verified"] is False
    problem(lived.post(where, {"role": "administration"}), 409, "conflict")
    assert lived.get(f"/tasks/{task['id']}").json()["closed_at"]


def test_tasks_come_in_pages_in_the_same_order(lived: School) -> None:
    every = [one["id"] for one in lived.get("/tasks").json()["items"]]
    assert len(every) > 1
    found, query = [], {"limit": "1"}
    for _ in range(len(every)):
        page = lived.get("/tasks", **query).json()
        found += [one["id"] for one in page["items"]]
        query["after"] = page["next"]
    assert found == every
    assert page["next"] is None


def test_reports_mask_the_address(lived: School) -> None:
    for where in ("/report", "/people/cf-0/report", "/people/cf-1/report", "/operations"):
        assert not re.search(r"p\d@example", lived.get(where).text)
