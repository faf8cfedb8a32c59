"""
Whom a webhook of Laposta is about.

The body's shape is in Laposta's documentation (api.laposta.nl/doc, structure of a webhook). That
requests are signed, and by what, is only known from others: a header X-Laposta-Signature with an
HMAC-SHA256 of the body (read 2026-11-25). How it is written was not found, so both usual ways
count.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

from pydantic import ValidationError

from connectors.laposta.values import Id, Lower, Value
from core.errors import Refused, Unreadable
from core.faces import Notice

SIGNATURE = "x-laposta-signature"


class Changed(Value):
    member_id: Id
    list_id: Id
    email: Lower


class Event(Value):
    data: Changed


class Events(Value):
    data: Sequence[Event]


def changed(notice: Notice) -> Sequence[Changed]:
    try:
        return [event.data for event in Events.model_validate_json(notice.body).data]
    except ValidationError:  # its text quotes the body, so it must not be chained
        pass
    raise Unreadable("not a webhook as Laposta sends it")


def verify(notice: Notice, secrets: Sequence[str]) -> None:
    """Raises Refused unless one of the secrets signed it. Without secrets nothing is claimed."""
    given = notice.headers.get(SIGNATURE, "").removeprefix("sha256=").encode()
    ways = [way for secret in secrets for way in signatures(secret, notice.body)]
    if ways and not any(hmac.compare_digest(given, way) for way in ways):
        raise Refused("a webhook that none of the given secrets has signed")


def signatures(secret: str, body: bytes) -> tuple[bytes, bytes]:
    digest = hmac.digest(secret.encode(), body, hashlib.sha256)
    return digest.hex().encode(), base64.b64encode(digest)
