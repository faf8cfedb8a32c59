"""TLS by the name, at the address that was checked."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.errors import OutcomeUnknown, Refused, TryLater
from core.http import WayOut
from tests.core.http.authority import Authority
from tests.core.http.conftest import PLATFORM, rows
from tests.core.http.loopback import Loopback, answer, says

NO_TLS = f"^no trusted TLS connection to {PLATFORM}$"


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def resolve(*_: object, **__: object) -> Any:
    return rows("127.0.0.1")


@contextmanager
def calling(
    server: Loopback,
    verify: ssl.SSLContext,
    seconds: float = 5,
    resolve: Callable[..., Any] = resolve,
) -> Iterator[httpx.Client]:
    """Loopback is not public, so that the origin must be insecure; the URL still asks for TLS."""
    origin = f"{PLATFORM}:{server.port}"
    way_out = WayOut(insecure=[origin], resolve=resolve, verify=verify, sleep=lambda _: None)
    with way_out.client(
        base_url=f"https://{origin}", hosts=[origin], deadline=timedelta(seconds=seconds)
    ) as http:
        yield http
    way_out.close()


def test_the_name_stays_in_tls_and_in_the_host_header_at_the_checked_address(
    authority: Authority,
) -> None:
    asked: list[tuple[object, ...]] = []
    named: list[str] = []
    tls = authority.server(PLATFORM)
    tls.sni_callback = lambda _socket, name, _context: named.append(name)

    def resolve(*names: object, **_: object) -> Any:
        asked.append(names)
        return rows("127.0.0.1")

    with (
        Loopback(says(answer()), tls=tls) as server,
        calling(server, authority.trust(), resolve=resolve) as http,
    ):
        assert http.get("/").status_code == 200
        assert http.get("/").status_code == 200
        assert asked == [(PLATFORM, server.port)]
        assert named == [PLATFORM]
        assert f"Host: {PLATFORM}:{server.port}\r\n".encode() in server.requests[0]
        assert server.connections == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("wrong", ["another name", "expired", "unknown authority"])
def test_a_certificate_that_is_wrong_stops_the_call_before_it_leaves(
    wrong: str, method: str, authority: Authority, tmp_path: Path
) -> None:
    tls = {
        "another name": lambda: authority.server("api.another.test"),
        "expired": lambda: authority.server(PLATFORM, until=timedelta(days=-1)),
        "unknown authority": lambda: Authority(tmp_path).server(PLATFORM),
    }[wrong]()
    with Loopback(says(answer()), tls=tls) as server:
        with (
            calling(server, authority.trust()) as http,
            pytest.raises(TryLater, match=NO_TLS) as caught,
        ):
            http.request(method, "/")
        assert type(caught.value) is TryLater
        assert server.requests == []


@pytest.mark.parametrize("greeting", ["HTTP/1.1 400 Bad Request\r\n\r\n", ""])
def test_a_server_without_tls_is_not_spoken_to(greeting: str, authority: Authority) -> None:
    def greet(connection: socket.socket) -> None:
        connection.sendall(greeting.encode())
        connection.shutdown(socket.SHUT_RDWR)

    with Loopback(says(answer()), greet=greet) as server:
        with calling(server, authority.trust()) as http, pytest.raises(TryLater, match=NO_TLS):
            http.post("/")
        assert server.requests == []


def test_a_handshake_byte_by_byte_does_not_outlast_the_deadline(authority: Authority) -> None:
    with Loopback(says(answer())) as server:
        server.greet = server.drip(b"\x16\x03\x03\x40\x00" + b"\x02" * 1000)
        started = datetime.now(UTC)
        with calling(server, authority.trust(), seconds=0.3) as http, pytest.raises(TryLater):
            http.post("/")
        assert datetime.now(UTC) - started < timedelta(seconds=0.8)


def test_a_byte_at_a_time_over_tls_does_not_outlast_the_deadline(authority: Authority) -> None:
    with Loopback(says(answer()), tls=authority.server(PLATFORM)) as server:
        server.reply = server.drip(answer(b" " * 1000))
        started = datetime.now(UTC)
        with (
            calling(server, authority.trust(), seconds=0.3) as http,
            pytest.raises(OutcomeUnknown),
        ):
            http.post("/")
        assert datetime.now(UTC) - started < timedelta(seconds=0.8)


def test_s7_nothing_leaves_without_tls() -> None:
    way_out = WayOut()
    with pytest.raises(Refused):
        way_out.client(
            base_url="http://platform.example/v1",
            hosts=("platform.example",),
            deadline=timedelta(seconds=1),
        ).get("/members")
    way_out.close()
