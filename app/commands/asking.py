"""Asking something about one person."""

from __future__ import annotations

import shlex
import sys
from datetime import timedelta
from typing import Annotated, Any

import typer

from app.commands import here
from app.commands.terminal import Customer, Json, is_terminal, tell, tell_json
from app.incoming.asked import Asked, request
from app.incoming.json_input import STANDARD_INPUT
from app.wiring import Installation
from core.connector import Verb
from core.identity import check_reference
from core.ledger import customers, intake
from core.ledger.connections import of_customer
from core.ledger.intake import Accepted
from core.refusals import CannotAccept

ask = typer.Typer(
    no_args_is_help=True,
    help="Ask something about one person. A running serve or work carries it out.",
)

Reference = Annotated[
    str, typer.Argument(metavar="REFERENCE", help="Your own key for the person; no @ in it.")
]
PersonFile = Annotated[
    str,
    typer.Option(
        "--person",
        metavar="FILE.json|-",
        help="JSON with email, first_name, last_name, fields; for subscribe also basis. - reads "
        "standard input. "
        "Never give personal data as an argument: shells and process lists remember those.",
    ),
]
BasisFile = Annotated[
    str,
    typer.Option(
        "--basis",
        metavar="FILE.json|-",
        help="JSON with kind (consent, existing_customer, course_contract), id, given_at, source; "
        "may also have text_version (existing_customer must) and proof. Here or in --person.",
    ),
]
Lists = Annotated[list[str] | None, typer.Option("--list", metavar="KEY", help="May be repeated.")]
ReceivedAt = Annotated[
    str, typer.Option("--received-at", metavar="MOMENT", help="When the person asked, if not now.")
]
Channel = Annotated[str, typer.Option("--channel", help="How it came in: phone, letter …")]
CheckedHow = Annotated[
    str,
    typer.Option(
        "--identity-checked-how", help="In a few words; never the number of a passport or a name."
    ),
]

NOT_CONFIRMED = "The reference was not repeated exactly. Nothing was done."
NEEDS_YES = (
    "An erasure is for good and nobody can be asked here. Nothing was done. "
    "Add --yes if you are sure."
)
UNDO_MINUTES = 30  # where a human confirmed it, and may find out a moment later


@ask.command()
def subscribe(
    customer_name: Customer,
    reference: Reference,
    *,
    person: PersonFile,
    lists: Lists = None,
    basis: BasisFile = "",
    received_at: ReceivedAt = "",
    channel: Channel = "administration",
    identity_checked_how: CheckedHow = "",
    json: Json = False,
) -> None:
    """Put the person on lists. Needs an address, at least one --list, and a basis."""
    asked = Asked(
        verb=Verb.SUBSCRIBE,
        reference=reference,
        person=person,
        basis=basis,
        lists=lists or (),
        received_at=received_at,
        channel=channel,
        identity_checked_how=identity_checked_how,
    )
    with here.installation() as found:
        done(found, customer_name, asked, json=json)


@ask.command()
def update(
    customer_name: Customer,
    reference: Reference,
    *,
    person: PersonFile,
    received_at: ReceivedAt = "",
    channel: Channel = "administration",
    identity_checked_how: CheckedHow = "",
    json: Json = False,
) -> None:
    """Carry a change over. What is left out stays; null clears a name or a field."""
    asked = Asked(
        verb=Verb.UPDATE,
        reference=reference,
        person=person,
        received_at=received_at,
        channel=channel,
        identity_checked_how=identity_checked_how,
    )
    with here.installation() as found:
        done(found, customer_name, asked, json=json)


@ask.command()
def unsubscribe(
    customer_name: Customer,
    reference: Reference,
    *,
    lists: Lists = None,
    person: PersonFile = "",
    received_at: ReceivedAt = "",
    channel: Channel = "administration",
    identity_checked_how: CheckedHow = "",
    json: Json = False,
) -> None:
    """Stop mailings to the person: of these lists, or of all newsletters without --list."""
    asked = Asked(
        verb=Verb.UNSUBSCRIBE,
        reference=reference,
        person=person,
        lists=lists or (),
        received_at=received_at,
        channel=channel,
        identity_checked_how=identity_checked_how,
    )
    with here.installation() as found:
        done(found, customer_name, asked, json=json)


@ask.command()
def erase(
    customer_name: Customer,
    reference: Reference,
    *,
    person: PersonFile = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    undo_minutes: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=24 * 60,
            help="How long it can be undone; nothing is sent to anybody until then. Without it: "
            f"{UNDO_MINUTES} when you confirm on a terminal, 0 with --yes.",
        ),
    ] = None,
    received_at: ReceivedAt = "",
    channel: Channel = "administration",
    identity_checked_how: CheckedHow = "",
    json: Json = False,
) -> None:
    """
    Erase the person everywhere: at every connection, and here. That is for good, once the
    minutes to undo it are over.

    Give the address with --person for somebody whom we do not know: every platform is searched.
    On a terminal you type the reference again to confirm; elsewhere --yes is needed.
    """
    minutes = (0 if yes else UNDO_MINUTES) if undo_minutes is None else undo_minutes
    asked = Asked(
        verb=Verb.ERASE,
        reference=reference,
        person=person,
        received_at=received_at,
        channel=channel,
        identity_checked_how=identity_checked_how,
        undo=timedelta(minutes=minutes),
    )
    with here.installation() as found:
        if not yes:
            confirm(found, customer_name, asked)
        done(found, customer_name, asked, json=json)


def confirm(found: Installation, customer_name: str, asked: Asked) -> None:
    """Raises CannotAccept unless a human types the reference once more."""
    check_reference(asked.reference)
    if asked.person == STANDARD_INPUT or not is_terminal(sys.stdin):
        raise CannotAccept(NEEDS_YES)
    with found.ledger.read() as tx:
        owner = customers.named(tx, customer_name)
        number = len(of_customer(tx, owner.id))
    typer.echo(
        f"This erases the person at all {number} connections of {owner.name}, and here. "
        + for_good(asked.undo),
        err=True,
    )
    if typer.prompt("Type the reference to confirm", err=True) != asked.reference:
        raise CannotAccept(NOT_CONFIRMED)


def for_good(undo: timedelta) -> str:
    if not undo:
        return "It cannot be undone."
    return f"It can be undone for {undo // timedelta(minutes=1)} minutes, then never."


def done(found: Installation, customer_name: str, asked: Asked, *, json: bool) -> None:
    """Raises BadInput or CannotAccept; then nothing was stored."""
    with found.ledger.read() as tx:
        owner, now = customers.named(tx, customer_name), tx.now
    [outcome] = intake.accept(found.ledger, owner, [request(asked, owner.time_zone, now)])
    if not isinstance(outcome, Accepted):
        raise outcome
    if json:
        tell_json(of_accepted(asked.verb, outcome))
        return
    tell(f"Accepted as operation {outcome.operation}; {asked.verb} at {places(outcome.holdings)}.")
    if outcome.restricted:
        tell("The person is restricted, so it waits: courseflow-sync unrestrict lets it go on.")
    if asked.undo:
        back = shlex.join(("courseflow-sync", "undo", owner.name, str(outcome.operation)))
        tell(f"{for_good(asked.undo)} Nothing is sent or destroyed before: {back}")
    more = shlex.join(("courseflow-sync", "report", owner.name, asked.reference))
    tell(f"See what becomes of it: {more}")


def places(number: int) -> str:
    match number:
        case 0:
            return "no connection: nothing is mapped to this"
        case 1:
            return "1 connection"
        case _:
            return f"{number} connections"


def of_accepted(verb: Verb, outcome: Accepted) -> dict[str, Any]:
    return {
        "id": outcome.operation,
        "verb": verb,
        "holdings": outcome.holdings,
        "restricted": outcome.restricted,
    }
