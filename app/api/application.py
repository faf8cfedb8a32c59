"""Puts the API together."""

from __future__ import annotations

import time
from functools import cache, partial

from fastapi import FastAPI

from app.api import refusals
from app.api.envelope import Envelope
from app.api.openapi import document
from app.api.rates import Rates
from app.api.routes import (
    alerts,
    connections,
    customers,
    errors,
    health,
    lists,
    notices,
    operations,
    people,
    platforms,
    progress,
    tasks,
)
from app.api.state import Api
from app.wiring import Installation

ROUTERS = (
    customers.router,
    lists.router,
    platforms.router,
    connections.router,
    operations.router,
    progress.router,
    people.router,
    tasks.router,
    alerts.router,
    notices.router,
    errors.router,
    health.router,
)


def create(installation: Installation, rates: Rates | None = None) -> FastAPI:
    """``rates`` of None: the usual ones, by the machine's clock."""
    app = described()
    app.state.api = Api(installation, rates or Rates(time.monotonic))
    return app


def described() -> FastAPI:
    """Its routes with nothing behind them, which is enough for the OpenAPI document."""
    app = FastAPI(docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.routes = [one for router in ROUTERS for one in router.routes]
    # include_router of FastAPI 0.165 would build them anew in the first request, which takes
    # long and is not safe while another application does the same.
    app.router.routes.extend(app.state.routes)
    refusals.listen(app)
    app.add_middleware(Envelope)
    app.openapi = cache(partial(document, app))  # type: ignore[method-assign]  # as FastAPI tells to
    return app
