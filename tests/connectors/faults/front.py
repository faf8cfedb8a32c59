"""Stands between a connector and its platform, on a real socket, to spoil one answer."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPResponse
from threading import Lock
from typing import Self

from tests.connectors.faults.flood import Flood
from tests.core.http.loopback import Loopback, answer, says

HOPS = {"connection", "content-length", "transfer-encoding"}


@dataclass(frozen=True, slots=True)
class Said:
    """What the platform really answered."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    def on_the_wire(self, body: bytes | None = None, kind: str | None = None) -> bytes:
        """With another body, or of another kind, where these are given."""
        body = self.body if body is None else body
        theirs = dict(self.headers)
        lines = [f"{name}: {value}" for name, value in self.headers if name != "Content-Type"]
        kind = kind or theirs.get("Content-Type", "application/json")
        return answer(body, *lines, status=f"{self.status} Said", kind=kind)


Play = Callable[["Front", socket.socket, Said | None], None]


class Front(Loopback):
    """
    Passes every call on to ``platform`` but those that come while ``play`` is set.

    ``play`` gets what the platform really said; None: this call is kept from the platform.
    ``nobody`` is how the platform says that it has no such person. ``target`` counts who
    follows a redirect.
    """

    def __init__(
        self,
        platform: tuple[str, int],
        nobody: Play,
        flood: Flood,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(self.meet, tls)
        self.platform = platform
        self.nobody = nobody
        self.flood = flood
        self.target = Loopback(says(answer()))
        self.play: Play | None = None
        self.acts = True
        self.struck = 0
        self.one_at_a_time = Lock()
        self.line: socket.socket | None = None

    def __enter__(self) -> Self:
        self.target.__enter__()
        super().__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self.target.__exit__(*error)
        self.hang_up()

    def meet(self, connection: socket.socket) -> None:
        request, play = self.requests.pop(), self.play
        if play is None:
            connection.sendall(self.through(request).on_the_wire())
            return
        self.struck += 1
        said = self.through(request) if self.acts else None
        play(self, connection, said)

    def through(self, request: bytes) -> Said:
        """One connection to the platform, renewed when the platform ended it."""
        with self.one_at_a_time:
            try:
                return self.asked(request)
            except OSError:
                self.hang_up()
                return self.asked(request)

    def asked(self, request: bytes) -> Said:
        if self.line is None:
            self.line = socket.create_connection(self.platform)
            self.line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.line.sendall(request)
        said = HTTPResponse(self.line, method=request.split(b" ", 1)[0].decode())
        said.begin()
        body = said.read()
        headers = [(name.title(), value) for name, value in said.getheaders()]
        if said.will_close:
            self.hang_up()
        kept = [(name, value) for name, value in headers if name.lower() not in HOPS]
        return Said(said.status, kept, body)

    def hang_up(self) -> None:
        if self.line is not None:
            with suppress(OSError):
                self.line.close()
            self.line = None
