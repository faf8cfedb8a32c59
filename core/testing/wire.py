"""What goes wrong on the wire to an imitated platform."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from typing import NoReturn

import httpcore

from core.http import WayOut
from core.http.connections import Connections
from core.http.requests import Effect

Send = Callable[[], httpcore.Response]
Remember = Callable[[], Callable[[], object]]
Lie = Callable[[Send], httpcore.Response]

JSON = "application/json"
PAGE = b"<html>Even geduld</html>"
CLOCK = "Thu, 26 Nov 2026 10:30:00 GMT"
LATER = "Thu, 26 Nov 2026 10:30:37 GMT"  # 37 seconds
# By rule: the status, the body, its kind, and other headers.
SAID: Mapping[str, tuple[int, bytes, str, Mapping[str, str]]] = {
    "405-on-an-archived-contact": (405, b'{"title": "No", "error": {"type": "x"}}', JSON, {}),
    "429-in-seconds": (429, b"{}", JSON, {"Retry-After": "37"}),
    "429-until-a-date": (429, b"{}", JSON, {"Retry-After": LATER, "Date": CLOCK}),
    "429-without-a-word": (429, b"", JSON, {}),
    "429-in-html": (429, PAGE, "text/html", {"Retry-After": "37"}),
    "html-for-json": (200, PAGE, "text/html", {}),
}
ALSO_READING = frozenset(SAID) - {"405-on-an-archived-contact"}


class Wire(Connections):
    """
    In place of a WayOut's own connections: passes calls on, or lies about those with an effect.

    ``remember`` gives what puts the imitated platform back as it was then. ``change`` and
    ``call`` go to the client as ``before_change`` and ``before_call``.
    """

    def __init__(self, way_out: WayOut, remember: Remember) -> None:
        self.real = way_out.connections
        self.remember = remember
        self.effect = Effect.READS
        self.told: dict[Effect, Lie] = {}
        self.late: list[Send] = []
        way_out.connections = self

    def call(self) -> None:
        self.effect = Effect.READS

    def change(self) -> None:
        self.effect = Effect.CHANGES

    @contextmanager
    def sent(self, request: httpcore.Request) -> Iterator[httpcore.Response]:
        lie = self.told.get(self.effect, honest)
        yield lie(lambda: self.through(request))

    def through(self, request: httpcore.Request) -> httpcore.Response:
        with self.real.sent(request) as answer:
            return httpcore.Response(
                answer.status, headers=answer.headers, content=b"".join(answer.iter_stream())
            )

    def close(self) -> None:
        self.real.close()

    def let_happen(self) -> None:
        late, self.late = self.late, []
        for send in late:
            send()

    def lies(self) -> dict[str, Callable[[], object]]:
        """Those that any platform behind HTTP can tell."""
        changing: dict[str, Lie] = {
            "accepts-and-ignores": self.ignores,
            "answers-late": self.answers_late,
            "shows-eventually": self.shows_eventually,
            "resets-after-acting": acts_then_resets,
        }
        return {
            **{rule: partial(self.lie, lie) for rule, lie in changing.items()},
            **{rule: partial(self.lie, says(rule), reading=rule in ALSO_READING) for rule in SAID},
        }

    def lie(self, lie: Lie, *, reading: bool = False) -> None:
        effects = Effect if reading else (Effect.CHANGES,)
        self.told = dict.fromkeys(effects, lie)

    def ignores(self, send: Send) -> httpcore.Response:
        restore = self.remember()
        answer = send()
        restore()
        return answer

    def answers_late(self, send: Send) -> NoReturn:
        self.later(send)
        raise httpcore.ReadTimeout

    def shows_eventually(self, send: Send) -> httpcore.Response:
        self.later(send)
        return self.ignores(send)

    def later(self, send: Send) -> None:
        """As part of the call that is in flight now."""
        self.late.append(partial(copy_context().run, send))


def honest(send: Send) -> httpcore.Response:
    return send()


def acts_then_resets(send: Send) -> NoReturn:
    send()
    raise httpcore.ReadError


def says(rule: str) -> Lie:
    status, body, kind, others = SAID[rule]
    headers = {"Content-Type": kind, "Content-Length": str(len(body)), **others}
    return lambda _: httpcore.Response(status, headers=[*headers.items()], content=body)
