"""Logging by an allow-list: what is not known to be harmless is not written."""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO
from uuid import UUID

OURS = ("app", "core", "workers", "connectors")
QUIET = ("pika",)  # what it logs it raises as well, and workers.outage says it once
EXTRAS = (
    "attempt",
    "code",
    "connection",
    "customer",
    "holding",
    "host",
    "lane",
    "operation",
    "platform",
    "route",
    "seconds",
    "session",
    "state",
    "status",
    "task",
    "verb",
)
WITHHELD = "a message of another library, not shown because it may quote personal data"
UNFIT = "a message that does not fit its arguments"
ADDRESS = re.compile(r"[^\s\"'<>(),;]+(?:@|%40)[^\s\"'<>(),;]*[^\s\"'<>(),;.]", re.IGNORECASE)
MASK = "•••"
PLAIN = re.compile(r"[\w .:/{}-]{1,200}")  # no @, no quotation: an id, a word, a route
FRAMES = 8
CAUSES = 4

log = logging.getLogger(__name__)


def configure(level: str, stream: TextIO | None = None) -> None:
    """
    Our loggers at ``level``, all others at WARNING, to one stream: standard error if None.

    May be called again; the last call holds.
    """
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(Lines(stream))
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def guard() -> None:
    """
    What Python itself would print (of threads, of destructors, of warnings) goes to the log.

    For a process that is ours alone: these settings hold everywhere in it.
    """
    logging.raiseExceptions = False  # it would print the arguments of a message that does not fit
    logging.captureWarnings(capture=True)
    sys.excepthook = stray
    sys.unraisablehook = lambda left: stray(left.exc_type, left.exc_value, left.exc_traceback)
    threading.excepthook = lambda left: stray(left.exc_type, left.exc_value, left.exc_traceback)


def stray(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    if not issubclass(kind, KeyboardInterrupt | SystemExit):
        log.error("an error that nobody caught", exc_info=(kind, error or kind(), trace))


def masked(text: str) -> str:
    """The second line of defence: whatever looks like an address, or a login in a URL."""
    return ADDRESS.sub(MASK, text)


class Lines(logging.Handler):
    """JSON lines; on a terminal a line that reads well. Never raises."""

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__()
        self._stream = stream
        self.addFilter(lambda record: is_ours(record.name) or record.levelno >= logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        stream = self._stream or sys.stderr  # as it is now: it may have been replaced
        if stream is None:
            return
        try:
            write = readable if stream.isatty() else json.dumps
            stream.write(f"{write(shown(record))}\n")
            stream.flush()
        except (OSError, ValueError):  # closed, or nobody reads: there is nowhere left to say so
            return


def shown(record: logging.LogRecord) -> dict[str, Any]:
    """Everything of a record that is written."""
    line: dict[str, Any] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": event(record),
    }
    if not is_ours(record.name):
        line["at"] = f"{record.funcName} {Path(record.pathname).name}:{record.lineno}"
    else:
        line |= {name: plain(record.__dict__[name]) for name in EXTRAS if name in record.__dict__}
    if record.exc_info and record.exc_info[1] is not None:
        line |= {"error": errors(record.exc_info[1]), "where": frames(record.exc_info[2])}
    return line


def event(record: logging.LogRecord) -> str:
    if not is_ours(record.name):
        return WITHHELD
    try:
        text = str(harmless(record.msg))
        return masked(text % arguments(record.args) if record.args else text)
    except (TypeError, ValueError, KeyError):
        return UNFIT


def arguments(given: Any) -> Any:
    if isinstance(given, Mapping):
        return {name: harmless(value) for name, value in given.items()}
    return tuple(harmless(value) for value in given)


def harmless(value: object) -> object:
    return named(value) if isinstance(value, BaseException) else value


def plain(value: object) -> object:
    """An id, a number or a word; anything else is left out."""
    if value is None or isinstance(value, bool | int | float):
        return value
    known = isinstance(value, str | UUID | Enum)
    text = str(value.value if isinstance(value, Enum) else value)
    return text if known and PLAIN.fullmatch(text) else MASK


def named(error: BaseException) -> str:
    """The class, with the text only where that is ours: those hold no personal data."""
    name = type(error).__name__
    return f"{name}: {masked(str(error))}" if is_ours(type(error).__module__) else name


def errors(error: BaseException) -> str:
    """The error with what caused it."""
    chain: list[str] = []
    one: BaseException | None = error
    while one is not None and len(chain) < CAUSES:
        chain.append(named(one))
        one = one.__cause__ or one.__context__
    return " < ".join(chain)


def frames(trace: TracebackType | None) -> list[str]:
    """Where it happened: names of functions and files, never values."""
    steps = [
        f"{frame.f_code.co_name} {Path(frame.f_code.co_filename).name}:{number}"
        for frame, number in traceback.walk_tb(trace)
    ]
    return steps[-FRAMES:]


def is_ours(module: str) -> bool:
    return module.partition(".")[0] in OURS


def readable(line: Mapping[str, Any]) -> str:
    words = [line["time"][11:19], line["level"], f"{line['logger']}:", line["event"]]
    rest = [f"{name}={value}" for name, value in line.items() if name not in HEAD]
    return " ".join((*words, *rest))


HEAD = {"time", "level", "logger", "event"}
