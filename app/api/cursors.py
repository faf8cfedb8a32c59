"""Where the next page of a list begins, in a form that callers can hand back but not make."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.api.problems import Kind, of

TAG = 16  # bytes
LONGEST = 500

Place = Sequence[Any]  # what the last row was sorted by


@dataclass(frozen=True, slots=True)
class Cursors:
    """Of one list: a cursor from another list, or another customer's, does not fit."""

    secrets: Sequence[bytes] = field(repr=False)  # the first makes them, any of them fits
    name: str

    def write(self, place: Place) -> str:
        told = json.dumps(list(place), default=str).encode()
        tag = self.tag(self.secrets[0], told)
        return base64.urlsafe_b64encode(tag + told).decode().rstrip("=")

    def read(self, cursor: str) -> list[Any]:
        """Raises Problem."""
        raw = decoded(cursor) if len(cursor) <= LONGEST else b""
        tag, told = raw[:TAG], raw[TAG:]
        if not any(hmac.compare_digest(tag, self.tag(one, told)) for one in self.secrets):
            raise of(Kind.BAD_CURSOR)
        place: list[Any] = json.loads(told)
        return place

    def tag(self, secret: bytes, told: bytes) -> bytes:
        message = f"{self.name}|".encode() + told
        return hmac.digest(secret, message, hashlib.sha256)[:TAG]


def decoded(cursor: str) -> bytes:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
