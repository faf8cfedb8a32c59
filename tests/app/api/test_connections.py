"""Connections over HTTP: proved before they are stored, paused, renewed, closed with a report."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from app import wiring
from app.api.application import create
from app.serving import serving
from app.settings import Settings
from connectors.sandbox.api import RIGHTS, Account
from connectors.sandbox.contacts import Contacts, Habit
from connectors.sandbox.journal import Journal
from connectors.sandbox.server import LISTS, Imitation
from core.ledger import api_keys, hosts, lanes
from core.ledger.schema import lanes as lane_rows
from tests.app.api.conftest import ERASE, SUBSCRIBE, School, Served, problem, school_of
from tests.app.conftest import KEY, copy

PLATFORM = "sandbox-archives"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Imitation]:
    journal = Journal(tmp_path / "journal.jsonl")
    account = Account("account-1", "School", {KEY: RIGHTS, "reads": RIGHTS[:1]})
    server = Imitation(account, "of-the-screens", Contacts(Habit.ARCHIVES, LISTS, journal))
    thread = Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
    journal.close()


@pytest.fixture
def school(migrated: Path, tmp_path: Path, platform: Imitation) -> Iterator[School]:
    """Of an installation that may reach this test's platform."""
    copy(migrated, tmp_path)
    settings = Settings(
        database_url=f"sqlite:///{tmp_path}/ledger.db",
        key_file=tmp_path / "key.json",
        allow_insecure_hosts=(f"127.0.0.1:{platform.server_port}",),
    )
    with wiring.opened(settings) as installation:
        operator = api_keys.issue(installation.ledger, "backend", None).secret
        with serving(create(installation), host="127.0.0.1", port=0) as url:
            made = school_of(Served(installation, url, operator), "De Verfschuur")
            yield made
            made.client.close()


def wish(platform: Imitation, **other: Any) -> dict[str, Any]:
    return {
        "platform": PLATFORM,
        "title": "Nieuwsbrief",
        "settings": {"base_url": platform.url, "api_key": KEY},
        "lists": {"nieuwsbrief": "nieuwsbrief"},
        **other,
    }


def connected(school: School, platform: Imitation) -> dict[str, Any]:
    answer = school.post("/connections", wish(platform))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_connection_is_made_and_never_shows_its_settings(
    school: School, platform: Imitation
) -> None:
    made = connected(school, platform)
    shown = school.get(f"/connections/{made['id']}")
    assert shown.json() == made == school.get("/connections").json()["items"][0]
    assert made["state"] == "working"
    for answer in (shown, school.get("/connections")):
        assert KEY not in answer.text
        assert platform.url not in answer.text


def test_credentials_that_do_not_work_are_refused_in_words(
    school: School, platform: Imitation
) -> None:
    before = school.served.rows()
    wrong = {"base_url": platform.url, "api_key": "zwart-geheim"}
    answer = school.post("/connections", wish(platform, settings=wrong))
    assert "does not accept" in problem(answer, 422, "refused")["detail"]
    assert "zwart-geheim" not in answer.text
    assert school.served.rows() == before


def test_a_platform_that_may_not_be_reached_is_not(school: School, platform: Imitation) -> None:
    inside = {"base_url": "http://127.0.0.1:1/", "api_key": KEY}
    problem(school.post("/connections", wish(platform, settings=inside)), 422, "refused")


def test_the_same_account_is_not_connected_twice(school: School, platform: Imitation) -> None:
    connected(school, platform)
    problem(school.post("/connections", wish(platform, title="Nog eens")), 409, "conflict")


def test_a_place_that_is_not_there_is_pointed_at(school: School, platform: Imitation) -> None:
    answer = school.post("/connections", wish(platform, lists={"nieuwsbrief": "jan@example.nl"}))
    told = problem(answer, 422, "invalid")
    assert told["where"][0]["pointer"] == "/lists/nieuwsbrief"
    assert "example.nl" not in answer.text


def test_credentials_are_renewed_for_the_same_account_only(
    school: School, platform: Imitation
) -> None:
    made = connected(school, platform)
    where = f"{school.path}/connections/{made['id']}"
    good = {"settings": {"base_url": platform.url, "api_key": KEY}}
    assert school.client.patch(where, json=good).json() == made
    platform.api.account = Account("account-2", "Another", {KEY: RIGHTS})
    problem(school.client.patch(where, json=good), 409, "conflict")


def test_a_held_connection_goes_on_with_a_key_of_the_same_account_only(
    school: School, platform: Imitation
) -> None:
    made = connected(school, platform)
    where = f"{school.path}/connections/{made['id']}"
    with school.served.installation.ledger.begin() as tx:
        lanes.hold(tx, UUID(made["id"]), lanes.CREDENTIALS)
    assert school.get(f"/connections/{made['id']}").json()["state"] == "needs_credentials"
    good = {"settings": {"base_url": platform.url, "api_key": KEY}}
    mine = platform.api.account
    platform.api.account = Account("account-2", "Another", {KEY: RIGHTS})
    told = problem(school.client.patch(where, json=good), 409, "conflict")
    assert "another account" in told["detail"]
    problem(school.post(f"/connections/{made['id']}/resume"), 409, "conflict")
    assert school.get(f"/connections/{made['id']}").json()["state"] == "needs_credentials"
    platform.api.account = mine
    assert school.client.patch(where, json=good).json()["state"] == "working"


def test_a_connection_that_does_not_answer_says_since_when_and_who_moves(
    school: School, platform: Imitation
) -> None:
    made = connected(school, platform)
    lane = lane_rows.c.connection == UUID(made["id"])
    ledger = school.served.installation.ledger
    with ledger.begin() as tx:
        away = {"failures": 2, "failing_since": tx.now, "closed_until": tx.now + MINUTE}
        tx.db.execute(sa.update(lane_rows).where(lane).values(away))
    told = school.get(f"/connections/{made['id']}").json()
    assert (told["state"], told["breaker"]["state"]) == ("unreachable", "open")
    assert told["breaker"]["failures"] == 2
    assert told["host"]["name"] == f"127.0.0.1:{platform.server_port}"
    assert "tries in a row that failed: 2" in told["says"]["en"]
    with ledger.begin() as tx:
        hosts.failed(tx, told["host"]["name"], tried=False, most=1, rest=lambda _: MINUTE)
    told = school.get(f"/connections/{made['id']}").json()
    assert (told["state"], told["host"]["state"]) == ("host_away", "open")
    assert told["host"]["name"] in told["says"]["nl"]


def test_a_platform_that_asked_for_rest_is_not_checked_before(
    school: School, platform: Imitation
) -> None:
    made = connected(school, platform)
    with school.served.installation.ledger.begin() as tx:
        lanes.rest(tx, UUID(made["id"]), MINUTE)
    told = problem(school.post(f"/connections/{made['id']}/check"), 422, "refused")
    assert "asked us to wait" in told["detail"]
    assert school.get(f"/connections/{made['id']}").json()["state"] == "resting"


def test_a_check_tells_what_the_credential_sees(school: School, platform: Imitation) -> None:
    made = connected(school, platform)
    told = school.post(f"/connections/{made['id']}/check").json()
    assert told["account"] == "School"
    assert "nieuwsbrief" in [one["id"] for one in told["places"]]


def test_a_check_of_what_no_longer_works_says_so(school: School, platform: Imitation) -> None:
    made = connected(school, platform)
    platform.api.account = Account("account-1", "School", {})
    problem(school.post(f"/connections/{made['id']}/check"), 422, "refused")


def test_a_connection_is_paused_and_goes_on(school: School, platform: Imitation) -> None:
    where = f"/connections/{connected(school, platform)['id']}"
    assert school.post(f"{where}/pause").json()["state"] == "paused"
    assert school.get(where).json()["state"] == "paused"
    assert school.post(f"{where}/resume").json()["state"] == "working"


def test_closing_tells_what_remains_there(school: School, platform: Imitation) -> None:
    made = connected(school, platform)
    school.ask(SUBSCRIBE)
    school.ask(ERASE)
    told = school.client.delete(f"{school.path}/connections/{made['id']}").json()
    assert told["connection"]["state"] == "closed"
    assert told["remains"]["unknown"] == 1
    problem(school.post(f"/connections/{made['id']}/pause"), 409, "conflict")


@pytest.mark.parametrize("what", ["", "/check", "/pause", "/resume"])
def test_a_connection_that_is_not_there_is_not_found(school: School, what: str) -> None:
    where = f"/connections/{uuid4()}{what}"
    problem(school.post(where) if what else school.get(where), 404, "not-found")


def test_platforms_tell_what_they_need(school: School) -> None:
    told = school.client.get("/v1/platforms").json()["items"]
    settings = {one["name"]: one["settings"]["required"] for one in told}
    assert settings[PLATFORM] == ["base_url", "api_key"]
