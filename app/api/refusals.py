"""Which problem an error becomes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import refusal
from app.api.problems import Kind, Problem, Where, of
from app.incoming.json_input import UNKNOWN_KEY, meaning
from app.incoming.misplaced import Misplaced
from core.database import DatabaseAway
from core.identity import BadInput
from core.ledger.idempotency import OtherRequest
from core.refusals import CannotAccept, NoBasis, Taken, Unknown

STORED_NOTHING = "Nothing was stored."
SEE_WHERE = "Something in it cannot be used; where says what. Nothing was stored."

IN_BODY = "body"
IN_PATH = "path"
IDEMPOTENCY_KEY = ("header", "idempotency-key")
FREE = frozenset({"fields", "lists", "settings"})  # what is named in them is up to the caller
MOST = 100  # parts that are pointed at

# The first that fits. What is not here is refused as such.
KINDS: Sequence[tuple[type[CannotAccept], Kind]] = (
    (OtherRequest, Kind.KEY_USED),
    (NoBasis, Kind.NO_BASIS),
    (Taken, Kind.CONFLICT),
    (CannotAccept, Kind.REFUSED),
)

log = logging.getLogger(__name__)


def listen(app: FastAPI) -> None:
    """Every error of these classes is answered as its problem."""
    for kind in (
        Problem, RequestValidationError, HTTPException, BadInput, CannotAccept, DatabaseAway
    ):  # fmt: skip
        app.add_exception_handler(kind, said)


async def said(request: Request, error: Exception) -> Response:
    problem = problem_of(error)
    if problem.kind is Kind.NO_SUCH_METHOD:
        problem.headers = {"Allow": ", ".join(methods(request))}
    return refusal(problem)


def methods(request: Request) -> list[str]:
    """All that the address takes: the framework tells those of one route only."""
    path = request.scope["path"]
    routes: Sequence[APIRoute] = request.app.state.routes
    return sorted(
        {name for one in routes if one.path_regex.match(path) for name in one.methods or ()}
    )


def problem_of(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return of_validation(error)
        case HTTPException():
            return of_http(error)
        case Misplaced():
            return Problem(Kind.INVALID, SEE_WHERE, (Where(str(error), error.pointer),))
        case BadInput():
            return Problem(Kind.INVALID, f"{error} {STORED_NOTHING}")
        case CannotAccept():
            return of_refusal(error)
        case DatabaseAway():
            log.warning("the database is away: %s", error)
            return of(Kind.AWAY, headers={"Retry-After": "2"})
        case _:
            raise error


@contextmanager
def existing() -> Iterator[None]:
    """What is unknown to the ledger here is an id of the path."""
    try:
        yield
    except Unknown:
        raise of(Kind.NOT_FOUND) from None


def of_refusal(error: CannotAccept) -> Problem:
    kind = next(kind for refused, kind in KINDS if isinstance(error, refused))
    return Problem(kind, str(error))


def of_http(error: HTTPException) -> Problem:
    kind = Kind.NO_SUCH_METHOD if error.status_code == 405 else Kind.NOT_FOUND  # noqa: PLR2004
    return of(kind)


def of_validation(error: RequestValidationError) -> Problem:
    """An id in a path that is none does not exist; all else is told part by part."""
    found = error.errors()
    places = {tuple(one["loc"][:2]) for one in found}
    if any(place[0] == IN_PATH for place in places):
        return of(Kind.NOT_FOUND)
    if IDEMPOTENCY_KEY in places:
        return of(Kind.BAD_IDEMPOTENCY_KEY)
    return Problem(Kind.INVALID, SEE_WHERE, wheres(found))


def wheres(found: Iterable[Mapping[str, Any]]) -> list[Where]:
    return list(dict.fromkeys(map(where, found)))[:MOST]


def where(one: Mapping[str, Any]) -> Where:
    place, *path = one["loc"]
    if place != IN_BODY:
        return Where(meaning(one), parameter=str(path[0]))
    return Where(meaning(one), pointer(path[:-1] if one["type"] == UNKNOWN_KEY else path))


def pointer(path: Sequence[int | str]) -> str:
    """Up to the first name that is not ours: what was sent as a name may be personal."""
    ours: list[int | str] = []
    for part in path:
        if isinstance(part, str) and ours and ours[-1] in FREE:
            break
        ours.append(part)
    return "".join(f"/{part}" for part in ours)
