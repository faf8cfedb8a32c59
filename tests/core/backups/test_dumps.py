"""The programs of PostgreSQL are found, are new enough, tell nobody's password nor data."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from textwrap import dedent

import pytest

from core.backups import dumps_of_postgresql
from core.backups.dumps_of_postgresql import Programs
from core.database import Database
from core.ledger import Ledger
from core.refusals import CannotAccept
from tests.databases import Urls

pytestmark = pytest.mark.parametrize("urls", ["postgresql"], indirect=True)
SAID = "COPY people: jan.jansen@example.nl"


@pytest.fixture
def database(ledger: Ledger, urls: Urls) -> Database:
    return ledger.database


def program(folder: Path, does: str, version: int = 99) -> Programs:
    """Stands where pg_dump and pg_restore would be."""
    for name in ("pg_dump", "pg_restore"):
        path = folder / name
        path.write_text(
            dedent(
                f"""\
                #!/bin/sh
                if [ "$1" = --version ]; then echo "{name} (PostgreSQL) {version}.1"; exit; fi
                """
            )
            + does
        )
        path.chmod(stat.S_IRWXU)
    return Programs(folder)


def dumped(database: Database, programs: Programs) -> bytes:
    return b"".join(dumps_of_postgresql.read(database, (), programs))


def test_where_there_is_none_it_says_what_to_install(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CannotAccept, match="COURSEFLOW_SYNC_POSTGRESQL_BIN"):
        dumped(database, Programs(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotAccept, match="any folder of PATH"):
        dumped(database, Programs())


def test_one_that_is_older_than_the_server_is_not_tried(database: Database, tmp_path: Path) -> None:
    with pytest.raises(CannotAccept, match="is of PostgreSQL 9, the server of"):
        dumped(database, program(tmp_path, f"touch {tmp_path}/ran", version=9))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("does", ["exit 1", "kill -9 $$"])
def test_what_it_says_when_it_fails_is_not_shown(
    database: Database, tmp_path: Path, does: str
) -> None:
    failing = program(tmp_path, f"echo '{SAID}' >&2; echo part; {does}")
    with pytest.raises(CannotAccept) as told:
        dumped(database, failing)
    assert "pg_dump failed: it does not say why" in str(told.value)
    assert "jan.jansen" not in str(told.value)
    with pytest.raises(CannotAccept) as told:
        dumps_of_postgresql.write(database, [b"x" * 100] * 9, failing)
    assert "pg_restore failed" in str(told.value)
    assert "jan.jansen" not in str(told.value)


def test_a_reason_that_we_know_is_said_in_our_words(database: Database, tmp_path: Path) -> None:
    failing = program(tmp_path, f"echo 'ERROR: permission denied for {SAID}' >&2; exit 1")
    with pytest.raises(CannotAccept, match="may not read or write everything"):
        dumped(database, failing)


def test_one_that_complains_without_end_stops_nothing(database: Database, tmp_path: Path) -> None:
    loud = "i=0; while [ $i -lt 20000 ]; do echo 'a complaint, a complaint' >&2; i=$((i+1)); done"
    assert dumped(database, program(tmp_path, f"{loud}; echo done")) == b"done\n"


def test_the_password_is_in_no_argument(tmp_path: Path, database: Database) -> None:
    secret = "hush:/@hush"
    url = database.url.set(password=secret)
    database = Database(url.render_as_string(hide_password=False))
    address, environment = dumps_of_postgresql.named(database)
    assert "hush" not in address
    assert environment == {"PGPASSWORD": secret}
    database.engine.dispose()
    written = f'echo "$@" > {tmp_path}/arguments; echo "$PGPASSWORD"'
    programs = program(tmp_path, written)
    with dumps_of_postgresql.running([f"{programs.folder}/pg_dump"], database) as found:
        assert found.out.read() == f"{secret}\n".encode()
    assert "hush" not in (tmp_path / "arguments").read_text()


def test_it_does_not_outlive_who_started_it(database: Database, tmp_path: Path) -> None:
    running = program(tmp_path, f"echo $$ > {tmp_path}/pid; echo begun; exec sleep 60")
    pieces = dumps_of_postgresql.running([f"{running.folder}/pg_dump"], database)
    with pieces as found:
        assert found.out.readline() == b"begun\n"
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
