"""What still sits where."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import StrictBool
from starlette.responses import Response

from app.api.answers import answer
from app.api.door import Door
from app.api.openapi import reading, says, writing
from app.api.parameters import Owner, Reference, The
from app.api.refusals import existing
from app.api.shapes import like
from app.api.shapes import report as shapes
from app.api.shapes.export import Export
from app.incoming.person_json import Given
from core.ledger import restriction
from core.report import customer_report, person_report
from core.report.export import export
from core.report.values import iso

CUSTOMER = "/v1/customers/{customer}"
PERSON = f"{CUSTOMER}/people/{{reference:path}}"

router = APIRouter(route_class=Door, tags=["reports"])


class Restriction(Given):
    """Erasures, unsubscriptions and looks go on; what else is asked meanwhile waits."""

    model_config = like({"restricted": True})

    restricted: StrictBool


@router.get(
    f"{PERSON}/report",
    responses={**reading(), **says(shapes.PersonReport)},
    summary="What still sits where of one person",
)
def of_person(api: The, customer: Owner, reference: Reference) -> Response:
    with existing(), api.ledger.read() as tx:
        made = person_report(api.ledger, tx, customer, reference, api.installation.platforms)
    return answer(made.to_json())


@router.get(
    f"{PERSON}/export",
    responses={**reading(), **says(Export)},
    summary="A copy of all that is held of one person (GDPR art. 15, 20)",
)
def copy(api: The, customer: Owner, reference: Reference) -> Response:
    with existing(), api.ledger.read() as tx:
        made = export(api.ledger, tx, customer, reference, api.installation.platforms)
    return answer(made)


@router.put(
    f"{PERSON}/restriction",
    responses={**writing(), **says(shapes.Restricted)},
    summary="Hold every push for a person (GDPR art. 18), or let them go on",
)
def restrict(api: The, customer: Owner, reference: Reference, body: Restriction) -> Response:
    with existing():
        since = restriction.restrict(api.ledger, customer, reference, restricted=body.restricted)
    return answer({"restricted": body.restricted, "since": iso(since)})


@router.get(
    f"{CUSTOMER}/report",
    responses={**reading(), **says(shapes.CustomerReport)},
    summary="What still sits where in totals",
)
def of_customer(api: The, customer: Owner) -> Response:
    with api.ledger.read() as tx:
        made = customer_report(api.ledger, tx, customer, api.installation.platforms)
    return answer(made.to_json())
