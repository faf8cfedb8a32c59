"""All that a school does in its months with us, good input and bad."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from app import wiring
from tests.end_to_end.marked.house import HOST, SCHOOL, House, json_of
from tests.end_to_end.marked.people import Marked
from tests.storms.sandboxes import KEY
from tests.storms.schools import still_open
from tests.waiting import until

LISTS = ("nieuwsbrief=nieuws",)
PLATFORM = "sandbox-flaky"
AT_ONCE = 20
TWICE = 2
NOISY = 6  # one of so many people comes in where nobody should


def opens(house: House, platform_port: int) -> None:
    """A school, with a platform that has an API and one that has none."""
    house.allowed.append(f"{HOST}:{platform_port}")
    tell = house.command
    tell("key", "create", str(house.folder / "key.json"))
    tell("migrate")
    tell("customer", "create", SCHOOL)
    tell("list", "put", SCHOOL, "nieuwsbrief", "--purpose", "newsletter", "--title", "Nieuws")
    login = {"base_url": f"http://{HOST}:{platform_port}", "api_key": KEY}
    connect = ("connection", "create", SCHOOL)
    fields = [word for name in ("first_name", "last_name", "city") for word in ("--field", name)]
    lists = [word for pair in LISTS for word in ("--list", pair)]
    tell(
        *connect,
        PLATFORM,
        "--title",
        "Nieuwsbrief",
        "--settings",
        "-",
        *lists,
        *fields,
        given=login,
    )
    by_hand = ("sandbox-by-hand", "--title", "Kaartenbak", "--settings", "-", *fields)
    tell(*connect, *by_hand, given={"title": "De kaartenbak"})
    [customer] = json.loads(tell("customer", "list", "--json", answers=True))
    house.customer = UUID(customer["id"])
    issued = tell("key", "issue", SCHOOL, "--title", "administratie", "--json", answers=True)
    house.key = json.loads(issued)["secret"]


class School:
    """The school's own program and its staff."""

    def __init__(self, house: House, people: Sequence[Marked], http: httpx.Client) -> None:
        self.house = house
        self.people = people
        self.http = http
        self.path = f"/v1/customers/{house.customer}"

    def of(self, *fates: str) -> Sequence[Marked]:
        return [one for one in self.people if one.fate in fates]

    def ask(self, *several: Mapping[str, Any]) -> list[str]:
        """The operations, once every one was accepted."""
        found: list[str] = []
        for first in range(0, len(several), AT_ONCE):
            some = several[first : first + AT_ONCE]
            answer = self.http.post(
                f"{self.path}/operations/batch",
                json={"operations": some},
                headers={"Idempotency-Key": str(uuid4())},
            )
            outcomes = json_of(answer)["outcomes"]
            assert not [one for one in outcomes if "problem" in one], outcomes
            found += [one["id"] for one in outcomes]
        return found

    def join(self) -> None:
        """By a CSV, over the API, on the command line; some rows and bodies are wrong."""
        half = len(self.people) // TWICE
        file = self.house.given / "members.csv"
        with file.open("w", newline="") as opened:
            written = csv.DictWriter(opened, list(self.people[0].row()))
            written.writeheader()
            for one in self.people[:half]:
                written.writerow(one.row())
                written.writerow(one.row() | {"email": one.nonsense, "reference": one.nonsense})
        self.house.command("import", SCHOOL, str(file), "--dry-run")
        self.house.command("import", SCHOOL, str(file), "--json")
        self.ask(*(one.subscribes() for one in self.people[half:-1]))
        last = self.people[-1]
        given = {**last.person, "basis": last.basis}
        del given["reference"]
        ask = ("ask", "subscribe", SCHOOL, last.reference, "--list", "nieuwsbrief", "--person", "-")
        self.house.command(*ask, given=given, answers=True)

    def change(self) -> None:
        def renamed(one: Marked) -> Mapping[str, Any]:
            return {"reference": one.reference, "last_name": one.married}

        def moved(one: Marked) -> Mapping[str, Any]:
            return {"reference": one.reference, "email": one.moved_to}

        for change in (renamed, moved):
            self.ask(*({"verb": "update", "person": change(one)} for one in self.people))
        self.ask(*(one.asks("unsubscribe") for one in self.of("unsubscribed")))

    def restrict(self) -> None:
        for one in self.of("restricted"):
            where = f"{self.path}/people/{one.reference}/restriction"
            json_of(self.http.put(where, json={"restricted": True}))
            self.ask({"verb": "update", "person": {"reference": one.reference, "fields": {}}})
            json_of(self.http.put(where, json={"restricted": False}))

    def read(self) -> None:
        """The customer's own answers, by every door; what they say is not scanned."""
        for one in self.people[:5]:
            for what in ("report", "export"):
                json_of(self.http.get(f"{self.path}/people/{one.reference}/{what}"))
        one = self.people[0]
        tell = self.house.command
        for words in (
            ("report", SCHOOL, one.reference),
            ("report", SCHOOL, one.reference, "--json"),
            ("export", SCHOOL, one.reference, "--output", str(self.house.given / "copy.json")),
        ):
            tell(*words, answers=True)
        json_of(self.http.get(f"{self.path}/report"))
        url = json.loads(tell("link", SCHOOL, one.reference, "--json", answers=True))["url"]
        for language in ("nl", "en"):
            page = self.http.get(url, headers={"Accept-Language": language})
            assert page.is_success
        tell("alerts", "list")
        tell("tasks", "list", SCHOOL)
        tell("audit", "verify")
        tell("audit", "heads", "--json")

    def err(self) -> None:
        """What comes in where it should not be: none of it may come out again."""
        refused, key = self.house.refused, {"Idempotency-Key": str(uuid4())}
        for one in self.people[: max(1, len(self.people) // NOISY)]:
            word, address = one.nonsense, one.email
            where = f"{self.path}/operations"
            bodies: list[Any] = [
                {"verb": word},
                {**one.asks("erase"), word: word},
                {"verb": "erase", "person": {"reference": address}},
                {
                    "verb": "update",
                    "person": {"reference": one.reference, "email": f"{word} {word}"},
                },
                {
                    "verb": "update",
                    "person": {"reference": one.reference, "fields": {f"{word}!": "x"}},
                },
                {**one.subscribes(), "lists": [word.lower()]},
                {**one.subscribes(), "basis": {**one.basis, "given_at": word}},
                {**one.subscribes(), "basis": {**one.basis, "kind": word}},
            ]
            for body in bodies:
                refused(self.http.post(where, json=body, headers=key))
            raw = {**key, "Content-Type": "application/json"}
            refused(self.http.post(where, content=f'{{"verb": "{word}', headers=raw))
            refused(self.http.post(where, content=address.encode("utf-16"), headers=raw))
            refused(
                self.http.post(where, json={"verb": word}, headers={"Idempotency-Key": word * 30})
            )
            refused(self.http.get(f"{self.path}/people/{address}/report"))
            refused(self.http.get(f"{self.path}/people/{word}/report"))
            refused(self.http.get(f"/v1/{word}/{address}", params={word: address}))
            refused(self.http.get(f"{self.path}/tasks", params={"after": word, "limit": address}))
            refused(self.http.get(f"/p/{word}"))
            refused(self.http.post(f"/in/{uuid4()}/{word}", content=address))
            refused(
                self.http.get(f"{self.path}/report", headers={"Authorization": f"Bearer {word}"})
            )
            refused(self.http.request(word.upper(), f"{self.path}/report"))
        one, tell = self.people[-1], self.house.command
        word = one.nonsense
        tell("ask", "update", SCHOOL, "cf-1", "--person", "-", given={"email": f"{word} {word}"})
        tell("ask", "update", SCHOOL, "cf-1", "--person", "-", given={word: word})
        tell("ask", "subscribe", SCHOOL, one.email, "--person", "-", given=one.person)
        settings = {
            "base_url": f"https://{word}:{word}@{word}.example.test/",
            "api_key": word,
            word: 1,
        }
        connect = ("connection", "create", SCHOOL, PLATFORM, "--title", "Nog een")
        tell(*connect, "--settings", "-", given=settings)
        settings.pop(word)
        tell(*connect, "--settings", "-", given=settings)
        tell(*connect, "--settings", "-", given=f"{word} {one.email}")

    def regret(self) -> None:
        """Erasures that are undone in time."""
        wrong = self.of("undone")
        asked = self.ask(*(one.asks("erase", undo_minutes=30) for one in wrong))
        for operation in asked:
            json_of(self.http.post(f"{self.path}/operations/{operation}/undo"))

    def erase(self) -> list[str]:
        how = {"channel": "phone", "identity_checked_how": "called back"}
        return self.ask(*(one.asks("erase", request=how) for one in self.of("erased")))

    def tell_them(self, operations: Sequence[str]) -> None:
        """The answer to each, with a reason that names whom it is about."""
        for operation, one in zip(operations, self.of("erased"), strict=True):
            now = datetime.now(UTC).isoformat()
            said = {"how": "letter", "at": now, "outcome": "partly", "reason": one.reason}
            json_of(self.http.post(f"{self.path}/operations/{operation}/answer", json=said))

    def attest(self) -> None:
        """What only a human can do was done."""
        waiting = json_of(self.http.get(f"{self.path}/tasks", params={"limit": 200}))["items"]
        for task in waiting:
            where = f"{self.path}/tasks/{task['id']}"
            json_of(self.http.get(where))
            said = self.http.post(f"{where}/attestation", json={"role": "administration"})
            assert said.status_code < httpx.codes.INTERNAL_SERVER_ERROR, said.text

    def waits(self, seconds: float) -> None:
        """Until nothing is open that is due by then: what is later is brought to its end later."""
        due = datetime.now(UTC) + timedelta(seconds=seconds)
        with wiring.opened(self.house.settings) as found:
            until(lambda: not still_open(found.ledger, due=due), seconds)
