"""Connections to platforms, on the command line."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from app import wiring
from app.commands import here
from app.commands.terminal import (
    Customer,
    InLanguage,
    Json,
    is_terminal,
    notice,
    table,
    tell,
    tell_json,
)
from app.incoming import settings_form
from app.incoming.json_input import read_object
from app.incoming.titles import titled
from app.wiring import Installation, Wish
from app.words.condition import sentence, told
from app.words.report import Paper
from core.connector import Connector, Text
from core.identity import BadInput
from core.ledger import connections
from core.ledger.connections import Connection
from core.ledger.lanes import PAUSED
from core.refusals import CannotAccept
from core.report.condition import Breaker, Condition, conditions
from core.report.values import iso

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
WHEN = "%Y-%m-%d %H:%M"

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
    accept_outside_eu: Annotated[
        bool,
        typer.Option(
            "--accept-outside-eu",
            help="Your school knows that this platform stores data outside the EU, and accepts it.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Connect an account, once the platform has shown that the credentials work there."""
    with here.installation() as found:
        owner = here.customer_named(found, customer_name)
        kind = found.reach.kind(platform)
        mapped = pairs(places or ())
        given = settings_given(kind, settings)
        wish = Wish(
            platform, titled(title), given, mapped, tuple(fields or NAMES), accept_outside_eu
        )
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
            found_to_be = conditions(tx, [one.id for one in every])
    if json:
        tell_json([of_connection(one, found_to_be[one.id], owner.time_zone) for one in every])
        return
    head = ("CONNECTION", "PLATFORM", "LISTS", "STATE", "ID")
    states = {one.id: state(one, found_to_be[one.id]) for one in every}
    table(head, [(c.title, c.platform, mapping(c), states[c.id], c.id) for c in every])


@connection.command("show")
def show(
    customer_name: Customer, title: Title, *, language: InLanguage = "en", json: Json = False
) -> None:
    """Show one connection, its secrets hidden: whether its work goes on, and who moves if not."""
    with here.installation() as found:
        zone = here.customer_named(found, customer_name).time_zone
        one = connection_titled(found, customer_name, title)
        given = shown_settings(found, one)
        with found.ledger.read() as tx:
            condition = conditions(tx, [one.id])[one.id]
    if json:
        tell_json({**of_connection(one, condition, zone), "settings": given})
        return
    paper = Paper(language, zone)
    tell(f"{one.title} ({one.platform}), {state(one, condition)}")
    tell(sentence(condition, paper))
    tell(f"breaker: {circuit(condition.lane, paper)}")
    if condition.host:
        tell(f"host {condition.host}: {circuit(condition.of_host, paper)}")
    tell(f"lists: {mapping(one) or 'none'}")
    tell(f"fields: email, {', '.join(one.fields)}")
    if one.outside_eu_accepted_at:
        tell(f"storage outside the EU: accepted {one.outside_eu_accepted_at:%Y-%m-%d}")
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


@connection.command("check")
def check(customer_name: Customer, title: Title, *, json: Json = False) -> None:
    """Prove again that the credential works there; show what it sees. Nothing is changed."""
    with here.installation() as found:
        one = connection_titled(found, customer_name, title)
        shown = wiring.check(found, one)
        can_look = found.reach.platform(one.platform).can_look
    places = [{"id": place.id, "title": place.title} for place in shown.places]
    if json:
        tell_json({"id": one.id, "title": one.title, "account": shown.account, "places": places})
        return
    if not can_look:
        tell(f'"{one.title}" is worked on by hand: nothing is called there that could be tried.')
        return
    tell(f'"{one.title}" works, at the account {shown.account}.')
    for place in shown.places:
        tell(f"    {place.id}: {place.title}")


@connection.command("pause")
def pause(customer_name: Customer, title: Title, *, json: Json = False) -> None:
    """Send nothing there for now, erasures included: their term runs on. See resume."""
    with here.installation() as found:
        one = connection_titled(found, customer_name, title)
        connections.pause(found.ledger, one.id)
    if json:
        tell_json({"id": one.id, "title": one.title, "paused": True})
    else:
        tell(f'Paused "{one.title}". What is asked waits, erasures included.')


@connection.command("resume")
def resume(customer_name: Customer, title: Title, *, json: Json = False) -> None:
    """Go on where pause stopped."""
    with here.installation() as found:
        one = connection_titled(found, customer_name, title)
        connections.resume(found.ledger, one.id)
    if json:
        tell_json({"id": one.id, "title": one.title, "paused": False})
    else:
        tell(f'"{one.title}" goes on with what waited.')


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


def state(one: Connection, condition: Condition) -> str:
    if one.closed_at:
        return f"closed {one.closed_at:%Y-%m-%d}"
    return condition.doing.replace("_", " ")


def circuit(breaker: Breaker, paper: Paper) -> str:
    since = f" since {paper.local(breaker.since):{WHEN}}" if breaker.since else ""
    until = f", until {paper.local(breaker.until):{WHEN}}" if breaker.until else ""
    word = breaker.circuit.replace("_", " ")
    return f"{word}, failures in a row: {breaker.failures}{since}{until}"


def of_connection(one: Connection, condition: Condition, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "id": one.id,
        "platform": one.platform,
        "title": one.title,
        "lists": dict(one.places),
        "fields": list(one.fields),
        "keep_refusal": one.keep_refusal,
        "paused": condition.held_for == PAUSED,
        **told(condition, zone),
        "outside_eu_accepted_at": iso(one.outside_eu_accepted_at),
        "closed_at": one.closed_at.isoformat() if one.closed_at else None,
    }
