"""What Mailchimp means when it says no."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
from httpx import codes

from core.errors import (
    ConnectorError,
    NotFound,
    OnlyThePerson,
    Reconnect,
    Refused,
    TryAt,
    TryLater,
    Unreadable,
)


class Exists(TryLater):
    """An entry with this address is there, whatever its status."""


TOLERATED = frozenset({codes.BAD_REQUEST, codes.FORBIDDEN, codes.NOT_FOUND, codes.GONE})

ABSENT = "Resource Not Found"
# Titles of a 400; the type of a problem is the same for all (Mailchimp's errors page, 2026-11).
BY_TITLE: Mapping[str, tuple[type[ConnectorError], str]] = {
    "Forgotten Email Not Subscribed": (
        OnlyThePerson,
        "the address was erased at Mailchimp before; only its own form can bring it back",
    ),
    "Member In Compliance State": (
        OnlyThePerson,
        "the person opted out or bounced at Mailchimp; only they can come back",
    ),
    "Member Exists": (Exists, "an entry with this address came while it was read"),
}
# In the detail of an "Invalid Resource", which is final in every other case.
TOO_MANY_LISTS = "signed up to a lot of lists"
MINUTE = timedelta(minutes=1)


def said(answer: httpx.Response) -> Any:
    """
    The JSON of a success, None where it says that there is none. Raises what a refusal stands for.
    """
    if answer.status_code == codes.NO_CONTENT:
        return None
    if answer.is_success:
        return (answer.content and answer.json()) or ""
    raise refusal(answer.status_code, problem(answer))


def problem(answer: httpx.Response) -> Mapping[str, Any]:
    """Empty, unless it is Mailchimp's own word."""
    found = answer.json() if answer.content else None
    return found if isinstance(found, dict) and found.get("title") else {}


def refusal(status: int, said: Mapping[str, Any]) -> ConnectorError:
    match status:
        case codes.NOT_FOUND if said.get("title") == ABSENT:
            return NotFound("Mailchimp knows no such thing", status=status)
        case codes.NOT_FOUND | codes.GONE:
            # From something in between: it says nothing about a person.
            return Unreadable(f"a {status} that is not Mailchimp's", status=status)
        case codes.FORBIDDEN if said:
            return Reconnect(
                "Mailchimp does not let the user of this key do that; check the user's role, "
                "whether the user is active, and the plan",
                status=status,
            )
        case codes.FORBIDDEN:
            # Over the limit of connections, which may come instead of a 429 (2026-11).
            return TryAt("Mailchimp is too busy for this account", wait=MINUTE, status=status)
        case _:
            return of_a_request(said, status)


def of_a_request(said: Mapping[str, Any], status: int) -> ConnectorError:
    if TOO_MANY_LISTS in str(said.get("detail")):
        # Not TryAt, which would keep everybody else waiting with this address.
        what = "Mailchimp holds the address back: it signed up to many lists lately"
        return TryLater(what, status=status)
    kind, what = BY_TITLE.get(
        str(said.get("title")), (Refused, "Mailchimp does not accept this address or a field")
    )
    return kind(what, status=status)
