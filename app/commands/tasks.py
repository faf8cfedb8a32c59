"""Tasks: the work that only a human can do, on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import typer

from app.commands import here
from app.commands.terminal import (
    Customer,
    InLanguage,
    Json,
    both,
    in_language,
    table,
    tell,
    tell_json,
)
from app.incoming.titles import checked_role
from app.words.report import Language
from app.words.tasks import Details, details, sentence
from app.words.vocabulary import FIELDS
from core.connector import Platform, Text
from core.ledger import tasks as ledger_tasks
from core.ledger.tasks import OpenTask
from core.refusals import Unknown
from core.report.work import steps

tasks = typer.Typer(no_args_is_help=True, help="Tasks: the work that only a human can do.")

TaskId = Annotated[UUID, typer.Argument(metavar="TASK", help="The task's id, from tasks list.")]

HEADS = {
    "who": Text(nl="Over:", en="About:"),
    "address": Text(nl="Adres:", en="Address:"),
    "subscribe": Text(nl="Aanmelden bij:", en="Subscribe to:"),
    "unsubscribe": Text(nl="Afmelden van:", en="Unsubscribe from:"),
    "how": Text(nl="Zo doe je het:", en="How to:"),
    "by": Text(nl="Uiterlijk:", en="By:"),
    "then": Text(
        nl="Klaar? courseflow-sync tasks attest {id} --role ROL",
        en="Done? courseflow-sync tasks attest {id} --role ROLE",
    ),
    "closed": Text(nl="Deze taak is al gesloten.", en="This task is closed already."),
    "gone": Text(
        nl="Van deze persoon is hier niets meer bewaard.",
        en="Nothing of this person is kept here any more.",
    ),
    "clear": Text(nl="(leegmaken)", en="(clear it)"),
}


@tasks.command("list")
def list_tasks(customer_name: Customer, *, language: InLanguage = "en", json: Json = False) -> None:
    """Show a customer's open tasks, the most urgent first. It names nobody: see tasks show."""
    with here.installation() as found:
        owner = here.customer_named(found, customer_name)
        with found.ledger.read() as tx:
            waiting = ledger_tasks.waiting(tx, owner.id)
    if json:
        tell_json([of_task(one) for one in waiting])
        return
    rows = []
    for one in waiting:
        what = in_language(sentence(one.kind, one.verb, one.title), language)
        rows.append((one.id, day(one.deadline, owner.time_zone), one.platform, what))
    table(("TASK", "BY", "PLATFORM", "WHAT"), rows)


@tasks.command("show")
def show(task: TaskId, *, language: InLanguage = "en", json: Json = False) -> None:
    """Show one task: whom it is about, every address to look for, and how to do it."""
    with here.installation() as found:
        with found.ledger.read() as tx:
            one = details(found.ledger, tx, task)
        platform = found.reach.platform(one.connection.platform)
    if json:
        tell_json(of_details(one, platform))
        return
    for line in described(one, platform, language):
        tell(line)


@tasks.command("attest")
def attest(
    task: TaskId,
    *,
    role: Annotated[str, typer.Option(help="Who says so: a role, never a name.")],
    json: Json = False,
) -> None:
    """
    Say that the task was done.

    Where we can look, we look again and that decides. Elsewhere it becomes attested: the word
    of a human, not verified.
    """
    checked_role(role)
    with here.installation() as found:
        with found.ledger.read() as tx:
            one = details(found.ledger, tx, task)
        if not one.about_person:
            raise Unknown(
                "This task is about the whole connection. Nothing was noted: it closes by itself "
                "once the connection works again."
            )
        platform = found.reach.platform(one.connection.platform)
        state = ledger_tasks.attest(found.ledger, one.customer, task, role=role, platform=platform)
    if json:
        tell_json({"id": task, "state": state, "verified": False, "looks": platform.can_look})
    elif platform.can_look:
        tell("Noted. We look at the platform again now, and that decides.")
    else:
        tell("Noted as attested. Nobody can verify it: we cannot look there.")


def described(one: Details, platform: Platform, language: Language) -> Iterator[str]:
    def say(text: Text) -> str:
        return in_language(text, language)

    yield say(sentence(one.kind, one.verb, one.connection.title))
    if one.closed_at:
        yield say(HEADS["closed"])
        return
    if one.deadline:
        yield f"{say(HEADS['by'])} {day(one.deadline, one.time_zone)}"
    yield from about(one, language)
    if step := steps(platform, one.kind, one.verb):
        yield f"{say(HEADS['how'])} {say(step)}"
    if one.about_person:
        yield say(HEADS["then"]).format(id=one.id)


def about(one: Details, language: Language) -> Iterator[str]:
    head = {name: in_language(text, language) for name, text in HEADS.items()}
    if not one.about_person:
        return
    if one.subject is None:
        yield head["gone"]
        return
    yield f"{head['who']} {one.subject.reference}"
    yield from (f"{head['address']} {email}" for email in one.subject.emails)
    for name, value in one.subject.fields.items():
        word = in_language(FIELDS[name], language) if name in FIELDS else name
        yield f"{word}: {value or head['clear']}"
    if one.subscribe:
        yield f"{head['subscribe']} {', '.join(one.subscribe)}"
    if one.unsubscribe:
        yield f"{head['unsubscribe']} {', '.join(one.unsubscribe)}"


def day(moment: datetime | None, zone: ZoneInfo) -> str | None:
    """As in the school's report."""
    return f"{moment.astimezone(zone):%Y-%m-%d}" if moment else None


def of_task(one: OpenTask) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "verb": one.verb,
        "connection": one.connection,
        "platform": one.platform,
        "title": one.title,
        "opened_at": one.opened_at.isoformat(),
        "deadline": one.deadline.isoformat() if one.deadline else None,
    }


def of_details(one: Details, platform: Platform) -> dict[str, Any]:
    who = one.subject
    return {
        "id": one.id,
        "kind": one.kind,
        "verb": one.verb,
        "connection": one.connection.id,
        "platform": one.connection.platform,
        "title": one.connection.title,
        "opened_at": one.opened_at.isoformat(),
        "deadline": one.deadline.isoformat() if one.deadline else None,
        "closed_at": one.closed_at.isoformat() if one.closed_at else None,
        "person": {
            "reference": who.reference,
            "emails": list(who.emails),
            "fields": dict(who.fields),
        }
        if who
        else None,
        "subscribe": list(one.subscribe),
        "unsubscribe": list(one.unsubscribe),
        "steps": both(step) if (step := steps(platform, one.kind, one.verb)) else None,
    }
