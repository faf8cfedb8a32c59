"""Asking something about people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field, ValidationError, WrapValidator
from starlette.responses import Response

from app.api import asking
from app.api.answers import JSON
from app.api.asking import Invalid
from app.api.door import Door
from app.api.openapi import says, writing
from app.api.parameters import Body, Caller, IdempotencyKey, Owner, The
from app.api.problems import Kind, Problem
from app.api.refusals import SEE_WHERE, wheres
from app.api.shapes import like
from app.api.shapes import operations as shapes
from app.incoming.operation_json import AskedOperation
from app.incoming.person_json import Given
from core.ledger.api_keys import ApiKey
from core.ledger.customers import Customer
from core.ledger.idempotency import Answer, Asked

MOST = 1000
ONE = "/v1/customers/{customer}/operations"
MANY = f"{ONE}/batch"

EXAMPLE: dict[str, Any] = {
    "verb": "subscribe",
    "person": {
        "reference": "cf-123",
        "email": "jan.jansen@example.nl",
        "first_name": "Jan",
        "last_name": "Jansen",
    },
    "lists": ["nieuwsbrief"],
    "basis": {
        "kind": "consent",
        "id": "form-2026-11-20-0042",
        "given_at": "2026-11-20T14:05",
        "source": "sign-up form",
    },
}
REFUSALS = writing(
    Kind.BAD_IDEMPOTENCY_KEY, Kind.STILL_RUNNING, Kind.KEY_USED, Kind.REFUSED, Kind.NO_BASIS
)

router = APIRouter(route_class=Door, tags=["operations"])


class AskedOne(AskedOperation):
    __doc__ = AskedOperation.__doc__

    model_config = like(EXAMPLE)


def or_invalid(value: Any, read: Callable[[Any], AskedOne]) -> AskedOne | Invalid:
    """What is wrong with one item is no reason to refuse the others."""
    try:
        return read(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        placed = [{**one, "loc": ("body", *one["loc"])} for one in found]
        return Invalid(Problem(Kind.INVALID, SEE_WHERE, wheres(placed)))


class AskedMany(Given):
    """Up to 1,000 operations; what is wrong with one does not keep the others."""

    model_config = like({"operations": [EXAMPLE]})

    operations: Annotated[
        list[Annotated[AskedOne, WrapValidator(or_invalid)]],
        Field(min_length=1, max_length=MOST),
    ]


@router.post(
    ONE,
    status_code=asking.ACCEPTED,
    responses={**REFUSALS, **says(shapes.Accepted, asking.ACCEPTED)},
    summary="Ask something about one person",
)
def ask(
    api: The,
    customer: Owner,
    caller: Caller,
    idempotency_key: IdempotencyKey,
    raw: Body,
    body: AskedOne,
) -> Response:
    asked = asked_for(caller, customer, idempotency_key, ONE, raw)
    return answered(asking.ask_one(api, customer, asked, body))


@router.post(
    MANY,
    status_code=asking.ACCEPTED,
    responses={**REFUSALS, **says(shapes.BatchAccepted, asking.ACCEPTED)},
    summary="Ask up to 1,000 things at once",
)
def ask_many(
    api: The,
    customer: Owner,
    caller: Caller,
    idempotency_key: IdempotencyKey,
    raw: Body,
    body: AskedMany,
) -> Response:
    asked = asked_for(caller, customer, idempotency_key, MANY, raw)
    return answered(asking.ask_many(api, customer, asked, body.operations))


def asked_for(caller: ApiKey, customer: Customer, key: str, route: str, body: bytes) -> Asked:
    """The key may stand in quotation marks, as its draft standard writes it."""
    return Asked(caller.id, customer.id, key.strip('"') or key, route, body)


def answered(kept: Answer) -> Response:
    return Response(kept.body, kept.status, media_type=JSON)
