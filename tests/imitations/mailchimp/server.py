"""
An imitated Mailchimp over HTTP on 127.0.0.1: its API, with lies on demand.

    python -m tests.imitations.mailchimp.server     prints its port, and serves until it is ended
"""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import struct
import sys
import time
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import RLock
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.imitations.mailchimp.account import Account, Audience
from tests.imitations.mailchimp.api import ROUTES, Answer, Call, honest, problem

BASE = "/3.0"
KEY = "0123456789abcdef0123456789abcdef-us21"


Lie = Callable[["Imitation", Call, Callable[[], Answer]], Answer]


class Imitation(ThreadingHTTPServer):
    """``lie`` sets what the next calls of a face get in place of the truth."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        account: Account,
        *,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        seconds: float = 0.0,  # that every answer takes
    ) -> None:
        self.account = account
        self.seconds = seconds
        self.calls: list[Call] = []
        self.later: list[Callable[[], object]] = []  # what calls without an answer have yet to do
        self.lies: defaultdict[str, deque[Lie]] = defaultdict(deque)
        self.connections = 0
        self.lock = RLock()
        self.scheme = "https" if tls else "http"
        super().__init__(("127.0.0.1", port), Exchange)
        if tls:
            self.socket = tls.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}{BASE}"

    def lie(self, face: str, *lies: Lie) -> None:
        self.lies[face].extend(lies)

    def let_happen(self) -> None:
        """Time passes until every late call has acted."""
        with self.lock:
            while self.later:
                self.later.pop(0)()

    def made(self, face: str) -> int:
        return sum(call.face == face for call in self.calls)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)

    def answer(self, call: Call) -> Answer:
        with self.lock:
            self.calls.append(call)
            if self.lies[call.face]:
                lie = self.lies[call.face].popleft()
                return lie(self, call, partial(honest, self.account, call))
            return honest(self.account, call)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is no news; anything else is a bug of ours, said aloud."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Exchange(BaseHTTPRequestHandler):
    """One connection, kept alive."""

    server: Imitation
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 60

    def meet(self) -> None:
        url = urlsplit(self.path)
        path = url.path.removeprefix(BASE) or "/"
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        for method, pattern, face in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and method == self.command and url.path.startswith(BASE):
                call = Call(
                    face,
                    method,
                    path,
                    match.groups(),
                    dict(parse_qsl(url.query)),
                    json.loads(body) if body else None,
                    self.headers.get("Authorization", ""),
                )
                time.sleep(self.server.seconds)
                return self.send(self.server.answer(call))
        return self.send(problem(404, "Resource Not Found"))

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = meet  # noqa: N815

    def send(self, answer: Answer) -> None:
        if answer.cut:
            self.cut()
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.kind:
            self.send_header("Content-Type", answer.kind)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def cut(self) -> None:
        """Lingering for no time makes closing a reset, not an end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """``Imitation.calls`` is the only record."""


def main() -> None:
    audience = Audience("a1b2c3d4e5", "Nieuwsbrief")
    account = Account({KEY: "owner"}, [audience], now=lambda: datetime.now(UTC))
    with Imitation(account) as server, suppress(KeyboardInterrupt):
        sys.stdout.write(json.dumps({"url": server.url, "audience": audience.id, "key": KEY}))
        sys.stdout.write("\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main()
