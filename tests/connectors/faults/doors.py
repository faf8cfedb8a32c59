"""Where a new connection leads when a platform cannot be reached."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpcore

from tests.core.http.authority import Authority
from tests.core.http.loopback import Loopback, Reply, closes_after, resets

HOST = "platform.test"


class Doors:
    """
    One listener for each way of not being reached, by its name.

    ``refuses`` is a port on which nobody listens.
    """

    def __init__(self, authority: Authority, stranger: Authority) -> None:
        self.authority = authority
        self.trust = authority.trust()
        self.tls = authority.server(HOST)
        late = timedelta(days=-1)
        self.listeners: Mapping[str, Loopback] = {
            "an unknown authority": Loopback(resets, stranger.server(HOST)),
            "an expired certificate": Loopback(resets, authority.server(HOST, late)),
            "a certificate of another host": Loopback(resets, authority.server("other.test")),
            "no TLS at all": Loopback(resets, greet=closes_after(b"HTTP/1.1 400 No\r\n\r\n")),
            "an end in the handshake": Loopback(resets, greet=greeted(closes_after())),
            "a reset in the handshake": Loopback(resets, greet=greeted(resets)),
        }

    @contextmanager
    def open(self) -> Iterator[None]:
        with ExitStack() as stack, socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            self.nobody = int(nobody.getsockname()[1])
            for listener in self.listeners.values():
                stack.enter_context(listener)
            yield

    def port(self, name: str) -> int:
        return self.nobody if name == "refuses" else self.listeners[name].port

    def by_tls(self, name: str) -> bool:
        return name in self.listeners


def greeted(reply: Reply) -> Reply:
    """
    Once the first word of TLS came.

    Of a connection that is reset before it, Python's ssl leaves the socket open (3.11.7, 2026-11).
    """

    def greet(connection: socket.socket) -> None:
        connection.recv(65536)
        reply(connection)

    return greet


def two_authorities(folder: Path) -> Doors:
    for name in ("ours", "strange"):
        (folder / name).mkdir()
    return Doors(Authority(folder / "ours"), Authority(folder / "strange"))


class Detour(httpcore.SyncBackend):
    """Real sockets, to the port that ``leads`` names, or else to the one that was asked for."""

    def __init__(self, leads: Callable[[], int | None]) -> None:
        self.leads = leads

    def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        return super().connect_tcp(host, self.leads() or port, *args, **kwargs)


def here(_: str, port: int, **__: object) -> Sequence[tuple[Any, ...]]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
