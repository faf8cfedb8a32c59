"""Connections to platforms."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from pydantic import Field, StrictBool
from starlette.responses import Response

from app import wiring
from app.api.answers import answer
from app.api.door import Door
from app.api.openapi import reading, says, writing
from app.api.parameters import ConnectionId, Owner, The
from app.api.platform_settings import check_lists, check_settings
from app.api.problems import Kind, of
from app.api.routes.customers import Title
from app.api.routes.notices import HOOK
from app.api.shapes import like
from app.api.shapes import things as shapes
from app.api.state import Api
from app.incoming.misplaced import Misplaced
from app.incoming.operation_json import MOST_LISTS, ListKey
from app.incoming.person_json import FieldName, Given
from app.wiring import NoPlace, Wish
from app.words.condition import told as told_condition
from core.database import Transaction
from core.faces import Notices
from core.ledger import connections
from core.ledger.connections import Connection
from core.ledger.customers import Customer
from core.ledger.hints import hook_secret
from core.report import customer_report
from core.report.condition import conditions
from core.report.values import iso

EVERY = "/v1/customers/{customer}/connections"
ONE = f"{EVERY}/{{connection}}"
NAMES = ["first_name", "last_name"]
MOST_FIELDS = 100

Settings = Annotated[
    dict[str, Any],
    Field(description="As the platform needs them: see GET /v1/platforms. Never shown again."),
]

router = APIRouter(route_class=Door, tags=["connections"])


class NewConnection(Given):
    """An account at a platform, with what goes where."""

    model_config = like(
        {
            "platform": "sandbox-by-hand",
            "title": "Kaartenbak",
            "settings": {"title": "De kaartenbak"},
            "lists": {"nieuwsbrief": "contacts"},
            "fields": ["first_name"],
        }
    )

    platform: Annotated[str, Field(max_length=100)]
    title: Title
    settings: Settings
    lists: Annotated[
        dict[ListKey, Annotated[str, Field(min_length=1, max_length=500)]],
        Field(
            max_length=MOST_LISTS,
            default_factory=dict,
            description="Which list goes to which place at the platform.",
        ),
    ]
    fields: Annotated[
        list[FieldName],
        Field(max_length=MOST_FIELDS, description="Sent besides the address; no other ever is."),
    ] = NAMES
    accept_outside_eu: Annotated[
        StrictBool, Field(description="Needed where the platform stores data outside the EU.")
    ] = False


class Rotation(Given):
    """New credentials of the same account."""

    model_config = like({"settings": {"title": "De kaartenbak"}})

    settings: Settings


@router.post(
    EVERY,
    status_code=201,
    responses={**writing(Kind.CONFLICT, Kind.REFUSED), **says(shapes.Connection, 201)},
    summary="Connect an account, once the platform has shown that the credentials work there",
)
def create(api: The, customer: Owner, body: NewConnection) -> Response:
    check_settings(api.installation, body.platform, body.settings)
    check_lists(api.ledger, customer, body.lists)
    wish = Wish(
        body.platform, body.title, body.settings, body.lists, body.fields, body.accept_outside_eu
    )
    try:
        made = wiring.connect(api.installation, customer, wish)
    except NoPlace as error:
        raise Misplaced(f"/lists/{error.key}", error.shown) from None
    return told(api, customer, made, 201)


@router.get(EVERY, responses={**reading(), **says(shapes.Connections)}, summary="Every connection")
def every(api: The, customer: Owner) -> Response:
    with api.ledger.read() as tx:
        found = connections.of_customer(tx, customer.id)
        items = [of_connection(api, tx, one, customer.time_zone) for one in found]
    return answer({"items": items})


@router.get(ONE, responses={**reading(), **says(shapes.Connection)}, summary="One connection")
def show(api: The, customer: Owner, connection: ConnectionId) -> Response:
    return told(api, customer, connection)


@router.patch(
    ONE,
    responses={**writing(Kind.CONFLICT, Kind.REFUSED), **says(shapes.Connection)},
    summary="Put new credentials of the same account in place; what waited for them goes on",
)
def rotate(api: The, customer: Owner, connection: ConnectionId, body: Rotation) -> Response:
    known = owned(api, customer, connection)
    check_settings(api.installation, known.platform, body.settings)
    wiring.renew(api.installation, known, body.settings)
    return told(api, customer, connection)


@router.post(
    f"{ONE}/check",
    responses={**reading(Kind.REFUSED), **says(shapes.Checked)},
    summary="Prove the stored credential once more",
)
def check(api: The, customer: Owner, connection: ConnectionId) -> Response:
    shown = wiring.check(api.installation, owned(api, customer, connection))
    places = [{"id": place.id, "title": place.title} for place in shown.places]
    return answer({"account": shown.account, "places": places})


@router.post(
    f"{ONE}/pause",
    responses={**reading(Kind.CONFLICT, Kind.REFUSED), **says(shapes.Connection)},
    summary="Send nothing there for now, erasures included: their term runs on",
)
def pause(api: The, customer: Owner, connection: ConnectionId) -> Response:
    connections.pause(api.ledger, owned(api, customer, connection).id)
    return told(api, customer, connection)


@router.post(
    f"{ONE}/resume",
    responses={**reading(Kind.CONFLICT, Kind.REFUSED), **says(shapes.Connection)},
    summary="Go on where pause stopped",
)
def resume(api: The, customer: Owner, connection: ConnectionId) -> Response:
    connections.resume(api.ledger, owned(api, customer, connection).id)
    return told(api, customer, connection)


@router.delete(
    ONE,
    responses={**reading(), **says(shapes.Closed)},
    summary="Send nothing more there, for good; says what remains there",
)
def close(api: The, customer: Owner, connection: ConnectionId) -> Response:
    connections.close(api.ledger, owned(api, customer, connection).id)
    with api.ledger.read() as tx:
        closed = of_connection(api, tx, connections.one(tx, connection), customer.time_zone)
        report = customer_report(api.ledger, tx, customer, api.installation.platforms)
    [remains] = [one for one in report.connections if one.connection == connection]
    return answer({"connection": closed, "remains": remains.to_json()})


def owned(api: Api, customer: Customer, connection: UUID) -> Connection:
    """Raises Problem."""
    with api.ledger.read() as tx:
        return owned_in(tx, customer, connection)


def owned_in(tx: Transaction, customer: Customer, connection: UUID) -> Connection:
    for known in connections.of_customer(tx, customer.id):
        if known.id == connection:
            return known
    raise of(Kind.NOT_FOUND)


def told(api: Api, customer: Customer, connection: UUID, status: int = 200) -> Response:
    with api.ledger.read() as tx:
        one = owned_in(tx, customer, connection)
        return answer(of_connection(api, tx, one, customer.time_zone), status)


def of_connection(api: Api, tx: Transaction, one: Connection, zone: ZoneInfo) -> dict[str, Any]:
    condition = conditions(tx, [one.id])[one.id]
    return {
        "id": one.id,
        "platform": one.platform,
        "title": one.title,
        **told_condition(condition, zone),
        "lists": dict(one.places),
        "fields": list(one.fields),
        "keep_refusal": one.keep_refusal,
        "outside_eu_accepted_at": iso(one.outside_eu_accepted_at),
        "hook": hook(api, tx, one),
        "closed_at": iso(one.closed_at),
    }


def hook(api: Api, tx: Transaction, one: Connection) -> str | None:
    """Its last part is a secret: only who may change the connection sees it."""
    kind = api.installation.reach.connectors.get(one.platform)
    if kind is None or not issubclass(kind, Notices) or not one.is_open:
        return None
    return HOOK.format(connection=one.id, secret=hook_secret(api.ledger, tx, one))
