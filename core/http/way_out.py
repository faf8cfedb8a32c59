"""The process-wide connections that every client shares."""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import httpx

from core.errors import Refused
from core.http.addresses import Addresses, Resolve
from core.http.connections import Connections
from core.http.network import Network
from core.http.pins import PORTS, Origin, Pins, origins
from core.http.transport import Time, Transport

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
        network = Network(self.addresses, self.insecure)
        self.connections = Connections(network, verify or ssl.create_default_context())

    def client(
        self,
        *,
        base_url: str,
        hosts: Collection[str] | None,
        deadline: timedelta,
        before_call: Callable[[], None] = lambda: None,
        before_change: Callable[[], None] = lambda: None,
        asked_to_rest: Callable[[timedelta], None] = lambda _: None,
    ) -> httpx.Client:
        """
        A throwaway client that shares connections with the others, and nothing else.

        ``hosts`` are names (their subdomains included, port 443) or ``host:port`` (exactly
        that); ``base_url`` is trusted only if they cover it. None: its own host and port, and
        no other. ``deadline`` counts from now, for
        all calls together. ``before_call`` runs before every request that goes out, repeats
        included; ``before_change`` before every one that can change something. Both may raise.
        ``asked_to_rest`` hears at once how long the platform asked to wait, also for a wait
        that a repeat bridges.
        """
        url, pins = pinned(base_url, hosts if hosts is None else tuple(hosts), self.insecure)
        transport = Transport(
            connections=self.connections,
            pins=pins,
            time=self.time,
            ends=self.time.clock() + deadline.total_seconds(),
            before_call=before_call,
            before_change=before_change,
            asked_to_rest=asked_to_rest,
        )
        return Client(
            base_url=url,
            transport=transport,
            headers=HEADERS,
            trust_env=False,
            follow_redirects=False,
        )

    def close(self) -> None:
        self.connections.close()
        self.addresses.close()


@lru_cache(maxsize=1000)
def pinned(
    base_url: str, hosts: tuple[str, ...] | None, insecure: frozenset[Origin]
) -> tuple[httpx.URL, Pins]:
    """The address, ending in a slash, which spares every client a second reading of it."""
    try:
        url = httpx.URL(base_url.rstrip("/") + "/")
        pins = Pins.of([origin(url)] if hosts is None else hosts, insecure)
    except (httpx.InvalidURL, ValueError):
        url = None
    if url is None:  # outside of the except, which would attach an error that may quote it
        raise Refused("not an address that we can call")
    pins.check(url)
    return url, pins


def origin_of(client: httpx.Client) -> str | None:
    """The ``host:port`` that it calls; None: it has no address of its own."""
    return origin(client.base_url) if client.base_url.host else None


def origin(url: httpx.URL) -> str:
    netloc = url.netloc.decode()
    return f"{netloc}:{PORTS.get(url.scheme, 0)}" if url.port is None else netloc


class Client(httpx.Client):
    """An httpx client that raises our errors, also for what cannot be made into a request."""

    def build_request(self, *args: Any, **kwargs: Any) -> httpx.Request:
        try:
            return super().build_request(*args, **kwargs)
        except (httpx.InvalidURL, UnicodeError):
            problem = Refused("something that cannot be put into a request")
        raise problem
