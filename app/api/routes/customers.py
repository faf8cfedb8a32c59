"""Customers, whom only the operator makes, with their keys."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import AfterValidator, Field
from starlette.responses import Response

from app.api.answers import answer, nothing
from app.api.door import Door
from app.api.openapi import reading, refuses, says, writing
from app.api.pages import page
from app.api.parameters import After, Limit, Operator, Owner, The
from app.api.problems import Kind
from app.api.refusals import existing
from app.api.shapes import KEY, like
from app.api.shapes import things as shapes
from app.incoming.person_json import Given
from app.incoming.titles import LONGEST_NAME, checked_zone, titled
from core.ledger import api_keys, customers
from core.ledger.api_keys import ApiKey
from core.ledger.customers import Customer
from core.report.values import iso

EVERY = "/v1/customers"
ONE = f"{EVERY}/{{customer}}"
KEYS = f"{ONE}/keys"

Title = Annotated[str, AfterValidator(titled), Field(min_length=1, max_length=LONGEST_NAME)]
OPERATORS = refuses(Kind.NOT_YOURS)

router = APIRouter(route_class=Door)


class NewCustomer(Given):
    """A school that joins."""

    model_config = like({"name": "De Verfschuur", "time_zone": "Europe/Amsterdam"})

    name: Title
    time_zone: Annotated[str, AfterValidator(checked_zone), Field(max_length=LONGEST_NAME)] = (
        "Europe/Amsterdam"
    )


class NewKey(Given):
    """A key for a program; the title says which."""

    model_config = like({"title": "administration"})

    title: Title


@router.post(
    EVERY,
    status_code=201,
    tags=["customers"],
    responses={
        **writing(Kind.CONFLICT),
        **OPERATORS,
        **says(shapes.Customer, 201),
    },
    summary="Add a customer, with a key of its own for all its data",
)
def create(api: The, _: Operator, body: NewCustomer) -> Response:
    return answer(of_customer(customers.create(api.ledger, body.name, body.time_zone)), 201)


@router.get(
    EVERY,
    tags=["customers"],
    responses={**reading(Kind.BAD_CURSOR), **OPERATORS, **says(shapes.Customers)},
    summary="Every customer, page by page",
)
def every(api: The, _: Operator, limit: Limit = 50, after: After = None) -> Response:
    cursors = api.cursors("customers")
    last = UUID(cursors.read(after)[0]) if after is not None else None
    with api.ledger.read() as tx:
        found = customers.page(tx, after=last, limit=limit + 1)
    return answer(page(found, limit, of_customer, cursors, lambda one: [one.id]))


@router.get(
    ONE,
    tags=["customers"],
    responses={**reading(), **OPERATORS, **says(shapes.Customer)},
    summary="One customer",
)
def show(customer: Owner, _: Operator) -> Response:
    return answer(of_customer(customer))


@router.post(
    KEYS,
    status_code=201,
    tags=["keys"],
    responses={**writing(), **OPERATORS, **says(shapes.IssuedKey, 201)},
    summary="Issue a key that opens this customer only; its secret is shown once",
)
def issue(api: The, customer: Owner, _: Operator, body: NewKey) -> Response:
    made = api_keys.issue(api.ledger, body.title, customer.id)
    return answer({**of_key(made.key), "secret": made.secret}, 201)


@router.get(
    KEYS,
    tags=["keys"],
    responses={**reading(), **OPERATORS, **says(shapes.Keys)},
    summary="Every key of this customer, revoked ones included",
)
def keys(api: The, customer: Owner, _: Operator) -> Response:
    with api.ledger.read() as tx:
        found = api_keys.of_customer(tx, customer.id)
    return answer({"items": [of_key(one) for one in found]})


@router.delete(
    f"{KEYS}/{{key}}",
    status_code=204,
    tags=["keys"],
    responses={**reading(), **OPERATORS},
    summary="Revoke a key: from now on it opens nothing",
)
def revoke(
    api: The,
    customer: Owner,
    _: Operator,
    key: Annotated[UUID, Path(description="The key's id.", examples=[KEY])],
) -> Response:
    with existing():
        api_keys.revoke(api.ledger, key, customer.id)
    return nothing()


def of_customer(one: Customer) -> dict[str, Any]:
    return {"id": one.id, "name": one.name, "time_zone": one.time_zone.key}


def of_key(one: ApiKey) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title,
        "created_at": iso(one.created_at),
        "revoked_at": iso(one.revoked_at),
    }
