"""Every way in which the API says no, as RFC 9457 wants it said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from app.logs import masked

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a kind of problem tells, wherever it happens. The pages of docs/errors say it too."""

    status: int
    title: str
    means: str
    do: str


class Kind(Enum):
    """The last part of a problem's ``type``; a page of docs/errors has the same name."""

    BAD_JSON = "bad-json"
    BAD_CURSOR = "bad-cursor"
    BAD_IDEMPOTENCY_KEY = "bad-idempotency-key"
    NO_KEY = "no-key"
    NOT_YOURS = "not-yours"
    NOT_FOUND = "not-found"
    NO_SUCH_METHOD = "no-such-method"
    TOO_SLOW = "too-slow"
    CONFLICT = "conflict"
    STILL_RUNNING = "still-running"
    TOO_LARGE = "too-large"
    NOT_JSON = "not-json"
    INVALID = "invalid"
    REFUSED = "refused"
    NO_BASIS = "no-basis"
    KEY_USED = "key-used"
    TOO_MANY = "too-many"
    FAULT = "fault"
    AWAY = "away"

    @property
    def meaning(self) -> Meaning:
        return MEANINGS[self]


MEANINGS: Mapping[Kind, Meaning] = {
    Kind.BAD_JSON: Meaning(
        400,
        "The body is not JSON that we read",
        "The body is no JSON in UTF-8, begins with a byte order mark, names something twice, "
        "holds NaN or an infinite number, or is nested deeper than 20 levels. Nothing was stored.",
        "Write the body with a JSON library and send it again.",
    ),
    Kind.BAD_CURSOR: Meaning(
        400,
        "The cursor is not one of ours",
        "A cursor is what `next` of the page before it said, for the same list.",
        "Leave `after` out to begin at the first page.",
    ),
    Kind.BAD_IDEMPOTENCY_KEY: Meaning(
        400,
        "The Idempotency-Key is missing or cannot be used",
        "A request that asks for work needs one, of 1 to 255 visible ASCII characters, so that "
        "it can be repeated without asking twice. Nothing was stored.",
        "Make a random one, such as a UUID, for each request; send the same one when you repeat "
        "that request.",
    ),
    Kind.NO_KEY: Meaning(
        401,
        "There is no key that opens this",
        "The header `Authorization: Bearer …` is missing, or its key is unknown or revoked.",
        "Send a key that `courseflow-sync key issue` gave. Ask for a new one if it was revoked.",
    ),
    Kind.NOT_YOURS: Meaning(
        403,
        "This is the operator's",
        "The key is a customer's, and only the operator's opens this.",
        "Ask the operator of this installation.",
    ),
    Kind.NOT_FOUND: Meaning(
        404,
        "There is nothing here for this key",
        "The address or one of the ids in it does not exist, or belongs to somebody else. Which "
        "of them is never told.",
        "Check the ids, and that the key belongs to this customer.",
    ),
    Kind.NO_SUCH_METHOD: Meaning(
        405,
        "This address does not take that method",
        "The address exists; what may be done there is in the header `Allow`.",
        "See /openapi.json for what each address takes.",
    ),
    Kind.TOO_SLOW: Meaning(
        408,
        "The body did not arrive in time",
        "A body must be here within 30 seconds. Nothing was stored.",
        "Send it again.",
    ),
    Kind.CONFLICT: Meaning(
        409,
        "It is not like that now",
        "What was asked does not go together with what is there: a name that is taken, an "
        "account that is connected already, a task that was closed. Nothing was changed.",
        "Read what is there now, and decide again.",
    ),
    Kind.STILL_RUNNING: Meaning(
        409,
        "The same request is still running",
        "A request with this Idempotency-Key has not ended yet.",
        "Repeat it in a second: then it is answered as the first one was.",
    ),
    Kind.TOO_LARGE: Meaning(
        413,
        "The body is larger than 1 MiB",
        "Nothing of it was read or stored.",
        "Send less at once: a batch takes 1,000 operations at most.",
    ),
    Kind.NOT_JSON: Meaning(
        415,
        "The body is not said to be JSON",
        "Only `Content-Type: application/json` is read, without a content encoding. Nothing was "
        "stored.",
        "Send JSON and say so.",
    ),
    Kind.INVALID: Meaning(
        422,
        "Something in it cannot be used",
        "`where` points at each part that is wrong (RFC 6901) and gives the reason; what was "
        "sent is never repeated. Nothing was stored.",
        "Correct those parts and send it again.",
    ),
    Kind.REFUSED: Meaning(
        422,
        "It cannot be accepted",
        "It was understood, and cannot be done: `detail` says why. Nothing was stored.",
        "Do what `detail` says.",
    ),
    Kind.NO_BASIS: Meaning(
        422,
        "There is no ground to mail this person",
        "The basis is missing, or older than the person's erasure or opt-out. Nothing was stored.",
        "Ask the person. Only a newer basis of their own allows mail again.",
    ),
    Kind.KEY_USED: Meaning(
        422,
        "The Idempotency-Key was used for another request",
        "Within 30 days a key belongs to the one request that it came with first. Nothing was "
        "stored.",
        "Use a new key for a new request.",
    ),
    Kind.TOO_MANY: Meaning(
        429,
        "Too many requests with this key",
        "A key may ask 50 times a second, and 200 times at once after a pause.",
        "Wait as long as `Retry-After` says. Use batches.",
    ),
    Kind.FAULT: Meaning(
        500,
        "A fault of our own",
        "Not what you asked but the product itself failed. What was accepted before stays.",
        "Repeat the request with the same Idempotency-Key. If it stays, tell the operator the "
        "code in `detail`: the log has a line with it.",
    ),
    Kind.AWAY: Meaning(
        503,
        "The database is away",
        "Whether the request was stored is not known when it asked for work.",
        "Repeat it with the same Idempotency-Key in a few seconds: it is never done twice.",
    ),
}


@dataclass(frozen=True, slots=True)
class Where:
    """One part of a request that is wrong: a pointer into its body, else a parameter's name."""

    reason: str
    pointer: str | None = None
    parameter: str | None = None

    def to_json(self) -> dict[str, str | None]:
        return {"pointer": self.pointer, "parameter": self.parameter, "reason": self.reason}


@dataclass(slots=True)
class Problem(Exception):
    """Ends a request. ``detail`` and ``where`` never repeat what was sent."""

    kind: Kind
    detail: str
    where: Sequence[Where] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        return self.kind.meaning.status

    def to_json(self) -> dict[str, Any]:
        return {
            "type": f"/errors/{self.kind.value}",
            "title": self.kind.meaning.title,
            "status": self.status,
            "detail": masked(self.detail),
            "where": [one.to_json() for one in self.where],
        }


def of(kind: Kind, *, headers: Mapping[str, str] | None = None) -> Problem:
    """The problem as its page tells it, where there is nothing more to say."""
    return Problem(kind, f"{kind.meaning.means} {kind.meaning.do}", headers=headers or {})


def page(kind: Kind) -> str:
    """What a problem's ``type`` leads to."""
    meaning = kind.meaning
    return (
        f"# {meaning.title}\n\n"
        f"`{kind.value}`, with status {meaning.status}.\n\n"
        f"## What happened\n\n{meaning.means}\n\n"
        f"## What to do\n\n{meaning.do}\n"
    )
