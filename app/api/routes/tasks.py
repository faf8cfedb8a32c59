"""Tasks: the work that only a human can do."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import AfterValidator, Field
from starlette.responses import Response

from app.api.answers import answer
from app.api.door import Door
from app.api.openapi import reading, says, writing
from app.api.pages import page
from app.api.parameters import After, Limit, Owner, The
from app.api.problems import Kind, Problem
from app.api.refusals import existing
from app.api.shapes import TASK, like
from app.api.shapes import things as shapes
from app.api.state import Api
from app.incoming.person_json import Given
from app.incoming.titles import checked_role
from app.words.tasks import Details, details
from core.connector import Platform
from core.ledger import tasks
from core.ledger.customers import Customer
from core.ledger.tasks import OpenTask
from core.moments import EPOCH, MICROSECOND
from core.refusals import Unknown
from core.report.values import iso, words
from core.report.work import steps, works

EVERY = "/v1/customers/{customer}/tasks"
ONE = f"{EVERY}/{{task}}"

TaskId = Annotated[UUID, Path(description="The task's id.", examples=[TASK])]

ABOUT_CONNECTION = (
    "This task is about the whole connection. Nothing was noted: it closes by itself once the "
    "connection works again."
)
CLOSED = "This task was closed before. Nothing was noted. Read it again."

router = APIRouter(route_class=Door, tags=["tasks"])


class Attestation(Given):
    """That the task was done, on the word of somebody in this role."""

    model_config = like({"role": "administration"})

    role: Annotated[
        str,
        AfterValidator(checked_role),
        Field(pattern="^[a-z][a-z -]{1,49}$", description="A role, never a name."),
    ]


@router.get(
    EVERY,
    responses={**reading(Kind.BAD_CURSOR), **says(shapes.Tasks)},
    summary="Open tasks, the most urgent first; they name nobody",
)
def every(api: The, customer: Owner, limit: Limit = 50, after: After = None) -> Response:
    cursors = api.cursors(f"tasks|{customer.id}")
    last = cursors.read(after) if after is not None else None
    with api.ledger.read() as tx:
        waiting = tasks.waiting(tx, customer.id)
    following = [one for one in waiting if last is None or place(one) > last][: limit + 1]

    def told(one: OpenTask) -> Any:
        [work] = works([one], api.installation.platforms, customer.time_zone)
        return work.to_json()

    return answer(page(following, limit, told, cursors, place))


def place(one: OpenTask) -> list[Any]:
    """As core.ledger.tasks sorts them."""
    deadline = (one.deadline - EPOCH) // MICROSECOND if one.deadline else 0
    return [one.deadline is None, deadline, (one.opened_at - EPOCH) // MICROSECOND, one.id.hex]


@router.get(
    ONE,
    responses={**reading(), **says(shapes.TaskDetails)},
    summary="One task: whom it is about, every address to look for, how to do it",
)
def show(api: The, customer: Owner, task: TaskId) -> Response:
    one = found(api, customer, task)
    return answer(of_details(one, api.installation.platforms.get(one.connection.platform)))


@router.post(
    f"{ONE}/attestation",
    responses={**writing(Kind.CONFLICT), **says(shapes.Attested)},
    summary="Say that the task was done; where we can look, we look again and that decides",
)
def attest(api: The, customer: Owner, task: TaskId, body: Attestation) -> Response:
    one = found(api, customer, task)
    if not one.about_person:
        raise Problem(Kind.CONFLICT, ABOUT_CONNECTION)
    platform = api.installation.reach.platform(one.connection.platform)
    try:
        state = tasks.attest(api.ledger, customer.id, task, role=body.role, platform=platform)
    except Unknown:
        raise Problem(Kind.CONFLICT, CLOSED) from None
    return answer({"id": task, "state": state, "verified": False, "looks": platform.can_look})


def found(api: Api, customer: Customer, task: UUID) -> Details:
    """Raises Problem."""
    with existing(), api.ledger.read() as tx:
        return details(api.ledger, tx, task, customer=customer.id)


def of_details(one: Details, platform: Platform | None) -> dict[str, Any]:
    who = one.subject
    subject = {
        "reference": who.reference,
        "emails": list(who.emails),
        "fields": dict(who.fields),
    } if who else None  # fmt: skip
    return {
        "id": one.id,
        "kind": one.kind,
        "verb": one.verb,
        "connection": one.connection.id,
        "platform": one.connection.platform,
        "title": one.connection.title,
        "opened_at": iso(one.opened_at),
        "deadline": iso(one.deadline),
        "closed_at": iso(one.closed_at),
        "person": subject,
        "subscribe": list(one.subscribe),
        "unsubscribe": list(one.unsubscribe),
        "by_hand": words(steps(platform, one.kind, one.verb)),
    }
