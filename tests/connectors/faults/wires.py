"""Answers that break on the way, take too long, or are too much."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping

from core.errors import TryLater, Unreadable
from tests.connectors.faults.fault import Fault, honestly, sends, then
from tests.connectors.faults.flood import CHUNKED, HUGE, OK
from tests.connectors.faults.front import Front, Play, Said
from tests.core.http.loopback import Reply, answer, closes_after, resets

HALF = b'{"data": [1'


def replied(reply: Reply) -> Play:
    return lambda _, connection, __: reply(connection)


def half_of_it(said: Said) -> bytes:
    whole = said.on_the_wire()
    return whole[: -max(1, len(said.body) // 2)] if said.body else whole[:-2]


CUT: Mapping[str, Play] = {
    "a reset before the answer": replied(resets),
    "an end before the answer": replied(closes_after()),
    "half a status line": replied(closes_after(b"HTTP/1.1 2")),
    "half of the headers, then an end": replied(closes_after(OK + b"Content-Len")),
    "half of the headers, then a reset": then(sends(OK + b"X-Half: "), resets),
    "headers, then a reset": then(sends(OK + b"Content-Length: 99\r\n\r\n"), resets),
    "half of the body": replied(closes_after(answer(HALF, length=99))),
    "a length that is too long": replied(closes_after(answer(b"{}", length=2**40))),
    "half of a chunk": replied(closes_after(CHUNKED + b"5\r\nab")),
    "chunks without an end": replied(closes_after(CHUNKED + b"2\r\n{}\r\n")),
    "100, then an end": replied(closes_after(b"HTTP/1.1 100 Continue\r\n\r\n")),
}
CUT_AFTER_ACTING: Mapping[str, Play] = {
    "half of the honest answer": then(honestly(half_of_it), closes_after()),
}
NOT_HTTP: Mapping[str, bytes] = {
    "a mail server": b"220 mail.example.nl ESMTP\r\n\r\n",
    "noise": bytes(range(128, 256)) * 8 + b"\r\n\r\n",
    "HTTP/2 frames": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18) + b"\r\n\r\n",
    "a chunk of noise": CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n",
    "a chunk of a negative size": CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n",
    "two lengths": answer(b"{}", "Content-Length: 3"),
    "a negative length": OK + b"Content-Length: -1\r\n\r\n{}",
    "a length in words": OK + b"Content-Length: two\r\n\r\n{}",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n{}",
    "a header without a name": OK + b": x\r\nContent-Length: 2\r\n\r\n{}",
    "a null byte in a header": OK + b"X: \x00\r\nContent-Length: 2\r\n\r\n{}",
    "an encoding of the transfer": OK + b"Transfer-Encoding: gzip\r\n\r\n{}",
    "a status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\n{}",
    "a length that is too short": answer(b'{"data": []}', length=5),
}
# A name server, a listener or a certificate in the way: nothing was sent.
EITHER = (TryLater, Unreadable)
VERBS = ("refuses", "has no name")
DOORS = (
    "refuses",
    "has no name",
    "an unknown authority",
    "an expired certificate",
    "a certificate of another host",
    "no TLS at all",
    "an end in the handshake",
    "a reset in the handshake",
)


ONCE: Mapping[str, Play] = {
    "a reset": replied(resets),
    "an end": replied(closes_after()),
    "502": sends(answer(b"", status="502 Bad Gateway")),
    "503": sends(answer(b"", status="503 Busy")),
}


def drips(data: bytes) -> Play:
    return lambda front, connection, _: front.drip(data)(connection)


def drips_honestly(front: Front, connection: socket.socket, said: Said | None) -> None:
    data = said.on_the_wire() if said else answer(b"{}")
    front.drip(data)(connection)


def comes_late(front: Front, connection: socket.socket, said: Said | None) -> None:
    front.over.wait(2)
    connection.sendall(said.on_the_wire() if said else answer(b"{}"))


SLOW: Mapping[str, Play] = {
    "no answer": lambda front, connection, _: front.hang(connection),
    "a first byte that comes late": comes_late,
    "the honest answer in drips": drips_honestly,
    "headers without end, in drips": drips(OK + b"X-Drip: 1\r\n" * 1000),
    "a body in drips": drips(answer(b" " * 1000)),
    "chunks in drips": drips(CHUNKED + b"1\r\n \r\n" * 1000),
    "100 after 100, in drips": drips(b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
}


def floods(name: str) -> Play:
    def play(front: Front, connection: socket.socket, _: Said | None) -> None:
        front.flood.send(name, connection)
        closes_after()(connection)

    return play


def broken() -> Iterator[Fault]:
    for name, play in CUT.items():
        yield Fault(name=name, kind="F16", play=play, reading=(TryLater,))
    for name, play in CUT_AFTER_ACTING.items():
        yield Fault(name=name, kind="F16", play=play, reading=EITHER, acts=True)
    for name, data in NOT_HTTP.items():
        yield Fault(name=name, kind="F16", play=replied(closes_after(data)), reading=EITHER)
    for name in DOORS:
        yield Fault(
            name=f"a door that {name}" if name in VERBS else f"a door with {name}",
            kind="F16",
            door=name,
            reading=(TryLater,),
            changing=(TryLater,),
            acts=False,
        )
    for name, play in ONCE.items():
        yield Fault(name=f"{name}, once", kind="F16", play=play, reading=(TryLater,), bridged=True)


def slow() -> Iterator[Fault]:
    """A byte every 20 ms, or none: whatever it would have said comes too late."""
    for name, play in SLOW.items():
        yield Fault(name=name, kind="F17", play=play, reading=(TryLater,), slow=True)


def too_much() -> Iterator[Fault]:
    for name in HUGE:
        yield Fault(name=name, kind="F18", play=floods(name), reading=EITHER)
