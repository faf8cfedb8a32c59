"""
Answers that are too much, sent by a process of its own.

The memory of the process that reads them is then the product's alone.
"""

from __future__ import annotations

import gzip
import socket
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from threading import Thread
from typing import Self

from core.http.answers import BODY_CAP
from tests.core.http.loopback import answer

ROOT = Path(__file__).parents[3]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
Parts = Callable[[], Iterator[bytes]]


def whole(data: Callable[[], bytes]) -> Parts:
    return lambda: iter([data()])


def endless(start: bytes, part: bytes, times: int = 1_000_000) -> Parts:
    def parts() -> Iterator[bytes]:
        yield start
        for _ in range(times):
            yield part

    return parts


def packed(encoding: str, pack: Callable[[], bytes]) -> Parts:
    return whole(lambda: answer(pack(), f"Content-Encoding: {encoding}"))


@lru_cache
def bomb() -> bytes:
    """A hundred megabytes of blanks, in a hundred kilobytes."""
    made = zlib.compressobj(9, zlib.DEFLATED, 31)
    blanks = b" " * 2**20
    return b"".join(made.compress(blanks) for _ in range(100)) + made.flush()


BLANKS = b" " * 65536
HUGE: Mapping[str, Parts] = {
    "a body of a gigabyte": endless(answer(b"", length=10**9), BLANKS),
    "a body without a length": endless(OK + b"\r\n", BLANKS),
    "chunks without number": endless(CHUNKED, b"10000\r\n" + BLANKS + b"\r\n"),
    "a chunk of an exabyte": endless(CHUNKED + b"ffffffffffffffff\r\n", BLANKS),
    "a bomb of gzip": packed("gzip", bomb),
    "a bomb within a bomb": packed("gzip, gzip", lambda: gzip.compress(bomb())),
    "zstd": packed("zstd", lambda: b"\x28\xb5\x2f\xfd" + bytes(1000)),
    "brotli": packed("br", lambda: bytes(1000)),
    "gzip that is small": packed("gzip", lambda: gzip.compress(b"{}")),
    "a million lists in each other": whole(lambda: answer(b"[" * 10**6 + b"]" * 10**6)),
    "a million lists, unclosed": whole(lambda: answer(b"[" * 10**6)),
    "objects in each other": whole(lambda: answer(b'{"a":' * 10**5 + b"1" + b"}" * 10**5)),
    "a number of a million digits": whole(lambda: answer(b'{"a": ' + b"9" * 10**6 + b"}")),
    "a number of ten million digits": endless(
        answer(b'{"a": ', length=10**7 + 7), b"9" * 10**5, 100
    ),
    "a number beyond any float": whole(lambda: answer(b'{"a": 1e400}')),
    "a string that is too long": whole(lambda: answer(b'"' + b"a" * BODY_CAP + b'"')),
    "a flood of headers": endless(OK, b"X-Flood: 1234567890\r\n" * 1000),
    "four thousand headers": whole(lambda: answer(b"{}", *["X-Flood: 1234567890"] * 4000)),
    "a header of a megabyte": whole(lambda: answer(b"{}", "X-Long: " + "a" * 10**6)),
    "a status line without end": endless(b"HTTP/1.1 200 ", b"O" * 65536),
}


class Flood:
    def __enter__(self) -> Self:
        self._door, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                cwd=ROOT,
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._door.close()
        self._process.wait(10)

    def send(self, name: str, connection: socket.socket) -> None:
        """Until all was sent, or nobody reads any more."""
        over, theirs = socket.socketpair()
        with over:
            with theirs:
                lines = [connection.fileno(), theirs.fileno()]
                socket.send_fds(self._door, [name.encode()], lines)
            over.recv(1)


def serve(door: socket.socket) -> None:
    """Until whoever asks is gone."""
    while True:
        name, lines, *_ = socket.recv_fds(door, 64, 2)
        if not name:
            return
        Thread(target=pour, args=(HUGE[name.decode()], *lines), daemon=True).start()


def pour(parts: Parts, connection: int, over: int) -> None:
    with socket.socket(fileno=over), socket.socket(fileno=connection) as line, suppress(OSError):
        for part in parts():
            line.sendall(part)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
