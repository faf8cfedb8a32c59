"""What leaves, and what is asked and written down before and after."""

from __future__ import annotations

import logging
from datetime import timedelta

import httpx
import pytest
import respx

from core.errors import LeaseLost, Refused, TryLater
from core.http import READS, WayOut
from tests.core.http.conftest import PLATFORM, Clock

HOST = f"https://{PLATFORM}"


def test_only_known_headers_leave(http: httpx.Client) -> None:
    http.headers["api-key"] = "invented"
    with respx.mock:
        route = respx.route(host=PLATFORM).respond(200, json={})
        http.post("/people", json={}, auth=("user", "invented"))
    assert {name.lower() for name in route.calls.last.request.headers} == {
        "host",
        "accept",
        "accept-encoding",
        "api-key",
        "authorization",
        "content-length",
        "content-type",
        "user-agent",
    }


def test_an_unknown_header_is_refused_aloud(http: httpx.Client) -> None:
    with pytest.raises(Refused, match=f"^headers that are not sent to {PLATFORM}: x-person$"):
        http.get("/people", headers={"X-Person": "jan@example.nl"})


def test_a_cookie_is_an_unknown_header(http: httpx.Client) -> None:
    http.cookies.set("a", "b")
    with pytest.raises(Refused):
        http.get("/people")


def test_identity_is_the_only_encoding_asked_for(http: httpx.Client) -> None:
    with respx.mock:
        route = respx.route(host=PLATFORM).respond(200, json={})
        http.get("/people", headers={"Accept-Encoding": "gzip", "Host": "evil.test"})
    assert route.calls.last.request.headers["Accept-Encoding"] == "identity"
    assert route.calls.last.request.headers["Host"] == PLATFORM


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "OPTIONS", "BREW"])
def test_a_method_that_no_platform_needs_is_refused(method: str, http: httpx.Client) -> None:
    with pytest.raises(Refused):
        http.request(method, "/people")


@pytest.mark.parametrize(
    "path", ["/\n", "/" + "a" * 70_000, "https://[::1/", "https://\x00/", "/\ud800"]
)
def test_what_cannot_be_a_url_is_refused_without_a_trace(path: str, http: httpx.Client) -> None:
    with pytest.raises(Refused) as caught:
        http.get(path)
    assert caught.value.__context__ is None


def test_a_body_that_cannot_be_encoded_is_refused_without_a_trace(http: httpx.Client) -> None:
    with pytest.raises(Refused) as caught:
        http.post("/people", json={"name": "Jan \ud800"})
    assert caught.value.__context__ is None


def test_pacing_comes_before_every_request_and_the_fence_before_changes(way_out: WayOut) -> None:
    said: list[str] = []
    http = way_out.client(
        base_url=HOST,
        hosts=[PLATFORM],
        deadline=timedelta(seconds=9),
        before_call=lambda: said.append("call"),
        before_change=lambda: said.append("change"),
    )
    with http, respx.mock:
        respx.route(host=PLATFORM).respond(200, json={})
        http.get("/")
        http.post("/", extensions=READS)
        http.delete("/")
    assert said == ["call", "call", "call", "change"]


def test_a_repeat_is_paced_and_fenced_like_any_request(way_out: WayOut) -> None:
    said: list[str] = []
    http = way_out.client(
        base_url=HOST,
        hosts=[PLATFORM],
        deadline=timedelta(seconds=9),
        before_call=lambda: said.append("call"),
        before_change=lambda: said.append("change"),
    )
    with http, respx.mock:
        respx.route(host=PLATFORM).mock(side_effect=httpx.ConnectError)
        with pytest.raises(TryLater):
            http.delete("/")
    assert said == ["call", "change"] * 3


def test_a_lost_lease_sends_nothing_and_stays_a_lost_lease(way_out: WayOut) -> None:
    def lost() -> None:
        raise LeaseLost

    http = way_out.client(
        base_url=HOST, hosts=[PLATFORM], deadline=timedelta(seconds=9), before_change=lost
    )
    with http, respx.mock:
        route = respx.route(host=PLATFORM).respond(200, json={})
        with pytest.raises(LeaseLost):
            http.delete("/")
    assert not route.called


def test_pacing_counts_for_the_deadline_and_nothing_leaves_after_it(
    way_out: WayOut, clock: Clock
) -> None:
    fenced: list[str] = []
    http = way_out.client(
        base_url=HOST,
        hosts=[PLATFORM],
        deadline=timedelta(seconds=9),
        before_call=lambda: clock.sleep(9),
        before_change=lambda: fenced.append("change"),
    )
    with http, respx.mock:
        route = respx.route(host=PLATFORM).respond(200, json={})
        with pytest.raises(TryLater, match=f"^no time left for {PLATFORM}$"):
            http.delete("/")
    assert not route.called
    assert fenced == []


def test_the_deadline_is_for_all_calls_together(way_out: WayOut, clock: Clock) -> None:
    http = way_out.client(base_url=HOST, hosts=[PLATFORM], deadline=timedelta(seconds=9))
    with http, respx.mock:
        respx.route(host=PLATFORM).respond(200, json={})
        http.get("/")
        clock.at += 9
        with pytest.raises(TryLater):
            http.get("/")


def test_one_line_is_logged_per_call_with_the_route_in_place_of_the_url(
    http: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with respx.mock:
        respx.route(host=PLATFORM).respond(200, json={})
        http.get("/people/jan@example.nl", extensions={"route": "/people/{email}"})
        respx.route(host=PLATFORM).respond(404)
        with pytest.raises(Refused):
            http.delete("/people/jan@example.nl")
    assert [record.getMessage() for record in caplog.records] == [
        f"GET {PLATFORM} /people/{{email}} 200 0 ms",
        f"DELETE {PLATFORM} - 404 0 ms",
    ]
    assert {record.levelno for record in caplog.records} == {logging.DEBUG}
