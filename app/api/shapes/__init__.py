"""The shapes of answers, for the OpenAPI document: answers are made elsewhere, tests compare."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

REFERENCE = "cf-123"
CONNECTION = "6f1e0b52-8f0c-4d3b-9c55-1f0a1c1f6f10"
OPERATION = "0d5b7c1e-3b57-4f43-8f43-5ad2c9f5a0e1"
TASK = "9b8f4b3a-52a5-4e0c-a3c1-0a3e7f7f2c11"
CUSTOMER = "3c4f9f8e-7a53-4e4e-9d0b-2f9f0c8d1a22"
KEY = "b1f9a7de-6c1e-4d57-8a0e-6f7f1c9f3d33"


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


def like(example: dict[str, Any]) -> ConfigDict:
    """A shape's configuration with what one looks like."""
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [example]})


Cursor = Annotated[
    str | None, Field(description="Give it as `after` to get the next page; null: this is all.")
]


class Words(Shape):
    """A sentence for people."""

    nl: str
    en: str
