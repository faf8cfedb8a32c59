"""What Mailchimp's webhooks tell: whom to look at again."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from core.connector import Identity
from core.errors import Refused, Unreadable
from core.faces import Notice
from core.identity import BadAddress, normalise

SIGNATURE = "x-mailchimp-signature"  # t=<seconds>,v1=<hex>; Mailchimp's webhooks page, 2026-11
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TOLERANCE = timedelta(minutes=5)
FIELDS = 500  # merge fields and groups included

# By type of event: where the addresses are.
ADDRESSES: Mapping[str, Sequence[str]] = {
    "subscribe": ["data[email]"],
    "unsubscribe": ["data[email]"],
    "profile": ["data[email]"],
    "cleaned": ["data[email]"],
    "upemail": ["data[new_email]", "data[old_email]"],
    "campaign": [],
}


def whom(notice: Notice, secret: str) -> Sequence[Identity]:
    """Without a secret anybody may have sent it, which is enough for a reason to look."""
    if secret:
        check(notice, secret)
    form = form_in(notice.body)
    if form.get("type") not in ADDRESSES:
        raise Unreadable("a kind of webhook that we do not know, from Mailchimp")
    emails = tuple(address(form, name) for name in ADDRESSES[form["type"]])
    return [Identity(emails)] if emails else []


def check(notice: Notice, secret: str) -> None:
    pairs = [part.strip().partition("=") for part in notice.headers.get(SIGNATURE, "").split(",")]
    sent = next((value for name, _, value in pairs if name == "t"), "")
    if not sent.isdecimal() or not is_recent(int(sent[:12]), notice.received_at):
        raise Refused("a webhook without the signature of this moment")
    signed = hmac.digest(secret.encode(), sent.encode() + b"." + notice.body, "sha256").hex()
    given = [value for name, _, value in pairs if name == "v1"]
    if not any(hmac.compare_digest(signed.encode(), value.encode()) for value in given):
        raise Refused("a webhook whose signature is not Mailchimp's")


def is_recent(sent: int, received_at: datetime) -> bool:
    return abs(received_at - EPOCH - timedelta(seconds=sent)) <= TOLERANCE


def form_in(body: bytes) -> Mapping[str, str]:
    try:
        return dict(parse_qsl(body.decode(), errors="strict", max_num_fields=FIELDS))
    except ValueError:  # its text may quote the body
        pass
    raise Unreadable("a webhook that is not a form")


def address(form: Mapping[str, str], name: str) -> str:
    try:
        return normalise(form.get(name, ""))
    except BadAddress:
        pass
    raise Unreadable("a webhook without a usable address")
