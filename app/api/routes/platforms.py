"""What each platform does, with the settings that it needs."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from app.api.answers import answer
from app.api.door import Door
from app.api.openapi import reading, says
from app.api.parameters import Caller, The
from app.api.shapes.platforms import Platforms
from app.words.platforms import on_erasure
from core.connector import Connector, Residue
from core.report.values import words

router = APIRouter(route_class=Door, tags=["connections"])


@router.get(
    "/v1/platforms",
    responses={**reading(), **says(Platforms)},
    summary="Every platform: what an erasure does there, what stays, what its settings are",
)
def every(api: The, _: Caller) -> Response:
    kinds = sorted(api.installation.reach.connectors.items())
    return answer({"items": [of_platform(kind) for _, kind in kinds]})


def of_platform(kind: type[Connector[Any]]) -> dict[str, Any]:
    platform = kind.platform
    return {
        "name": platform.name,
        "title": platform.title,
        "on_erasure": words(on_erasure(platform)),
        "residue": [of_residue(one) for one in platform.residue],
        "by_hand": {verb: words(text) for verb, text in platform.by_hand.items()},
        "can_look": platform.can_look,
        "stores_in": words(platform.stores_in),
        "in_eu": platform.in_eu,
        "settings": kind.settings_model.model_json_schema(),
    }


def of_residue(one: Residue) -> dict[str, Any]:
    return {
        "what": words(one.what),
        "lasts_days": one.lasts.days if one.lasts else None,
        "by_hand": words(one.by_hand),
        "source": one.source,
        "checked": one.checked,
    }
