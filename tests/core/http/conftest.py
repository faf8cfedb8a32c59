"""A way out whose time is a clock in the test, and its clients."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from core.http import WayOut
from tests.core.http.loopback import Loopback

PLATFORM = "api.platform.test"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

Client = Callable[..., httpx.Client]


@dataclass
class Clock:
    """Stands still, but for sleeping."""

    at: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


def rows(*addresses: str) -> Sequence[tuple[Any, ...]]:
    """What getaddrinfo answers."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]


@pytest.fixture(scope="session")
def trusting_nobody() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def way_out(clock: Clock, trusting_nobody: ssl.SSLContext) -> Iterator[WayOut]:
    """For respx: no socket, no real time."""
    way_out = WayOut(verify=trusting_nobody, clock=clock, sleep=clock.sleep, now=lambda: NOW)
    yield way_out
    way_out.close()


@pytest.fixture
def http(way_out: WayOut) -> Iterator[httpx.Client]:
    with way_out.client(
        base_url=f"https://{PLATFORM}/v1", hosts=[PLATFORM], deadline=timedelta(seconds=30)
    ) as client:
        yield client


@pytest.fixture
def connect(trusting_nobody: ssl.SSLContext) -> Iterator[Client]:
    """For the loopback server: clients with real time, over one way out per server."""
    ways: dict[str, WayOut] = {}
    door = threading.Lock()

    def connect(server: Loopback, seconds: float = 5.0) -> httpx.Client:
        with door:
            if server.origin not in ways:
                ways[server.origin] = WayOut(
                    insecure=[server.origin], verify=trusting_nobody, sleep=lambda _: None
                )
        return ways[server.origin].client(
            base_url=f"http://{server.origin}",
            hosts=[server.origin],
            deadline=timedelta(seconds=seconds),
        )

    yield connect
    for way_out in ways.values():
        way_out.close()
