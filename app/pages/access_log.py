"""One line of the log per answered request, which never holds the address that was asked for."""

from __future__ import annotations

import logging
import time

from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ELSEWHERE = "elsewhere"

log = logging.getLogger(__name__)


class AccessLog:
    """Names the template of the route: a path here is a credential."""

    def __init__(self, app: ASGIApp, mounted_at: str) -> None:
        self.app = app
        self.mounted_at = mounted_at

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.monotonic()
        status = 0

        async def noted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        await self.app(scope, receive, noted)
        seconds = round(time.monotonic() - begun, 3)
        log.info(
            "answered", extra={"route": self.route(scope), "status": status, "seconds": seconds}
        )

    def route(self, scope: Scope) -> str:
        route = scope.get("route")
        return f"{self.mounted_at}{route.path}" if isinstance(route, Route) else ELSEWHERE
