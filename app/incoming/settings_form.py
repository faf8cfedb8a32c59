"""Asks on a terminal for what a connection needs, field by field, secrets hidden."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo


def asked(model: type[BaseModel]) -> dict[str, Any]:
    """What was typed; a field left empty that has a default is not in it."""
    answers = {name: answer(name, field) for name, field in model.model_fields.items()}
    return {name: value for name, value in answers.items() if value is not None}


def answer(name: str, field: FieldInfo) -> Any:
    label = field.title or name
    if field.description:
        typer.echo(field.description, err=True)
    if field.annotation is bool:
        return typer.confirm(label, default=bool(field.default), err=True)
    typed = typer.prompt(
        label + example(field),
        default=None if field.is_required() else "",
        show_default=False,
        hide_input=is_secret(field),
        err=True,
    )
    return typed or None


def example(field: FieldInfo) -> str:
    return f" ({field.examples[0]})" if field.examples else ""


def is_secret(field: FieldInfo) -> bool:
    return field.annotation is SecretStr


def without_secrets(model: BaseModel) -> Mapping[str, Any]:
    """What may be shown of settings: pydantic puts stars in the place of every secret."""
    shown: Mapping[str, Any] = model.model_dump(mode="json")
    return shown


def needed(model: type[BaseModel]) -> str:
    """The fields in one line, those that may be left out in brackets."""
    return ", ".join(
        name if field.is_required() else f"({name})" for name, field in model.model_fields.items()
    )
