"""A wire between workers and a platform that journals every call, and can be cut."""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

HOP = {"connection", "keep-alive", "transfer-encoding"}


@dataclass(frozen=True, slots=True)
class Call:
    """``status`` is None when the platform gave no answer."""

    at: float
    method: str
    path: str
    form: dict[str, list[str]]
    status: int | None
    source: str  # the address of the machine that called


class Wire(ThreadingHTTPServer):
    """Passes calls on to ``target`` after ``delay`` seconds. What is in flight is known by port."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, target: str, delay: float = 0.0, host: str = "127.0.0.1") -> None:
        super().__init__((host, 0), Passing)
        parts = urlsplit(target)
        self.host, self.port = str(parts.hostname), int(parts.port or 80)
        self.delay = delay
        self.calls: list[Call] = []
        self.in_flight: dict[int, float] = {}
        self._serving = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._serving.start()
        self.url = f"http://{host}:{self.server_address[1]}{parts.path}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A killed worker hangs up in the middle: that is what this is for."""

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Wire

    def pass_on(self) -> None:
        wire, (source, port) = self.server, self.client_address
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        form = parse_qs(body.decode()) if b"=" in body and not body.startswith(b"{") else {}
        at = time.time()
        wire.in_flight[port] = at
        status = None
        try:
            time.sleep(wire.delay)
            status, headers, answer = self.ask(body)
        except OSError:
            self.close_connection = True
            return
        finally:
            wire.calls.append(Call(at, self.command, self.path, form, status, source))
            wire.in_flight.pop(port, None)
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP | {"content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = http.client.HTTPConnection(self.server.host, self.server.port, timeout=30)
        try:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP}
            upstream.request(self.command, self.path, body or None, headers)
            response = upstream.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            upstream.close()

    def log_message(self, *_: Any) -> None:
        """The journal is the log."""

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on  # noqa: N815 - http.server's names
