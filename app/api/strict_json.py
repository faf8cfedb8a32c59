"""Reads a request's body as JSON, refusing whatever two readers could read differently."""

from __future__ import annotations

import json
from typing import Any

from app.api.problems import Kind, Problem
from app.incoming.json_input import TWICE, unique
from core.http.answers import depth, finite
from core.identity import BadInput

DEEPEST = 20
MARK = b"\xef\xbb\xbf"

AGAIN = "Nothing was stored. Write the body with a JSON library and send it again."


def parsed(body: bytes) -> Any:
    """Raises Problem, which tells the place of the first fault but never what is there."""
    if body.startswith(MARK):
        raise bad("The body begins with a byte order mark.")
    if depth(body) > DEEPEST:
        raise bad(f"The body is nested deeper than {DEEPEST} levels.")
    try:
        value = json.loads(
            body.decode(), parse_constant=finite, parse_float=finite, object_pairs_hook=unique
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, character {error.colno}"
        raise bad(f"The body is not JSON ({place}).") from None
    except UnicodeDecodeError:
        raise bad("The body is not UTF-8.") from None
    except BadInput:
        raise bad(TWICE.en) from None
    except (ValueError, RecursionError):
        raise bad("The body holds a number that is not finite, or far too long.") from None
    if lone_surrogate(body, value):
        raise bad("The body holds half a character (a lone surrogate).")
    return value


def lone_surrogate(body: bytes, value: Any) -> bool:
    """Only an escape can bring one in: UTF-8 has none."""
    if rb"\ud" not in body.lower():
        return False
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def bad(what: str) -> Problem:
    return Problem(Kind.BAD_JSON, f"{what} {AGAIN}")
