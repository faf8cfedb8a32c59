"""The front door over HTTP: the API for programs, the pages for people."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from app.api.application import create
from app.pages.doors import MOUNTED_AT, pages
from app.wiring import Installation


def front(installation: Installation) -> ASGIApp:
    """Each behind headers and a log line of its own: a page's address is a credential."""
    return Starlette(
        routes=[
            Mount(MOUNTED_AT, pages(installation)),
            Mount("/", create(installation)),
        ]
    )
