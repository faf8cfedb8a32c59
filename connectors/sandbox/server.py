"""
An imitation of a newsletter platform, as a process of its own.

It is honest about one thing: its journal and its screens say what it really holds. In all
else it is as its habit says, and its API may tell less than the truth, the way real
platforms do. The API is in ``api``, the habits are in ``contacts``, what goes wrong on the
way is in ``weather``, the screens for humans are in ``screen``.

    python -m connectors.sandbox.server --habit flaky --journal FILE --key KEY --password P

It listens on 127.0.0.1 only and prints one line of JSON when it is ready.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import struct
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Timer

from connectors.sandbox.api import RIGHTS, Account, Api
from connectors.sandbox.contacts import Contacts, Habit
from connectors.sandbox.exchange import Answer, Call, Refusal
from connectors.sandbox.journal import Journal
from connectors.sandbox.screen import Screen
from connectors.sandbox.weather import Fault, RateLimit, Sky, Weather, forecast

LISTS = {"nieuwsbrief": "Nieuwsbrief", "cursusinfo": "Cursusinformatie"}


class Imitation(ThreadingHTTPServer):
    """
    One platform, listening. ``weather`` is what happens to its API calls, in their order;
    when it ends the sky is clear.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        account: Account,
        password: str,
        contacts: Contacts,
        *,
        port: int = 0,
        weather: Iterable[Weather] = (),
    ) -> None:
        self.contacts = contacts
        self.journal = contacts.journal
        self.api = Api(account, contacts)
        self.screen = Screen(account.title, password, contacts)
        self.sky = Sky(weather)
        self.limit = RateLimit() if contacts.habit is Habit.FLAKY else None
        self.one_at_a_time = Lock()
        super().__init__(("127.0.0.1", port), Exchange)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def apply(self, call: Call, number: int) -> Answer:
        """Do what the call asks; the only way to what is held."""
        side = self.screen if call.path.startswith("/screen") else self.api
        with self.one_at_a_time:
            self.contacts.drop_due()
            answer = side.answer(call)
        self.journal.write("applied", call=number, status=answer.status)
        return answer

    def apply_later(self, call: Call, number: int, seconds: float) -> None:
        timer = Timer(seconds, self.apply, [call, number])
        timer.daemon = True
        timer.start()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is no news; anything else is a bug of ours, said aloud."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Exchange(BaseHTTPRequestHandler):
    """One connection, kept alive: reads calls, and answers them as the weather allows."""

    server: Imitation
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 60

    def meet(self) -> None:
        call = self.read()
        number = self.server.journal.write(
            "arrived", method=call.method, path=call.path, body=call.body
        )
        if call.path.startswith("/screen"):
            self.send(self.server.apply(call, number))
        elif wait := self.wait():
            self.refuse(number, 429, wait)
        else:
            self.suffer(call, number, self.server.sky.next())

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = meet  # noqa: N815

    def read(self) -> Call:
        length = int(self.headers.get("Content-Length", 0))
        return Call(
            self.command,
            self.path,
            self.rfile.read(length).decode(errors="replace"),
            self.headers.get("Authorization", ""),
            self.headers.get("Origin", ""),
            self.headers.get("Host", ""),
        )

    def wait(self) -> int:
        return self.server.limit.wait(time.monotonic()) if self.server.limit else 0

    def suffer(self, call: Call, number: int, weather: Weather) -> None:
        match weather.fault:
            case Fault.NONE:
                self.send(self.server.apply(call, number))
            case Fault.SLOW:
                time.sleep(weather.seconds)
                self.send(self.server.apply(call, number))
            case Fault.BUSY:
                self.refuse(number, 429, round(weather.seconds))
            case Fault.DOWN:
                self.refuse(number, 503)
            case Fault.CUT_BEFORE:
                self.cut(number)
            case Fault.CUT_AFTER:
                self.server.apply(call, number)
                self.cut(number)
            case Fault.LATE:
                self.server.apply_later(call, number, weather.seconds)
                self.cut(number)

    def refuse(self, number: int, status: int, wait: int = 0) -> None:
        """Nothing was applied, and the answer says so."""
        self.server.journal.write("refused", call=number, status=status)
        after = {"Retry_After": str(wait)} if wait else {}
        self.send(Refusal(status, "not_now").answer(**after))

    def send(self, answer: Answer) -> None:
        body = answer.body.encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Cache-Control", "no-store")
        if body:
            self.send_header("Content-Type", answer.kind)
        if answer.status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def cut(self, number: int) -> None:
        """Reset the connection: lingering for no time makes closing a reset, not an end."""
        self.server.journal.write("cut", call=number)
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """The journal is the only record."""


def options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="connectors.sandbox.server",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--habit", type=Habit, choices=list(Habit), required=True)
    parser.add_argument("--journal", type=Path, required=True, help="its memory; made if absent")
    parser.add_argument("--key", required=True, help="the API key that may do everything")
    parser.add_argument("--reading-key", help="another one, that may only read")
    parser.add_argument("--password", required=True, help="of the screens")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--account", help="its id; the habit when absent")
    parser.add_argument("--title", help="the account's name; its id when absent")
    parser.add_argument("--list", action="append", type=pair, metavar="ID=TITLE", default=[])
    parser.add_argument("--day-seconds", type=float, default=86_400, help="a day lasts so long")
    parser.add_argument("--seed", type=int, default=0, help="of what goes wrong (flaky)")
    return parser.parse_args(arguments)


def pair(text: str) -> tuple[str, str]:
    key, title = text.split("=", 1)
    return key, title


def imitation(asked: argparse.Namespace) -> Imitation:
    keys: dict[str, tuple[str, ...]] = {asked.key: RIGHTS}
    if asked.reading_key:
        keys[asked.reading_key] = RIGHTS[:1]
    account = asked.account or f"sandbox-{asked.habit}"
    contacts = Contacts(
        asked.habit,
        dict(asked.list) or LISTS,
        Journal(asked.journal),
        day=timedelta(seconds=asked.day_seconds),
    )
    return Imitation(
        Account(account, asked.title or account, keys),
        asked.password,
        contacts,
        port=asked.port,
        weather=forecast(asked.seed) if asked.habit is Habit.FLAKY else (),
    )


def main() -> None:
    asked = options(sys.argv[1:])
    try:
        server = imitation(asked)
    except OSError as error:
        sys.exit(f"cannot start: {error.strerror}")
    sys.stdout.write(json.dumps({"habit": asked.habit, "port": server.server_port}) + "\n")
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        server.serve_forever()


if __name__ == "__main__":
    main()
