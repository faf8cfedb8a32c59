"""What became of an operation, what the person was told about it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from app.api.answers import answer
from app.api.door import Door
from app.api.openapi import reading, says, writing
from app.api.pages import page
from app.api.parameters import After, Limit, OperationId, Owner, The
from app.api.problems import Kind
from app.api.refusals import existing
from app.api.routes.operations import ONE as EVERY
from app.api.shapes import like
from app.api.shapes import operations as shapes
from app.api.shapes.report import Answered
from app.incoming.given_moments import check_past, moment
from app.incoming.misplaced import placed
from app.incoming.operation_json import Note
from app.incoming.person_json import Given, Name
from core.ledger import answers, undo
from core.ledger.answers import LONGEST_REASON, Answer, Outcome
from core.report import operations
from core.report.values import of_answer

ONE = f"{EVERY}/{{operation}}"

router = APIRouter(route_class=Door, tags=["operations"])


class GivenAnswer(Given):
    """What the person was told, how, when. The reason is needed unless it was done."""

    model_config = like({"how": "letter", "at": "2026-11-24T16:30", "outcome": "done"})

    how: Note
    at: Annotated[Name, Field(description="When the person was told.")]
    outcome: Outcome
    reason: Annotated[str | None, Field(max_length=LONGEST_REASON)] = None


@router.get(
    EVERY,
    responses={**reading(Kind.BAD_CURSOR), **says(shapes.Operations)},
    summary="Operations, the newest first; they name nobody",
)
def every(api: The, customer: Owner, limit: Limit = 50, after: After = None) -> Response:
    cursors = api.cursors(f"operations|{customer.id}")
    last = UUID(cursors.read(after)[0]) if after is not None else None
    with api.ledger.read() as tx:
        found = operations.page(tx, customer.id, after=last, limit=limit + 1)
    return answer(page(found, limit, lambda one: one.to_json(), cursors, lambda one: [one.id]))


@router.get(
    ONE,
    responses={**reading(), **says(shapes.Operation)},
    summary="One operation: where it stands, what was tried and seen, whose turn it is",
)
def show(api: The, customer: Owner, operation: OperationId) -> Response:
    with existing(), api.ledger.read() as tx:
        found = operations.find(api.ledger, tx, customer, operation, api.installation.platforms)
    return answer(found.to_json())


@router.post(
    f"{ONE}/undo",
    responses={**reading(Kind.CONFLICT), **says(shapes.Operation)},
    summary="Undo an erasure while its undo_minutes run",
)
def take_back(api: The, customer: Owner, operation: OperationId) -> Response:
    with existing():
        undo.undo(api.ledger, customer, operation)
    return show(api, customer, operation)


@router.post(
    f"{ONE}/answer",
    responses={**writing(Kind.CONFLICT, Kind.REFUSED), **says(Answered)},
    summary="Record what the person was answered; that ends the term, or extends it once",
)
def record_answer(api: The, customer: Owner, operation: OperationId, body: GivenAnswer) -> Response:
    with api.ledger.read() as tx:
        now = tx.now
    with placed("/at"):
        at = check_past(moment(body.at, customer.time_zone), now)
    given = Answer(body.how, at, body.outcome, (body.reason or "").strip() or None)
    with existing():
        made = answers.answer(api.ledger, customer, operation, given)
    return answer(of_answer(made))
