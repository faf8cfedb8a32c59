"""Answers that say no, or elsewhere, by their status."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta

from core.errors import (
    NotFound,
    OutcomeUnknown,
    Reconnect,
    Refused,
    TryAt,
    TryLater,
    Unreadable,
)
from tests.connectors.faults.fault import Fault, Kinds, sends
from tests.connectors.faults.front import Front, Play, Said
from tests.core.http.loopback import answer

CLOCK = "Date: Thu, 26 Nov 2026 10:30:00 GMT"
MINUTE, DAY, ASKED = timedelta(minutes=1), timedelta(hours=24), timedelta(seconds=37)
# Of a 429: its headers, and the wait that has to be obeyed.
WAITS: dict[str, tuple[list[str], timedelta]] = {
    "seconds": (["Retry-After: 37"], ASKED),
    "one second": (["Retry-After: 1"], timedelta(seconds=1)),
    "zero": (["Retry-After: 0"], timedelta(0)),
    "a fraction": (["Retry-After: 36.2"], ASKED),
    "a date": ([CLOCK, "Retry-After: Thu, 26 Nov 2026 10:30:37 GMT"], ASKED),
    "a date of long ago": ([CLOCK, "Retry-After: Thu, 26 Nov 2020 10:30:37 GMT"], MINUTE),
    "a date next year": ([CLOCK, "Retry-After: Fri, 26 Nov 2027 10:30:37 GMT"], DAY),
    "a negative number": (["Retry-After: -5"], MINUTE),
    "a billion": (["Retry-After: 1000000000"], DAY),
    "a thousand digits": ([f"Retry-After: {'9' * 1000}"], DAY),
    "nothing": ([], MINUTE),
    "an empty word": (["Retry-After: "], MINUTE),
    "garbage": (["Retry-After: soon \xff"], MINUTE),
    "not a number": (["Retry-After: NaN"], MINUTE),
    "two words": (["Retry-After: 5", "Retry-After: 37"], ASKED),
}
UNAVAILABLE = (500, 502, 503, 504, *range(520, 527), 408)
NOTHING_DONE = (423, 425)
PAGE = b"<html><title>Not now</title></html>"
NOT_THERE: Kinds = (NotFound, Unreadable, TryLater)
NO: Kinds = (Refused, Unreadable)
REFUSALS: dict[int, Kinds] = {
    **dict.fromkeys((400, 402, 405, 406, 409, 411, 412, 413, 414, 415, 418, 422, 451, 499), NO),
    401: (Reconnect,),
    403: (Reconnect,),
    404: NOT_THERE,
    410: NOT_THERE,
}
SHAPES: dict[str, bytes] = {
    "a page": answer(PAGE, kind="text/html"),
    "nothing": answer(b""),
    "an empty object": answer(b"{}"),
    "an error of another's": answer(b'{"code": "nope", "detail": [1, null]}'),
    "an error that is none": answer(b'{"error": null, "title": "", "description": 7}'),
    "half an object": answer(b'{"error": '),
    "a list": answer(b"[]"),
}
SHAPED = (400, 403, 404, 409)
MOVED = (300, 301, 302, 303, 304, 305, 307, 308)
PLACES = {
    "itself": "/",
    "data": "data:application/json,{}",
    "a file": "file:///etc/hostname",
    "the metadata of a cloud": "http://169.254.169.254/",
    "nowhere": "",
}


def statuses() -> Iterator[Fault]:
    yield from waits()
    for status in UNAVAILABLE:
        data = answer(PAGE, status=f"{status} Down", kind="text/html")
        yield Fault(
            name=f"{status}",
            kind="F14",
            play=sends(data),
            reading=(TryLater,),
            changing=(OutcomeUnknown,),
        )
    for status in NOTHING_DONE:
        yield refusal(f"{status}", "F14", answer(b"", status=f"{status} Later"), (TryLater,))
    for status, kinds in REFUSALS.items():
        data = answer(PAGE, status=f"{status} No", kind="text/html")
        yield refusal(f"{status} with a page", "F15", data, kinds)
    for status in SHAPED:
        for shape, data in [*SHAPES.items()][1:]:
            line = data.replace(b"200 OK", b"%d No" % status, 1)
            yield refusal(f"{status} with {shape}", "F15", line, REFUSALS[status])
    yield from redirects()


def refusal(name: str, kind: str, data: bytes, kinds: Kinds) -> Fault:
    """It says that nothing was done, so it is never played after something was."""
    return Fault(name=name, kind=kind, play=sends(data), reading=kinds, changing=kinds, acts=False)


def waits() -> Iterator[Fault]:
    for name, (headers, wait) in WAITS.items():
        data = answer(PAGE, *headers, status="429 Slow Down", kind="text/html")
        yield Fault(
            name=f"429 with {name}",
            kind="F13",
            play=sends(data),
            reading=(TryAt,),
            changing=(TryAt,),
            acts=False,
            wait=wait,
        )
    asked = answer(b"", "Retry-After: 37", status="503 Busy")
    yield Fault(
        name="503 with seconds",
        kind="F13",
        play=sends(asked),
        reading=(TryAt,),
        changing=(TryAt,),
        acts=False,
        wait=ASKED,
    )


def redirects() -> Iterator[Fault]:
    for status in MOVED:
        yield Fault(name=f"{status} to another host", kind="F20", play=to_target(status))
    for place, where in PLACES.items():
        data = answer(b"", f"Location: {where}", status="302 Found")
        yield Fault(name=f"302 to {place}", kind="F20", play=sends(data))


def to_target(status: int) -> Play:
    """A host that listens, and counts who comes."""

    def play(front: Front, connection: socket.socket, said: Said | None) -> None:
        where = f"http://{front.target.origin}/"
        headers = [f"Location: {where}", f"Refresh: 0; url={where}", f"Alt-Svc: h2={where}"]
        connection.sendall(answer(b"", *headers, status=f"{status} Moved"))

    return play
