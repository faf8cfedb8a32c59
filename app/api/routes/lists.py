"""A customer's lists: their streams of mail."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import Response

from app.api.answers import answer
from app.api.door import Door
from app.api.openapi import reading, says, writing
from app.api.parameters import Owner, The
from app.api.routes.customers import Title
from app.api.shapes import like
from app.api.shapes import things as shapes
from app.incoming.person_json import Given
from app.incoming.titles import checked_key
from core.ledger import customers
from core.ledger.customers import MailingList, Purpose

EVERY = "/v1/customers/{customer}/lists"
ONE = f"{EVERY}/{{key}}"

router = APIRouter(route_class=Door, tags=["lists"])


class WantedList(Given):
    """Leaving all newsletters leaves course_info lists as they are."""

    model_config = like({"purpose": "newsletter", "title": "Nieuwsbrief"})

    purpose: Purpose
    title: Title


@router.get(EVERY, responses={**reading(), **says(shapes.Lists)}, summary="Every list")
def every(api: The, customer: Owner) -> Response:
    with api.ledger.read() as tx:
        known = customers.lists_of(tx, customer.id).values()
    return answer({"items": [of_list(one) for one in known]})


@router.put(
    ONE,
    responses={**writing(), **says(shapes.List)},
    summary="Add a list, or give the list with this key another purpose and title",
)
def put(
    api: The,
    customer: Owner,
    key: Annotated[
        str, Path(description="Small letters, digits, - and _.", examples=["nieuwsbrief"])
    ],
    body: WantedList,
) -> Response:
    wanted = MailingList(checked_key(key), body.purpose, body.title)
    customers.put_list(api.ledger, customer, wanted)
    return answer(of_list(wanted))


def of_list(one: MailingList) -> dict[str, Any]:
    return {"key": one.key, "purpose": one.purpose, "title": one.title}
