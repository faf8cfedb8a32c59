"""Connections to platforms, on the command line."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from app import wiring
from app.commands import here
from app.commands.customers import titled
from app.commands.terminal import (
    Customer,
    Json,
    is_terminal,
    notice,
    table,
    tell,
    tell_json,
)
from app.incoming import settings_form
from app.incoming.json_input import read_object
from app.wiring import Installation, Wish
from core.connector import Connector, Text
from core.identity import BadInput
from core.ledger import connections
from core.ledger.connections import Connection
from core.refusals import CannotAccept

connection = typer.Typer(
    no_args_is_help=True, help="Connections: one account at a newsletter platform each."
)

Title = Annotated[str, typer.Argument(metavar="CONNECTION", help="The connection's title or id.")]

Settings = Annotated[
    str,
    typer.Option(
        metavar="FILE.json|-",
        help="JSON with the settings, credentials included; - reads standard input. Without "
        "it you are asked on the terminal. Never give credentials as an argument.",
    ),
]

NAMES = ("first_name", "last_name")

NOT_A_PAIR = Text(
    nl="Een lijst schrijf je als SLEUTEL=PLAATS, elke sleutel een keer.",
    en="Write a list as KEY=PLACE, each key once.",
)


@connection.command("create")
def create(
    customer_name: Customer,
    platform: Annotated[
        str, typer.Argument(metavar="PLATFORM", help="See: courseflow-sync connection platforms")
    ],
    *,
    title: Annotated[str, typer.Option(help="What people read; not taken yet.")],
    settings: Settings = "",
    places: Annotated[
        list[str] | None,
        typer.Option(
            "--list",
            metavar="KEY=PLACE",
            help="Which list goes to which place at the platform. May be repeated.",
        ),
    ] = None,
    fields: Annotated[
        list[str] | None,
        typer.Option(
            "--field",
            metavar="NAME",
            help="Which fields are sent besides the address; no other ever is. May be repeated. "
            "Without it: first_name and last_name.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Connect an account, once the platform has shown that the credentials work there."""
    with here.installation() as found:
        owner = here.customer_named(found, customer_name)
        kind = found.reach.kind(platform)
        mapped = pairs(places or ())
        given = settings_given(kind, settings)
        wish = Wish(platform, titled(title), given, mapped, tuple(fields or NAMES))
        made = wiring.connect(found, owner, wish)
    if json:
        tell_json({"id": made, "platform": platform, "title": wish.title, "lists": mapped})
        return
    tell(f'Connected "{wish.title}" at {kind.platform.title} ({made}).')
    if not mapped:
        notice("No list goes there, so nobody is subscribed there; erasures do search it.")


@connection.command("list")
def list_connections(customer_name: Customer, *, json: Json = False) -> None:
    """Show a customer's connections, closed ones included."""
    with here.installation() as found:
        owner = here.customer_named(found, customer_name)
        with found.ledger.read() as tx:
            every = connections.of_customer(tx, owner.id)
    if json:
        tell_json([of_connection(one) for one in every])
        return
    head = ("CONNECTION", "PLATFORM", "LISTS", "STATE", "ID")
    table(head, [(c.title, c.platform, mapping(c), state(c), c.id) for c in every])


@connection.command("show")
def show(customer_name: Customer, title: Title, *, json: Json = False) -> None:
    """Show one connection, its secrets hidden."""
    with here.installation() as found:
        one = connection_titled(found, customer_name, title)
        given = shown_settings(found, one)
    if json:
        tell_json({**of_connection(one), "settings": given})
        return
    tell(f"{one.title} ({one.platform}), {state(one)}")
    tell(f"lists: {mapping(one) or 'none'}")
    tell(f"fields: email, {', '.join(one.fields)}")
    for name, value in given.items():
        tell(f"{name}: {value}")


@connection.command("renew")
def renew(
    customer_name: Customer, title: Title, *, settings: Settings = "", json: Json = False
) -> None:
    """Put new credentials of the same account in place, and go on with what waited for them."""
    with here.installation() as found:
        one = connection_titled(found, customer_name, title)
        wiring.renew(found, one, settings_given(found.reach.kind(one.platform), settings))
    if json:
        tell_json({"id": one.id, "title": one.title, "renewed": True})
    else:
        tell(f'"{one.title}" works again. What waited for it goes on now.')


@connection.command("close")
def close(customer_name: Customer, title: Title, *, json: Json = False) -> None:
    """
    Send nothing more there, for good. What the platform holds stays, and stays in the report.

    Erase first whom you want erased: after this we can neither do it nor look.
    """
    with here.installation() as found:
        one = connection_titled(found, customer_name, title)
        connections.close(found.ledger, one.id)
    if json:
        tell_json({"id": one.id, "title": one.title, "closed": True})
    else:
        tell(f'Closed "{one.title}". What it holds stays there, and stays in the report.')


def settings_given(kind: type[Connector[Any]], named: str) -> Mapping[str, Any]:
    """Raises BadInput or CannotAccept."""
    model = kind.settings_model
    if named:
        given = read_object(named)
        if not given.keys() <= model.model_fields.keys():
            raise CannotAccept(
                f"The settings name something that {kind.platform.title} does not have. Nothing "
                f"was stored. It has: {settings_form.needed(model)}."
            )
        return given
    if not is_terminal(sys.stdin):
        raise CannotAccept(
            f"No settings were given. {kind.platform.title} has: {settings_form.needed(model)}. "
            "Put them in a JSON file that only you can read, and add --settings FILE."
        )
    return settings_form.asked(model)


def pairs(written: Sequence[str]) -> dict[str, str]:
    """Raises BadInput."""
    found = dict(one.partition("=")[::2] for one in written)
    if len(found) != len(written) or not all(map(all, found.items())):
        raise BadInput(NOT_A_PAIR)
    return found


def connection_titled(found: Installation, customer_name: str, title: str) -> Connection:
    owner = here.customer_named(found, customer_name)
    with found.ledger.read() as tx:
        return connections.titled(tx, owner.id, title)


def shown_settings(found: Installation, one: Connection) -> Mapping[str, Any]:
    with found.ledger.read() as tx:
        given = connections.settings_of(found.ledger, tx, one)
    return settings_form.without_secrets(found.reach.settings(one.platform, given))


def mapping(one: Connection) -> str:
    return ", ".join(f"{key}={place}" for key, place in one.places.items())


def state(one: Connection) -> str:
    return f"closed {one.closed_at:%Y-%m-%d}" if one.closed_at else "open"


def of_connection(one: Connection) -> dict[str, Any]:
    return {
        "id": one.id,
        "platform": one.platform,
        "title": one.title,
        "lists": dict(one.places),
        "fields": list(one.fields),
        "keep_refusal": one.keep_refusal,
        "closed_at": one.closed_at.isoformat() if one.closed_at else None,
    }
