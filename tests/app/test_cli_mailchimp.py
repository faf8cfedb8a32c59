"""A school with Mailchimp, from connecting to a report, over the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.app.conftest import PREFIX, SCHOOL, CommandLine
from tests.imitations.mailchimp import lies
from tests.imitations.mailchimp.server import KEY
from tests.imitations.mailchimp.town import ANNA, NEWS, Town

BASIS = {"kind": "consent", "id": "b-1", "given_at": "2026-03-31", "source": "website"}
PERSON = {"email": ANNA.email, **ANNA.fields, "basis": BASIS}
SUBSCRIBE = ("ask", "subscribe", SCHOOL, "cf-1", "--person", "-", "--list", "nieuwsbrief")
CREATE = (
    "connection",
    "create",
    SCHOOL,
    "mailchimp",
    "--title",
    "Mailchimp",
    "--settings",
    "-",
    "--accept-outside-eu",
)


@pytest.fixture
def town(school: CommandLine) -> Iterator[Town]:
    with Town() as town:
        school.env[f"{PREFIX}PLATFORM_URLS"] = json.dumps({"mailchimp": town.server.url})
        origin = f"127.0.0.1:{town.server.server_port}"
        school.env[f"{PREFIX}ALLOW_INSECURE_HOSTS"] = origin
        yield town


@pytest.fixture
def subscribed(school: CommandLine, town: Town) -> CommandLine:
    school.ok(*CREATE, "--list", f"nieuwsbrief={NEWS.id}", given={"api_key": KEY})
    school.ok(*SUBSCRIBE, given=PERSON)
    school.work()
    return school


def system(cli: CommandLine) -> dict[str, Any]:
    report = cli.json("report", SCHOOL, "cf-1")
    found: dict[str, Any] = next(one for one in report["systems"] if one["kind"] == "platform")
    return found


def test_who_was_subscribed_is_shown_with_field_names(subscribed: CommandLine) -> None:
    (seen,) = system(subscribed)["seen"]
    assert (seen["presence"], seen["fields"]) == (
        "subscribed",
        ["email", "first_name", "last_name"],
    )


def test_an_erasure_is_verified_by_a_look(subscribed: CommandLine, town: Town) -> None:
    subscribed.ok("ask", "erase", SCHOOL, "cf-1", "--yes")
    subscribed.work()
    assert system(subscribed)["state"] == "not_found"
    assert town.held() == {}


def test_an_erasure_that_only_archived_is_not_called_gone(
    subscribed: CommandLine, town: Town
) -> None:
    town.server.lie("delete-permanent", lies.archives)
    subscribed.ok("ask", "erase", SCHOOL, "cf-1", "--yes")
    subscribed.work()
    found = system(subscribed)
    assert (found["state"], found["seen"][0]["presence"]) == ("sent", "archived")


def test_a_key_that_leads_elsewhere_is_refused_and_not_shown(
    school: CommandLine, town: Town
) -> None:
    key = f"{KEY[:32]}-evil.example/x?"
    said = school.refused(*CREATE, "--list", f"nieuwsbrief={NEWS.id}", given={"api_key": key})
    assert "-us21" in said
    assert KEY[:32] not in said
    assert town.server.calls == []
