"""Where the way out leads: pinned hosts at public addresses, by no detour."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from importlib.metadata import version
from typing import Any

import httpcore
import httpx
import pytest

from core.errors import Refused, TryLater
from core.http import WayOut
from core.http.addresses import is_public
from tests.core.http.conftest import PLATFORM, rows
from tests.core.http.loopback import Loopback, answer, says
from tests.never_called import ADDRESSES

PUBLIC = [
    "8.8.8.8",
    "93.184.216.34",
    "172.32.0.1",
    "2606:4700::1111",
    "2a00:1450::1",
    "2001:200::1",
]
SPELLINGS = ["127.1", "0", "0x7f.1", "0x7f000001", "2130706433", "017700000001"]
URLS = """
    http://{name}/ http://{name}:443/ https://{name}:8443/ https://{name}:22/ https://{name}:0/
    https://evil.test/ https://evil{name}/ https://{name}.evil.test/ https://{name}./
    https://user:secret@{name}/ https://user@{name}/ https://{name}@evil.test/
    https://evil.test#@{name}/ https://evil.test\\@{name}/ https://127.0.0.1/ https://0177.0.0.1/ https://[::1]/
    https://127。0。0。1/ https://①②⑦.0.0.1/ https://localhost/ https://LOCALHOST/
    ftp://{name}/ gopher://{name}/ ws://{name}/
""".split()  # noqa: SIM905
NO_HOST = ["file:///etc/hosts", "data:text/plain,x", "unix:///run/x", "https:///x", "/x", ""]


class Wires(httpcore.SyncBackend):
    """Remembers where it was asked to connect, and refuses."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def connect_tcp(self, host: str, port: int, *_: object, **__: object) -> Any:
        self.asked.append((host, port))
        raise httpcore.ConnectError


class Names:
    """A resolver that gives its answers in turn, the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, *_: object, **__: object) -> Sequence[tuple[Any, ...]]:
        self.asked += 1
        return rows(*(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]))


@contextmanager
def leaving(
    resolve: Callable[..., Any], host: str, verify: ssl.SSLContext, *, pin: bool = True
) -> Iterator[tuple[httpx.Client, Wires]]:
    way_out, wires = WayOut(resolve=resolve, verify=verify, sleep=lambda _: None), Wires()
    way_out.connections.network.sockets = wires
    with way_out.client(
        base_url=f"https://{host}", hosts=[host] if pin else None, deadline=timedelta(seconds=5)
    ) as client:
        yield client, wires
    way_out.close()


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_is_not_public_is_never_connected_to(
    address: str, trusting_nobody: ssl.SSLContext
) -> None:
    with leaving(Names([address]), PLATFORM, trusting_nobody) as (http, wires):
        with pytest.raises(Refused, match=f"^{PLATFORM} has an address that is not public"):
            http.get("/")
        assert wires.asked == []


@pytest.mark.parametrize("address", [a for a in ADDRESSES if "%" not in a])
def test_neither_is_such_an_address_in_the_url(
    address: str, trusting_nobody: ssl.SSLContext
) -> None:
    literal = f"[{address}]:443" if ":" in address else f"{address}:443"
    with leaving(Names(PUBLIC), literal, trusting_nobody) as (http, wires):
        with pytest.raises(Refused):
            http.get("/")
        assert wires.asked == []


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_other_spellings_of_loopback_are_seen_through(
    spelling: str, trusting_nobody: ssl.SSLContext
) -> None:
    with leaving(socket.getaddrinfo, spelling, trusting_nobody) as (http, wires):
        with pytest.raises(Refused):
            http.get("/")
        assert wires.asked == []


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_connected_to(address: str, trusting_nobody: ssl.SSLContext) -> None:
    assert is_public(address)
    with leaving(Names([address]), PLATFORM, trusting_nobody) as (http, wires):
        with pytest.raises(TryLater):
            http.get("/")
        assert set(wires.asked) == {(address, 443)}


@pytest.mark.parametrize("place", range(3))
def test_one_private_address_among_several_refuses_them_all(
    place: int, trusting_nobody: ssl.SSLContext
) -> None:
    addresses = PUBLIC[:2]
    addresses.insert(place, "10.0.0.1")
    with leaving(Names(addresses), PLATFORM, trusting_nobody) as (http, wires):
        with pytest.raises(Refused):
            http.get("/")
        assert wires.asked == []


def test_a_name_that_turns_private_is_refused_from_then_on(
    trusting_nobody: ssl.SSLContext,
) -> None:
    names = Names(["8.8.8.8"], ["127.0.0.1"])
    with leaving(names, PLATFORM, trusting_nobody) as (http, wires):
        for _ in range(2):
            with pytest.raises(Refused):
                http.get("/")
        assert wires.asked == [("8.8.8.8", 443)]


def test_a_name_is_looked_up_once_per_connection(trusting_nobody: ssl.SSLContext) -> None:
    names = Names(["8.8.8.8"])
    with leaving(names, PLATFORM, trusting_nobody) as (http, wires):
        with pytest.raises(TryLater):
            http.get("/")
        assert names.asked == len(wires.asked) == 3


@pytest.mark.parametrize("url", [url.format(name=PLATFORM) for url in URLS])
def test_a_url_outside_of_the_pins_is_refused(url: str, trusting_nobody: ssl.SSLContext) -> None:
    names = Names(["8.8.8.8"])
    with leaving(names, PLATFORM, trusting_nobody) as (http, wires):
        with pytest.raises(Refused) as caught:
            http.get(url)
        assert (names.asked, wires.asked) == (0, [])
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", [*(url.format(name=PLATFORM) for url in URLS), *NO_HOST])
def test_nor_can_it_be_a_base_url(url: str, way_out: WayOut) -> None:
    with pytest.raises(Refused):
        way_out.client(base_url=url, hosts=[PLATFORM], deadline=timedelta(seconds=1))


@pytest.mark.parametrize("url", NO_HOST)
def test_a_url_without_a_host_goes_nowhere_but_to_the_platform(
    url: str, trusting_nobody: ssl.SSLContext
) -> None:
    with leaving(Names(["8.8.8.8"]), PLATFORM, trusting_nobody) as (http, wires):
        with pytest.raises((TryLater, Refused)):
            http.get(url)
        assert set(wires.asked) <= {("8.8.8.8", 443)}


def test_a_subdomain_of_a_pinned_name_may_be_reached(trusting_nobody: ssl.SSLContext) -> None:
    with leaving(Names(["8.8.8.8"]), PLATFORM, trusting_nobody) as (http, wires):
        with pytest.raises(TryLater):
            http.get(f"https://us1.{PLATFORM}/")
        assert ("8.8.8.8", 443) in wires.asked


def test_a_pin_with_a_port_covers_no_subdomain(trusting_nobody: ssl.SSLContext) -> None:
    with leaving(Names(["8.8.8.8"]), f"{PLATFORM}:8443", trusting_nobody) as (http, wires):
        with pytest.raises(TryLater):
            http.get("/")
        with pytest.raises(Refused):
            http.get(f"https://us1.{PLATFORM}:8443/")
        assert set(wires.asked) == {("8.8.8.8", 8443)}


@pytest.mark.parametrize("port", [443, 8443])
def test_without_a_pin_it_is_its_own_host_and_port_alone(
    port: int, trusting_nobody: ssl.SSLContext
) -> None:
    with leaving(Names(["8.8.8.8"]), f"{PLATFORM}:{port}", trusting_nobody, pin=False) as (
        http,
        wires,
    ):
        with pytest.raises(TryLater):
            http.get("/")
        for other in (f"us1.{PLATFORM}:{port}", f"{PLATFORM}:8444", "evil.test"):
            with pytest.raises(Refused, match="not a host of this platform"):
                http.get(f"https://{other}/")
        assert set(wires.asked) == {("8.8.8.8", port)}


@pytest.mark.parametrize("port", [0, 22, 25, 80, 993])
def test_a_port_where_something_else_listens_is_not_called(port: int, way_out: WayOut) -> None:
    with pytest.raises(Refused, match=f"at port {port} "):
        way_out.client(
            base_url=f"https://{PLATFORM}:{port}", hosts=None, deadline=timedelta(seconds=1)
        )


@pytest.mark.parametrize("hosts", [["a b"], ["user@name"], ["name/path"], [""], ["name:x"]])
def test_a_pin_that_is_no_host_is_refused(hosts: list[str], way_out: WayOut) -> None:
    with pytest.raises(Refused):
        way_out.client(base_url=f"https://{PLATFORM}", hosts=hosts, deadline=timedelta(seconds=1))


def test_an_insecure_host_needs_its_port() -> None:
    with pytest.raises(ValueError, match="needs its port"):
        WayOut(insecure=["localhost"])


def test_an_insecure_host_needs_a_pin_too(trusting_nobody: ssl.SSLContext) -> None:
    with Loopback(says(answer())) as server:
        way_out = WayOut(insecure=[server.origin], verify=trusting_nobody)
        with pytest.raises(Refused):
            way_out.client(
                base_url=f"http://{server.origin}",
                hosts=[PLATFORM],
                deadline=timedelta(seconds=1),
            )
        way_out.close()
        assert server.connections == 0


def test_a_listener_at_a_private_address_hears_nothing(trusting_nobody: ssl.SSLContext) -> None:
    with Loopback(says(answer())) as server:
        way_out = WayOut(resolve=Names(["127.0.0.1"]), verify=trusting_nobody)
        for host in ("inside.test", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "127.1"):
            origin = f"{host}:{server.port}"
            with (
                way_out.client(
                    base_url=f"https://{origin}", hosts=[origin], deadline=timedelta(seconds=1)
                ) as http,
                pytest.raises(Refused),
            ):
                http.get("/")
        way_out.close()
        assert server.connections == 0


def test_a_resolver_that_hangs_costs_the_deadline_and_no_more(
    trusting_nobody: ssl.SSLContext,
) -> None:
    over = threading.Event()

    def resolve(*_: object, **__: object) -> Any:
        over.wait(10)
        return rows("8.8.8.8")

    way_out = WayOut(resolve=resolve, verify=trusting_nobody)
    with (
        way_out.client(
            base_url=f"https://{PLATFORM}", hosts=[PLATFORM], deadline=timedelta(seconds=0.2)
        ) as http,
        pytest.raises(TryLater, match=f"^no address for {PLATFORM}$"),
    ):
        http.post("/")
    over.set()
    way_out.close()


@pytest.mark.parametrize("trouble", [socket.gaierror(-2, "unknown"), UnicodeError("too long")])
def test_a_name_without_an_address_is_tried_later(
    trouble: Exception, trusting_nobody: ssl.SSLContext
) -> None:
    def resolve(*_: object, **__: object) -> Any:
        raise trouble

    with (
        leaving(resolve, PLATFORM, trusting_nobody) as (http, _),
        pytest.raises(TryLater, match=f"^no address for {PLATFORM}$"),
    ):
        http.post("/")


def test_the_versions_are_those_that_these_tests_were_made_for() -> None:
    """Read the release notes, run these tests, then move the pin."""
    assert version("httpx").startswith("0.28.")
    assert version("httpcore").startswith("1.0.")
