"""A platform that repeats in its errors what it was sent, calls it by name, and loses answers."""

from __future__ import annotations

import json
import random
import threading
import time
from enum import Enum, auto
from typing import ClassVar

from connectors.sandbox.exchange import Answer, Call
from connectors.sandbox.server import Exchange
from connectors.sandbox.weather import Weather

MANNERS = 200  # the calls after which it behaves, so that work ends
LONGER_THAN_ANY_DEADLINE = 31.0


class Whim(Enum):
    FAIR = auto()
    REPEATS = auto()  # 500, with all that was sent in the body
    RAMBLES = auto()  # 200 with a page that quotes it
    BREAKS_OFF = auto()  # 200 with half of a JSON that quotes it
    BUSY = auto()  # 429, with a message that quotes it
    CUTS = auto()  # done, and no answer
    HANGS = auto()


READING = (Whim.FAIR,) * 12 + (Whim.REPEATS, Whim.RAMBLES, Whim.BREAKS_OFF, Whim.BUSY)
CHANGING = (Whim.FAIR,) * 12 + (Whim.BUSY, Whim.BUSY)
WORSE = (*CHANGING, Whim.REPEATS, Whim.CUTS)


class Telltale(Exchange):
    """``changing`` are its whims when it is asked to change something."""

    changing: ClassVar[tuple[Whim, ...]] = CHANGING
    hangs: ClassVar[int] = 0
    behaves: ClassVar[bool] = True  # while it is connected
    told: ClassVar[int] = 0
    one_at_a_time: ClassVar[threading.Lock]
    chance: ClassVar[random.Random]

    def suffer(self, call: Call, number: int, weather: Weather) -> None:
        match self.whim(call):
            case Whim.FAIR:
                super().suffer(call, number, weather)
            case Whim.REPEATS:
                self.tell(500, json.dumps({"error": said(call)}))
            case Whim.RAMBLES:
                self.tell(200, f"<p>{said(call)}</p>", "text/html")
            case Whim.BREAKS_OFF:
                self.tell(200, json.dumps({"error": said(call)})[:-1])
            case Whim.BUSY:
                self.tell(429, json.dumps({"error": said(call)}), retry="1")
            case Whim.CUTS:
                self.server.apply(call, number)
                self.cut(number)
            case Whim.HANGS:
                self.server.apply(call, number)
                time.sleep(LONGER_THAN_ANY_DEADLINE)
                self.cut(number)

    def whim(self, call: Call) -> Whim:
        mine = type(self)
        with mine.one_at_a_time:
            mine.told += not mine.behaves
            reads = call.method == "GET" or call.path.endswith("/search")
            if mine.behaves or mine.told > MANNERS:
                return Whim.FAIR
            if mine.hangs and not reads:
                mine.hangs -= 1
                return Whim.HANGS
            return mine.chance.choice(READING if reads else mine.changing)

    def tell(self, status: int, body: str, kind: str = "application/json", retry: str = "") -> None:
        """Also in the headers, and in the words beside the status."""
        headers = {"X-Said": body[:200].encode("ascii", "replace").decode()}
        if retry:
            headers["Retry-After"] = retry
        self.send(Answer(status, body, kind, headers))


def said(call: Call) -> str:
    return f"{call.method} {call.path} {call.body} {call.authorization}"


def telltale(*, worse: bool, hangs: int = 0) -> type[Telltale]:
    """A new one, whose whims begin anew."""

    class Made(Telltale):
        changing = WORSE if worse else CHANGING
        one_at_a_time = threading.Lock()
        chance = random.Random(20261126)  # noqa: S311 - repeatable is the point

    Made.hangs = hangs
    return Made
