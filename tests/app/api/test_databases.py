"""The API is the same on SQLite as on PostgreSQL, several processes at once included."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from app import wiring
from app.api.application import create
from app.serving import serving
from app.settings import Settings
from core import keyfile
from core.ledger import api_keys
from core.migrations import Store
from tests.app.api.conftest import ERASE, SUBSCRIBE, School, Served, school_of
from tests.databases import Urls


@pytest.fixture
def schools(urls: Urls, tmp_path: Path) -> Iterator[list[School]]:
    """One school, asked by way of two installations that share the databases."""
    keyfile.create(tmp_path / "key.json")
    settings = Settings(
        database_url=urls[Store.LEDGER],
        safe_url=urls[Store.SAFE],
        key_file=tmp_path / "key.json",
    )
    with ExitStack() as stack:
        opened = [stack.enter_context(wiring.opened(settings)) for _ in range(2)]
        ends = [
            stack.enter_context(serving(create(one), host="127.0.0.1", port=0)) for one in opened
        ]
        first = school_of(Served(opened[0], ends[0], ""), "De Verfschuur")
        secret = api_keys.issue(opened[0].ledger, "website", first.customer.id).secret
        yield [
            School(
                served,
                first.customer,
                first.key,
                stack.enter_context(served.client(secret)),
            )
            for served in (Served(one, end, "") for one, end in zip(opened, ends, strict=True))
        ]
        first.client.close()


def test_a_school_is_served(schools: list[School]) -> None:
    one, other = schools
    made = one.connect_by_hand()
    assert one.batch(SUBSCRIBE, {**SUBSCRIBE, "verb": "destroy"}).status_code == 202
    asked = other.ask(ERASE).json()
    assert [held["connection"] for held in asked["holdings"]] == [made["id"]]
    for where in ("/report", "/people/cf-1/report", "/people/cf-1/export", "/tasks"):
        assert other.get(where).status_code == 200
    first = one.get("/operations", limit="1").json()
    assert first["items"][0]["id"] == asked["id"]
    second = one.get("/operations", limit="1", after=first["next"]).json()
    assert second["items"][0]["verb"] == "subscribe"
    assert one.client.delete(f"{one.path}/connections/{made['id']}").status_code == 200


def test_a_request_that_goes_to_two_processes_at_once_is_done_once(schools: list[School]) -> None:
    before = schools[0].served.rows()["operations"]
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda n: schools[n % 2].ask(SUBSCRIBE, "k"), range(8)))
    assert schools[0].served.rows()["operations"] == before + 1
    assert len({one.content for one in told if one.status_code == 202}) == 1
    assert {one.status_code for one in told} <= {202, 409}
