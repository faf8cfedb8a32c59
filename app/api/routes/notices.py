"""Where platforms tell that somebody changed there: a reason to look, never more."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import nothing
from app.api.door import whole_body
from app.api.openapi import refuses
from app.api.parameters import ConnectionId, The
from app.api.problems import Kind, Problem, of
from app.api.state import Api
from core.connector import Connector
from core.errors import Refused, Unreadable
from core.faces import Notice, Notices
from core.ledger import connections, hints
from core.ledger.connections import Connection

HOOK = "/in/{connection}/{secret}"

Secret = Annotated[str, Path(max_length=200, description="Part of the address that we gave.")]

UNREADABLE = (
    "This notice cannot be read. Nothing was stored. See whether the platform's webhook sends "
    "what its documentation says."
)

router = APIRouter(tags=["platforms"])


@router.get(
    HOOK,
    status_code=204,
    responses=refuses(Kind.NOT_FOUND, Kind.AWAY),
    summary="A platform tries the address of its webhook",
)
def tried(api: The, connection: ConnectionId, secret: Secret) -> Response:
    noticing(api, connection, secret)
    return nothing()


@router.post(
    HOOK,
    status_code=204,
    responses=refuses(
        Kind.NOT_FOUND, Kind.TOO_SLOW, Kind.TOO_LARGE, Kind.INVALID, Kind.TOO_MANY, Kind.AWAY
    ),
    summary="A platform tells that somebody may have changed there",
)
async def told(request: Request, api: The, connection: ConnectionId, secret: Secret) -> Response:
    """
    Where the platform signs, the signature is checked. What the notice says is never believed:
    whoever it names gets a look.
    """
    await run_in_threadpool(noticing, api, connection, secret)
    body = await whole_body(request)
    headers = dict(request.headers)
    await run_in_threadpool(heed, api, connection, secret, body, headers)
    return nothing()


def heed(api: Api, connection: UUID, secret: str, body: bytes, headers: dict[str, str]) -> None:
    """Raises Problem."""
    known, connector = noticing(api, connection, secret)
    if wait := api.rates.wait(known.id):
        raise of(Kind.TOO_MANY, headers={"Retry-After": str(wait)})
    with api.ledger.read() as tx:
        notice = Notice(body, headers, tx.now)
    try:
        whom = connector.whom(notice)
    except Refused:
        raise of(Kind.NOT_FOUND) from None
    except Unreadable:
        raise Problem(Kind.INVALID, UNREADABLE) from None
    hints.look_again(api.ledger, known, whom)


def noticing(api: Api, connection: UUID, secret: str) -> tuple[Connection, Notices]:
    """Raises Problem, the same one for whatever is wrong."""
    with api.ledger.read() as tx:
        known = connections.with_id(tx, connection)
        if known is None or not hints.is_hook_secret(api.ledger, tx, known, secret):
            raise of(Kind.NOT_FOUND)
        given = connections.settings_of(api.ledger, tx, known)
    reach = api.installation.reach
    connector: Connector[Any] = reach.connect(known.platform, reach.settings(known.platform, given))
    if not isinstance(connector, Notices) or not known.is_open:
        raise of(Kind.NOT_FOUND)
    return known, connector
