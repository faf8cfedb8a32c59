"""What cannot be used is refused before anything is stored, and is never repeated."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

import httpx
import pytest

from app.api.door import LARGEST
from tests.app.api.conftest import ERASE, PERSON, SUBSCRIBE, School, by_hand, problem

SECRET = "zwart-geheim"


@contextmanager
def storing_nothing(school: School) -> Iterator[None]:
    before = school.served.rows()
    yield
    assert school.served.rows() == before


def text(**changes: Any) -> bytes:
    return json.dumps({**SUBSCRIBE, **changes}).encode()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half"),
        pytest.param(text() + b"x", id="more after it"),
        pytest.param(b"\xef\xbb\xbf" + text(), id="byte order mark"),
        pytest.param(text().decode().encode("utf-16"), id="UTF-16"),
        pytest.param(text().replace(b"Jan", b"Jos\xe9"), id="latin-1"),
        pytest.param(text().replace(b'"Jan"', b'"\\ud800"'), id="half a character"),
        pytest.param(text().replace(b'"Jan"', b"NaN"), id="NaN"),
        pytest.param(text().replace(b'"Jan"', b"-Infinity"), id="infinity"),
        pytest.param(text().replace(b'"Jan"', b"1e400"), id="beyond all floats"),
        pytest.param(text().replace(b'"Jan"', b"9" * 5000), id="beyond all integers"),
        pytest.param(b'{"verb": "erase", ' + text()[1:], id="a name twice"),
        pytest.param(text().replace(b'"Jan"', b"[" * 19 + b"]" * 19), id="21 deep"),
        pytest.param(b"[" * 100_000, id="very deep"),
    ],
)
def test_what_is_no_strict_json_is_refused(school: School, body: bytes) -> None:
    with storing_nothing(school):
        told = problem(school.raw(body), 400, "bad-json")
    assert "Nothing was stored" in told["detail"]


def test_twenty_levels_are_read(school: School) -> None:
    deep = text().replace(b'"Jan"', b"[" * 18 + b"]" * 18)
    problem(school.raw(deep), 422, "invalid")


OTHER_TYPES = [
    "",
    "text/plain",
    "application/xml",
    "application/jsonx",
    "application/json; charset=latin-1",
    "multipart/form-data",
]


@pytest.mark.parametrize("kind", OTHER_TYPES)
def test_another_content_type_is_refused(school: School, kind: str) -> None:
    with storing_nothing(school):
        problem(school.raw(text(), Content_Type=kind), 415, "not-json")


def test_a_packed_body_is_refused(school: School) -> None:
    with storing_nothing(school):
        problem(school.raw(text(), Content_Encoding="gzip"), 415, "not-json")


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=UTF-8"])
def test_json_by_its_own_name_is_read(school: School, kind: str) -> None:
    assert school.raw(text(), Content_Type=kind).status_code == 202


def test_a_body_over_a_mebibyte_is_refused(school: School) -> None:
    with storing_nothing(school):
        problem(school.raw(text() + b" " * LARGEST), 413, "too-large")


def test_a_body_of_unknown_length_is_refused_once_it_is_too_large(school: School) -> None:
    def chunks() -> Iterator[bytes]:
        yield from [b" " * 65_536] * 32

    with storing_nothing(school):
        answer = school.client.post(
            f"{school.path}/operations",
            content=chunks(),
            headers={"Content-Type": "application/json", "Idempotency-Key": "x"},
        )
        problem(answer, 413, "too-large")


def test_a_large_body_is_not_read_for_a_stranger(school: School) -> None:
    """Its head alone is sent: an answer can only come if nobody waits for the rest."""
    at = urlsplit(school.served.url)
    head = (
        f"POST {school.path}/operations HTTP/1.1\r\nHost: {at.netloc}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {LARGEST}\r\n\r\n"
    )
    with socket.create_connection((at.hostname, at.port or 0), 10) as line:
        line.sendall(head.encode())
        assert line.recv(100).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize(
    "wrong",
    [
        {SECRET: 1},
        {"person": {**PERSON, SECRET: 1}},
        {"person": {**PERSON, "fields": {"shoe": [SECRET]}}},
        {"person": {**PERSON, "fields": {SECRET: 43}}},
        {"person": {**PERSON, "fields": {f"{SECRET}@": "x"}}},
        {"person": SECRET},
        {"person": None},
        {"person": {**PERSON, "email": f"{SECRET}@"}},
        {"person": {**PERSON, "email": None}},
        {"person": {**PERSON, "first_name": 1}},
        {"person": {**PERSON, "first_name": True}},
        {"person": {"reference": f"{SECRET}@example.nl"}},
        {"person": {"reference": ""}},
        {"person": {"reference": SECRET * 100}},
        {"person": {"reference": f" {SECRET}"}},
        {"person": {"reference": f"{SECRET}\u0000"}},
        {"lists": SECRET},
        {"lists": [SECRET.upper()]},
        {"lists": [None]},
        {"verb": SECRET},
        {"verb": ["erase"]},
        {"request": {"identity_checked_how": f"{SECRET}@"}},
        {"basis": {"kind": SECRET}},
    ],
)
def test_the_wrong_shape_is_refused_without_repeating_it(school: School, wrong: Any) -> None:
    with storing_nothing(school):
        answer = school.raw(text(**wrong))
        assert problem(answer, 422, "invalid")["where"]
    assert SECRET not in answer.text.lower()


@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b"1", b"true"])
def test_something_else_than_an_object_is_refused(school: School, body: bytes) -> None:
    with storing_nothing(school):
        problem(school.raw(body), 422, "invalid")


@pytest.mark.parametrize("where", ["/operations", "/operations/batch"])
@pytest.mark.parametrize("key", [None, "", "x" * 256, "a b", "\u00e9".encode().decode("latin-1")])
def test_work_is_not_taken_without_an_idempotency_key(
    school: School, where: str, key: str | None
) -> None:
    headers = {} if key is None else {b"Idempotency-Key": key.encode("latin-1")}
    with storing_nothing(school):
        answer = school.client.post(school.path + where, json=SUBSCRIBE, headers=headers)
        problem(answer, 400, "bad-idempotency-key")


def test_an_unknown_query_parameter_is_refused(school: School) -> None:
    answer = school.get("/operations", limitt="1")
    problem(answer, 422, "invalid")
    assert "limitt" not in answer.text


def test_a_query_parameter_given_twice_is_refused(school: School) -> None:
    problem(school.client.get(f"{school.path}/operations?limit=1&limit=2"), 422, "invalid")


@pytest.mark.parametrize("limit", ["0", "-1", "201", "x", "1.5", ""])
def test_a_limit_out_of_bounds_is_refused(school: School, limit: str) -> None:
    told = problem(school.get("/operations", limit=limit), 422, "invalid")
    assert told["where"][0]["parameter"] == "limit"


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "é", "A" * 400, str(UUID(int=7))])
@pytest.mark.parametrize("where", ["/operations", "/tasks"])
def test_a_cursor_that_is_not_ours_is_refused(school: School, where: str, cursor: str) -> None:
    problem(school.get(where, after=cursor), 400, "bad-cursor")


def test_a_cursor_with_one_character_changed_is_refused(school: School) -> None:
    for n in range(2):
        school.ask({**SUBSCRIBE, "request": {"channel": f"c{n}"}})
    cursor = school.get("/operations", limit="1").json()["next"]
    for at in range(0, len(cursor), 7):
        other = "A" if cursor[at] != "A" else "B"
        problem(
            school.get("/operations", after=cursor[:at] + other + cursor[at + 1 :]),
            400,
            "bad-cursor",
        )


def test_a_cursor_of_another_list_is_refused(school: School, other: School) -> None:
    for n in range(2):
        school.ask({**SUBSCRIBE, "request": {"channel": f"c{n}"}})
    cursor = school.get("/operations", limit="1").json()["next"]
    problem(school.get("/tasks", after=cursor), 400, "bad-cursor")
    problem(other.get("/operations", after=cursor), 400, "bad-cursor")


def test_a_reference_with_an_at_sign_is_refused_in_an_address(school: School) -> None:
    for written in ("jan@example.nl", "jan%40example.nl"):
        answer = school.client.get(f"{school.path}/people/{written}/report")
        problem(answer, 422, "invalid")
        assert "example.nl" not in answer.text


@pytest.mark.parametrize("reference", ["a/b", "a b", "a?b#c", "é", "100%", "../x", "a/report"])
def test_a_percent_encoded_reference_is_the_person(school: School, reference: str) -> None:
    person = {"reference": reference, "email": "jan@example.nl"}
    assert school.ask({**SUBSCRIBE, "person": person}).status_code == 202
    found = school.client.get(f"{school.path}/people/{quote(reference, safe='')}/report")
    assert found.json()["person"]["reference"] == reference


@pytest.mark.parametrize("part", ["%00", "%ff", "%0d%0aX-A: b"])
def test_a_reference_that_is_none_breaks_nothing(school: School, part: str) -> None:
    answer = school.client.get(f"{school.path}/people/{part}/report")
    assert answer.status_code in {404, 422}
    assert "x-a" not in answer.headers


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"platform": SECRET}, "/platform"),
        ({"settings": {"title": "x", SECRET: 1}}, "/settings"),
        ({"settings": {"title": [SECRET]}}, "/settings/title"),
        ({"settings": {}}, "/settings/title"),
        ({"settings": None}, "/settings"),
        ({"lists": {SECRET: "contacts"}}, "/lists"),
        ({"lists": {SECRET.upper(): "contacts"}}, "/lists"),
        ({"title": " "}, "/title"),
        ({"title": f"{SECRET}\nX"}, "/title"),
        ({"fields": [f"{SECRET}@"]}, "/fields/0"),
        ({"accept_outside_eu": "yes"}, "/accept_outside_eu"),
        ({SECRET: 1}, ""),
    ],
)
def test_a_connection_that_cannot_be_is_refused(school: School, wrong: Any, pointer: str) -> None:
    with storing_nothing(school):
        answer = school.post("/connections", {**by_hand("Kaartenbak"), **wrong})
        told = problem(answer, 422, "invalid")
    assert told["where"][0]["pointer"] == pointer
    assert SECRET not in answer.text.lower()


@pytest.mark.parametrize("key", ["A", "a b", "x" * 51, "é"])
def test_a_list_with_a_bad_key_is_refused(school: School, key: str) -> None:
    with storing_nothing(school):
        answer = school.client.put(
            f"{school.path}/lists/{quote(key)}", json={"purpose": "newsletter", "title": "X"}
        )
        problem(answer, 422, "invalid")


def test_the_same_idempotency_key_for_something_else_is_refused(school: School) -> None:
    assert school.ask(SUBSCRIBE, "one").status_code == 202
    with storing_nothing(school):
        problem(school.ask(ERASE, "one"), 422, "key-used")
        problem(school.batch(SUBSCRIBE, key="one"), 422, "key-used")


def test_an_address_that_does_not_exist_is_a_problem_too(operator: httpx.Client) -> None:
    problem(operator.get("/v1/nothing"), 404, "not-found")
    answer = operator.put("/v1/customers", json={})
    problem(answer, 405, "no-such-method")
    assert answer.headers["allow"] == "GET, POST"
