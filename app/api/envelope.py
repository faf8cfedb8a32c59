"""What is around every answer: the headers that keep it safe, the one line in the log."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.answers import refusal
from app.api.problems import Kind, Problem

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}
QUIET = frozenset({"/healthz", "/readyz"})
NO_ROUTE = "none"
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
OTHER_METHOD = "another"

log = logging.getLogger(__name__)


class Envelope:
    """Also the last line: what nobody foresaw becomes a problem with a code, its text a secret."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(raw=message["headers"])
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            elif not message.get("more_body", False):  # before it is sent: who reads it may look
                note(scope, status, time.perf_counter() - begun)
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except Exception as error:
            if status:
                raise
            await refusal(fault(error))(scope, receive, sending)


def fault(error: Exception) -> Problem:
    code = secrets.token_hex(4)
    log.error("a fault in courseflow-sync itself", extra={"code": code}, exc_info=error)
    meaning = Kind.FAULT.meaning
    return Problem(Kind.FAULT, f"{meaning.means} Its code is {code}. {meaning.do}")


def note(scope: Scope, status: int, seconds: float) -> None:
    """Names the route's template: a path may hold a secret, and so may a method."""
    verb = scope["method"] if scope["method"] in METHODS else OTHER_METHOD
    route = getattr(scope.get("route"), "path", NO_ROUTE)
    level = logging.DEBUG if route in QUIET else logging.INFO
    log.log(
        level,
        "answered",
        extra={"verb": verb, "route": route, "status": status, "seconds": seconds},
    )
