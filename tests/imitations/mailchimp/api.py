"""What the imitated Mailchimp's API answers to which call."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from tests.imitations.mailchimp.account import Account, Member, Problem, shown

PROBLEM = "application/problem+json; charset=utf-8"


@dataclass(frozen=True)
class Call:
    face: str
    method: str
    path: str  # after the version
    ids: tuple[str, ...]
    query: Mapping[str, str]
    body: Any
    authorization: str


@dataclass(frozen=True)
class Answer:
    """``cut``: the connection is reset in its place."""

    status: int = 200
    body: bytes = b""
    kind: str | None = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False


def honest(account: Account, call: Call) -> Answer:
    try:
        check_key(account, call)
        return FACES[call.face](account, call)
    except Problem as no:
        return problem(no.status, no.title, no.detail)


def said(status: int, what: Any, kind: str = "application/json; charset=utf-8") -> Answer:
    return Answer(status, json.dumps(what).encode(), kind)


def problem(status: int, title: str, detail: str = "") -> Answer:
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return said(status, {**document, "instance": "8c2d"}, PROBLEM)


def check_key(account: Account, call: Call) -> None:
    role = account.keys.get(key_in(call.authorization))
    if role is None:
        raise Problem(401, "API Key Invalid", "Your API key may be invalid.")
    if call.method != "GET" and role in {"viewer", "author"}:
        raise Problem(403, "Forbidden", "The user of this key may not do that.")


def key_in(authorization: str) -> str:
    try:
        return base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def root(account: Account, call: Call) -> Answer:
    role = account.keys[key_in(call.authorization)]
    whole = {"account_id": account.id, "account_name": account.name, "role": role, "dc": "us21"}
    return partly(call, whole)


def lists(account: Account, call: Call) -> Answer:
    rows = [
        {"id": one.id, "name": one.name, "double_optin": one.double_optin, "web_id": 1}
        for one in account.audiences.values()
    ]
    return a_page(call, "lists", rows)


def merge_fields(account: Account, call: Call) -> Answer:
    tags = account.audience(call.ids[0]).tags
    rows = [{"merge_id": number, "tag": tag} for number, tag in enumerate(tags, 1)]
    return a_page(call, "merge_fields", rows)


def members(account: Account, call: Call) -> Answer:
    there = account.audience(call.ids[0])
    found = list(there.members.values())
    if since := call.query.get("since_last_changed"):
        found = [one for one in found if one.changed >= datetime.fromisoformat(since)]
    if status := call.query.get("status"):
        found = [one for one in found if one.status == status]
    else:
        found = [one for one in found if one.status != "archived"]
    found.sort(key=lambda one: one.changed)
    return a_page(call, "members", found, partial(shown, there))


def member(account: Account, call: Call) -> Answer:
    there = account.audience(call.ids[0])
    return partly(call, shown(there, there.held(call.ids[1])))


def put(account: Account, call: Call) -> Answer:
    audience, key = call.ids
    return whole(account, call, account.put(audience, key, call.body))


def add(account: Account, call: Call) -> Answer:
    return whole(account, call, account.add_new(call.ids[0], call.body))


def patch(account: Account, call: Call) -> Answer:
    audience, key = call.ids
    return whole(account, call, account.patch(audience, key, call.body))


def whole(account: Account, call: Call, changed: Member) -> Answer:
    return said(200, shown(account.audience(call.ids[0]), changed))


def archive(account: Account, call: Call) -> Answer:
    account.archive(*call.ids)
    return Answer(204, kind=None)


def forget(account: Account, call: Call) -> Answer:
    account.forget(*call.ids)
    return Answer(204, kind=None)


def batch(account: Account, call: Call) -> Answer:
    if len(call.body["members"]) > 500:
        raise Problem(400, "Invalid Resource", "at most 500")
    return said(200, account.batch(call.ids[0], call.body))


def a_page(call: Call, name: str, found: list[Any], show: Callable[[Any], Any] = dict) -> Answer:
    offset, most = int(call.query.get("offset", 0)), int(call.query.get("count", 10))
    rows = [show(one) for one in found[offset : offset + most]]
    return partly(call, {name: rows, "total_items": len(found)})


def partly(call: Call, whole: dict[str, Any]) -> Answer:
    """Only the fields that were asked for, those of rows with a dot."""
    if "fields" not in call.query:
        return said(200, whole)
    asked = set(call.query["fields"].split(","))
    shown: dict[str, Any] = {}
    for name, value in whole.items():
        inner = {one.partition(".")[2] for one in asked if one.startswith(f"{name}.")}
        if name in asked:
            shown[name] = value
        elif inner:
            shown[name] = [{key: row[key] for key in row if key in inner} for row in value]
    return said(200, shown)


FACES: Mapping[str, Callable[[Account, Call], Answer]] = {
    "root": root,
    "lists": lists,
    "merge-fields": merge_fields,
    "members": members,
    "member": member,
    "add": add,
    "put": put,
    "patch": patch,
    "archive": archive,
    "delete-permanent": forget,
    "batch": batch,
}
ROUTES = (
    ("GET", r"/", "root"),
    ("GET", r"/lists", "lists"),
    ("POST", r"/lists/([^/]+)", "batch"),
    ("GET", r"/lists/([^/]+)/merge-fields", "merge-fields"),
    ("GET", r"/lists/([^/]+)/members", "members"),
    ("POST", r"/lists/([^/]+)/members", "add"),
    ("GET", r"/lists/([^/]+)/members/([^/]+)", "member"),
    ("PUT", r"/lists/([^/]+)/members/([^/]+)", "put"),
    ("PATCH", r"/lists/([^/]+)/members/([^/]+)", "patch"),
    ("DELETE", r"/lists/([^/]+)/members/([^/]+)", "archive"),
    ("POST", r"/lists/([^/]+)/members/([^/]+)/actions/delete-permanent", "delete-permanent"),
)
