"""One page of a list, with where the next begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from app.api.cursors import Cursors, Place

T = TypeVar("T")


def page(
    found: Sequence[T],
    limit: int,
    told: Callable[[T], Any],
    cursors: Cursors,
    place: Callable[[T], Place],
) -> dict[str, Any]:
    """``found`` holds one more than ``limit`` where there is a next page."""
    more = len(found) > limit
    return {
        "items": [told(one) for one in found[:limit]],
        "next": cursors.write(place(found[limit - 1])) if more else None,
    }
