"""
The content of a PostgreSQL database as a stream, by the server's own pg_dump with pg_restore.

Passwords go along in the environment. What these programs say when they fail may hold data, so
nothing of it is shown: it is only searched for what we can name.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from psycopg.conninfo import make_conninfo

from core.database import Database
from core.refusals import CannotAccept

PIECE = 1 << 20
HEARD = 1 << 16  # bytes of what it says that are kept to be searched
HIDDEN = ("password", "sslpassword", "context")  # the last one is SQLAlchemy's own
NEVER_ASK = ("--no-password", "--no-owner", "--no-privileges")
INSTALL = (
    "Install the PostgreSQL client programs of the server's version or a newer one, or let "
    "COURSEFLOW_SYNC_POSTGRESQL_BIN name the folder in which they are."
)
ANYTHING = """
SELECT 1 FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LIMIT 1
"""
REASONS = (
    ("server version mismatch", "this program is older than the server"),
    ("permission denied", "the database's user may not read or write everything"),
    ("no password supplied", "the server wants a password"),
    ("password authentication failed", "the server does not accept the password"),
    ("connection to server", "the connection failed or broke off"),
    ("lock timeout", "somebody else held a table for too long"),
    ("already exists", "the database was not empty"),
    ("unrecognized configuration parameter", "the server is older than the one of the backup"),
    ("unsupported version", "this program is older than the one that made the backup"),
    ("No space left", "a disk is full"),
)


@dataclass(frozen=True, slots=True)
class Programs:
    """Where pg_dump and pg_restore are; None: where PATH finds them."""

    folder: Path | None = None

    def find(self, name: str, database: Database) -> str:
        """Raises CannotAccept where there is none, or one that is too old for the server."""
        place = None if self.folder is None else str(self.folder)
        program = shutil.which(name, path=place)
        if program is None:
            where = place or "any folder of PATH"
            raise CannotAccept(f"There is no {name} in {where}. {INSTALL}")
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
        version = re.search(r"\)\s+(\d+)", said.stdout)
        if said.returncode or version is None:
            raise CannotAccept(f"{program} does not run here. {INSTALL}")
        with database.glance() as db:
            server = int(db.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000
        if int(version[1]) < server:
            raise CannotAccept(
                f"{program} is of PostgreSQL {version[1]}, the server of {server}. Nothing was "
                f"changed. {INSTALL}"
            )
        return program


def read(database: Database, without: Collection[str], programs: Programs) -> Iterator[bytes]:
    """Everything but the rows of the tables ``without``. Raises CannotAccept, DatabaseAway."""
    command = [programs.find("pg_dump", database), "--format=custom", *NEVER_ASK]
    command += ["--lock-wait-timeout=60s", *(f"--exclude-table-data=*.{one}" for one in without)]
    with running(command, database) as program:
        while piece := program.out.read(PIECE):
            yield piece
        program.end_well()


def write(database: Database, content: Iterable[bytes], programs: Programs) -> None:
    """Into an empty database, all of it or nothing. Raises CannotAccept, DatabaseAway."""
    command = [programs.find("pg_restore", database), "--format=custom", *NEVER_ASK]
    with running([*command, "--exit-on-error", "--single-transaction"], database) as program:
        with suppress(BrokenPipeError):  # it ended: why, it says below
            for piece in content:
                program.into.write(piece)
            program.into.close()
        program.end_well()


def is_empty(database: Database) -> bool:
    with database.read() as tx:
        return tx.db.exec_driver_sql(ANYTHING).first() is None


class Running:
    """A program whose complaints are heard in the background, or it would stop at a full pipe."""

    def __init__(self, command: list[str], secret: Mapping[str, str]) -> None:
        self.name = Path(command[0]).name
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **secret, "LC_ALL": "C"},
        )
        streams = (self.process.stdin, self.process.stdout, self.process.stderr)
        self.into, self.out, self.complaints = (cast("BinaryIO", one) for one in streams)
        self.heard = bytearray()
        self.ears = threading.Thread(target=self.listen, daemon=True)
        self.ears.start()

    def listen(self) -> None:
        while some := os.read(self.complaints.fileno(), HEARD):
            self.heard += some[: HEARD - len(self.heard)]

    def end_well(self) -> None:
        """Wait for its end. Raises CannotAccept unless that is a good one."""
        failed = self.process.wait() != 0
        self.ears.join()
        if failed:
            said = self.heard.decode(errors="replace")
            why = next((reason for part, reason in REASONS if part in said), "it does not say why")
            raise CannotAccept(
                f"{self.name} failed: {why}. What it did was undone. See the log of the "
                "PostgreSQL server for the rest, then try again."
            )

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.ears.join()
        for stream in (self.into, self.out, self.complaints):
            with suppress(OSError):  # nobody reads what was left in it
                stream.close()


@contextmanager
def running(command: list[str], database: Database) -> Iterator[Running]:
    """The program, which does not outlive the block: what it had not committed is undone."""
    address, secret = named(database)
    program = Running([*command, f"--dbname={address}"], secret)
    try:
        yield program
    finally:
        program.close()


def named(database: Database) -> tuple[str, Mapping[str, str]]:
    """The address for a command line, without what is secret; that for the environment."""
    _, given = database.engine.dialect.create_connect_args(database.url)
    password = given.get("password")
    shown = {name: value for name, value in given.items() if name not in HIDDEN}
    return make_conninfo(**shown), {"PGPASSWORD": password} if password else {}
