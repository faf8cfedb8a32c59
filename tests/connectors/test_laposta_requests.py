"""Every request that we send to Laposta is one that its published specification knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from connectors.laposta import Laposta
from core.connector import Identity, Person
from core.faces import Newcomer
from tests.connectors.laposta_server import (
    ANNA,
    BRAM,
    CONSENT,
    COURSES,
    NEWS,
    WHO,
    Call,
    Platform,
    Town,
    custom,
    route_of,
)
from tests.databases import NOW

SPEC = Path(__file__).parents[2].parent / "shared" / "specs" / "laposta.yaml"
# Where the specification is wrong, by its own descriptions: the states it lists are those of a
# list, options are an object, the parts of a bulk call stand beside its members.
LOOSE = {"state", "options"}
BULK = "/list/{list_id}/members"


@pytest.fixture(scope="module")
def operations() -> Mapping[tuple[str, str], Mapping[str, Any]]:
    if not SPEC.is_file():
        pytest.skip("the specification of Laposta's API is not here")
    paths = yaml.safe_load(SPEC.read_text(encoding="utf-8"))["paths"]
    return {
        (method.upper(), path): operation
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


@pytest.fixture
def calls(laposta_town: Town, laposta: Platform) -> list[Call]:
    """Everything that the connector can do, done once."""
    laposta.bulk = True
    connector = laposta_town.connect(
        laposta, bulk=True, source_url="https://school.example.nl/aanmelden"
    )
    everything(connector, laposta)
    return laposta.calls


def everything(connector: Laposta, laposta: Platform) -> None:
    connector.check()
    connector.subscribe(ANNA, NEWS, CONSENT)
    connector.subscribe(ANNA, COURSES, CONSENT)
    connector.update(WHO, Person("bakker@example.nl", {"last_name": None}))
    moved = Identity(("bakker@example.nl", ANNA.email), (f"{NEWS.id}:m1",))
    connector.unsubscribe(moved, [NEWS])
    connector.find(moved)
    connector.erase(moved)
    connector.subscribe_many([Newcomer(ANNA, CONSENT), Newcomer(BRAM, CONSENT)], NEWS)
    del laposta.lists[COURSES.id]
    connector.find_many([WHO], NEWS, NOW)


def test_every_request_is_in_the_specification(
    operations: Mapping[tuple[str, str], Mapping[str, Any]], calls: list[Call]
) -> None:
    for call in calls:
        operation = operations[call.method, route_of(call.path)]
        check_query(call, operation)
        check_body(call, operation)


def check_query(call: Call, operation: Mapping[str, Any]) -> None:
    known = {
        each["name"]: each for each in operation.get("parameters", ()) if each["in"] == "query"
    }
    assert call.query.keys() <= known.keys()
    assert {name for name, each in known.items() if each["required"]} <= call.query.keys()
    for name, value in call.query.items():
        if name not in LOOSE:
            jsonschema.validate(value, known[name]["schema"])


def check_body(call: Call, operation: Mapping[str, Any]) -> None:
    if call.method != "POST":
        assert (call.kind, call.body) == ("", "")
        return
    content = operation["requestBody"]["content"]
    assert call.kind in content
    schema = content[call.kind]["schema"]
    if route_of(call.path) == BULK:
        check_bulk(json.loads(call.body), schema)
        return
    body = nested(call.form)
    assert body.keys() <= schema["properties"].keys()
    assert set(schema["required"]) <= body.keys()
    for name, value in body.items():
        if name not in LOOSE:
            jsonschema.validate(value, schema["properties"][name])


def check_bulk(body: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    known = schema["properties"]
    assert body.keys() == {"actions", "members"} <= known.keys()
    for member in body["members"]:
        assert member.keys() <= known.keys() - body.keys()
        for name, value in member.items():
            jsonschema.validate(value, known[name])


def nested(form: Mapping[str, str]) -> dict[str, Any]:
    """A form as PHP reads it: brackets make an object."""
    plain = {name: value for name, value in form.items() if "[" not in name}
    options = [name for name in form if name.startswith("options[")]
    fields = custom(form)
    return {
        **plain,
        **({"custom_fields": fields} if fields else {}),
        **({"options": options} if options else {}),
    }


def test_every_call_that_the_connector_has_was_made(calls: list[Call]) -> None:
    assert {(call.method, route_of(call.path)) for call in calls} == {
        ("GET", "/list"),
        ("GET", "/member"),
        ("POST", "/member"),
        ("GET", "/member/{member_id}"),
        ("POST", "/member/{member_id}"),
        ("DELETE", "/member/{member_id}"),
        ("POST", BULK),
    }


def test_the_check_finds_what_the_specification_does_not_know(
    operations: Mapping[tuple[str, str], Mapping[str, Any]],
) -> None:
    operation = operations["POST", "/member"]
    kind = "application/x-www-form-urlencoded"
    for body in ("list_id=a&email=b", "list_id=a&email=b&ip=c&surprise=d"):
        with pytest.raises(AssertionError):
            check_body(Call("POST", "/member", {}, kind, body, ""), operation)
    with pytest.raises(AssertionError):
        check_query(Call("GET", "/member", {}, "", "", ""), operations["GET", "/member"])
