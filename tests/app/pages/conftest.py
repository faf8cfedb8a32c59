"""Pages of an invented school, asked for as a browser does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import ASGIApp

from app.pages import create
from app.pages.links import Link, token
from core.connector import Verb
from core.ledger.intake import person_id
from core.states import State, Task
from tests.core.schools import NOW, PLATFORMS, REFERENCE, TRACE, School, school_in, seen

BASE = "http://127.0.0.1:8000"
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Visitor:
    """Someone with a browser; ``school`` makes links for them."""

    school: School
    app: ASGIApp

    def ask(
        self, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        return request(self.app, path, method=method, headers=headers)

    def overview(self, lang: str = "nl") -> str:
        return self.page(self.link(), lang)

    def person(self, reference: str = REFERENCE, lang: str = "nl") -> str:
        return self.page(self.link(self.id_of(reference)), lang)

    def page(self, written: str, lang: str) -> str:
        answer = self.ask(f"/{written}?lang={lang}")
        assert answer.status_code == 200, answer.text
        return answer.text

    def link(self, person: UUID | None = None, lasts: timedelta = WEEK) -> str:
        now = self.school.clock[0]
        return self.signed(Link(self.school.customer.id, person, now, now + lasts))

    def signed(self, link: Link) -> str:
        with self.school.ledger.read() as tx:
            return token(link, self.school.ledger.keys_of(tx, link.customer).key)

    def id_of(self, reference: str = REFERENCE) -> UUID:
        with self.school.ledger.read() as tx:
            return person_id(self.school.ledger.keys_of(tx, self.school.customer.id), reference)


def request(
    app: ASGIApp, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None
) -> httpx.Response:
    async def once() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(once())


def app_of(school: School) -> Starlette:
    return create(school.ledger, PLATFORMS)


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    with school_in(tmp_path) as made:
        yield made


@pytest.fixture
def visitor(school: School) -> Visitor:
    return Visitor(school, app_of(school))


def bustling(school: School) -> None:
    """Of an erasure came every kind of thing; another waits since yesterday."""
    titles = ("Mailman", "Laposta", "Mailchimp", "Brevo", "Enormail", "ActiveCampaign")
    found, left, waits, retries, back, fresh = (school.connect(title) for title in titles)
    cards = school.connect("Kaartenbak", "byhand")
    school.ask(Verb.SUBSCRIBE)
    school.ask(Verb.ERASE)
    acted = {"acted_seq": 2, "answered_at": NOW}
    school.bring(found, State.NOT_FOUND, reached_seq=2, due_at=None, **seen(), **acted)
    school.bring(left, State.STILL_THERE, due_at=None, **seen(NOW, TRACE), **acted)
    school.open_task(left, Task.STILL_THERE)
    month = NOW + timedelta(days=30)
    school.bring(waits, State.FINAL_ON, final_on=month, due_at=month, **seen(NOW, TRACE), **acted)
    school.bring(retries, State.RETRYING, due_at=NOW + timedelta(hours=2))
    school.bring(back, State.RETURNED, due_at=None, **seen(NOW, TRACE), **acted)
    school.open_task(back, Task.RETURNED)
    school.bring(fresh, State.QUEUED, due_at=NOW)
    school.bring(cards, State.NEEDS_YOU, due_at=None)
    school.open_task(cards, Task.BY_HAND)
    school.clock[0] = NOW - timedelta(days=1)
    for number in (7, 8, 9):
        school.ask(Verb.SUBSCRIBE, f"cf-{number}", f"els{number}@example.nl")
    school.ask(Verb.ERASE, "cf-7")
    school.clock[0] = NOW
