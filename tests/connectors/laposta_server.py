"""An imitation of Laposta on the loopback interface, which remembers everything but may lie."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import struct
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import RLock, Thread
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from pydantic import SecretStr

from connectors.laposta import Laposta, Settings
from core.connector import Basis, BasisKind, Identity, Person, Place
from core.http import WayOut
from tests.databases import NOW

KEY = "aZ09bY18cX27dW36eV45"
NARROW_KEY = "sees0only1the2newslet"
NEWS = Place("nnhnkrytua", "Nieuwsbrief")
COURSES = Place("srbhotdwob", "Cursusinformatie")
ANNA = Person("anna@example.nl", {"first_name": "Anna", "last_name": "de Vries"})
BRAM = Person("bram@example.nl", {"first_name": "Bram", "last_name": "Bakker"})
WHO = Identity((ANNA.email,))
CONSENT = Basis(BasisKind.CONSENT, "b-1", NOW, "form")
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody, and costs nothing
PATIENCE = timedelta(seconds=20)

LIST = r"/list/(?P<list>[^/]+)/members"
MEMBER = r"/member/(?P<member>[^/]+)"


@dataclass
class Row:
    """A member, as one list keeps it."""

    id: str
    email: str
    fields: dict[str, Any]
    state: str = "active"


@dataclass
class Listing:
    name: str
    variables: Sequence[str] = ("voornaam", "achternaam")
    confirms: bool = False  # double opt-in
    required: Sequence[str] = ()
    rows: dict[str, Row] = field(default_factory=dict)

    def named(self, key: str) -> Row | None:
        return next((row for row in self.rows.values() if key in {row.id, row.email}), None)


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    query: Mapping[str, str]
    kind: str
    body: str
    key: str

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body, keep_blank_values=True))


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = "application/json; charset=utf-8"


class No(Exception):
    def __init__(
        self, code: int | None, parameter: str | None, status: int = 400, said: str = "No"
    ) -> None:
        super().__init__(said)
        self.status = status
        problem = {"type": "invalid_input", "message": said, "code": code, "parameter": parameter}
        self.problem = {name: value for name, value in problem.items() if value is not None}


Honestly = Callable[[], Answer]
Lie = Callable[["Platform", Call, Honestly], Answer | None]


class Platform(ThreadingHTTPServer):
    """
    ``lie`` sets what the next calls of a route get instead of the truth; whatever a human does
    there goes around the API: ``join``, and the rows themselves.
    """

    daemon_threads = True

    def __init__(self) -> None:
        self.account = "wF1account"
        self.lists = {NEWS.id: Listing(NEWS.title), COURSES.id: Listing(COURSES.title)}
        self.keys: dict[str, set[str]] = {KEY: set(self.lists), NARROW_KEY: {NEWS.id}}
        self.bulk = False
        self.busy: Callable[[], int] = lambda: 0  # seconds for which it takes no call
        self.counts_members = True
        self.suppressed_exists = False  # what an upsert says of whom it leaves alone
        self.shows_unconfirmed = True
        self.calls: list[Call] = []
        self.late: list[Honestly] = []
        self._lies: dict[str, Iterator[Lie]] = {}
        self._ids = count(1)
        self._lock = RLock()
        super().__init__(("127.0.0.1", 0), Exchange)

    @property
    def origin(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.origin}/v2"

    def lie(self, call: str, *lies: Lie) -> None:
        """``call`` is a method and a route, such as ``GET /member/{member}``."""
        self._lies[call] = iter(lies)

    def catch_up(self) -> None:
        """Let the calls act that got no answer."""
        late, self.late = self.late, []
        for honestly in late:
            honestly()

    def join(self, person: Person, place: Place = NEWS, state: str = "active") -> Row:
        """A person, or the school, makes a member without us."""
        listing = self.lists[place.id]
        mine = Settings(api_key=SecretStr(KEY))
        given = {mine.variable(name): value for name, value in person.fields.items()}
        fields = {name: given.get(name) for name in listing.variables}
        row = Row(f"m{next(self._ids)}", person.email, fields, state)
        listing.rows[row.id] = row
        return row

    def states(self, email: str = ANNA.email) -> dict[str, str]:
        """What is really there, by list."""
        found = {each: listing.named(email) for each, listing in self.lists.items()}
        return {each: row.state for each, row in found.items() if row}

    def made(self, call: str) -> int:
        return sum(f"{each.method} {route_of(each.path)}" == call for each in self.calls)

    def answer(self, call: Call) -> Answer | None:
        with self._lock:
            self.calls.append(call)
            if wait := self.busy():
                return busy(Retry_After=str(wait))(self, call, lambda: self.honestly(call))
            route = f"{call.method} {route_of(call.path)}"
            lie = next(self._lies.get(route, iter(())), honest)
            return lie(self, call, lambda: self.honestly(call))

    def honestly(self, call: Call) -> Answer:
        try:
            return self.done(call)
        except No as no:
            return said({"error": no.problem}, no.status)

    def done(self, call: Call) -> Answer:
        if call.key not in self.keys:
            raise No(None, None, 401, "Invalid API key")
        for (method, pattern), do in ROUTES.items():
            match = re.fullmatch(pattern, call.path)
            if match and method == call.method:
                return do(self, call, **{k: unquote(v) for k, v in match.groupdict().items()})
        raise No(None, None, 404, "Unknown path")

    def listing(self, call: Call, list_id: str | None) -> Listing:
        if not list_id:
            raise No(201, "list_id", said="Empty list_id")
        if list_id not in self.keys[call.key] or list_id not in self.lists:
            raise No(203, "list_id", said="Unknown list")
        return self.lists[list_id]

    def one(self, call: Call, list_id: str | None, member: str) -> tuple[Listing, Row]:
        listing = self.listing(call, list_id)
        row = listing.named(member)
        if row is None:
            raise No(203, "member_id", said="Unknown member")
        return listing, row

    def show_lists(self, call: Call) -> Answer:
        rows = [
            {
                "list_id": each,
                "account_id": self.account,
                "state": "active",
                "name": listing.name,
                **({"members": counts(listing)} if self.counts_members else {}),
            }
            for each, listing in self.lists.items()
            if each in self.keys[call.key]
        ]
        return said({"data": [{"list": row} for row in rows]})

    def show_members(self, call: Call) -> Answer:
        listing = self.listing(call, call.query.get("list_id"))
        wanted = call.query.get("state")
        rows = [
            self.member(call.query["list_id"], row)
            for row in listing.rows.values()
            if wanted == row.state
            or (wanted is None and (self.shows_unconfirmed or row.state != "unconfirmed"))
        ]
        return said({"data": rows})

    def show_member(self, call: Call, member: str) -> Answer:
        list_id = call.query.get("list_id")
        _, row = self.one(call, list_id, member)
        return said(self.member(str(list_id), row))

    def add_member(self, call: Call) -> Answer:
        form = form_of(call)
        list_id, email = form.get("list_id", ""), form.get("email", "")
        listing = self.listing(call, list_id)
        for name in ("ip", "email"):
            if not form.get(name):
                raise No(201, name)
        options = {name for name, value in form.items() if value == "true"}
        row = self.put(
            listing,
            email,
            custom(form),
            upsert="options[upsert]" in options,
            revive="options[suppress_reactivation]" not in options,
        )
        return said(self.member(list_id, row), 201)

    def put(
        self, listing: Listing, email: str, given: Mapping[str, str], *, upsert: bool, revive: bool
    ) -> Row:
        if "@" not in email:
            raise No(208, "email")
        row = listing.named(email)
        for name in listing.required:
            if not given.get(name) and not (row and row.fields.get(name)):
                raise No(201, name)
        if row is None:
            row = Row(f"m{next(self._ids)}", email, dict.fromkeys(listing.variables))
            row.state = "unconfirmed" if listing.confirms else "active"
            listing.rows[row.id] = row
        elif row.state in {"unsubscribed", "cleaned"}:
            if not revive and self.suppressed_exists:
                raise No(204, "email", said="Email address exists")
            row.state = "active" if revive else row.state
        elif not upsert:
            raise No(204, "email", said="Email address exists")
        take(row, given)
        return row

    def change_member(self, call: Call, member: str) -> Answer:
        form = form_of(call)
        listing, row = self.one(call, form.get("list_id"), member)
        email = form.get("email", row.email)
        taken = listing.named(email)
        if taken is not None and taken is not row:
            raise No(204, "email", said="Email address exists")
        state = form.get("state", row.state)
        if state != row.state and state not in {"active", "unsubscribed"}:
            raise No(202, "state")
        row.email, row.state = email, state
        take(row, custom(form))
        return said(self.member(form["list_id"], row))

    def delete_member(self, call: Call, member: str) -> Answer:
        list_id = call.query.get("list_id")
        listing, row = self.one(call, list_id, member)
        del listing.rows[row.id]
        row.state = "deleted"
        return said(self.member(str(list_id), row))

    def synchronise(self, call: Call, list: str) -> Answer:  # noqa: A002 - a name of Laposta's
        if not self.bulk:
            raise No(None, None, 401, "Not permitted to issue bulk requests (1)")
        if call.kind != "application/json":
            raise No(None, None, said="Not JSON")
        listing, body = self.listing(call, list), json.loads(call.body)
        told: dict[str, Any] = {"added": [], "edited": [], "skipped": [], "errors": []}
        for given in body["members"]:
            there = listing.named(given["email"])
            allowed = "update" if there else "add"
            if allowed not in body["actions"]:
                told["skipped"].append(self.carried(list, given, there))
                continue
            before = deepcopy(there)
            try:
                fields = given.get("custom_fields", {})
                row = self.put(listing, given["email"], fields, upsert=True, revive=True)
            except No as no:
                told["errors"].append({"provided_data": given, "error": no.problem})
            else:
                how = "skipped" if row == before else "edited" if there else "added"
                told[how].append(self.carried(list, given, row))
        if "unsubscribe_excluded" in body["actions"]:
            sent = {given["email"] for given in body["members"]}
            for row in listing.rows.values():
                row.state = row.state if row.email in sent else "unsubscribed"
        report = {f"{how}_count": len(rows) for how, rows in told.items()}
        return said({"report": {"provided_count": len(body["members"]), **report}, **told})

    def carried(self, list_id: str, given: Mapping[str, Any], row: Row | None) -> Any:
        assert row is not None
        return {"provided_data": given, **self.member(list_id, row)}

    def member(self, list_id: str, row: Row) -> dict[str, Any]:
        return {
            "member": {
                "member_id": row.id,
                "list_id": list_id,
                "email": row.email,
                "state": row.state,
                "timezone": "Europe/Amsterdam",
                **{f"{when}_date": "2026-11-22 10:30:00" for when in ("signup", "confirm")},
                **{
                    f"{when}_date_iso": "2026-11-22T10:30:00+01:00"
                    for when in ("signup", "confirm")
                },
                "modified": "2026-11-22 10:30:00",
                "modified_iso": "2026-11-22T10:30:00+01:00",
                "ip": "0.0.0.0",  # noqa: S104
                "source_url": "",
                # As PHP writes it when there is none.
                "custom_fields": dict(row.fields) or [],
            }
        }


ROUTES: Mapping[tuple[str, str], Callable[..., Answer]] = {
    ("GET", "/list"): Platform.show_lists,
    ("POST", LIST): Platform.synchronise,
    ("GET", "/member"): Platform.show_members,
    ("POST", "/member"): Platform.add_member,
    ("GET", MEMBER): Platform.show_member,
    ("POST", MEMBER): Platform.change_member,
    ("DELETE", MEMBER): Platform.delete_member,
}


def counts(listing: Listing) -> dict[str, int]:
    counted = ("active", "unsubscribed", "cleaned")
    return {state: sum(row.state == state for row in listing.rows.values()) for state in counted}


def route_of(path: str) -> str:
    for pattern, route in ((LIST, "/list/{list_id}/members"), (MEMBER, "/member/{member_id}")):
        if re.fullmatch(pattern, path):
            return route
    return path


def said(body: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(body).encode())


def form_of(call: Call) -> dict[str, str]:
    if call.kind != "application/x-www-form-urlencoded":
        raise No(None, None, said="Not a form")
    return call.form


def custom(form: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix("custom_fields[").removesuffix("]"): value
        for name, value in form.items()
        if name.startswith("custom_fields[")
    }


def take(row: Row, given: Mapping[str, Any]) -> None:
    """What the list has no variable for is dropped in silence."""
    row.fields |= {name: value or None for name, value in given.items() if name in row.fields}


class Exchange(BaseHTTPRequestHandler):
    server: Platform
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 30

    def meet(self) -> None:
        answer = self.server.answer(self.read())
        if answer is None:
            self.cut()
            return
        self.send_response_only(answer.status)
        ours = {"Date": self.date_time_string(), "Content-Type": answer.kind}
        ours["Content-Length"] = str(len(answer.body))
        for name, value in {**ours, **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_DELETE = meet  # noqa: N815

    def read(self) -> Call:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        basic = self.headers.get("Authorization", "").removeprefix("Basic ")
        key, _, password = b64decode(basic).decode().partition(":")
        assert not password
        assert url.path.startswith("/v2/")
        return Call(
            self.command,
            url.path.removeprefix("/v2"),
            dict(parse_qsl(url.query)),
            self.headers.get("Content-Type", ""),
            body.decode(),
            key,
        )

    def cut(self) -> None:
        """Reset the connection: lingering for no time makes closing a reset, not an end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """The platform's ``calls`` are the only record."""


# --- lies


def honest(_: Platform, call: Call, honestly: Honestly) -> Answer:
    return honestly()


def ignores(platform: Platform, call: Call, honestly: Honestly) -> Answer:
    """Says yes, and does nothing."""
    before = deepcopy(platform.lists)
    answer = honestly()
    platform.lists = before
    return answer


def late(platform: Platform, call: Call, honestly: Honestly) -> None:
    """Gives no answer, and acts only when it catches up."""
    platform.late.append(honestly)


def acts_then_cuts(_: Platform, call: Call, honestly: Honestly) -> None:
    honestly()


def forgets_the_list(_: Platform, call: Call, honestly: Honestly) -> Answer:
    return said({"error": No(203, "list_id", said="Unknown list").problem}, 400)


def answers(status: int, body: bytes, kind: str = "application/json", **headers: str) -> Lie:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda *_: Answer(status, body, named, kind)


def busy(**headers: str) -> Lie:
    return answers(429, b'{"error": {"type": "invalid_request", "message": "x"}}', **headers)


html = answers(200, b"<html>Even geduld</html>", "text/html")


def about(email: str) -> Lie:
    """Answers about somebody else in the same list."""

    def lie(platform: Platform, call: Call, honestly: Honestly) -> Answer:
        list_id = call.query.get("list_id") or call.form["list_id"]
        row = platform.lists[list_id].named(email)
        assert row is not None
        honestly()
        return said(platform.member(list_id, row))

    return lie


# --- what tests ask for


class Town:
    """Imitations with connectors to them, all ended together."""

    def __init__(self) -> None:
        self.ends: list[Callable[[], object]] = []

    def platform(self) -> Platform:
        server = Platform()
        thread = Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        self.ends += [server.server_close, thread.join, server.shutdown]
        return server

    def way_out(self, server: Platform, **time: Any) -> WayOut:
        given = {"sleep": lambda _: None, **time}
        out = WayOut(insecure={server.origin}, verify=NO_TLS, **given)
        self.ends.append(out.close)
        return out

    def connect(self, server: Platform, key: str = KEY, **settings: Any) -> Laposta:
        given = Settings(api_key=SecretStr(key), **settings)
        out = self.way_out(server)
        http = out.client(base_url=server.url, hosts={server.origin}, deadline=PATIENCE)
        return Laposta(given, http)

    def end(self) -> None:
        for end in reversed(self.ends):
            end()


@pytest.fixture
def laposta_town() -> Iterator[Town]:
    town = Town()
    yield town
    town.end()


@pytest.fixture
def laposta(laposta_town: Town) -> Platform:
    return laposta_town.platform()


@pytest.fixture
def to_laposta(laposta_town: Town, laposta: Platform) -> Laposta:
    return laposta_town.connect(laposta)
