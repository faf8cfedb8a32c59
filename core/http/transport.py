"""One client's calls over the shared pool."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpcore
import httpx
from httpx import codes
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    wait_random_exponential,
)

from core.errors import ConnectorError, Refused, TryAt, TryLater
from core.http.addresses import NoName
from core.http.answers import BODY_CAP, GARBLED, NO_WORD, failure, flaw, passed_on, read
from core.http.connections import Connections
from core.http.network import IN_FLIGHT, Call, NoTLS, TooLate, drop_surplus
from core.http.pins import Pins, host_of
from core.http.requests import Effect, effect_of, outgoing

TRIES = 3
BRIDGE = 5.0  # seconds after which no repeat starts
SHORT_WAIT = timedelta(seconds=2)  # a longer one is the schedule's business
PASSING = {codes.BAD_GATEWAY, codes.SERVICE_UNAVAILABLE, codes.GATEWAY_TIMEOUT}
DRAIN_CAP = 64 * 1024  # of an error's body, which nobody reads, to keep the connection
DRAIN_TIME = 1.0

# httpcore raises the first of each pair; the second is what an imitation in a test raises.
BROKEN = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    httpx.TransportError,
)
NOT_SENT = (
    httpcore.ConnectError,
    httpcore.ConnectTimeout,
    httpcore.PoolTimeout,
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
)
OURS = (
    httpcore.LocalProtocolError,
    httpcore.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.UnsupportedProtocol,
)
TIME_UP = (httpcore.TimeoutException, httpx.TimeoutException)
NOT_HTTP = (httpcore.RemoteProtocolError, httpx.RemoteProtocolError)

log = logging.getLogger(__name__)


class Hiccup(Exception):
    """A failure that a repeat within seconds may bridge; ``error`` when it does not."""

    def __init__(self, error: ConnectorError) -> None:
        super().__init__()
        self.error = error


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """The clock that deadlines run on, the calendar, a way to wait."""

    clock: Callable[[], float]
    now: Callable[[], datetime]
    sleep: Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport(httpx.BaseTransport):
    """Sends requests while its time lasts. Every failure is an error from core.errors."""

    connections: Connections
    pins: Pins
    time: Time
    ends: float
    before_call: Callable[[], None]
    before_change: Callable[[], None]
    asked_to_rest: Callable[[timedelta], None]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        started = self.time.clock()
        word = "stopped"
        try:
            response = self.patiently(request)
            word = str(response.status_code)
        except ConnectorError as error:
            word = str(error.status or type(error).__name__)
            raise
        else:
            return response
        finally:
            log.debug(
                "%s %s %s %s %d ms",
                request.method,
                host_of(request.url),
                request.extensions.get("route", "-"),
                word,
                (self.time.clock() - started) * 1000,
            )

    def patiently(self, request: httpx.Request) -> httpx.Response:
        """The first of the two tiers of retries: hiccups, for seconds."""
        repeat_until = min(self.time.clock() + BRIDGE, self.ends)
        try:
            return self.once(request)
        except Hiccup as hiccup:
            first = [hiccup]

        def enough(state: RetryCallState) -> bool:
            again = self.time.clock() + state.upcoming_sleep
            return state.attempt_number >= TRIES or again >= repeat_until

        retrying = Retrying(
            retry=retry_if_exception_type(Hiccup),
            stop=enough,
            wait=pause,
            sleep=self.time.sleep,
            reraise=True,
        )
        try:
            return retrying(self.again, request, first)
        except Hiccup as hiccup:
            error = hiccup.error
        raise error

    def again(self, request: httpx.Request, first: list[Hiccup]) -> httpx.Response:
        if first:  # the first try was made already: most calls need no second
            raise first.pop()
        return self.once(request)

    def once(self, request: httpx.Request) -> httpx.Response:
        self.pins.check(request.url)
        effect, wire = effect_of(request), outgoing(request)
        self.before_call()
        call = Call(ends=self.ends, clock=self.time.clock)
        if call.clock() >= call.ends:
            raise TryLater(f"no time left for {host_of(request.url)}")
        if effect is Effect.CHANGES:
            self.before_change()
        mine = IN_FLIGHT.set(call)
        try:
            return self.exchange(request, wire, effect, call)
        except BROKEN as broken:
            error = meaning(broken, call, effect, host_of(request.url))
        finally:
            IN_FLIGHT.reset(mine)
        raise error

    def exchange(
        self, request: httpx.Request, wire: httpcore.Request, effect: Effect, call: Call
    ) -> httpx.Response:
        host = host_of(request.url)
        with self.connections.sent(wire) as answer:
            status, headers = answer.status, httpx.Headers(answer.headers)
            error = failure(status, headers, effect, host, self.time.now())
            tolerated = status in tolerates(request)
            if error is not None and not tolerated:
                if isinstance(error, TryAt):
                    self.asked_to_rest(error.wait)
                self.drain(answer, call)
                raise Hiccup(error) if is_passing(error, effect) else error
            body = read(answer, BODY_CAP)
            drop_surplus(answer)
        problem = flaw(headers, body)
        if problem and not tolerated:
            raise GARBLED[effect](f"{problem} from {host}", status=status)
        content = b"" if problem else body
        return httpx.Response(status, headers=passed_on(headers), content=content)

    def drain(self, answer: httpcore.Response, call: Call) -> None:
        call.ends = min(call.ends, self.time.clock() + DRAIN_TIME)
        with suppress(*BROKEN):
            read(answer, DRAIN_CAP)
            drop_surplus(answer)


def tolerates(request: httpx.Request) -> set[int]:
    asked = request.extensions.get("tolerates", ())
    return {s for s in asked if codes.is_client_error(s) and s != codes.TOO_MANY_REQUESTS}


def is_passing(error: ConnectorError, effect: Effect) -> bool:
    if effect is Effect.CHANGES:
        return False
    if isinstance(error, TryAt):
        return error.wait <= SHORT_WAIT
    return error.status in PASSING


def pause(state: RetryCallState) -> float:
    """Full jitter, on top of what the platform asked for."""
    jitter = wait_random_exponential(multiplier=0.2, max=2)(state)
    hiccup = state.outcome.exception() if state.outcome else None
    if isinstance(hiccup, Hiccup) and isinstance(hiccup.error, TryAt):
        return jitter + hiccup.error.wait.total_seconds()
    return jitter


def meaning(broken: Exception, call: Call, effect: Effect, host: str) -> Exception:
    """What a broken exchange says about the call. Its own text stays out: it may quote us."""
    if not call.left and isinstance(broken, OURS):
        return Refused(f"not a request that HTTP allows to {host}")
    if not call.left and isinstance(broken, NOT_SENT):
        return Hiccup(TryLater(f"{obstacle(broken)} {host}"))
    if isinstance(broken, TIME_UP):
        return NO_WORD[effect](f"no answer in time from {host}")
    if isinstance(broken, NOT_HTTP) and call.answered and not call.hung_up:
        return GARBLED[effect](f"something else than HTTP from {host}")
    error = NO_WORD[effect](f"connection closed by {host}")
    # Nothing came back: most likely a connection that was kept too long.
    return error if call.answered or effect is Effect.CHANGES else Hiccup(error)


def obstacle(broken: Exception) -> str:
    match broken:
        case NoName():
            return "no address for"
        case NoTLS():
            return "no trusted TLS connection to"
        case TooLate():
            return "no time left for"
        case _:
            return "no connection to"
