"""What is written about the API is what it does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from app.api.application import described
from app.api.documents import pages
from app.api.problems import Kind, of, page

DOCS = Path(__file__).parents[3] / "docs"
DOCUMENT = described().openapi()
SUCCESS = re.compile("^2")


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


OPERATIONS = list(operations())
EACH = pytest.mark.parametrize(
    "operation", [o for _, o in OPERATIONS], ids=[n for n, _ in OPERATIONS]
)


@pytest.mark.parametrize(("name", "text"), list(pages()), ids=[name for name, _ in pages()])
def test_a_page_is_as_the_code_writes_it(name: str, text: str) -> None:
    """Otherwise: .venv/bin/python -m app.api.documents docs."""
    assert (DOCS / name).read_text(encoding="utf-8") == text


def test_there_is_no_page_of_a_problem_that_does_not_exist() -> None:
    known = {f"{kind.value}.md" for kind in Kind}
    assert {file.name for file in (DOCS / "errors").iterdir()} == known


def test_the_document_is_served_as_it_is_committed(operator: httpx.Client) -> None:
    assert operator.get("/openapi.json").json() == DOCUMENT
    assert DOCUMENT["openapi"].startswith("3.1")


@pytest.mark.parametrize("kind", Kind)
def test_the_type_of_a_problem_leads_to_its_page(operator: httpx.Client, kind: Kind) -> None:
    answer = operator.get(str(of(kind).to_json()["type"]))
    assert answer.headers["content-type"].startswith("text/markdown")
    assert answer.text == page(kind)
    assert all(part in answer.text for part in ("What happened", "What to do"))


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "components": DOCUMENT["components"]}


def checked(schema: dict[str, Any], example: object) -> None:
    jsonschema.Draft202012Validator(resolved(schema)).validate(example)


def examples(schema: dict[str, Any]) -> list[Any]:
    name = schema["$ref"].rpartition("/")[2]
    found: list[Any] = DOCUMENT["components"]["schemas"][name].get("examples", [])
    return found


@EACH
def test_every_body_has_a_good_example(operation: dict[str, Any]) -> None:
    for media in operation.get("requestBody", {}).get("content", {}).values():
        assert examples(media["schema"])
        for example in examples(media["schema"]):
            checked(media["schema"], example)


@EACH
def test_every_answer_has_a_good_example(operation: dict[str, Any]) -> None:
    for status, answer in operation["responses"].items():
        for media in answer.get("content", {}).values():
            told = (
                examples(media["schema"])
                if SUCCESS.match(status)
                else [one["value"] for one in media["examples"].values()]
            )
            assert told
            for example in told:
                checked(media["schema"], example)


@EACH
def test_refusals_are_declared_as_problems(operation: dict[str, Any]) -> None:
    for status, answer in operation["responses"].items():
        if not SUCCESS.match(status):
            assert list(answer["content"]) == ["application/problem+json"]


def test_only_what_is_behind_a_key_asks_for_one() -> None:
    behind = {name for name, operation in OPERATIONS if "security" in operation}
    assert behind == {name for name, _ in OPERATIONS if " /v1/" in name}


def test_no_schema_of_the_framework_is_left() -> None:
    assert "ValidationError" not in str(DOCUMENT)
    assert "__" not in "".join(DOCUMENT["components"]["schemas"])
