"""What an answer means."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from itertools import accumulate
from typing import Any

import httpcore
import httpx
from httpx import codes

from core.errors import (
    ConnectorError,
    NotFound,
    OutcomeUnknown,
    Reconnect,
    Refused,
    TryAt,
    TryLater,
    Unreadable,
)
from core.http.requests import Effect

BODY_CAP = 2 * 1024 * 1024
HEADERS_CAP = 64 * 1024
DEPTH_CAP = 64
DEFAULT_WAIT = timedelta(seconds=60)
LONGEST_WAIT = timedelta(hours=24)

PASSED_ON = {
    "content-type",
    "date",
    "etag",
    "last-modified",
    "link",
    "location",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
    "totalcount",  # GetResponse
    "x-account_id",  # MailerLite
    "x-deleted",  # Copernica
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-sib-ratelimit-limit",
    "x-sib-ratelimit-remaining",
    "x-sib-ratelimit-reset",
    "x-total-count",
}

# Whole ones, by the standard; some platforms send fractions, some gateways join two headers.
SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?(\s*,\s*[0-9]+(\.[0-9]+)?)*")

NO_WORD: Mapping[Effect, type[ConnectorError]] = {
    Effect.READS: TryLater,
    Effect.CHANGES: OutcomeUnknown,
}
GARBLED: Mapping[Effect, type[ConnectorError]] = {
    Effect.READS: Unreadable,
    Effect.CHANGES: OutcomeUnknown,
}


SAID: Mapping[int, type[ConnectorError]] = {
    codes.UNAUTHORIZED: Reconnect,
    codes.FORBIDDEN: Reconnect,
    codes.NOT_FOUND: NotFound,
    codes.GONE: NotFound,
    codes.LOCKED: TryLater,  # this one and the next say that nothing was done
    codes.TOO_EARLY: TryLater,
}


def failure(
    status: int, headers: Mapping[str, str], effect: Effect, host: str, now: datetime
) -> ConnectorError | None:
    """The error that a status stands for. None: success."""
    if codes.is_success(status):
        return None
    what = f"{status} from {host}"
    wait = retry_after(headers, now)
    if status == codes.TOO_MANY_REQUESTS:
        wait = DEFAULT_WAIT if wait is None else wait
    if wait is not None and status in (codes.TOO_MANY_REQUESTS, codes.SERVICE_UNAVAILABLE):
        return TryAt(what, wait=wait, status=status)
    return kind(status, effect)(what, status=status)


def kind(status: int, effect: Effect) -> type[ConnectorError]:
    if status in SAID:
        return SAID[status]
    if status == codes.REQUEST_TIMEOUT or codes.is_server_error(status):
        return NO_WORD[effect]
    if codes.is_client_error(status):
        return Refused
    return GARBLED[effect]


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """
    How long the platform asks us to wait. None: it does not say, or not in a usable way.

    A date counts from the platform's own clock where it shows that (RFC 9110, 10.2.3). Of
    several headers the longest counts: a gateway adds its own to the platform's.
    """
    asked = httpx.Headers(headers)
    clock = moment(asked.get("date", "")) or now
    waits = [wait_of(value.strip(), clock) for value in asked.get_list("retry-after")]
    return max((wait for wait in waits if wait is not None), default=None)


def wait_of(value: str, clock: datetime) -> timedelta | None:
    if SECONDS.fullmatch(value):
        longest = max(math.ceil(Decimal(one)) for one in value.split(","))
        return timedelta(seconds=min(longest, LONGEST_WAIT.total_seconds()))
    until = moment(value)
    if until is None or until <= clock:
        return None
    return min(until - clock, LONGEST_WAIT)


def moment(value: str) -> datetime | None:
    """An HTTP date. None: not a date."""
    try:
        read = parsedate_to_datetime(value)
        return read if read.tzinfo else read.replace(tzinfo=UTC)
    except (IndexError, OverflowError, TypeError, ValueError):
        return None


def read(answer: httpcore.Response, cap: int) -> bytes | None:
    """The body. None: it is larger than ``cap``."""
    body = bytearray()
    for part in answer.iter_stream():
        body += part
        if len(body) > cap:
            return None
    return bytes(body)


def passed_on(headers: httpx.Headers) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers.multi_items() if name in PASSED_ON]


def flaw(headers: httpx.Headers, body: bytes | None) -> str | None:
    """Why a connector should not see this answer. None: it may."""
    if sum(len(name) + len(value) for name, value in headers.raw) > HEADERS_CAP:
        return "headers that are too large"
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        return "an encoding that we did not ask for"
    if body is None:
        return "an answer that is too large"
    return flaw_in(body, headers.get("content-type", "")) if body else None


def flaw_in(body: bytes, content_type: str) -> str | None:
    if not is_json(content_type):
        return "something else than JSON"
    if depth(body) > DEPTH_CAP:
        return "JSON that is too deep"
    return None if parses(body) else "JSON that does not parse"


def is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind in ("application/json", "text/json") or bool(
        re.fullmatch(r"application/[^/\s]+\+json", kind)
    )


STRING = re.compile(rb'"[^"]*(?:"|\Z)')  # finished or not; it holds no escape any more
NOT_STRUCTURE = bytes(set(range(256)) - set(b'[]{}"'))
STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def depth(body: bytes) -> int:
    """
    How deep the brackets outside of strings are nested.

    In whole passes: an answer about hundreds of people has a million bytes. Where two quotes
    meet, a string is empty, or one ends as the next begins: what lies within a string stays so
    without them.
    """
    unescaped = body.replace(rb"\\", b"").replace(rb"\"", b"")
    structure = unescaped.translate(None, NOT_STRUCTURE).replace(b'""', b"")
    brackets = STRING.sub(b"", structure)
    return max(accumulate(map(STEP.__getitem__, brackets)), default=0)


def parses(body: bytes) -> bool:
    """Strict: UTF-8 without a mark in front, finite numbers, no key twice."""
    try:
        json.loads(
            body.decode(),
            parse_constant=finite,
            parse_float=finite,
            object_pairs_hook=unique,
        )
    except (ValueError, RecursionError):
        return False
    return True


def finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found
