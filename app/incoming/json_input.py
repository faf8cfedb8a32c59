"""Reads what a file or standard input holds, never quoting it when it is wrong."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from pydantic import BaseModel, ValidationError

from core.connector import Text
from core.identity import BadInput

STANDARD_INPUT = "-"
LARGEST = 1_048_576  # bytes

NO_INPUT = Text(
    nl="Er is geen standaardinvoer. Geef een bestand.",
    en="There is no standard input. Give a file.",
)
NO_FILE = Text(
    nl="Het bestand is niet te lezen. Controleer de naam en de rechten.",
    en="The file cannot be read. Check its name and permissions.",
)
TOO_LARGE = Text(
    nl="Er staat meer dan 1 MiB in. Geef alleen het gevraagde.",
    en="It holds more than 1 MiB. Give what is asked for only.",
)
NOT_UTF8 = Text(
    nl="Dit is geen tekst in UTF-8. Sla het opnieuw op.",
    en="This is no text in UTF-8. Save it again.",
)
NOT_JSON = Text(
    nl="Dit is geen JSON. Controleer aanhalingstekens, komma's en haakjes.",
    en="This is not JSON. Check quotation marks, commas and brackets.",
)
NO_OBJECT = Text(
    nl="Dit is geen JSON-object. Zet alles tussen { en }.",
    en="This is not a JSON object. Put everything between { and }.",
)
TWICE = Text(
    nl="Een naam staat er twee keer in. Laat er een weg.",
    en="A name is in it twice. Leave one out.",
)

UNKNOWN_KEY = "extra_forbidden"

M = TypeVar("M", bound=BaseModel)


def read_object(source: str) -> dict[str, Any]:
    """``source`` is the name of a file, or ``-``. Raises BadInput."""
    try:
        value = json.loads(content(source), object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise BadInput(at(NOT_JSON, error.lineno, error.colno)) from None
    except UnicodeDecodeError:
        raise BadInput(NOT_UTF8) from None
    except RecursionError:
        raise BadInput(NOT_JSON) from None
    if not isinstance(value, dict):
        raise BadInput(NO_OBJECT)
    return value


def read_text(source: str) -> str:
    """``source`` as for ``read_object``. Raises BadInput."""
    try:
        return content(source)
    except UnicodeDecodeError:
        raise BadInput(NOT_UTF8) from None


def content(source: str) -> str:
    if source != STANDARD_INPUT:
        try:
            with Path(source).open("rb") as file:
                return bounded(file)
        except OSError:
            raise BadInput(NO_FILE) from None
    if sys.stdin is None:
        raise BadInput(NO_INPUT)
    return bounded(sys.stdin.buffer)


def bounded(stream: BinaryIO) -> str:
    read = stream.read(LARGEST + 1)
    if len(read) > LARGEST:
        raise BadInput(TOO_LARGE)
    return read.decode("utf-8-sig")


def unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise BadInput(TWICE)
    return value


def at(text: Text, line: int, column: int) -> Text:
    return Text(
        nl=f"Regel {line}, teken {column}: {text.nl}",
        en=f"Line {line}, character {column}: {text.en}",
    )


def checked(model: type[M], given: Mapping[str, Any]) -> M:
    """Raises BadInput, naming each field that is wrong and never its content."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        why = "; ".join(f"{field(model, one['loc'])}: {meaning(one)}" for one in problems)
        raise BadInput(
            Text(
                nl=f"Dit kan niet worden gebruikt. {why}.",
                en=f"This cannot be used. {why}.",
            )
        ) from None


def field(model: type[BaseModel], where: Sequence[int | str]) -> str:
    """The path as far as the names are ours: what was typed as a name may be personal."""
    ours = names_of(model)
    shown = [str(part) if part in ours else "…" for part in where]
    return ".".join(shown) or "all"


def names_of(model: type[BaseModel]) -> set[str]:
    names: set[str] = set()
    for name, one in model.model_fields.items():
        names.add(name)
        nested = [kind for kind in (one.annotation, *args(one.annotation)) if is_model(kind)]
        names.update(*(names_of(kind) for kind in nested))
    return names


def args(annotation: Any) -> tuple[Any, ...]:
    return getattr(annotation, "__args__", ())


def is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def meaning(problem: Any) -> str:
    if problem["type"] == UNKNOWN_KEY:
        return "a name that we do not know; leave it out or correct it"
    return str(problem["msg"]).removeprefix("Value error, ").rstrip(".")
