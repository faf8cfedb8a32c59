"""The shapes of what is told about platforms."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import Field

from app.api.shapes import Shape, Words, like
from core.connector import Verb

SAID: dict[str, Any] = {"nl": "…", "en": "…"}


class PlatformResidue(Shape):
    """What stays after an erasure, by the platform's own account."""

    what: Words
    lasts_days: int | None
    by_hand: Words | None
    source: str
    checked: date


class Platform(Shape):
    """What we know of a platform."""

    name: str
    title: str
    on_erasure: Words
    residue: list[PlatformResidue]
    by_hand: Annotated[
        dict[Verb, Words], Field(description="What its API cannot do, with what a human does.")
    ]
    can_look: bool
    stores_in: Words
    in_eu: Annotated[bool | None, Field(description="null: it depends on the account.")]
    settings: Annotated[dict[str, Any], Field(description="The JSON Schema of its settings.")]


class Platforms(Shape):
    """Every platform of this installation."""

    model_config = like(
        {
            "items": [
                {
                    "name": "sandbox-by-hand",
                    "title": "Sandbox by hand",
                    "on_erasure": SAID,
                    "residue": [],
                    "by_hand": {"erase": SAID},
                    "can_look": False,
                    "stores_in": SAID,
                    "in_eu": True,
                    "settings": {"type": "object"},
                }
            ]
        }
    )

    items: list[Platform]
