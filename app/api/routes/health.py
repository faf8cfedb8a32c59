"""Whether the process lives, whether it can do its work."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from app.api.answers import answer
from app.api.openapi import refuses, says
from app.api.parameters import The
from app.api.problems import Kind
from app.api.shapes import Shape, like

router = APIRouter(tags=["health"])


class Health(Shape):
    """It is as it should be."""

    model_config = like({"status": "ok"})

    status: str


@router.get("/healthz", responses=says(Health), summary="The process lives")
async def lives() -> Response:
    return answer({"status": "ok"})


@router.get(
    "/readyz", responses={**says(Health), **refuses(Kind.AWAY)}, summary="Both databases answer"
)
def ready(api: The) -> Response:
    for database in (api.ledger.database, api.ledger.safe.database):
        with database.read():
            pass
    return answer({"status": "ok"})
