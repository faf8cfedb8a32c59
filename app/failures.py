"""Says in one sentence what went wrong, what that means, what to do."""

from __future__ import annotations

import errno
import logging
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

import typer
from sqlalchemy.exc import DatabaseError

from app.logs import masked
from app.settings import BadSettings
from core.database import DatabaseAway, UnsafeDatabase
from core.errors import ConnectorError
from core.identity import BadInput
from core.keyfile import BadKeyFile
from core.migrations import NotMigrated
from core.refusals import CannotAccept
from core.sealing import CannotOpen, MissingVersion
from workers.broker import UnknownBroker

NOTHING_DONE = 2
FAULT = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED = 130  # 128 and the number of SIGINT, as shells count
NOBODY_READS = 141  # 128 and the number of SIGPIPE

log = logging.getLogger(__name__)


def as_it_says(error: Any) -> str:
    return str(error)


def away(error: Any) -> str:
    return (
        f"The database could not be used ({error}). What this command had not finished was not "
        "stored. See whether it is up and has room, and whether COURSEFLOW_SYNC_DATABASE_URL and "
        "COURSEFLOW_SYNC_SAFE_URL name it rightly; then try again."
    )


def no_database(error: Any) -> str:
    return (
        f"This is not a database that we can use ({type(error.orig).__name__}). Nothing was "
        "stored. Let COURSEFLOW_SYNC_DATABASE_URL and COURSEFLOW_SYNC_SAFE_URL name those that "
        "courseflow-sync migrate made."
    )


def sealed(error: Any) -> str:
    return (
        f"Something in the ledger does not open with this key file ({error}). Nothing was "
        "changed. Set COURSEFLOW_SYNC_KEY_FILE to the file with which it was stored; of machines "
        "that each added a version, that is the file of the one on which rotate-keys was run."
    )


def lacking(error: Any) -> str:
    return (
        f"The key file of this machine lacks version {error}, under which keys in the ledger are "
        "stored. Nothing was changed, and nothing is lost. Copy the key file here from the "
        "machine on which rotate-keys was run, or, where a backup was restored, put its version "
        "back from an older copy: courseflow-sync key put-back COPY"
    )


def unreached(error: Any) -> str:
    return f"The platform could not do this ({error.detail}). Try again later."


def exists(error: Any) -> str:
    return f"{error.filename} exists already, and stays as it is. Choose another name."


def refused_by_machine(error: Any) -> str:
    if error.errno == errno.EADDRINUSE:
        return "Another process listens there already. Stop it, or choose another --port."
    where = f" ({error.filename})" if error.filename else ""
    return (
        f"This machine refused: {error.strerror or type(error).__name__}{where}. The command "
        "ended there. Make that possible, then run it again."
    )


# The first that fits says it. Those that speak for themselves end in what to do.
SENTENCES: tuple[tuple[type[Exception], Callable[[Any], str]], ...] = (
    (BadSettings, as_it_says),
    (BadKeyFile, as_it_says),
    (UnsafeDatabase, as_it_says),
    (NotMigrated, as_it_says),
    (UnknownBroker, as_it_says),
    (CannotAccept, as_it_says),
    (BadInput, as_it_says),
    (DatabaseAway, away),
    (DatabaseError, no_database),
    (MissingVersion, lacking),
    (CannotOpen, sealed),
    (ConnectorError, unreached),
    (FileExistsError, exists),
    (OSError, refused_by_machine),
)


def sentence(error: Exception) -> str | None:
    """None for what nobody foresaw. A subclass of DatabaseError is a fault of ours."""
    for kind, say in SENTENCES:
        exact = kind is DatabaseError
        if type(error) is kind if exact else isinstance(error, kind):
            return say(error)
    return None


@contextmanager
def spoken() -> Iterator[None]:
    """Every way for a command to end, as an exit code, with a sentence where it failed."""
    try:
        yield
        flush(sys.stdout)
    except typer.TyperException as wrong_use:
        wrong_use.message = masked(wrong_use.message)
        raise
    except typer.Exit:
        flush(sys.stdout)
        raise
    except (KeyboardInterrupt, typer.Abort):
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        drop(sys.stdout)
        raise typer.Exit(NOBODY_READS) from None
    except Exception as error:  # noqa: BLE001  (the last line: beyond it is a traceback)
        foreseen = sentence(error)
        say(foreseen or fault(error))
        if isinstance(error, OSError):
            drop(sys.stdout)
        raise typer.Exit(NOTHING_DONE if foreseen else FAULT) from None


def fault(error: Exception) -> str:
    code = secrets.token_hex(4)
    log.error("a fault in courseflow-sync itself", extra={"code": code}, exc_info=error)
    return (
        f"A fault in courseflow-sync itself, not in what you asked (code {code}). What it had "
        "stored before stays stored. Report the code with the line of the log that holds it; "
        "that line tells where it happened."
    )


def say(text: str) -> None:
    with suppress(OSError):
        typer.echo(text, err=True)


def flush(stream: TextIO | None) -> None:
    """Now, because at the end of the process nobody can catch it any more."""
    if stream is not None and not stream.closed:
        stream.flush()


def drop(stream: TextIO | None) -> None:
    """Nobody can read it: what is left in it goes nowhere instead of failing later."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]  # AttributeError: None
        os.close(nowhere)
