"""Mailchimp's webhooks: whom to look at again, and whose word that is."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlencode

import pytest

from core.connector import Identity
from core.errors import Refused, Unreadable
from core.faces import Notice
from tests.imitations.mailchimp.town import ANNA, BRAM, NOW, WHO, Town

SECRET = "whsec-of-the-school"


@pytest.fixture
def town() -> Iterator[Town]:
    with Town() as town:
        yield town


def form(kind: str, **data: str) -> bytes:
    """As Mailchimp sends it, other fields included."""
    fields = {f"data[{name}]": value for name, value in data.items()}
    moment = {"type": kind, "fired_at": "2026-11-25 12:00:00", "data[merges][FNAME]": "Anna"}
    return urlencode({**moment, **fields}).encode()


def notice(body: bytes, signature: str = "", received_at: datetime = NOW) -> Notice:
    headers = {"x-mailchimp-signature": signature} if signature else {}
    return Notice(body, headers, received_at)


def signed(body: bytes, at: datetime = NOW, secret: str = SECRET) -> str:
    seconds = int(at.timestamp())
    mac = hmac.digest(secret.encode(), f"{seconds}.".encode() + body, "sha256").hex()
    return f"t={seconds},v1={mac}"


JOINED = form("subscribe", email="Anna@Example.nl", id="8a25ff1d98", list_id="a1")


@pytest.mark.parametrize("kind", ["subscribe", "unsubscribe", "profile", "cleaned"])
def test_each_kind_names_the_person(town: Town, kind: str) -> None:
    assert town.connect().whom(notice(form(kind, email=ANNA.email))) == [WHO]


def test_a_change_of_address_names_both(town: Town) -> None:
    moved = form("upemail", new_email=BRAM, old_email=ANNA.email)
    assert town.connect().whom(notice(moved)) == [Identity((BRAM, ANNA.email))]


def test_a_campaign_is_about_nobody(town: Town) -> None:
    assert town.connect().whom(notice(form("campaign", subject="Nieuws"))) == []


def test_an_address_is_spelled_as_ours(town: Town) -> None:
    assert town.connect().whom(notice(JOINED)) == [WHO]


def test_no_call_is_made(town: Town) -> None:
    town.connect().whom(notice(JOINED))
    assert town.server.calls == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"\xff\xfe",
        form("promoted", email=ANNA.email),
        form("subscribe"),
        form("subscribe", email="nobody"),
        form("upemail", new_email=BRAM),
        b"&".join(b"a=b" for _ in range(1_000)),
    ],
    ids=["empty", "JSON", "no text", "unknown kind", "nobody", "no address", "half", "too many"],
)
def test_anything_else_cannot_be_read(town: Town, body: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        town.connect().whom(notice(body))
    assert "example" not in f"{caught.value!r}{caught.value.__cause__!r}"


class TestASignature:
    def test_of_mailchimp_counts(self, town: Town) -> None:
        connector = town.connect(webhook_secret=SECRET)
        assert connector.whom(notice(JOINED, signed(JOINED))) == [WHO]

    def test_may_be_one_of_several_while_secrets_change(self, town: Town) -> None:
        connector = town.connect(webhook_secret=SECRET)
        assert connector.whom(notice(JOINED, f"{signed(JOINED)},v1={'0' * 64}")) == [WHO]

    @pytest.mark.parametrize("minutes", [-4, 4])
    def test_of_minutes_ago_counts(self, town: Town, minutes: int) -> None:
        sent = NOW + timedelta(minutes=minutes)
        connector = town.connect(webhook_secret=SECRET)
        assert connector.whom(notice(JOINED, signed(JOINED, sent))) == [WHO]

    @pytest.mark.parametrize(
        "signature",
        [
            "",
            "t=,v1=",
            "nonsense",
            signed(JOINED, secret="of-somebody-else"),
            signed(form("unsubscribe", email=ANNA.email)),
            signed(JOINED, NOW - timedelta(minutes=6)),
            signed(JOINED, NOW + timedelta(minutes=6)),
            signed(JOINED).replace("v1=", "v0="),
            signed(JOINED).replace("v1=", "v1=é"),
            f"t={'9' * 400},v1=00",
            f"t={int(NOW.timestamp())},v1=",
        ],
        ids=range(11),
    )
    def test_that_is_wrong_or_old_is_refused(self, town: Town, signature: str) -> None:
        with pytest.raises(Refused):
            town.connect(webhook_secret=SECRET).whom(notice(JOINED, signature))
