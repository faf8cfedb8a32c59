"""Every request that we send to Mailchimp, held against Mailchimp's own description of its API."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft4Validator

from core.connector import Identity, Person
from core.faces import Newcomer
from tests.imitations.mailchimp.api import Call
from tests.imitations.mailchimp.town import ANNA, BRAM, COURSES, NEWS, NOW, Town, consent

SPECS = Path(__file__).parents[3] / "shared" / "specs"
NAMES = ("mailchimp-lists.yaml", "mailchimp-members.yaml", "mailchimp-batches.yaml")
DESCRIBED = {"add", "lists", "members", "member", "put", "patch", "delete-permanent"}

Operation = Mapping[str, Any]


@pytest.fixture(scope="module")
def paths() -> Mapping[str, Mapping[str, Operation]]:
    found: dict[str, Mapping[str, Operation]] = {}
    for name in NAMES:
        if not (SPECS / name).is_file():
            pytest.skip(f"{name} is not here")
        # The loader in C: the other takes ten times as long for these.
        found |= yaml.load((SPECS / name).read_text(), Loader=yaml.CSafeLoader)["paths"]
    return found


@pytest.fixture(scope="module")
def calls() -> Iterator[list[Call]]:
    with Town() as town:
        both = Identity((BRAM, ANNA.email))
        town.connect(merge_tags="last_name=LNAME").check()
        for place in (NEWS, COURSES):
            town.connect().subscribe(ANNA, place, consent())
        (trace, *_) = town.find()
        town.account.join(NEWS.id, BRAM, "transactional")
        town.connect().subscribe(Person(BRAM), NEWS, consent())
        town.connect().update(both, Person(BRAM, {"first_name": None}))
        town.find(Identity(both.emails, (trace.remote_id or "",)))
        town.connect().unsubscribe(both, [NEWS])
        town.connect().subscribe_many([Newcomer(ANNA, consent())], NEWS)
        town.connect().erase(both)
        del town.account.audiences[COURSES.id]
        town.connect().find_many([Identity((BRAM,))], NEWS, NOW)
        yield town.server.calls


def described(call: Call, paths: Mapping[str, Mapping[str, Operation]]) -> Operation | None:
    for template, operations in paths.items():
        pattern = re.sub(r"\{\w+\}", "[^/]+", template)
        if re.fullmatch(pattern, call.path) and call.method.lower() in operations:
            return operations[call.method.lower()]
    return None


def test_what_the_description_holds_is_what_we_call(
    calls: list[Call], paths: Mapping[str, Mapping[str, Operation]]
) -> None:
    found = {call.face for call in calls if described(call, paths)}
    assert found == DESCRIBED
    assert {call.face for call in calls} - found == {"root", "merge-fields", "batch"}


def test_no_parameter_is_unknown_or_of_the_wrong_kind(
    calls: list[Call], paths: Mapping[str, Mapping[str, Operation]]
) -> None:
    for call in calls:
        operation = described(call, paths)
        if operation is None:
            continue
        known = {one["name"]: one for one in operation["parameters"] if one["in"] == "query"}
        assert call.query.keys() <= known.keys()
        for name, value in call.query.items():
            assert list(Draft4Validator(known[name]).iter_errors(typed(value, known[name]))) == []


def test_no_body_is_other_than_described(
    calls: list[Call], paths: Mapping[str, Mapping[str, Operation]]
) -> None:
    for call in calls:
        operation = described(call, paths)
        if operation is None:
            continue
        bodies = [one["schema"] for one in operation["parameters"] if one["in"] == "body"]
        assert bool(bodies) == (call.body is not None)
        for schema in bodies:
            assert call.body.keys() <= schema["properties"].keys()
            assert list(Draft4Validator(schema).iter_errors(call.body)) == []


def typed(value: str, parameter: Mapping[str, Any]) -> object:
    match parameter["type"]:
        case "integer":
            return int(value)
        case "boolean":
            return {"true": True, "false": False}[value]
        case "array":
            return value.split(",")
        case _:
            return value


def test_an_unknown_field_in_a_body_would_be_seen(
    calls: list[Call], paths: Mapping[str, Mapping[str, Operation]]
) -> None:
    put = next(call for call in calls if call.face == "put")
    operation = described(put, paths)
    assert operation
    (schema,) = (one["schema"] for one in operation["parameters"] if one["in"] == "body")
    wrong = {**put.body, "status": "archived"}
    assert list(Draft4Validator(schema).iter_errors(wrong))
