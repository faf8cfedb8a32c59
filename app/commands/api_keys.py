"""Keys of the HTTP API, on the command line."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer

from app.commands import here
from app.commands.terminal import Json, notice, table, tell, tell_json
from app.incoming.titles import titled
from app.wiring import Installation
from core.ledger import api_keys
from core.ledger.api_keys import ApiKey
from core.refusals import CannotAccept
from core.report.values import iso

CustomerOrNone = Annotated[
    str,
    typer.Argument(metavar="[CUSTOMER]", help="The customer's name or id; else --operator."),
]
ForOperator = Annotated[
    bool,
    typer.Option("--operator", help="The operator's, which opens every customer."),
]
KeyId = Annotated[UUID, typer.Argument(metavar="KEY", help="The key's id, from key list.")]

ONE_OF_BOTH = (
    "Whose key it is was not said, or said twice. Nothing was done. Name a customer, or add "
    "--operator."
)


def issue(
    customer_name: CustomerOrNone = "",
    *,
    title: Annotated[str, typer.Option(help="Which program it is for.")],
    operator: ForOperator = False,
    json: Json = False,
) -> None:
    """
    Issue a key of the HTTP API. Its secret is shown this once, on standard output.

    Who has it can do for the customer whatever the API can. An operator's key opens every
    customer: only CourseFlow's own backend has one.
    """
    with here.installation() as found:
        whose = whom(found, customer_name, operator=operator)
        made = api_keys.issue(found.ledger, titled(title), whose)
    if json:
        tell_json({**of_key(made.key), "secret": made.secret})
        return
    tell(made.secret)
    notice(f'That is "{made.key.title}" ({made.key.id}). It is not shown again: keep it safe.')


def list_keys(
    customer_name: CustomerOrNone = "", *, operator: ForOperator = False, json: Json = False
) -> None:
    """Show the keys of the HTTP API, revoked ones included; never their secrets."""
    with here.installation() as found:
        whose = whom(found, customer_name, operator=operator)
        with found.ledger.read() as tx:
            every = api_keys.of_customer(tx, whose)
    if json:
        tell_json([of_key(one) for one in every])
        return
    head = ("KEY", "ISSUED", "REVOKED", "ID")
    table(head, [(k.title, iso(k.created_at), iso(k.revoked_at), k.id) for k in every])


def revoke(key: KeyId, *, json: Json = False) -> None:
    """Revoke a key of the HTTP API: from now on it opens nothing."""
    with here.installation() as found:
        with found.ledger.read() as tx:
            whose = api_keys.one(tx, key).customer
        api_keys.revoke(found.ledger, key, whose)
    if json:
        tell_json({"id": key, "revoked": True})
    else:
        tell("Revoked. It opens nothing any more.")


def whom(found: Installation, customer_name: str, *, operator: bool) -> UUID | None:
    """None is the operator. Raises CannotAccept."""
    if bool(customer_name) is operator:
        raise CannotAccept(ONE_OF_BOTH)
    return None if operator else here.customer_named(found, customer_name).id


def of_key(one: ApiKey) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title,
        "customer": one.customer,
        "created_at": iso(one.created_at),
        "revoked_at": iso(one.revoked_at),
    }
