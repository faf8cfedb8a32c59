"""Customers with their lists, on the command line."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app.commands import here
from app.commands.terminal import Customer, Json, table, tell, tell_json
from app.incoming.titles import checked_key, titled
from core.ledger import customers
from core.ledger.customers import MailingList, Purpose, lists_of

customer = typer.Typer(no_args_is_help=True, help="Customers: the schools whose data it is.")
lists = typer.Typer(no_args_is_help=True, help="A customer's lists: their streams of mail.")


@customer.command("create")
def create(
    name: Annotated[str, typer.Argument(help="The customer's name; not taken yet.")],
    *,
    time_zone: Annotated[
        str, typer.Option("--time-zone", help="In which legal terms are counted.")
    ] = "Europe/Amsterdam",
    json: Json = False,
) -> None:
    """Add a customer, with a key of its own for all its data."""
    with here.installation() as found:
        made = customers.create(found.ledger, titled(name), time_zone)
    if json:
        tell_json(of_customer(made))
    else:
        tell(f'Made the customer "{made.name}" ({made.id}).')


@customer.command("list")
def list_customers(*, json: Json = False) -> None:
    """Show every customer."""
    with here.installation() as found, found.ledger.read() as tx:
        every = customers.every(tx)
    if json:
        tell_json([of_customer(one) for one in every])
    else:
        table(("CUSTOMER", "TIME ZONE", "ID"), [(c.name, c.time_zone.key, c.id) for c in every])


@lists.command("put")
def put(
    customer_name: Customer,
    key: Annotated[str, typer.Argument(help="Short, such as nieuwsbrief; files and API use it.")],
    *,
    purpose: Annotated[
        Purpose,
        typer.Option(help="Leaving all newsletters leaves course_info lists as they are."),
    ],
    title: Annotated[str, typer.Option(help="What people read.")],
    json: Json = False,
) -> None:
    """Add a list, or give the list with this key another purpose and title."""
    wanted = MailingList(checked_key(key), purpose, titled(title))
    with here.installation() as found:
        customers.put_list(found.ledger, here.customer_named(found, customer_name), wanted)
    if json:
        tell_json(of_list(wanted))
    else:
        tell(f'The list "{wanted.key}" is {wanted.purpose}: {wanted.title}.')


@lists.command("show")
def show(customer_name: Customer, *, json: Json = False) -> None:
    """Show a customer's lists."""
    with here.installation() as found:
        owner = here.customer_named(found, customer_name)
        with found.ledger.read() as tx:
            known = lists_of(tx, owner.id).values()
    if json:
        tell_json([of_list(one) for one in known])
    else:
        table(("LIST", "PURPOSE", "TITLE"), [(one.key, one.purpose, one.title) for one in known])


def of_customer(one: customers.Customer) -> dict[str, Any]:
    return {"id": one.id, "name": one.name, "time_zone": one.time_zone.key}


def of_list(one: MailingList) -> dict[str, Any]:
    return {"key": one.key, "purpose": one.purpose, "title": one.title}
