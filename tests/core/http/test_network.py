"""How calls end on a real socket, whatever the platform does to it."""

from __future__ import annotations

import gzip
import logging
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpcore
import pytest

from core.errors import ConnectorError, NotFound, OutcomeUnknown, Refused, TryLater, Unreadable
from core.http import WayOut
from core.http.answers import BODY_CAP
from tests.core.http.conftest import Client, Clock
from tests.core.http.loopback import Loopback, Reply, answer, closes_after, resets, says

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BROKEN: dict[str, Reply] = {
    "resets": resets,
    "closes": closes_after(),
    "half a status line": closes_after(b"HTTP/1.1 2"),
    "half of the headers": closes_after(b"HTTP/1.1 200 OK\r\nContent-"),
    "half of the body": closes_after(answer(b'{"a": 1', length=99)),
    "half of a chunk": closes_after(CHUNKED + b"5\r\nab"),
}
NOT_HTTP: dict[str, bytes] = {
    "noise": b"220 mail.example.nl ESMTP\r\n\r\n",
    "a chunk of noise": CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n",
    "two lengths": answer(b"{}", "Content-Length: 3"),
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n{}",
    "a flood of headers": b"HTTP/1.1 200 OK\r\n" + b"X-Flood: 1234567890\r\n" * 20_000 + b"\r\n",
    "many headers": answer(b"{}", *["X-Flood: 1234567890"] * 4_000),
    "a bomb": answer(gzip.compress(b"[" + b" " * 9_000_000 + b"]"), "Content-Encoding: gzip"),
    "gzip": answer(gzip.compress(b"{}"), "Content-Encoding: gzip"),
    "brotli": answer(b"{}", "Content-Encoding: br"),
    "HTML": answer(b"<html>Log in</html>", kind="text/html"),
    "a redirect": answer(b"", "Location: http://127.0.0.1:1/", status="302 Found"),
    "too much": answer(b'"' + b"a" * BODY_CAP + b'"'),
    "deep JSON": answer(b"[" * 1_000_000),
}
TOLD_TO_STOP = [
    b"HTTP/1.1 200 OK\r\n" + b"X-Drip: 1\r\n" * 100,
    answer(b" " * 1000),
    b"HTTP/1.1 100 Continue\r\n\r\n" * 100,
]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_connection_leaves_a_change_in_doubt(broken: str, connect: Client) -> None:
    with Loopback(BROKEN[broken]) as server:
        with connect(server) as http, pytest.raises(TryLater):
            http.get("/")
        reads = len(server.requests)
        with connect(server) as http, pytest.raises(OutcomeUnknown):
            http.post("/", json={"a": 1})
        assert len(server.requests) == reads + 1
        assert reads == (3 if broken in ("resets", "closes") else 1)


@pytest.mark.parametrize("noise", NOT_HTTP)
def test_what_cannot_be_read_is_no_success(noise: str, connect: Client) -> None:
    with Loopback(says(NOT_HTTP[noise])) as server:
        with connect(server) as http, pytest.raises(Unreadable):
            http.get("/")
        with connect(server) as http, pytest.raises(OutcomeUnknown) as caught:
            http.delete("/")
        assert str(caught.value).endswith(" from 127.0.0.1")
        assert len(server.requests) == 2


@pytest.mark.parametrize("data", TOLD_TO_STOP, ids=["headers", "body", "1xx"])
def test_a_byte_at_a_time_does_not_outlast_the_deadline(data: bytes, connect: Client) -> None:
    with Loopback(resets) as server:
        server.reply = server.drip(data)
        with connect(server, seconds=0.2) as http, took_less_than(0.5), pytest.raises(TryLater):
            http.get("/")
        with (
            connect(server, seconds=0.2) as http,
            took_less_than(0.5),
            pytest.raises(OutcomeUnknown),
        ):
            http.post("/")


def test_a_drip_in_the_body_of_a_refusal_does_not_hold_up_what_it_says(connect: Client) -> None:
    with Loopback(resets) as server:
        drip = server.drip(b" " * 1000)

        def reply(connection: socket.socket) -> None:
            connection.sendall(answer(b"", status="404 Not Found", length=1000))
            drip(connection)

        server.reply = reply
        with connect(server) as http, took_less_than(2.0), pytest.raises(NotFound):
            http.get("/")


def test_a_platform_that_never_reads_does_not_outlast_the_deadline(connect: Client) -> None:
    with Loopback(resets) as server:
        server.greet = server.hang
        with (
            connect(server, seconds=0.3) as http,
            took_less_than(0.8),
            pytest.raises(OutcomeUnknown),
        ):
            http.post("/", content=b"a" * 50_000_000)


def test_a_platform_that_never_answers_is_a_timeout(connect: Client) -> None:
    with Loopback(resets) as server:
        server.reply = server.hang
        with connect(server, seconds=0.2) as http, pytest.raises(OutcomeUnknown) as caught:
            http.delete("/people/jan@example.nl")
        assert str(caught.value) == "no answer in time from 127.0.0.1"
        assert caught.value.__context__ is None


def test_an_endless_answer_is_cut_off(connect: Client) -> None:
    sent: list[int] = []

    def endless(connection: socket.socket) -> None:
        connection.sendall(answer(b"", length=10**9))
        while not server.over.is_set():
            sent.append(connection.send(b" " * 65536))

    with (
        Loopback(endless) as server,
        connect(server) as http,
        pytest.raises(Unreadable, match="too large from 127"),
    ):
        http.get("/")
    assert sum(sent) < 20 * BODY_CAP  # what the kernel buffered included


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(status: int, connect: Client) -> None:
    with Loopback(says(answer())) as target:
        moved = answer(b"", f"Location: http://{target.origin}/", status=f"{status} Moved")
        with Loopback(says(moved)) as server, connect(server) as http:
            with pytest.raises(Unreadable):
                http.get("/", follow_redirects=True)
            with pytest.raises(OutcomeUnknown):
                http.post("/", follow_redirects=True)
        assert target.connections == 0


def test_nobody_listening_is_tried_later_also_for_a_change(connect: Client) -> None:
    with Loopback(resets) as server:
        http = connect(server)
    with http, pytest.raises(TryLater, match=r"^no connection to 127\.0\.0\.1$"):
        http.post("/")


class Jumping(httpcore.SyncBackend):
    """The clock jumps past every deadline when a socket did ``after``."""

    def __init__(self, clock: Clock, after: str) -> None:
        self.clock = clock
        self.after = after
        self.opened: list[httpcore.NetworkStream] = []

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        stream = super().connect_tcp(*args, **kwargs)
        self.opened.append(stream)
        if self.after == "connecting":
            self.clock.at += 100
            return stream
        write = stream.write

        def write_and_jump(buffer: bytes, timeout: float | None = None) -> None:
            write(buffer, timeout)
            self.clock.at += 100

        stream.write = write_and_jump  # type: ignore[method-assign]
        return stream


@pytest.mark.parametrize(
    ("after", "kind", "what"),
    [
        ("connecting", TryLater, "no time left for"),
        ("writing", OutcomeUnknown, "no answer in time from"),
    ],
)
def test_a_change_is_in_doubt_from_its_first_byte_on(
    after: str,
    kind: type[ConnectorError],
    what: str,
    clock: Clock,
    trusting_nobody: ssl.SSLContext,
) -> None:
    with Loopback(says(answer())) as server:
        way_out = WayOut(
            insecure=[server.origin], verify=trusting_nobody, clock=clock, sleep=clock.sleep
        )
        way_out.connections.network.sockets = Jumping(clock, after)
        http = way_out.client(
            base_url=f"http://{server.origin}",
            hosts=[server.origin],
            deadline=timedelta(seconds=9),
        )
        with http, pytest.raises(kind, match=f"^{what} 127.0.0.1$") as caught:
            http.post("/", content=b"a" * 100_000)
        way_out.close()
        assert type(caught.value) is kind
        assert server.requests == []


def test_a_line_whose_time_is_up_before_tls_is_hung_up(
    clock: Clock, trusting_nobody: ssl.SSLContext
) -> None:
    with Loopback(resets) as server:
        way_out = WayOut(insecure=[server.origin], verify=trusting_nobody, clock=clock)
        way_out.connections.network.sockets = jumping = Jumping(clock, "connecting")
        http = way_out.client(
            base_url=f"https://{server.origin}",
            hosts=[server.origin],
            deadline=timedelta(seconds=9),
        )
        with http, pytest.raises(TryLater):
            http.post("/")
        way_out.close()
        (line,) = jumping.opened
        assert line.get_extra_info("socket").fileno() == -1


def test_connections_are_shared_and_cookies_are_not(connect: Client) -> None:
    with Loopback(says(answer(b"{}", "Set-Cookie: session=of-somebody"))) as server:
        for _ in range(3):
            with connect(server) as http:
                http.get("/")
                http.post("/", json={"a": 1})
                assert not http.cookies
        assert server.connections == 1
        assert len(server.requests) == 6
        assert not any(b"cookie" in request.lower() for request in server.requests)


def test_a_refusal_keeps_the_connection(connect: Client) -> None:
    with Loopback(says(answer(b"x" * 5000, status="404 Not Found"))) as server:
        with connect(server) as http:
            for _ in range(3):
                with pytest.raises(NotFound):
                    http.get("/")
        assert server.connections == 1


def test_a_connection_that_went_stale_is_replaced(connect: Client) -> None:
    with Loopback(closes_after(answer())) as server, connect(server) as http:
        assert http.get("/").json() == {}
        assert http.get("/").json() == {}
        assert server.connections == 2


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found"])
def test_bytes_beyond_an_answer_are_never_the_next_one(status: str, connect: Client) -> None:
    replies = iter([answer(b"{}", status=status) + answer(b'{"wrong": "person"}'), answer(b"[]")])
    with Loopback(lambda connection: connection.sendall(next(replies))) as server:
        with connect(server) as http:
            if status.startswith("2"):
                assert http.get("/").json() == {}
            else:
                with pytest.raises(NotFound):
                    http.get("/")
        with connect(server) as http:
            assert http.get("/").json() == []
        assert server.connections == 2


def test_many_threads_share_one_way_out(connect: Client) -> None:
    """Each gets the answer to its own question."""

    with Loopback(resets) as server:
        server.echo = lambda request: answer(b'"%s"' % request.split(b" ", 2)[1])

        def ask(number: int) -> bool:
            with connect(server) as http:
                return all(
                    http.get(f"/{number}-{again}").json() == f"/{number}-{again}"
                    for again in range(10)
                )

        with ThreadPoolExecutor(16) as threads:
            assert all(threads.map(ask, range(32)))
        assert len(server.requests) == 320
        assert server.connections <= 16


def test_one_client_may_be_used_by_several_threads(connect: Client) -> None:
    with Loopback(says(answer())) as server, connect(server) as http:
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: http.get("/").status_code, range(80)))
        assert answers == [200] * 80


@pytest.mark.parametrize("value", ["invented\r\nX-More: 1", "invented\x00"])
def test_a_header_that_breaks_http_is_refused_and_never_quoted(value: str, connect: Client) -> None:
    with Loopback(says(answer())) as server, connect(server) as http:
        with pytest.raises(Refused) as caught:
            http.get("/", headers={"api-key": value})
        assert server.requests == []
    assert "invented" not in str(caught.value)
    assert caught.value.__context__ is None


def test_environment_proxies_are_not_used(connect: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with Loopback(says(answer())) as server, connect(server) as http:
        assert http.get("/").status_code == 200


def test_extensions_of_httpx_do_not_reach_the_wire(connect: Client) -> None:
    with Loopback(says(answer())) as server, connect(server) as http:
        http.get("/right", extensions={"target": b"/wrong", "sni_hostname": "evil.test"})
        assert server.requests[0].startswith(b"GET /right HTTP/1.1\r\n")


def test_no_url_is_logged(connect: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Loopback(says(answer())) as server, connect(server) as http:
        http.get("/people/jan@example.nl")
    assert [record.name for record in caplog.records] == ["core.http.transport"]
    assert "jan" not in caplog.text


@contextmanager
def took_less_than(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds
