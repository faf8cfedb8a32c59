"""
A platform that costs as little as Python allows: Mailchimp's calls, over TLS, after a wait.

Started as a process of its own, so that its cost is nobody else's. Every API key has an account
with one audience. It remembers members, and how many calls of a key were under way at once.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import ssl
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

AUDIENCE = "a1b2c3d4e5"
FILLING = {f"LONG{number}": "x" * 40 for number in range(12)}  # a whole member is about 1 kB

Member = dict[str, Any]
Account = dict[str, Member]  # by the hash of the address


class Platform:
    def __init__(self, wait: float) -> None:
        self.wait = wait
        self.accounts: defaultdict[str, Account] = defaultdict(dict)
        self.at_once: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.calls = 0

    def answer(self, method: str, path: str, query: str, key: str, body: bytes) -> tuple[int, Any]:
        parts = path.removeprefix("/3.0").strip("/").split("/")
        match method, parts:
            case "GET", [""]:
                return 200, {"account_id": key, "account_name": "School", "role": "owner"}
            case "GET", ["lists", _, "merge-fields"]:
                return 200, {"merge_fields": [{"tag": "FNAME"}, {"tag": "LNAME"}]}
            case "GET", ["lists"]:
                return 200, {"lists": [self.audience()], "total_items": 1}
            case "GET", ["lists", _, "members"]:
                return 200, self.listed(self.accounts[key], parse_qs(query))
            case "GET", ["lists", _, "members", member]:
                found = self.accounts[key].get(member)
                return (200, partly(found, query)) if found else (404, NOT_FOUND)
            case ("POST", ["lists", _, "members"]) | ("PUT", ["lists", _, "members", _]):
                return 200, self.join(self.accounts[key], json.loads(body))
            case "POST", ["lists", _]:
                joined = [self.join(self.accounts[key], one) for one in json.loads(body)["members"]]
                return 200, {"new_members": joined, "updated_members": [], "errors": []}
            case "GET", ["bench"]:
                return 200, {"calls": self.calls, "most": max(self.most.values(), default=0)}
            case _:
                return 404, NOT_FOUND

    @staticmethod
    def audience() -> dict[str, Any]:
        return {"id": AUDIENCE, "name": "Nieuwsbrief", "double_optin": False}

    @staticmethod
    def join(account: Account, body: Member) -> Member:
        email = body["email_address"]
        number = len(account) + 1
        hashed = hashlib.md5(email.lower().encode(), usedforsecurity=False).hexdigest()
        member = account.setdefault(
            hashed,
            {"id": hashed, "contact_id": f"{number:032x}", "web_id": number, "full": FILLING},
        )
        member |= {
            "email_address": email,
            "status": body.get("status") or body["status_if_new"],
            "merge_fields": {"FNAME": "", "LNAME": "", **body.get("merge_fields", {})},
            "last_changed": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        return member

    @staticmethod
    def listed(account: Account, query: dict[str, list[str]]) -> Member:
        """As sorted by the last change; nobody is archived here."""
        if "status" in query:
            return {"members": [], "total_items": 0}
        since = query["since_last_changed"][0]
        changed = [one for one in account.values() if one["last_changed"] >= since]
        start, count = int(query["offset"][0]), int(query["count"][0])
        page = [partly(one, ASKED) for one in changed[start : start + count]]
        return {"members": page, "total_items": len(changed)}


NOT_FOUND = {"title": "Resource Not Found", "status": 404}
ASKED = "fields=id,contact_id,web_id,email_address,status,merge_fields,last_changed"


def partly(member: Member, query: str) -> Member:
    asked = parse_qs(query).get("fields")
    return (
        {name: member[name] for name in asked[0].split(",") if name in member} if asked else member
    )


class Exchange(asyncio.Protocol):
    """One connection, kept alive; requests one after the other."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.read = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.read += data
        head, found, rest = self.read.partition(b"\r\n\r\n")
        if not found:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in lines)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self.read = rest[length:]
        method, target, _ = first.split(" ")
        path, _, query = target.partition("?")
        key = headers.get("authorization", "")
        platform = self.platform
        platform.calls += 1
        platform.at_once[key] += 1
        platform.most[key] = max(platform.most[key], platform.at_once[key])
        status, said = platform.answer(method, path, query, key, rest[:length])
        if platform.wait:
            loop = asyncio.get_running_loop()
            loop.call_later(platform.wait, self.send, status, said, key)
        else:
            self.send(status, said, key)

    def send(self, status: int, said: Any, key: str) -> None:
        self.platform.at_once[key] -= 1
        body = json.dumps(said, separators=(",", ":")).encode()
        kind = "application/json" if status == 200 else "application/problem+json"
        head = (
            f"HTTP/1.1 {status} X\r\nContent-Type: {kind}; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self.transport.write(head.encode() + body)


async def serve(wait: float, certificate: str) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    platform = Platform(wait)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Exchange(platform), "127.0.0.1", 0, ssl=tls, backlog=512
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--wait", type=float, default=0.0, help="seconds before every answer")
    parser.add_argument("--certificate", required=True)
    given = parser.parse_args()
    asyncio.run(serve(given.wait, given.certificate))
