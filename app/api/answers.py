"""Answers as bytes."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from app.api.problems import MEDIA_TYPE, Problem

JSON = "application/json"


def text_of(value: Any) -> str:
    """Ids and enumerations are written as their text."""
    return json.dumps(value, default=str, ensure_ascii=False, separators=(",", ":"))


def answer(value: Any, status: int = 200) -> Response:
    return Response(text_of(value), status, media_type=JSON)


def nothing() -> Response:
    return Response(status_code=204)


def refusal(problem: Problem) -> Response:
    return Response(
        text_of(problem.to_json()),
        problem.status,
        headers=dict(problem.headers),
        media_type=MEDIA_TYPE,
    )
