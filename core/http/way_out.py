"""The process-wide pool of connections that every client shares."""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import httpcore
import httpx

from core.errors import Refused
from core.http.addresses import Addresses, Resolve
from core.http.network import Network
from core.http.pins import Pins, origins
from core.http.transport import Time, Transport

KEPT = 200  # idle connections
KEPT_FOR = 30.0  # seconds

HEADERS = {"Accept": "application/json", "User-Agent": "courseflow-sync"}


class WayOut:
    """
    One per process; any number of threads may use it.

    ``insecure`` holds ``host:port``: the only ones that may be reached without TLS or at an
    address that is not public.
    """

    def __init__(
        self,
        *,
        insecure: Collection[str] = (),
        resolve: Resolve = socket.getaddrinfo,
        verify: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        for noisy in ("httpx", "httpcore"):  # they log URLs, which may hold personal data
            logging.getLogger(noisy).setLevel(logging.WARNING)
        self.time = Time(clock=clock, now=now, sleep=sleep)
        self.insecure = origins(insecure)
        self.addresses = Addresses(resolve)
        self.pool = httpcore.ConnectionPool(
            ssl_context=verify or ssl.create_default_context(),
            # The threads that call are the bound; a second one would let a platform that
            # hangs hold up the others.
            max_connections=None,
            max_keepalive_connections=KEPT,
            keepalive_expiry=KEPT_FOR,
            network_backend=Network(self.addresses, self.insecure),
        )

    def client(
        self,
        *,
        base_url: str,
        hosts: Collection[str],
        deadline: timedelta,
        before_call: Callable[[], None] = lambda: None,
        before_change: Callable[[], None] = lambda: None,
    ) -> httpx.Client:
        """
        A throwaway client that shares connections with the others, and nothing else.

        ``hosts`` are names (their subdomains included, port 443) or ``host:port`` (exactly
        that); ``base_url`` is trusted only if they cover it. ``deadline`` counts from now, for
        all calls together. ``before_call`` runs before every request that goes out, repeats
        included; ``before_change`` before every one that can change something. Both may raise.
        """
        pins = self.pins(base_url, hosts)
        transport = Transport(
            pool=self.pool,
            pins=pins,
            time=self.time,
            ends=self.time.clock() + deadline.total_seconds(),
            before_call=before_call,
            before_change=before_change,
        )
        return Client(
            base_url=base_url,
            transport=transport,
            headers=HEADERS,
            trust_env=False,
            follow_redirects=False,
        )

    def pins(self, base_url: str, hosts: Collection[str]) -> Pins:
        try:
            pins, url = Pins.of(hosts, self.insecure), httpx.URL(base_url)
        except (httpx.InvalidURL, ValueError):
            url = None
        if url is None:  # outside of the except, which would attach an error that may quote it
            raise Refused("not an address that we can call")
        pins.check(url)
        return pins

    def close(self) -> None:
        self.pool.close()
        self.addresses.close()


class Client(httpx.Client):
    """An httpx client that raises our errors, also for what cannot be made into a request."""

    def build_request(self, *args: Any, **kwargs: Any) -> httpx.Request:
        try:
            return super().build_request(*args, **kwargs)
        except (httpx.InvalidURL, UnicodeError):
            problem = Refused("something that cannot be put into a request")
        raise problem
