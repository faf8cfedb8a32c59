"""
Connections to platforms, kept open between calls.

httpcore's own pool looks at each of its connections for every call, under one lock (1.0.9): with
200 of them, 20 threads' worth of calls took six times as long (``make bench``, 2026-11-25).
"""

from __future__ import annotations

import ssl
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager

import httpcore

from core.http.network import Network

KEPT = 200  # idle connections to one origin
KEPT_FOR = 30.0  # seconds


class Connections:
    """Each is used by one thread at a time; the one that was used last is taken first."""

    def __init__(self, network: Network, tls: ssl.SSLContext) -> None:
        self.network = network
        self._tls = tls
        self._idle: dict[bytes, deque[httpcore.HTTPConnection]] = {}
        self._door = threading.Lock()
        self._open = True

    @contextmanager
    def sent(self, request: httpcore.Request) -> Iterator[httpcore.Response]:
        """The answer, to be read within the block. Raises what httpcore raises."""
        origin = request.url.origin
        connection = self._take(origin)
        try:
            with closing(connection.handle_request(request)) as answer:
                yield answer
        finally:
            self._give_back(origin, connection)

    def _take(self, origin: httpcore.Origin) -> httpcore.HTTPConnection:
        while True:
            with self._door:
                idle = self._idle.get(name_of(origin))
                connection = idle.pop() if idle else None
            if connection is None:
                return httpcore.HTTPConnection(
                    origin,
                    ssl_context=self._tls,
                    keepalive_expiry=KEPT_FOR,
                    network_backend=self.network,
                )
            if not connection.has_expired():
                return connection
            connection.close()

    def _give_back(self, origin: httpcore.Origin, connection: httpcore.HTTPConnection) -> None:
        surplus = [connection]
        if connection.is_idle() and not connection.is_closed():
            with self._door:
                if self._open:
                    idle = self._idle.setdefault(name_of(origin), deque())
                    idle.append(surplus.pop())
                    while len(idle) > KEPT or idle[0].has_expired():
                        surplus.append(idle.popleft())
                        if not idle:
                            break
        for one in surplus:
            one.close()

    def close(self) -> None:
        with self._door:
            self._open = False
            every = [one for idle in self._idle.values() for one in idle]
            self._idle.clear()
        for one in every:
            one.close()


def name_of(origin: httpcore.Origin) -> bytes:
    """httpcore's origins compare by value, and have no hash."""
    return b"%s://%s:%d" % (origin.scheme, origin.host, origin.port)
