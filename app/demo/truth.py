"""What the platforms really hold, asked of them directly by clients of our own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx

from app.demo.mailman_server import MailmanFailed, MailmanServer
from app.demo.sandbox_server import SandboxServer
from app.demo.stage import MAILMAN, Stage

PAGE = 200


@dataclass(slots=True)
class Held:
    """
    All that a platform shows under one address: where mail goes, the names that are shown,
    and what else there is, in the platform's own words.
    """

    mailed: set[str] = field(default_factory=set)  # places
    names: set[str] = field(default_factory=set)
    traces: list[str] = field(default_factory=list)
    until: str | None = None


Truth = Mapping[str, Mapping[str, Held]]  # by platform, then by address


def asked(stage: Stage) -> Truth:
    """Of every platform, now."""
    sandboxes = {platform: of_sandbox(server) for platform, server in stage.sandboxes.items()}
    return {MAILMAN: of_mailman(stage.mailman), **sandboxes}


def of_sandbox(server: SandboxServer) -> Mapping[str, Held]:
    shown = server.contacts()
    found: dict[str, Held] = {}
    for contact in shown["contacts"]:
        held = found.setdefault(contact["email"], Held(until=contact["until"]))
        active = contact["state"] == "active"
        for place, row in contact["lists"].items():
            if active and row["status"] == "subscribed":
                held.mailed.add(place)
        held.names.add(full_name(contact["fields"]))
        held.traces.append(f"contact {contact['state']}")
    for entry in shown["blocked"]:
        found.setdefault(entry["email"], Held()).traces.append("blocked")
    return found


def full_name(fields: Mapping[str, str]) -> str:
    parts = (fields.get(key, "") for key in ("first_name", "last_name"))
    return " ".join(part for part in parts if part)


def of_mailman(server: MailmanServer) -> Mapping[str, Held]:
    """Users, addresses, memberships of any role, requests that wait, bans."""
    with server.client() as client:
        return dict(Register(client).found())


class Register:
    """Mailman's whole content. A user without an address stands under ``user`` with its id."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.held: dict[str, Held] = {}

    def found(self) -> Mapping[str, Held]:
        self.addresses()
        for member in self.entries("/members"):
            held = self.at(member["email"])
            held.traces.append(f"{member['role']} of {member['list_id']}")
            if member["role"] == "member":
                held.mailed.add(member["list_id"])
        for ban in self.entries("/bans"):
            self.at(ban["email"]).traces.append("banned from the site")
        for row in self.entries("/lists"):
            self.waiting_at(row["list_id"])
        return self.held

    def addresses(self) -> None:
        users = {row["user_id"]: row.get("display_name", "") for row in self.entries("/users")}
        owners = set()
        for row in self.entries("/addresses"):
            held = self.at(row["email"])
            held.traces.append("address")
            held.names.add(row.get("display_name", ""))
            owner = row.get("user", "").rpartition("/")[2]
            if owner:
                owners.add(owner)
                held.traces.append("user")
                held.names.add(users[owner])
        for user in users.keys() - owners:
            self.at(f"user {user}").traces.append("user without an address")

    def waiting_at(self, list_id: str) -> None:
        for kind in ("subscription", "unsubscription"):
            for row in self.entries(f"/lists/{list_id}/requests", request_type=kind):
                self.at(row["email"]).traces.append(f"{kind} waits at {list_id}")
        for ban in self.entries(f"/lists/{list_id}/bans"):
            self.at(ban["email"]).traces.append(f"banned from {list_id}")

    def at(self, email: str) -> Held:
        return self.held.setdefault(email.lower(), Held())

    def entries(self, path: str, **query: str) -> Iterator[Mapping[str, Any]]:
        seen = 0
        for page in count(1):
            answer = self.client.get(path, params={**query, "count": PAGE, "page": page})
            if not answer.is_success:
                raise MailmanFailed(f"GET {path} answered {answer.status_code}")
            body = answer.json()
            rows: Sequence[Mapping[str, Any]] = body.get("entries", [])
            yield from rows
            seen += len(rows)
            if not rows or seen >= body["total_size"]:
                return
