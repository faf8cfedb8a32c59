"""The pages to which the types of problems lead."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from app.api.problems import Kind, of, page

MARKDOWN = "text/markdown"

router = APIRouter(tags=["health"], include_in_schema=False)


@router.get("/errors/{kind}")
async def show(kind: Annotated[str, Path(max_length=100)]) -> Response:
    known = {one.value: one for one in Kind}
    if kind not in known:
        raise of(Kind.NOT_FOUND)
    return Response(page(known[kind]), media_type=MARKDOWN)
