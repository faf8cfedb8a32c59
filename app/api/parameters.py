"""What routes take from the request besides its body."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Path, Query
from starlette.requests import Request

from app.api.problems import Kind, of
from app.api.shapes import CONNECTION, CUSTOMER, OPERATION, REFERENCE
from app.api.state import Admitted, Api, api_of
from core.identity import LONGEST_REFERENCE, check_reference
from core.ledger.api_keys import ApiKey
from core.ledger.customers import Customer

MOST = 200


async def api(request: Request) -> Api:
    return api_of(request)


async def caller(request: Request) -> ApiKey:
    admitted: Admitted = request.state.admitted
    return admitted.key


async def operator(request: Request) -> ApiKey:
    """Raises Problem."""
    key = await caller(request)
    if not key.is_operator:
        raise of(Kind.NOT_YOURS)
    return key


async def owner(
    request: Request,
    customer: Annotated[UUID, Path(description="The customer's id.", examples=[CUSTOMER])],  # noqa: ARG001  (for the document)
) -> Customer:
    """The customer that the path names: the door found it, and that the key opens it."""
    admitted: Admitted = request.state.admitted
    if admitted.customer is None:
        raise of(Kind.NOT_FOUND)
    return admitted.customer


async def raw_body(request: Request) -> bytes:
    body: bytes = request.state.body
    return body


async def checked_reference(
    reference: Annotated[
        str,
        Path(
            description="Your own key for the person, percent-encoded; never an e-mail address.",
            examples=[REFERENCE],
            min_length=1,
            max_length=LONGEST_REFERENCE,
        ),
    ],
) -> str:
    """Raises BadInput."""
    return check_reference(reference)


The = Annotated[Api, Depends(api)]
Caller = Annotated[ApiKey, Depends(caller)]
Operator = Annotated[ApiKey, Depends(operator)]
Owner = Annotated[Customer, Depends(owner)]
Body = Annotated[bytes, Depends(raw_body)]
Reference = Annotated[str, Depends(checked_reference)]

ConnectionId = Annotated[UUID, Path(description="The connection's id.", examples=[CONNECTION])]
OperationId = Annotated[UUID, Path(description="The operation's id.", examples=[OPERATION])]

Limit = Annotated[int, Query(ge=1, le=MOST, description="How many at most.")]
After = Annotated[
    str | None, Query(max_length=500, description="The cursor that `next` of the last page gave.")
]
IdempotencyKey = Annotated[
    str,
    Header(
        min_length=1,
        max_length=255,
        pattern="^[!-~]+$",
        description="A random one for each request; the same one to repeat that request. Kept "
        "for 30 days.",
        examples=["f3a1b9c2-5d0e-4a8b-9b1e-2d7c6a5f4e10"],
    ),
]
