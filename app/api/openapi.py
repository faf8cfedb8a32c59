"""The OpenAPI document: what FastAPI does not know of by itself."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from app.api.problems import MEDIA_TYPE, Kind, of
from app.api.shapes import Shape
from app.api.shapes.problem import Problem
from app.incoming.person_json import Given

BEHIND_A_KEY = "/v1/"
REF = f"#/components/schemas/{Problem.__name__}"
SCHEME = "key"
OWN_SCHEMAS = ("HTTPValidationError", "ValidationError")  # FastAPI's, which we never answer

DESCRIPTION = """\
Carries what is asked about course members to newsletter platforms, looks whether it happened, and
reports what personal data still sits where. See docs/api/README.md for a tour.

Personal data goes in bodies, never in an address. Every refusal is a problem (RFC 9457) whose
`type` leads to a page that says what to do.
"""

Answers = dict[int | str, dict[str, Any]]


def says(model: type[BaseModel], status: int = 200) -> Answers:
    """The answer when it went well."""
    told = (model.__doc__ or "").strip().partition("\n\n")[0]
    return {status: {"model": model, "description": " ".join(told.split())}}


def refuses(*kinds: Kind) -> Answers:
    """Problems by status, each with an example."""
    answers: Answers = {}
    for kind in kinds:
        known = answers.setdefault(kind.meaning.status, problem_answer())
        known["content"][MEDIA_TYPE]["examples"][kind.value] = {
            "summary": kind.meaning.title,
            "value": of(kind).to_json(),
        }
    for known in answers.values():
        examples = known["content"][MEDIA_TYPE]["examples"].values()
        known["description"] = "; or ".join(one["summary"] for one in examples) + "."
    return answers


def problem_answer() -> dict[str, Any]:
    return {"content": {MEDIA_TYPE: {"schema": {"$ref": REF}, "examples": {}}}}


BEHIND_THE_DOOR = (Kind.NO_KEY, Kind.NOT_FOUND, Kind.INVALID, Kind.TOO_MANY, Kind.AWAY)
WITH_BODY = (Kind.BAD_JSON, Kind.TOO_SLOW, Kind.TOO_LARGE, Kind.NOT_JSON)


def reading(*kinds: Kind) -> Answers:
    return refuses(*BEHIND_THE_DOOR, *kinds)


def writing(*kinds: Kind) -> Answers:
    """For routes that read a body."""
    return refuses(*BEHIND_THE_DOOR, *WITH_BODY, *kinds)


def document(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(
        title="courseflow-sync",
        version=version("courseflow-sync"),
        summary="What personal data still sits where, and what becomes of it.",
        description=DESCRIPTION,
        routes=app.routes,
    )
    components = made.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    restore_examples(schemas)
    for name in OWN_SCHEMAS:
        schemas.pop(name, None)
    components["schemas"] = dict(sorted(schemas.items()))
    components["securitySchemes"] = {SCHEME: {"type": "http", "scheme": "bearer"}}
    for path, operations in made["paths"].items():
        for operation in operations.values():
            forget_own(operation["responses"])
            if path.startswith(BEHIND_A_KEY):
                operation["security"] = [{SCHEME: []}]
    return made


def forget_own(answers: dict[str, Any]) -> None:
    """FastAPI adds a 422 of its own where a parameter can be wrong; ours are problems."""
    if "application/json" in answers.get("422", {}).get("content", {}):
        del answers["422"]


def restore_examples(schemas: dict[str, Any]) -> None:
    """FastAPI 0.165 takes every null out of an example, which is then none of its schema."""
    for model in (*below(Shape), *below(Given)):
        extra = model.model_config.get("json_schema_extra")
        if isinstance(extra, dict) and model.__name__ in schemas:
            schemas[model.__name__]["examples"] = extra["examples"]


def below(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for one in kind.__subclasses__():
        yield one
        yield from below(one)
