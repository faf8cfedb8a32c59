"""Laposta's webhooks: whom they are about, and who sent them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from connectors.laposta import Laposta
from core.connector import Identity
from core.errors import Refused, Unreadable
from core.faces import Notice, Notices
from tests.connectors.laposta_server import ANNA, BRAM, NEWS, Platform, Town
from tests.databases import NOW

SECRET = "of-the-first-webhook"
OTHER = "of-the-second-webhook"


def event(email: str, member: str, what: str = "modified") -> dict[str, object]:
    data = {"member_id": member, "list_id": NEWS.id, "email": email, "state": "active"}
    return {"type": "member", "event": what, "data": data, "info": {"source": "app"}}


BODY = json.dumps({"data": [event(ANNA.email, "m1"), event(BRAM.email, "m2", "deactivated")]})


def notice(body: str | bytes = BODY, **headers: str) -> Notice:
    raw = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Notice(raw, named, NOW)


@pytest.fixture
def signed(laposta_town: Town, laposta: Platform) -> Laposta:
    return laposta_town.connect(laposta, webhook_secrets=f"{SECRET} {OTHER}")


def digest(secret: str) -> bytes:
    return hmac.digest(secret.encode(), BODY.encode(), hashlib.sha256)


def test_everybody_in_it_is_named_by_address_and_id(to_laposta: Laposta, laposta: Platform) -> None:
    assert isinstance(to_laposta, Notices)
    assert to_laposta.whom(notice()) == [
        Identity((ANNA.email,), (f"{NEWS.id}:m1",)),
        Identity((BRAM.email,), (f"{NEWS.id}:m2",)),
    ]
    assert laposta.calls == []


def test_the_id_is_the_one_that_a_trace_gives(to_laposta: Laposta, laposta: Platform) -> None:
    row = laposta.join(ANNA)
    (named,) = to_laposta.whom(notice(json.dumps({"data": [event("old@example.nl", row.id)]})))
    assert [trace.fields["email"] for trace in to_laposta.find(named)] == [ANNA.email]


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"\xff", b'{"data": [{}]}', b'{"data": [{"data": {"email": "a"}}]}'],
)
def test_anything_else_is_unreadable_and_not_quoted(to_laposta: Laposta, body: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        to_laposta.whom(notice(body))
    assert caught.value.__context__ is None


@pytest.mark.parametrize("secret", [SECRET, OTHER])
def test_a_signature_with_any_of_the_secrets_counts(signed: Laposta, secret: str) -> None:
    hexed, based = digest(secret).hex(), base64.b64encode(digest(secret)).decode()
    for signature in (hexed, f"sha256={hexed}", based):
        assert len(signed.whom(notice(x_laposta_signature=signature))) == 2


@pytest.mark.parametrize("signature", ["", "é", digest("guessed").hex()])
def test_a_wrong_or_missing_signature_is_refused(signed: Laposta, signature: str) -> None:
    with pytest.raises(Refused):
        signed.whom(notice(x_laposta_signature=signature))
    with pytest.raises(Refused):
        signed.whom(notice())


def test_a_body_that_was_changed_is_refused(signed: Laposta) -> None:
    changed = notice(BODY.replace("anna", "hanna"), x_laposta_signature=digest(SECRET).hex())
    with pytest.raises(Refused):
        signed.whom(changed)
