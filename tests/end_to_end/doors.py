"""The platforms of one history: how to reach each, what it really holds, what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from app.demo.mailman_server import MailmanServer, make_lists
from connectors import installed
from connectors.sandbox.api import RIGHTS
from connectors.sandbox.api import Account as ServedAccount
from connectors.sandbox.contacts import Contacts, Habit
from connectors.sandbox.journal import Journal
from connectors.sandbox.server import LISTS
from connectors.sandbox.server import Imitation as SandboxServer
from core.connector import Connector, Platform
from core.http import WayOut
from core.report.standing import Standing
from core.testing import imitation
from core.testing.imitation import ARCHIVING, BY_DATE, HONEST, Imitation
from tests.connectors import laposta_server
from tests.databases import NOW, Clock
from tests.imitations.mailchimp.server import KEY as MAILCHIMP_KEY
from tests.imitations.mailchimp.town import Town as MailchimpTown
from tests.workers.school import ToImitation
from workers.reach import Reach

NO_TLS = laposta_server.NO_TLS
SANDBOX_KEY = "secret-of-the-sandbox"
FILLING = frozenset({"POST", "PUT", "PATCH"})

Held = Callable[[str], list[str]]


@dataclass(frozen=True, kw_only=True)
class Door:
    """
    ``held`` is the platform's own truth about an address, a text per entry. ``filled`` counts
    the requests that could create or fill something, as the platform received them. ``erased``
    and ``patrolled`` are the report's words half an hour and 31 days after an erasure.
    ``joins`` is the person at the platform's own form, where nobody else may bring back who
    was erased; None: we may.
    """

    reach: Reach
    platform: Platform
    place: str
    held: Held
    filled: Callable[[], int]
    settings: Mapping[str, str] = field(default_factory=dict)
    erased: Standing = Standing.NOT_FOUND
    patrolled: Standing = Standing.NOT_FOUND
    joins: Callable[[str], object] | None = None


def text(fields: Mapping[str, Any]) -> str:
    return " ".join(str(value) for value in fields.values())


class Counting(Reach):
    """For a real server, which tells nobody what it was asked: what left us for it."""

    filled = 0

    def connect(self, platform: str, settings: BaseModel, **checks: Any) -> Connector[Any]:
        connector = super().connect(platform, settings, **checks)
        connector.http.event_hooks["request"].append(self.count)
        return connector

    def count(self, request: httpx.Request) -> None:
        self.filled += request.method in FILLING and not request.url.path.endswith("/find")


def way_out(stack: ExitStack, clock: Clock, origin: str) -> WayOut:
    """Waiting passes the virtual time."""

    def monotonic() -> float:
        return (clock.at - NOW).total_seconds()

    def sleep(seconds: float) -> None:
        clock.passes(timedelta(seconds=seconds))

    out = WayOut(
        insecure={origin},
        verify=NO_TLS,
        clock=monotonic,
        sleep=sleep,
        now=lambda: clock.at,
    )
    stack.callback(out.close)
    return out


def imitated(declared: Platform, clock: Clock, erased: Standing, patrolled: Standing) -> Door:
    platform = Imitation(lambda: clock.at, declared)
    return Door(
        reach=ToImitation(platform),
        platform=declared,
        place=imitation.NEWS.id,
        held=lambda email: [text(one.fields) for one in platform.held(email)],
        filled=lambda: platform.made("subscribe") + platform.made("update"),
        erased=erased,
        patrolled=patrolled,
    )


def mailchimp(stack: ExitStack, clock: Clock, _: pytest.FixtureRequest) -> Door:
    town = stack.enter_context(MailchimpTown())
    town.account.now = lambda: clock.at
    audiences = town.account.audiences
    news = next(iter(audiences))
    out = way_out(stack, clock, f"127.0.0.1:{town.server.server_port}")
    return Door(
        reach=Reach(installed(), out, {"mailchimp": town.server.url}),
        platform=installed()["mailchimp"].platform,
        place=news,
        settings={"api_key": MAILCHIMP_KEY},
        held=lambda email: [
            text(member.merge_fields)
            for audience in audiences.values()
            for member in audience.members.values()
            if member.email == email
        ],
        filled=lambda: sum(
            call.method in FILLING and call.face != "delete-permanent" for call in town.server.calls
        ),
        joins=lambda email: town.account.join(news, email, FNAME="Anneke", LNAME="Bakker"),
    )


def laposta(stack: ExitStack, clock: Clock, _: pytest.FixtureRequest) -> Door:
    town = laposta_server.Town()
    stack.callback(town.end)
    server = town.platform()
    out = way_out(stack, clock, server.origin)
    return Door(
        reach=Reach(installed(), out, {"laposta": server.url}),
        platform=installed()["laposta"].platform,
        place=laposta_server.NEWS.id,
        settings={"api_key": laposta_server.KEY},
        held=lambda email: [
            text(row.fields) for each in server.lists.values() if (row := each.named(email))
        ],
        filled=lambda: sum(call.method in FILLING for call in server.calls),
    )


def sandbox(
    habit: Habit,
    erased: Standing,
    patrolled: Standing,
    stack: ExitStack,
    clock: Clock,
    request: pytest.FixtureRequest,
) -> Door:
    folder: Path = request.getfixturevalue("tmp_path")
    journal = Journal(folder / f"{habit}.jsonl")
    stack.callback(journal.close)
    contacts = Contacts(habit, LISTS, journal, now=lambda: clock.at)
    account = ServedAccount("account-1", "School", {SANDBOX_KEY: RIGHTS})
    server = SandboxServer(account, "of-the-screens", contacts)
    server.limit = None  # it counts in real seconds
    thread = Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    for end in (server.server_close, thread.join, server.shutdown):
        stack.callback(end)
    name = f"sandbox-{habit}"

    def held(email: str) -> list[str]:
        contacts.drop_due()
        return [text(one.fields) for one in contacts.search(email=email)]

    def filled() -> int:
        return sum(
            record["what"] == "arrived"
            and record["method"] in FILLING
            and not record["path"].endswith("/search")
            for record in journal.records()
        )

    return Door(
        reach=Reach(installed(), way_out(stack, clock, f"127.0.0.1:{server.server_port}"), {}),
        platform=installed()[name].platform,
        place=next(iter(LISTS)),
        settings={"base_url": server.url, "api_key": SANDBOX_KEY},
        held=held,
        filled=filled,
        erased=erased,
        patrolled=patrolled,
    )


def mailman(stack: ExitStack, clock: Clock, request: pytest.FixtureRequest) -> Door:
    server: MailmanServer = request.getfixturevalue("mailman_server")
    news, *_ = make_lists(server, "history.test", ["news"])
    http = stack.enter_context(server.client())
    out = way_out(stack, clock, httpx.URL(server.url).netloc.decode())
    reach = Counting(installed(), out, {})

    def held(email: str) -> list[str]:
        found = http.get(f"/addresses/{email}")
        return [found.json()["display_name"]] if found.is_success else []

    return Door(
        reach=reach,
        platform=installed()["mailman"].platform,
        place=news,
        settings={"base_url": server.url, "user": server.user, "password": server.password},
        held=held,
        filled=lambda: reach.filled,
    )


def by_hand(_: ExitStack, __: Clock, ___: pytest.FixtureRequest) -> Door:
    return Door(
        reach=Reach(installed(), WayOut(), {}),
        platform=installed()["sandbox-by-hand"].platform,
        place="contacts",
        settings={"title": "De Verfschuur"},
        held=lambda _: [],
        filled=lambda: 0,
    )


ARCHIVED = (Standing.STILL_THERE, Standing.STILL_THERE)
PURGED = (Standing.FINAL_ON, Standing.NOT_FOUND)
DELETED = (Standing.NOT_FOUND, Standing.NOT_FOUND)

DOORS: Mapping[str, Callable[[ExitStack, Clock, pytest.FixtureRequest], Door]] = {
    "imitation": lambda _, clock, __: imitated(HONEST, clock, *DELETED),
    "imitation-archives": lambda _, clock, __: imitated(ARCHIVING, clock, *ARCHIVED),
    "imitation-by-date": lambda _, clock, __: imitated(BY_DATE, clock, *PURGED),
    "mailchimp": mailchimp,
    "laposta": laposta,
    "mailman": mailman,
    "sandbox-archives": partial(sandbox, Habit.ARCHIVES, *ARCHIVED),
    "sandbox-thirty-days": partial(sandbox, Habit.THIRTY_DAYS, *PURGED),
    "sandbox-flaky": partial(sandbox, Habit.FLAKY, *DELETED),
}


@contextmanager
def opened(name: str, clock: Clock, request: pytest.FixtureRequest) -> Iterator[Door]:
    with ExitStack() as stack:
        yield {**DOORS, "by-hand": by_hand}[name](stack, clock, request)
