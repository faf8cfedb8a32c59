"""The sockets below the connection pool, each call under one deadline."""

from __future__ import annotations

import math
import socket
import ssl
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpcore

from core.http.addresses import Addresses
from core.http.pins import Origin

CONNECTING = 5.0  # seconds for one address
ADDRESSES = 4  # tried in the resolver's order
TAKEN_WITHIN: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux has it
SLICE = 16 * 1024  # a slow reader is noticed between two of these


class NoTLS(httpcore.ConnectError):
    """No connection that we can trust: a wrong or expired certificate, or no TLS at all."""


class TooLate(httpcore.ConnectTimeout):
    """The deadline passed before the first byte of the request left."""


@dataclass(slots=True)
class Call:
    """One request on its way, as far as the network has seen it."""

    ends: float
    clock: Callable[[], float]
    left: bool = False  # a byte of the request may have left
    answered: bool = False  # a byte of an answer came
    hung_up: bool = False  # the platform closed the connection

    def seconds(self, otherwise: type[Exception]) -> float:
        """How long the network may still take; raises ``otherwise`` when the time is up."""
        seconds = self.ends - self.clock()
        if seconds <= 0:
            raise otherwise
        return seconds


# A connection outlives the call that opened it: each use asks whose turn it is.
IN_FLIGHT: ContextVar[Call] = ContextVar("IN_FLIGHT")


class Network(httpcore.NetworkBackend):
    """Connects to addresses that were checked; the name stays in TLS and in the Host header."""

    def __init__(self, addresses: Addresses, insecure: frozenset[Origin]) -> None:
        self.addresses = addresses
        self.insecure = insecure
        self.sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002  (the deadline decides)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        call = IN_FLIGHT.get()
        trouble: Exception = httpcore.ConnectError()
        for address in self.reachable(host, port, call)[:ADDRESSES]:
            seconds = min(CONNECTING, call.seconds(httpcore.ConnectTimeout))
            try:
                stream = self.sockets.connect_tcp(
                    address, port, seconds, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                trouble = error
            else:
                return Stream(stream)
        raise trouble

    def reachable(self, host: str, port: int, call: Call) -> list[str]:
        trusted = (host, port) in self.insecure
        look_up = self.addresses.of if trusted else self.addresses.public
        return list(look_up(host, port, call.seconds(httpcore.ConnectTimeout)))


class Stream(httpcore.NetworkStream):
    """
    A socket whose every read and write fits in what is left of the call's time.

    httpx's own timeouts bound each read: a byte per second would keep it waiting for ever.
    """

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self.inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        call = IN_FLIGHT.get()
        data = self.inner.read(max_bytes, call.seconds(httpcore.ReadTimeout))
        call.answered = call.answered or bool(data)
        call.hung_up = not data
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        call = IN_FLIGHT.get()
        self.forget_after(call.seconds(httpcore.WriteTimeout if call.left else TooLate))
        for start in range(0, len(buffer), SLICE):
            seconds = call.seconds(httpcore.WriteTimeout if call.left else TooLate)
            call.left = True
            self.inner.write(buffer[start : start + SLICE], seconds)

    def forget_after(self, seconds: float) -> None:
        """
        What the platform's machine did not take by then is dropped.

        Else Linux sends it again for minutes, even after we closed the connection: a change
        would arrive long after its deadline, when the line is mended (tried 2026-11-25).
        """
        if TAKEN_WITHIN is not None:
            connection = self.inner.get_extra_info("socket")
            connection.setsockopt(socket.IPPROTO_TCP, TAKEN_WITHIN, math.ceil(seconds * 1000))

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        try:
            seconds = min(CONNECTING, IN_FLIGHT.get().seconds(httpcore.ConnectTimeout))
            return Stream(self.inner.start_tls(ssl_context, server_hostname, seconds))
        except httpcore.ConnectTimeout:
            self.close()  # httpcore leaves a line open that gets no TLS (1.0.9)
            raise
        except (httpcore.ConnectError, ValueError):  # ValueError: a name that TLS cannot carry
            raise NoTLS from None

    def get_extra_info(self, info: str) -> Any:
        return self.inner.get_extra_info(info)

    def close(self) -> None:
        self.inner.close()


def drop_surplus(answer: httpcore.Response) -> None:
    """
    Close the connection when the platform sent more than the answer it announced.

    httpcore 1.0.9 keeps the surplus and reads it as the answer to the next request, which may
    be about another person. Nothing public shows it (its source, 2026-11), hence the private names.
    """
    stream: Any = answer.stream
    try:
        surplus, _ = stream._connection._h11_state.trailing_data  # noqa: SLF001
    except AttributeError:  # not an answer from the network
        return
    if surplus:
        answer.extensions["network_stream"].close()
