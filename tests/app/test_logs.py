"""Logs hold what is known to be harmless, whoever writes them."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app import logs
from app.logs import masked
from core.errors import TryLater
from core.states import State

ADDRESS = "anna.de.vries@example.nl"
QUOTED = "anna.de.vries%40example.nl"
MARK = "plain-mark-7f3a"
OTHERS = [
    "httpx",
    "httpcore.http11",
    "urllib3.connectionpool",
    "psycopg",
    "sqlalchemy.engine.Engine",
    "dramatiq.worker",
    "pika.adapters",
    "py.warnings",
    "application",  # begins like ours, and is not
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in (*logs.OURS, *OTHERS)}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)


def written(write: Callable[[], object], level: str = "DEBUG") -> str:
    stream = io.StringIO()
    logs.configure(level, stream)
    write()
    return stream.getvalue()


def only(text: str) -> dict[str, Any]:
    [line] = text.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def raised(error: Exception) -> Exception:
    try:
        raise error
    except type(error) as caught:
        return caught


def test_a_line_says_when_who_and_what() -> None:
    line = only(written(lambda: logging.getLogger("workers.drain").info("lane lost")))
    assert line.pop("time").endswith("+00:00")
    assert line == {"level": "info", "logger": "workers.drain", "event": "lane lost"}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("level", [logging.DEBUG, logging.WARNING, logging.CRITICAL])
def test_another_library_never_quotes_anything(name: str, level: int) -> None:
    other = logging.getLogger(name)
    other.setLevel(logging.DEBUG)  # as somebody might, to look into something

    def write() -> None:
        other.log(level, "GET https://%s/users/%s", MARK, ADDRESS)
        other.log(level, f"sent {ADDRESS} {MARK}")
        other.log(level, "{MARK}", {"email": ADDRESS}, extra={"connection": MARK})
        other.log(level, ValueError(ADDRESS), exc_info=raised(ValueError(f"{ADDRESS} {MARK}")))

    text = written(write)
    assert ADDRESS not in text
    assert MARK not in text
    assert len(text.splitlines()) == (0 if level == logging.DEBUG else 4)


def test_a_withheld_message_still_says_where_it_came_from() -> None:
    line = only(written(lambda: logging.getLogger("dramatiq.worker").error("%s", ADDRESS)))
    assert line["logger"] == "dramatiq.worker"
    assert line["at"].startswith("<lambda> test_logs.py:")


def test_httpx_at_info_is_silent() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    with httpx.Client(transport=transport) as http:
        text = written(lambda: http.get(f"https://example.test/{ADDRESS}"))
    assert text == ""


def test_our_loggers_keep_to_the_level_asked() -> None:
    ours = logging.getLogger("core.http.transport")
    assert written(lambda: ours.debug("GET example.test /users/{user}"), "INFO") == ""
    assert "/users/{user}" in written(lambda: ours.debug("GET example.test /users/{user}"))


def test_only_allowed_extras_are_written() -> None:
    connection = uuid4()
    extra = {"connection": connection, "state": State.QUEUED, "seconds": 3, "note": MARK}
    text = written(lambda: logging.getLogger("core.x").info("noted", extra=extra))
    assert MARK not in text
    line = only(text)
    assert UUID(line["connection"]) == connection
    assert (line["state"], line["seconds"]) == ("queued", 3)


@pytest.mark.parametrize("value", [ADDRESS, f"id {ADDRESS}", {"email": ADDRESS}, [MARK], 'a"b'])
def test_an_allowed_extra_that_is_no_id_is_left_out(value: object) -> None:
    extra = {"connection": value}
    line = only(written(lambda: logging.getLogger("core.x").info("noted", extra=extra)))
    assert line["connection"] == logs.MASK


def test_the_text_of_an_error_is_written_only_where_it_is_ours() -> None:
    ours = logging.getLogger("workers.x")

    def write() -> None:
        ours.error("failed: %s", ValueError(f"{MARK} {ADDRESS}"))
        ours.error("failed: %s", TryLater("503 from example.test"))
        ours.error(RuntimeError(MARK))

    text = written(write)
    assert MARK not in text
    assert ADDRESS not in text
    events = [json.loads(line)["event"] for line in text.splitlines()]
    assert events == [
        "failed: ValueError",
        "failed: TryLater: 503 from example.test",
        "RuntimeError",
    ]


def test_a_traceback_names_places_and_classes_and_no_values() -> None:
    def deep(email: str) -> None:
        try:
            int(email)
        except ValueError as error:
            raise RuntimeError(f"{MARK} {email}") from error

    def write() -> None:
        try:
            deep(ADDRESS)
        except RuntimeError:
            logging.getLogger("app.x").exception("ended")

    text = written(write)
    assert ADDRESS not in text
    assert MARK not in text
    line = only(text)
    assert line["error"] == "RuntimeError < ValueError"
    assert line["where"][-1].startswith("deep test_logs.py:")


@pytest.mark.parametrize("planted", [ADDRESS, QUOTED, f"amqp://user:secret@{MARK}"])
def test_even_our_own_message_shows_no_address_and_no_login(planted: str) -> None:
    text = written(lambda: logging.getLogger("app.x").warning("see %s there", planted))
    assert planted not in text
    assert "secret" not in text
    assert only(text)["event"] == f"see {logs.MASK} there"


def test_on_a_terminal_a_line_reads_well() -> None:
    stream = Terminal()
    logs.configure("INFO", stream)
    logging.getLogger("workers.x").info("noted", extra={"state": "queued", "note": MARK})
    assert stream.getvalue().endswith(" info workers.x: noted state=queued\n")
    assert len(stream.getvalue().split()[0]) == len("12:00:00")


def test_a_message_that_does_not_fit_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    text = written(lambda: logging.getLogger("app.x").info("%d", ADDRESS))
    assert only(text)["event"] == logs.UNFIT
    assert ADDRESS not in capsys.readouterr().err


def test_a_closed_stream_is_no_error() -> None:
    stream = io.StringIO()
    logs.configure("INFO", stream)
    stream.close()
    logging.getLogger("app.x").warning("nobody hears this")


def test_configuring_again_replaces_what_was() -> None:
    first, second = io.StringIO(), io.StringIO()
    logs.configure("INFO", first)
    logs.configure("INFO", second)
    logging.getLogger("app.x").warning("once")
    assert first.getvalue() == ""
    assert len(second.getvalue().splitlines()) == 1


GUARDED = f"""
import logging, sys, threading, warnings
from app import logs
logs.configure("INFO")
logs.guard()
logging.getLogger("httpx").error("%d", "{ADDRESS}")
warnings.warn("{ADDRESS}")
def fail(): raise ValueError("{ADDRESS}")
thread = threading.Thread(target=fail); thread.start(); thread.join()
class Left:
    def __del__(self): raise ValueError("{ADDRESS}")
Left()
raise RuntimeError("{ADDRESS}")
"""


def test_nothing_that_python_prints_by_itself_gets_out() -> None:
    done = subprocess.run(
        [sys.executable, "-c", GUARDED], capture_output=True, text=True, check=False
    )
    assert done.stdout == ""
    assert ADDRESS not in done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line.get("error") for line in lines] == [
        None,
        None,
        "ValueError",
        "ValueError",
        "RuntimeError",
    ]
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("to anna@example.nl.", "to •••."),
        ("https://anna:secret@host.test/x", "•••"),
        ("anna%40example.nl", "•••"),
        ("a number without @. Nothing was stored.", "a number without @. Nothing was stored."),
    ],
)
def test_what_looks_like_an_address_is_masked_and_no_more(text: str, shown: str) -> None:
    assert masked(text) == shown
