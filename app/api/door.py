"""What a request must pass before its route sees it: who asks, how often, how much."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.api.problems import Kind, Problem, of
from app.api.state import Admitted, Api, api_of
from app.api.strict_json import parsed
from core.database import Transaction
from core.ledger import api_keys, customers
from core.ledger.customers import Customer

LARGEST = 1_048_576  # bytes
PATIENCE = 30.0  # seconds for a whole body
SOON = 0.1  # seconds; of a body that takes longer the key is looked at once more
SCHEME = "bearer "
LONGEST_KEY = 200

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Read(Request):
    """A request whose body was read already, once and strictly."""

    def __init__(self, request: Request, raw: bytes, value: Any) -> None:
        super().__init__(request.scope, request.receive)
        self.raw = raw
        self.value = value

    async def body(self) -> bytes:
        return self.raw

    async def json(self) -> Any:
        return self.value


class Door(APIRoute):
    """A route behind a key. Nothing of a body is read for whom has none, or asks too often."""

    def get_route_handler(self) -> Handler:
        inner = super().get_route_handler()
        takes_body = self.body_field is not None
        known = query_names(self)

        async def through(request: Request) -> Response:
            api = api_of(request)
            request.state.admitted = await run_in_threadpool(admitted, api, request)
            heed_rate(api, request.state.admitted)
            check_query(request, known)
            if not takes_body:
                return await inner(request)
            check_type(request)
            begun = time.monotonic()
            raw = await whole_body(request)
            if time.monotonic() > begun + SOON:  # it may have been revoked meanwhile
                request.state.admitted = await run_in_threadpool(admitted, api, request)
            request.state.body = raw
            return await inner(Read(request, raw, parsed(raw)))

        return through


def admitted(api: Api, request: Request) -> Admitted:
    """Raises Problem: the same one for a customer that is another's as for one that is not."""
    presented = bearer(request)
    with api.ledger.read() as tx:
        key = api_keys.find(tx, presented) if presented else None
        if key is None:
            raise of(Kind.NO_KEY, headers={"WWW-Authenticate": 'Bearer realm="courseflow-sync"'})
        named = request.path_params.get("customer")
        customer = customer_with(tx, named) if named is not None else None
    if named is not None and (customer is None or key.customer not in {None, customer.id}):
        raise of(Kind.NOT_FOUND)
    return Admitted(key, customer)


def bearer(request: Request) -> str:
    """Empty when there is none, or two."""
    given = request.headers.getlist("authorization")
    if len(given) != 1 or not given[0].lower().startswith(SCHEME):
        return ""
    presented = given[0][len(SCHEME) :].strip()
    return presented if len(presented) <= LONGEST_KEY else ""


def customer_with(tx: Transaction, named: str) -> Customer | None:
    try:
        return customers.with_id(tx, UUID(named))
    except ValueError:
        return None


def heed_rate(api: Api, asks: Admitted) -> None:
    if wait := api.rates.wait(asks.key.id):
        raise of(Kind.TOO_MANY, headers={"Retry-After": str(wait)})


def query_names(route: APIRoute) -> set[str]:
    params = get_flat_params(route.dependant)
    return {one.alias for one in params if one.field_info.in_.value == "query"}  # type: ignore[attr-defined]  # ParamTypes


def check_query(request: Request, known: set[str]) -> None:
    """A parameter that we would not heed is refused; its name may be anything: it is not told."""
    given = [name for name, _ in request.query_params.multi_items()]
    if not set(given) <= known or len(set(given)) != len(given):
        takes = ", ".join(sorted(known)) or "none"
        raise Problem(
            Kind.INVALID,
            f"The query holds a parameter that this address does not take, or one twice. "
            f"It takes: {takes}. Nothing was stored.",
        )


def check_type(request: Request) -> None:
    given = request.headers.get("content-type", "")
    kind, _, parameters = given.partition(";")
    charset = parameters.strip().lower()
    if (
        kind.strip().lower() != "application/json"
        or charset not in {"", "charset=utf-8", 'charset="utf-8"'}
        or request.headers.get("content-encoding", "identity").lower() != "identity"
    ):
        raise of(Kind.NOT_JSON)


async def whole_body(request: Request) -> bytes:
    """Raises Problem as soon as it is too large, whatever its head said."""
    claimed = request.headers.get("content-length", "0")
    if not claimed.isdigit() or int(claimed) > LARGEST:
        raise of(Kind.TOO_LARGE)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunk in request.stream():
                size += len(chunk)
                if size > LARGEST:
                    raise of(Kind.TOO_LARGE)
                chunks.append(chunk)
    except (TimeoutError, ClientDisconnect):
        raise of(Kind.TOO_SLOW) from None
    return b"".join(chunks)
