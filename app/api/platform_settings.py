"""Checks what a new connection names before any platform is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from app.api.problems import Kind, Problem, Where
from app.api.refusals import SEE_WHERE
from app.incoming.json_input import UNKNOWN_KEY, meaning
from app.incoming.misplaced import Misplaced
from app.incoming.operation_json import NO_LIST
from app.wiring import Installation
from core.connector import Text
from core.ledger import Ledger
from core.ledger.customers import Customer, lists_of

NO_PLATFORM = Text(
    nl="Dit platform is er niet. Zie GET /v1/platforms.",
    en="There is no such platform. See GET /v1/platforms.",
)
NOT_ITS_SETTING = Text(
    nl="Er staat een instelling in die dit platform niet heeft. Zie GET /v1/platforms.",
    en="It holds a setting that this platform does not have. See GET /v1/platforms.",
)


def check_settings(installation: Installation, platform: str, given: Mapping[str, Any]) -> None:
    """Raises Problem or Misplaced."""
    if platform not in installation.platforms:
        raise Misplaced("/platform", NO_PLATFORM)
    model = installation.reach.kind(platform).settings_model
    if not given.keys() <= model.model_fields.keys():
        raise Misplaced("/settings", NOT_ITS_SETTING)
    try:
        model.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise Problem(Kind.INVALID, SEE_WHERE, [where(one) for one in found]) from None


def where(one: Mapping[str, Any]) -> Where:
    """All names on the first level are the platform's; deeper ones may be anything."""
    setting = "" if one["type"] == UNKNOWN_KEY else "".join(f"/{part}" for part in one["loc"][:1])
    return Where(meaning(one), f"/settings{setting}")


def check_lists(ledger: Ledger, customer: Customer, given: Mapping[str, str]) -> None:
    """Raises Misplaced."""
    with ledger.read() as tx:
        known = lists_of(tx, customer.id)
    if not given.keys() <= known.keys():
        raise Misplaced("/lists", NO_LIST)
