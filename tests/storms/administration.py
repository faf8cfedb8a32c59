"""The schools' own programs: they ask over HTTP, and repeat what got no answer."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from uuid import UUID

import httpx

from tests.end_to_end.crash_matrix.wishes import Member, Wish
from tests.storms.schools import School, next_wish

ACCEPTED = 202
AGAIN = frozenset({409, 429, 500, 502, 503, 504})  # an answer that asks to come back
PATIENCE = 120.0


@dataclass(slots=True)
class Administration:
    """
    Asks ``rounds`` times about every member, ``pace`` operations a second of all schools together.

    ``asked`` is all that was ever answered, by member in order; ``errors`` are the answers of 5xx,
    ``silence`` is the longest time without any answer, in seconds.
    """

    door: str
    schools: Sequence[School]
    pace: float
    rounds: int
    chance: random.Random
    at_once: int = 20
    asked: dict[Member, list[Wish]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    silence: float = 0.0
    errors: int = 0
    due: float = 0.0
    numbers: count[int] = field(default_factory=count)
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def operations(self) -> int:
        return sum(len(wishes) for wishes in self.asked.values())

    def run(self) -> None:
        """Nobody is asked for anew before the answer about the last is there."""
        self.turn_to(self.pace)
        with httpx.Client(base_url=self.door, timeout=20, trust_env=False) as http:
            for school, members in self.batches():
                wishes = [
                    next_wish(who, self.asked.get(who, ()), self.numbers, self.chance)
                    for who in members
                ]
                self.ask(http, school, wishes)
                for one in wishes:
                    self.asked.setdefault(one.who, []).append(one)
                self.due += len(wishes) / self.pace
                if self.stopped.wait(max(0.0, self.due - time.monotonic())):
                    return

    def turn_to(self, pace: float) -> None:
        """From now on; what is late by then is not made up for."""
        self.pace, self.due = pace, time.monotonic()

    def batches(self) -> Iterator[tuple[School, Sequence[Member]]]:
        for _ in range(self.rounds):
            for school in self.schools:
                for first in range(0, len(school.members), self.at_once):
                    yield school, school.members[first : first + self.at_once]

    def ask(self, http: httpx.Client, school: School, wishes: Sequence[Wish]) -> None:
        """Until there is an answer: the same request, with the same key."""
        body = json.dumps({"operations": [json.loads(one.body) for one in wishes]})
        headers = {
            "Authorization": f"Bearer {school.secret}",
            "Idempotency-Key": f"{school.lane}-{wishes[0].key}",
            "Content-Type": "application/json",
        }
        path = f"/v1/customers/{school.customer.id}/operations/batch"
        began = time.monotonic()
        while (answer := self.answer(http, path, body, headers)) is None:
            assert time.monotonic() < began + PATIENCE, "the door does not open"
            time.sleep(0.05)
        self.silence = max(self.silence, time.monotonic() - began)
        assert answer.status_code == ACCEPTED, answer.text
        for one, outcome in zip(wishes, answer.json()["outcomes"], strict=True):
            if "problem" in outcome:
                self.refused.append(outcome["problem"]["type"])
            else:
                one.operation = UUID(outcome["id"])

    def answer(
        self, http: httpx.Client, path: str, body: str, headers: dict[str, str]
    ) -> httpx.Response | None:
        """None where there was none, or one that asks to come back."""
        try:
            answer = http.post(path, content=body, headers=headers)
        except httpx.TransportError:
            return None
        self.errors += answer.is_server_error
        return None if answer.status_code in AGAIN else answer
