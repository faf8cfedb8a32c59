"""Answers that say yes, and are none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from core.errors import OutcomeUnknown, Refused, TryLater, Unreadable
from tests.connectors.faults.fault import Fault, honestly, sends
from tests.connectors.faults.front import Said
from tests.core.http.loopback import answer

LOGIN = b"<!doctype html><html><form action=/login><input name=user></form></html>"
GRAPHQL = b'{"data": null, "errors": [{"message": "no such field", "path": ["contact"]}]}'
WRONG: Mapping[str, bytes] = {
    "a login page": answer(LOGIN, kind="text/html; charset=utf-8"),
    "a login page called JSON": answer(LOGIN),
    "nothing": answer(b""),
    "blanks": answer(b" \r\n "),
    "null": answer(b"null"),
    "true": answer(b"true"),
    "a number": answer(b"0"),
    "an empty string": answer(b'""'),
    "a word": answer(b'"ok"'),
    "an empty list": answer(b"[]"),
    "an empty object": answer(b"{}"),
    "a list of null": answer(b"[null]"),
    "an object in a list": answer(b"[{}]"),
    "a list in a list": answer(b"[[]]"),
    "success: false": answer(b'{"success": false}'),
    "success: true": answer(b'{"success": true, "status": "ok"}'),
    "an error as a success": answer(b'{"error": {"code": 500, "message": "x"}}'),
    "a problem as a success": answer(b'{"title": "404 Not Found", "description": "x"}'),
    "GraphQL errors": answer(GRAPHQL),
    "the right names with null": answer(
        b'{"data": null, "lists": null, "contacts": null, "blocked": null, "entries": null,'
        b' "total_size": null, "total_items": null, "member": null, "id": null}'
    ),
    "the right names with words": answer(
        b'{"data": "x", "lists": "x", "contacts": "x", "blocked": "x", "entries": "x",'
        b' "total_size": "x", "total_items": "x", "member": "x", "id": "x"}'
    ),
    "the right names with empty objects": answer(
        b'{"data": [{}], "lists": [{}], "contacts": [{}], "blocked": [{}], "entries": [{}],'
        b' "total_size": 1, "total_items": 1, "member": {}, "id": {}}'
    ),
    "not a number": answer(b'{"a": NaN}'),
    "infinity": answer(b"[-Infinity]"),
    "a key twice": answer(b'{"contacts": [], "contacts": [], "blocked": []}'),
    "half an object": answer(b'{"contacts": [], "blocked": ['),
    "two objects": answer(b"{}{}"),
    "single quotes": answer(b"{'contacts': []}"),
    "JSONP": answer(b"callback({})", kind="application/javascript"),
    "XML": answer(b"<?xml version='1.0'?><lists/>", kind="application/xml"),
    "a form": answer(b"lists=&total=0", kind="application/x-www-form-urlencoded"),
    "lines of JSON": answer(b"{}\n{}\n", kind="application/x-ndjson"),
    "no kind at all": answer(b"{}").replace(b"Content-Type: application/json\r\n", b""),
    "a kind that is none": answer(b"{}", kind="json"),
    "an accepted page": answer(LOGIN, status="202 Accepted", kind="text/html"),
    "part of an answer": answer(b"{", "Content-Range: bytes 0-0/99", status="206 Partial Content"),
    "start anew": answer(b"", status="205 Reset Content"),
    "another's word": answer(b"{}", status="203 Non-Authoritative Information"),
    "many answers": answer(b"{}", status="207 Multi-Status"),
    "a success that nobody knows": answer(b"", status="299 Fine"),
}
DONE = b"HTTP/1.1 204 No Content\r\n\r\n"


def twice(said: Said) -> bytes:
    """A key of its own, once more at the end."""
    text = said.body.decode().rstrip()
    known = next(iter(json.loads(text)), None) if text.startswith("{") else None
    if known is None:
        return b'{"a": 1, "a": 2}'
    return f"{text[:-1]}, {json.dumps(known)}: null}}".encode()


def short(said: Said) -> bytes:
    """Fewer entries than it announces; null, where it announces nothing."""
    found = json.loads(said.body or b"null")
    totals = {"total_items", "total_size"} & {*found} if isinstance(found, dict) else set()
    if not totals:
        return b"null"
    rows = {name: [] if isinstance(value, list) else value for name, value in found.items()}
    return json.dumps({**rows, **dict.fromkeys(totals, 7)}).encode()


# What the platform really said, in a form that nobody may read.
SPOILT: Mapping[str, Callable[[Said], bytes]] = {
    "as a page": lambda said: said.on_the_wire(said.body or b"{}", kind="text/html"),
    "as text": lambda said: said.on_the_wire(said.body or b"{}", kind="text/plain"),
    "in UTF-16": lambda said: said.on_the_wire((said.body or b"{}").decode().encode("utf-16")),
    "in UTF-16 without a mark": lambda said: said.on_the_wire(
        (said.body or b"{}").decode().encode("utf-16-le")
    ),
    "behind a mark": lambda said: said.on_the_wire(b"\xef\xbb\xbf" + (said.body or b"{}")),
    "with a byte that is no UTF-8": lambda said: said.on_the_wire(said.body + b'"\xff"'),
    "without its last byte": lambda said: said.on_the_wire(said.body[:-1] or b"{"),
    "with a key twice": lambda said: said.on_the_wire(twice(said)),
    "with a page behind it": lambda said: said.on_the_wire((said.body or b"{}") + LOGIN),
    "without its entries": lambda said: said.on_the_wire(short(said)),
    "in a list": lambda said: said.on_the_wire(b"[" + (said.body or b"{}") + b"]"),
}


def wrong_successes() -> Iterator[Fault]:
    for name, data in WRONG.items():
        yield Fault(name=name, kind="F19", play=sends(data), reading=(Unreadable,))
    for name, spoil in SPOILT.items():
        yield Fault(name=f"the honest answer {name}", kind="F19", play=honestly(spoil), acts=True)


def lies() -> Iterator[Fault]:
    """In the platform's own words: the answer cannot show it, the next look must."""
    yield Fault(
        name="204 to a reading or to a change that was not done",
        kind="F21",
        play=sends(DONE),
        changing=(OutcomeUnknown,),
        acts=False,
        told=True,
    )

    yield Fault(
        name="nobody is there, in the platform's own words",
        kind="F21",
        play=lambda front, connection, said: front.nobody(front, connection, said),
        changing=(OutcomeUnknown, Refused, TryLater),
        acts=False,
        told=True,
        reads=False,
    )
