"""Every answer is guarded alike, and whatever is wrong with a link looks the same."""

from __future__ import annotations

import json
import logging
from datetime import timedelta

import pytest
from fastapi import FastAPI
from starlette.routing import Mount

from app import logs
from app.pages import doors
from app.pages.links import Link
from core.connector import Verb
from core.database import DatabaseAway
from core.ledger import customers
from tests.app.pages.conftest import WEEK, Visitor, app_of, bustling
from tests.app.pages.html import parsed
from tests.core.schools import NOW, School

GUARDS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex, nofollow",
}


@pytest.fixture
def mounted(school: School) -> Visitor:
    """As the whole application has them."""
    return Visitor(school, FastAPI(routes=[Mount(doors.MOUNTED_AT, app_of(school))]))


@pytest.mark.parametrize("path", ["pages.css", "{link}", "{person}", "abc", "a/b", "{link}/", ""])
def test_every_answer_is_guarded(mounted: Visitor, path: str) -> None:
    mounted.school.ask(Verb.SUBSCRIBE)
    links = {"link": mounted.link(), "person": mounted.link(mounted.id_of())}
    for method in ("GET", "HEAD", "POST", "DELETE", "OPTIONS"):
        answer = mounted.ask(f"/s/{path.format(**links)}", method=method)
        assert {name: answer.headers.get(name) for name in GUARDS} == GUARDS
        policy = answer.headers["content-security-policy"].split("; ")
        assert "default-src 'none'" in policy
        assert not [one for one in policy if "unsafe" in one or "*" in one]
        assert "set-cookie" not in answer.headers
        assert "location" not in answer.headers


def test_a_page_can_only_be_read(mounted: Visitor) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = mounted.ask(f"/s/{mounted.link()}", method=method)
        assert answer.status_code == 405
        assert "GET" in answer.headers["allow"]
        assert "Hier kun je alleen lezen" in answer.text


def test_a_link_that_opens_nothing_says_the_same_whatever_is_wrong(mounted: Visitor) -> None:
    school = mounted.school
    other = customers.create(school.ledger, "De Kleiput")
    school.ask(Verb.SUBSCRIBE)
    theirs = Link(other.id, mounted.id_of(), NOW, NOW + WEEK)
    link = mounted.link(lasts=timedelta(days=1))
    school.clock[0] += timedelta(days=2)
    wrong = (link, link[:-4], "abc", f"{link}/", mounted.signed(theirs), "..%2F..%2Fetc")
    answers = [mounted.ask(f"/s/{one}") for one in wrong]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert "vraag dan een nieuwe" in answers[0].text
    assert "ask whoever sent it for a new one" in answers[0].text


def test_who_opens_a_wrong_link_reads_their_own_language_first(mounted: Visitor) -> None:
    english = {"accept-language": "en-GB,en;q=0.9,nl;q=0.1"}
    page = parsed(mounted.ask("/s/abc", headers=english).text)
    assert page.texts("h1", "h2") == ["This link does not work", "Deze link werkt niet"]
    assert [one.attributes["lang"] for one in page.all("html", "section")] == ["en", "en", "nl"]


def test_the_log_names_the_route_and_never_the_link(
    mounted: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    bustling(mounted.school)
    link, person = mounted.link(), mounted.link(mounted.id_of())
    with caplog.at_level(logging.DEBUG):
        for path in (f"{link}?lang=en", person, f"{link}/x", link[:-1], "pages.css"):
            mounted.ask(f"/s/{path}")
    written = [record for record in caplog.records if logs.is_ours(record.name)]
    lines = [logs.shown(record) for record in written]
    assert [(line["route"], line["status"]) for line in lines] == [
        ("/s/{token}", 200),
        ("/s/{token}", 200),
        ("elsewhere", 404),
        ("/s/{token}", 404),
        ("/s/pages.css", 200),
    ]
    everything = json.dumps(lines) + repr([record.__dict__ for record in written])
    for telling in (link[:-1], person, "cf-123", "De Verfschuur"):
        assert telling not in everything


def test_a_database_that_is_away_loses_nothing(
    mounted: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise DatabaseAway("OperationalError")

    link = mounted.link()
    monkeypatch.setattr(mounted.school.ledger, "read", away)
    answer = mounted.ask(f"/s/{link}")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "120")
    assert "Er is niets verloren" in answer.text


def test_a_fault_of_ours_is_known_by_its_code_alone(
    mounted: Visitor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError(link)

    link = mounted.link()
    monkeypatch.setattr(doors, "scene", fails)
    answer = mounted.ask(f"/s/{link}")
    (record,) = [one for one in caplog.records if one.levelno >= logging.ERROR]
    line = logs.shown(record)
    assert answer.status_code == 500
    assert {name: answer.headers.get(name) for name in GUARDS} == GUARDS
    assert f"code door aan CourseFlow: {line['code']}." in answer.text
    assert link not in answer.text + json.dumps(line)


def test_the_pages_ask_only_for_our_own_style_sheet(mounted: Visitor) -> None:
    css = mounted.ask("/s/pages.css")
    assert css.headers["content-type"].startswith("text/css")
    assert "url(" not in css.text
    assert "@import" not in css.text
