"""Warnings that a term runs out."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from app.api.answers import answer
from app.api.door import Door
from app.api.openapi import reading, says
from app.api.pages import page
from app.api.parameters import After, Limit, Owner, The
from app.api.problems import Kind
from app.api.shapes import report as shapes
from app.words.alerts import told
from core.ledger import alerts
from core.ledger.alerts import Alert
from core.moments import microseconds

router = APIRouter(route_class=Door, tags=["tasks"])


@router.get(
    "/v1/customers/{customer}/alerts",
    responses={**reading(Kind.BAD_CURSOR), **says(shapes.Alerts)},
    summary="Erasures whose term runs out, the first to end leading; they name nobody",
)
def every(api: The, customer: Owner, limit: Limit = 50, after: After = None) -> Response:
    cursors = api.cursors(f"alerts|{customer.id}")
    last = cursors.read(after) if after is not None else None
    with api.ledger.read() as tx:
        standing = alerts.standing(tx, customer.id)
    following = [one for one in standing if last is None or place(one) > last][: limit + 1]
    return answer(page(following, limit, lambda one: told(one, customer.time_zone), cursors, place))


def place(one: Alert) -> list[Any]:
    """As core.ledger.alerts sorts them."""
    return [microseconds(one.deadline), one.operation.hex]
