"""A platform on this machine that can break every rule of HTTP."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

Reply = Callable[[socket.socket], None]


@dataclass
class Loopback:
    """
    Answers each request by calling ``reply`` with the connection. A reply that closes the
    connection ends it; one that does not keeps it alive.
    """

    reply: Reply
    tls: ssl.SSLContext | None = None
    greet: Reply | None = None  # called on a new connection, in place of everything else
    echo: Callable[[bytes], bytes] | None = None  # an answer made of the request
    host: str = "127.0.0.1"
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.listener = socket.create_server((self.host, 0))
        self.over = threading.Event()
        self.open: list[socket.socket] = []
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(5)
        for connection in self.open:
            connection.close()

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    @property
    def origin(self) -> str:
        return f"{self.host}:{self.port}"

    def accept(self) -> None:
        while not self.over.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self.open.append(connection)
            thread = threading.Thread(target=self.serve, args=[connection])
            self.threads.append(thread)
            thread.start()

    def serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self.greet is not None:
                return self.greet(connection)
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
                self.open.append(connection)
            while request := self.read_request(connection):
                self.requests.append(request)
                if self.echo is not None:
                    connection.sendall(self.echo(request))
                else:
                    self.reply(connection)
        return None

    def read_request(self, connection: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            part = connection.recv(65536)
            if not part:
                return b""
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")),
            0,
        )
        while len(body) < length:
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body

    def drip(self, data: bytes) -> Reply:
        """A byte every 20 ms."""

        def reply(connection: socket.socket) -> None:
            for byte in data:
                if self.over.wait(0.02):
                    return
                connection.sendall(bytes([byte]))

        return reply

    def hang(self, _: socket.socket) -> None:
        self.over.wait(10)


def answer(
    body: bytes = b"{}",
    *headers: str,
    status: str = "200 OK",
    kind: str = "application/json",
    length: int | None = None,
) -> bytes:
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body) if length is None else length}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def says(data: bytes) -> Reply:
    return lambda connection: connection.sendall(data)


def closes_after(data: bytes = b"") -> Reply:
    def reply(connection: socket.socket) -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)
        connection.close()

    return reply


def resets(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
