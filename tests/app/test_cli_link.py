"""Links to pages from the command line: to the overview or to one person, ended together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app import wiring
from app.front import front
from app.settings import BadSettings, from_environment
from tests.app.conftest import PREFIX, SCHOOL, CommandLine, connect_by_hand
from tests.app.pages.conftest import request
from tests.app.test_cli_tasks import subscribe


@pytest.fixture
def waiting(school: CommandLine) -> CommandLine:
    connect_by_hand(school)
    subscribe(school)
    return school


def visit(url: str) -> httpx.Response:
    """By the front door, as ``serve`` opens it."""
    with wiring.opened(from_environment()) as found:
        return request(front(found), httpx.URL(url).path)


def lasts(made: dict[str, Any]) -> timedelta:
    return datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)


def test_a_link_leads_to_the_overview_and_with_a_reference_to_one_person(
    waiting: CommandLine,
) -> None:
    overview = waiting.ok("link", SCHOOL).strip()
    person = waiting.ok("link", SCHOOL, "cf-1").strip()
    assert overview.startswith("http://127.0.0.1:8000/s/")
    assert "<h1>Er is 1 taak voor jou</h1>" in visit(overview).text
    assert "<strong>cf-1 (a•••@e•••.nl)</strong>" in visit(person).text
    assert "cf-1" not in person


def test_a_link_works_a_week_or_as_long_as_was_asked(school: CommandLine) -> None:
    assert timedelta(days=6.9) < lasts(school.json("link", SCHOOL)) <= timedelta(days=7)
    month = school.json("link", SCHOOL, "--days", "30")
    assert timedelta(days=29.9) < lasts(month) <= timedelta(days=30)
    assert visit(month["url"]).status_code == 200


@pytest.mark.parametrize(("days", "bound"), [("0", "1"), ("31", "30"), ("-1", "1")])
def test_a_link_is_made_for_a_day_to_a_month(school: CommandLine, days: str, bound: str) -> None:
    assert f"or equal to {bound} " in school.refused("link", SCHOOL, "--days", days)


def test_nobody_gets_a_link_to_someone_we_do_not_know(school: CommandLine) -> None:
    assert "We know nobody with this reference" in school.refused("link", SCHOOL, "cf-404")
    refused = school.refused("link", SCHOOL, "anna@example.nl")
    assert "reference is no e-mail address" in refused
    assert "anna" not in refused


def test_ending_links_ends_all_that_were_made(waiting: CommandLine) -> None:
    made = [waiting.json("link", SCHOOL)["url"], waiting.json("link", SCHOOL, "cf-1")["url"]]
    assert waiting.json("unlink", SCHOOL)["links"] == "ended"
    assert [visit(url).status_code for url in made] == [404, 404]
    assert visit(waiting.json("link", SCHOOL)["url"]).status_code == 200
    assert "No earlier link" in waiting.ok("unlink", SCHOOL)


@pytest.mark.parametrize(
    ("given", "stands"),
    [
        ("https://sync.example.nl/", "https://sync.example.nl/s/"),
        ("https://example.nl/sync", "https://example.nl/sync/s/"),
        ("http://localhost:8000", "http://localhost:8000/s/"),
        ("http://[::1]:8000", "http://[::1]:8000/s/"),
    ],
)
def test_a_link_begins_with_where_people_reach_us(
    school: CommandLine, given: str, stands: str
) -> None:
    school.env[f"{PREFIX}BASE_URL"] = given
    assert school.json("link", SCHOOL)["url"].startswith(stands)


@pytest.mark.parametrize(
    "given",
    [
        "http://sync.example.nl",
        "sync.example.nl",
        "https://",
        "https://user:secret@example.nl",
        "https://example.nl/?a=b",
        "https://example.nl/#a",
        "http://[::1",
        "ftp://127.0.0.1",
        "",
    ],
)
def test_a_link_never_travels_in_the_open(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv(f"{PREFIX}BASE_URL", given)
    with pytest.raises(BadSettings, match="write the https:// address") as refusal:
        from_environment()
    assert "secret" not in str(refusal.value)
