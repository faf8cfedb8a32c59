"""Whether the audit trail is as it was sealed, on the command line."""

from __future__ import annotations

import json as jsons
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from app.commands import here
from app.commands.terminal import Json, notice, table, tell, tell_json
from app.failures import NOTHING_DONE
from core.database import Transaction
from core.ledger import audit as trail
from core.ledger import customers
from core.ledger.audit import Head, Verified
from core.ledger.customers import Customer
from core.refusals import Unknown

audit = typer.Typer(no_args_is_help=True, help="Audit: what happened, sealed in order.")

CustomerOrAll = Annotated[
    str, typer.Argument(metavar="CUSTOMER", help="One customer; without it: all of them.")
]
BROKEN = (
    "Something else than courseflow-sync changed the database, or a part of it was restored; "
    "from there on the trail proves nothing. Keep a copy of the database as it is, find out who "
    "could write to it, and compare it with your backups."
)


@audit.command("heads")
def list_heads(customer_name: CustomerOrAll = "", *, json: Json = False) -> None:
    """
    Show where each trail ends; with --json signed, on one line.

    Keep such lines where who can write to the database cannot, once an hour for instance:
    courseflow-sync audit heads --json >> FILE. Only they show that the newest events are gone.
    """
    with here.installation() as found, found.ledger.read() as tx:
        ends = [
            (owner, head, head.signed(found.ledger.keys_of(tx, owner.id)))
            for owner in asked_for(tx, customer_name)
            for head in trail.heads(tx, owner.id)
        ]
    if json:
        tell_json([signed for _, _, signed in ends])
        return
    rows = [
        (owner.name, head.position, f"{head.at:%Y-%m-%d %H:%M:%S} UTC") for owner, head, _ in ends
    ]
    table(("CUSTOMER", "EVENTS", "SEALED"), rows)


@audit.command()
def verify(
    customer_name: CustomerOrAll = "",
    *,
    kept: Annotated[
        Path | None, typer.Option("--heads", metavar="FILE", help="Lines of audit heads --json.")
    ] = None,
    json: Json = False,
) -> None:
    """
    Read every event again, and name the first that is not as it was sealed.

    Status 2 when there is one. An event is sealed within a second, while somebody works.
    """
    heads = list(read_heads(kept)) if kept else []
    with here.installation() as found, found.ledger.read() as tx:
        owners = asked_for(tx, customer_name)
        results = [trail.verify(found.ledger, tx, owner.id, heads) for owner in owners]
    if json:
        tell_json([told(one) for one in results])
    else:
        for owner, one in zip(owners, results, strict=True):
            tell(f"{owner.name}: {in_words(one)}")
    if any(one.broken for one in results):
        notice(BROKEN)
        raise typer.Exit(NOTHING_DONE)


def asked_for(tx: Transaction, name: str) -> Sequence[Customer]:
    return [customers.named(tx, name)] if name else customers.every(tx)


def read_heads(file: Path) -> Iterator[tuple[Head, bytes]]:
    """Raises Unknown, naming the line."""
    for number, line in enumerate(file.read_text().splitlines(), 1):
        try:
            yield from [Head.read(one) for one in jsons.loads(line)]
        except (ValueError, TypeError, RecursionError, Unknown):
            raise Unknown(
                f"Line {number} of {file} holds no heads of audit trails. Nothing was verified. "
                "Give a file of lines as audit heads --json prints them."
            ) from None


def in_words(one: Verified) -> str:
    if one.broken is None:
        return f"all as it was sealed; events: {one.events}."
    row = f" (row {one.event})" if one.event is not None else ""
    return f"event {one.broken}{row} is not as it was sealed: {one.how}."


def told(one: Verified) -> dict[str, object]:
    return {
        "customer": one.customer,
        "events": one.events,
        "broken": one.broken,
        "row": one.event,
        "how": one.how or None,
    }
