"""What answers mean, told by a platform that respx imitates."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import timedelta

import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from core.errors import (
    ConnectorError,
    NotFound,
    OutcomeUnknown,
    Reconnect,
    Refused,
    TryAt,
    TryLater,
    Unreadable,
)
from core.http import READS, WayOut
from core.http.answers import BODY_CAP, DEPTH_CAP, depth
from tests.core.http.conftest import PLATFORM, Clock

JSON = {"Content-Type": "application/json"}
SAME_FOR_ALL: list[tuple[int, type[ConnectorError]]] = [
    *((status, Refused) for status in (400, 402, 405, 406, 407, 409, 411, 412, 413, 415, 422)),
    *((status, Refused) for status in (424, 426, 428, 431, 451, 499)),
    (401, Reconnect),
    (403, Reconnect),
    (404, NotFound),
    (410, NotFound),
    (423, TryLater),
    (425, TryLater),
    (429, TryAt),
]
UNSURE = [408, 500, 501, 502, 503, 504, 505, 507, *range(520, 527), 530, 599]
ODD = [300, 301, 302, 303, 304, 307, 308, 399, 600, 999]
SECRET = "jan@example.nl"


def answered(status: int, method: str, http: httpx.Client, **options: object) -> ConnectorError:
    with respx.mock:
        respx.route(host=PLATFORM).respond(status, text=SECRET, headers={"Location": "/x"})
        with pytest.raises(ConnectorError) as caught:
            http.request(method, f"/people/{SECRET}", **options)  # type: ignore[arg-type]
    assert str(caught.value) == f"{status} from {PLATFORM}"
    assert caught.value.status == status
    assert caught.value.__context__ is None
    return caught.value


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(("status", "kind"), SAME_FOR_ALL)
def test_a_status_that_means_the_same_for_every_call(
    status: int, kind: type[ConnectorError], method: str, http: httpx.Client
) -> None:
    assert type(answered(status, method, http)) is kind


@pytest.mark.parametrize("status", UNSURE)
def test_a_server_in_trouble_leaves_a_change_in_doubt(status: int, http: httpx.Client) -> None:
    assert type(answered(status, "GET", http)) is TryLater
    assert type(answered(status, "POST", http, extensions=READS)) is TryLater
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert type(answered(status, method, http)) is OutcomeUnknown


@pytest.mark.parametrize("status", ODD)
def test_a_redirect_or_an_oddity_is_no_answer(status: int, http: httpx.Client) -> None:
    assert type(answered(status, "GET", http)) is Unreadable
    assert type(answered(status, "DELETE", http)) is OutcomeUnknown


def test_only_a_post_can_be_declared_a_read(http: httpx.Client) -> None:
    assert type(answered(500, "DELETE", http, extensions=READS)) is OutcomeUnknown


WAITS = [
    ("7", 7),
    ("0", 0),
    (" 7 ", 7),
    ("000000000000", 0),
    ("9" * 9, 86400),
    ("9" * 5000, 86400),
    ("1000000000", 86400),
    ("0000000000000300", 300),
    ("1.5", 2),
    ("300.0001", 301),
    ("0.0", 0),
    ("7, 300", 300),
    ("300,7.5", 300),
    ("Sun, 22 Nov 2026 12:00:30 GMT", 30),
    ("Sunday, 22-Nov-26 12:00:30 GMT", 30),
    ("Sun, 22 Nov 2026 12:00:30 -0000", 30),
    ("Fri, 22 Nov 2126 12:00:30 GMT", 86400),
]
NO_WAITS = [
    "Sun, 22 Nov 2026 11:59:30 GMT",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "-5",
    "",
    "soon",
    "1.",
    ".5",
    "7,",
    "7 300",
    "+7",
    "7s",
    "1e9",
    "inf",
    "NaN",
    "-86400.5",
    "٣",
    "Sun, 99 Nov 2026 12:00:30 GMT",
    "Sun, 22 Nov 99999999999999999999 12:00:30 GMT",
    "Sun, 22 Nov 2026 12:00:30 +999999",
]


def refusal(
    http: httpx.Client, status: int, *more: tuple[str, str], **headers: str
) -> ConnectorError:
    with respx.mock:
        several = [*more, *headers.items()]
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in several]
        respx.route(host=PLATFORM).mock(httpx.Response(status, headers=raw))
        with pytest.raises(ConnectorError) as caught:
            http.post("/people")
    return caught.value


@pytest.mark.parametrize(("value", "seconds"), WAITS)
@pytest.mark.parametrize("status", [429, 503])
def test_the_platform_names_how_long_to_wait(
    status: int, value: str, seconds: int, http: httpx.Client
) -> None:
    error = refusal(http, status, Retry_After=value)
    assert isinstance(error, TryAt)
    assert error.wait == timedelta(seconds=seconds)


@pytest.mark.parametrize("value", NO_WAITS)
def test_what_names_no_moment_is_a_minute_or_no_promise(value: str, http: httpx.Client) -> None:
    error = refusal(http, 429, Retry_After=value)
    assert isinstance(error, TryAt)
    assert error.wait == timedelta(seconds=60)
    assert type(refusal(http, 503, Retry_After=value)) is OutcomeUnknown


def test_without_the_header_429_means_a_minute(http: httpx.Client) -> None:
    error = refusal(http, 429)
    assert isinstance(error, TryAt)
    assert error.wait == timedelta(seconds=60)


def test_a_date_counts_from_the_clock_of_the_platform(http: httpx.Client) -> None:
    error = refusal(
        http,
        429,
        Retry_After="Mon, 23 Nov 2026 08:00:10 GMT",
        Date="Mon, 23 Nov 2026 08:00:00 GMT",
    )
    assert isinstance(error, TryAt)
    assert error.wait == timedelta(seconds=10)


@pytest.mark.parametrize(
    ("theirs", "seconds"),
    [
        ("Sun, 22 Nov 2026 15:00:00 GMT", 90),  # three hours ahead of ours
        ("Sun, 22 Nov 2026 09:00:00 GMT", 6 * 3600 + 90),
        ("Sat, 21 Nov 2026 09:00:00 GMT", 86400),
        ("Sun, 22 Nov 2026 15:01:30 GMT", 60),  # over already: a minute, as without it
        ("garbage", 3 * 3600 + 90),
    ],
)
def test_a_platform_whose_clock_differs_is_not_disturbed_too_early(
    theirs: str, seconds: int, http: httpx.Client
) -> None:
    error = refusal(http, 429, Retry_After="Sun, 22 Nov 2026 15:01:30 GMT", Date=theirs)
    assert isinstance(error, TryAt)
    assert error.wait == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "several",
    [("7", "300"), ("300", "7"), ("soon", "300"), ("300", "Sun, 22 Nov 2026 12:00:30 GMT")],
)
def test_of_several_headers_the_longest_wait_counts(
    several: tuple[str, str], http: httpx.Client
) -> None:
    error = refusal(http, 429, *(("Retry-After", value) for value in several))
    assert isinstance(error, TryAt)
    assert error.wait == timedelta(seconds=300)


READABLE = [
    (b"", "text/html"),
    (b"{}", "application/json"),
    (b"[]", "application/json; charset=utf-8"),
    (b"null", "Application/JSON"),
    (b' {"a": "\xc3\xa9"}\n', "application/problem+json"),
    (b'{"data": []}', "application/vnd.api+json"),
    (b"[" * DEPTH_CAP + b"]" * DEPTH_CAP, "application/json"),
    (json.dumps("[" * 1000 + '"\\').encode(), "application/json"),
    (b'"' + b"a" * (BODY_CAP - 2) + b'"', "application/json"),
]
UNREADABLE = [
    (b"<html>Log in</html>", "text/html"),
    (b"{}", "text/html"),
    (b"{}", "text/plain"),
    (b"{}", ""),
    (b"{}", "application/jsonp"),
    (b"<html>Log in</html>", "application/json"),
    (b" ", "application/json"),
    (b'{"a": 1', "application/json"),
    (b'{"a": 1} x', "application/json"),
    (b'{"a": NaN}', "application/json"),
    (b"[Infinity]", "application/json"),
    (b"[-Infinity]", "application/json"),
    (b"[1e400]", "application/json"),
    (b'{"a": 1, "a": 2}', "application/json"),
    (b"\xef\xbb\xbf{}", "application/json"),
    ("{}".encode("utf-16"), "application/json"),
    ("{}".encode("utf-16-le"), "application/json"),
    ('{"a": "é"}'.encode("latin-1"), "application/json"),
    (b"1" * 10_000, "application/json"),
    (b"[" * (DEPTH_CAP + 1) + b"]" * (DEPTH_CAP + 1), "application/json"),
    (b"[" * 1_000_000, "application/json"),
    (b'{"a":' * 200_000, "application/json"),
    (b'"' + b"a" * (BODY_CAP - 1) + b'"', "application/json"),
    (b'"\\' * 1_000_000, "application/json"),
]


def reply(content: bytes, kind: str) -> httpx.Response:
    return httpx.Response(200, content=content, headers={"Content-Type": kind})


@pytest.mark.parametrize(("content", "kind"), READABLE, ids=range(len(READABLE)))
def test_a_readable_answer_comes_through_unchanged(
    content: bytes, kind: str, http: httpx.Client
) -> None:
    with respx.mock:
        respx.route(host=PLATFORM).mock(reply(content, kind))
        assert http.get("/people").content == content
        assert http.post("/people").content == content


@pytest.mark.parametrize(("content", "kind"), UNREADABLE, ids=range(len(UNREADABLE)))
def test_an_unreadable_answer_is_no_success(content: bytes, kind: str, http: httpx.Client) -> None:
    with respx.mock:
        respx.route(host=PLATFORM).mock(reply(content, kind))
        with pytest.raises(Unreadable):
            http.get("/people")
        with pytest.raises(OutcomeUnknown):
            http.delete("/people")


@pytest.mark.parametrize("unit", [b"[]", b'"\\"', b'"', b"\\", b'"\\\\', b"{", b'"a",', b'"[\\'])
def test_the_scan_for_depth_is_linear(unit: bytes) -> None:
    body = unit * (BODY_CAP // len(unit))
    started = time.process_time()
    depth(body)
    assert time.process_time() - started < 1


def test_brackets_in_strings_are_not_depth() -> None:
    assert depth(b'{"a": "[[[\\"[[[", "b": [1, "}"]}') == 2


MARKS = st.text(alphabet='[]{}"\\/a\u00e9')
VALUES = st.recursive(
    st.none() | st.integers() | MARKS,
    lambda inner: st.lists(inner) | st.dictionaries(MARKS, inner),
)


def nesting(value: object) -> int:
    match value:
        case dict():
            return 1 + max(map(nesting, value.values()), default=0)
        case list():
            return 1 + max(map(nesting, value), default=0)
        case _:
            return 0


@given(VALUES, st.sampled_from(["/", "\\/"]))
def test_the_depth_of_the_bytes_is_that_of_the_value(value: object, slash: str) -> None:
    assert depth(json.dumps(value).replace("/", slash).encode()) == nesting(value)


def test_tolerated_statuses_come_back_as_responses(http: httpx.Client) -> None:
    banned = {"detail": "Membership is banned"}
    with respx.mock:
        respx.post(f"https://{PLATFORM}/v1/people").respond(400, json=banned)
        response = http.post("/people", extensions={"tolerates": {400, 409}})
    assert (response.status_code, response.json()) == (400, banned)


@pytest.mark.parametrize("content", [b"<html>", b"{", b"[" * 100, b'"' + b"a" * BODY_CAP + b'"'])
def test_a_tolerated_answer_that_is_no_good_json_comes_without_its_body(
    content: bytes, http: httpx.Client
) -> None:
    with respx.mock:
        respx.route(host=PLATFORM).respond(409, content=content, headers=JSON)
        response = http.post("/people", extensions={"tolerates": {400, 409}})
    assert (response.status_code, response.content) == (409, b"")


@pytest.mark.parametrize(("status", "kind"), [(302, Unreadable), (429, TryAt), (500, TryLater)])
def test_only_refusals_can_be_tolerated(
    status: int, kind: type[ConnectorError], http: httpx.Client
) -> None:
    extensions = {"tolerates": {status}}
    assert type(answered(status, "GET", http, extensions=extensions)) is kind


def test_the_other_refusals_stay_errors(http: httpx.Client) -> None:
    assert type(answered(404, "POST", http, extensions={"tolerates": {400}})) is NotFound


def test_known_headers_pass_and_the_others_do_not(http: httpx.Client) -> None:
    headers = {"ETag": "x", "Set-Cookie": "a=b", "X-Debug": SECRET, "X-RateLimit-Remaining": "3"}
    with respx.mock:
        respx.route(host=PLATFORM).respond(200, json={}, headers=headers)
        response = http.get("/people")
    assert set(response.headers) == {
        "content-type",
        "content-length",
        "etag",
        "x-ratelimit-remaining",
    }
    assert not http.cookies


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_hiccup_is_bridged_for_a_read(status: int, http: httpx.Client, clock: Clock) -> None:
    with respx.mock:
        route = respx.route(host=PLATFORM)
        route.side_effect = [httpx.Response(status)] * 2 + [httpx.Response(200, json={})]
        assert http.get("/people").status_code == 200
    assert route.call_count == 3
    assert sum(clock.slept) < 5


@pytest.mark.parametrize("status", [500, 501, 520, 408])
def test_other_trouble_is_left_to_the_schedule(status: int, http: httpx.Client) -> None:
    with respx.mock:
        route = respx.route(host=PLATFORM).respond(status)
        with pytest.raises(TryLater):
            http.get("/people")
    assert route.call_count == 1


def test_a_change_is_not_repeated(http: httpx.Client) -> None:
    with respx.mock:
        route = respx.route(host=PLATFORM).respond(502)
        with pytest.raises(OutcomeUnknown):
            http.post("/people")
    assert route.call_count == 1


def test_a_post_that_only_reads_is_repeated_with_its_body(http: httpx.Client) -> None:
    with respx.mock:
        route = respx.route(host=PLATFORM).respond(502)
        with pytest.raises(TryLater):
            http.post("/search", json={"q": 1}, extensions=READS)
    assert [call.request.content for call in route.calls] == [b'{"q":1}'] * 3


def test_a_short_wait_is_sat_out_in_full(http: httpx.Client, clock: Clock) -> None:
    with respx.mock:
        route = respx.route(host=PLATFORM)
        route.side_effect = [
            httpx.Response(429, headers={"Retry-After": "2"}),
            httpx.Response(200, json={}),
        ]
        http.get("/people")
    assert len(clock.slept) == 1
    assert 2 <= clock.slept[0] < 5


@pytest.mark.parametrize("seconds", [2, 3000])
def test_whoever_shares_the_connection_hears_of_a_wait_before_it_is_sat_out(
    seconds: int, way_out: WayOut, clock: Clock
) -> None:
    heard: list[tuple[timedelta, int]] = []
    client = way_out.client(
        base_url=f"https://{PLATFORM}",
        hosts=[PLATFORM],
        deadline=timedelta(seconds=30),
        asked_to_rest=lambda wait: heard.append((wait, len(clock.slept))),
    )
    with respx.mock, client as http:
        route = respx.route(host=PLATFORM)
        busy = httpx.Response(429, headers={"Retry-After": str(seconds)})
        route.side_effect = [busy, httpx.Response(200, json={})]
        with suppress(TryAt):
            http.get("/people")
    assert heard == [(timedelta(seconds=seconds), 0)]


def test_a_longer_wait_is_not(http: httpx.Client, clock: Clock) -> None:
    with respx.mock:
        route = respx.route(host=PLATFORM).respond(503, headers={"Retry-After": "3"})
        with pytest.raises(TryAt):
            http.get("/people")
    assert (route.call_count, clock.slept) == (1, [])


def test_no_repeat_starts_after_five_seconds(http: httpx.Client, clock: Clock) -> None:
    def slow(_: httpx.Request) -> httpx.Response:
        clock.at += 3
        return httpx.Response(502)

    with respx.mock:
        route = respx.route(host=PLATFORM).mock(side_effect=slow)
        with pytest.raises(TryLater):
            http.get("/people")
    assert route.call_count == 2


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout])
def test_a_change_that_never_left_is_tried_again(
    error: type[httpx.TransportError], http: httpx.Client
) -> None:
    with respx.mock:
        route = respx.route(host=PLATFORM).mock(side_effect=error(SECRET))
        with pytest.raises(TryLater, match=f"^no connection to {PLATFORM}$"):
            http.post("/people")
    assert route.call_count == 3


@pytest.mark.parametrize(
    "error", [httpx.ReadTimeout, httpx.WriteTimeout, httpx.ReadError, httpx.RemoteProtocolError]
)
def test_a_change_that_may_have_left_is_in_doubt(
    error: type[httpx.TransportError], http: httpx.Client
) -> None:
    with respx.mock:
        route = respx.route(host=PLATFORM).mock(side_effect=error(SECRET))
        with pytest.raises(OutcomeUnknown) as caught:
            http.post("/people")
        assert route.call_count == 1
        with pytest.raises(TryLater):
            http.get("/people")
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None
