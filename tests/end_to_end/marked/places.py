"""
Every kind of place in which something of ours may lie, as bytes.

There are no metrics and outgoing webhooks yet: each joins here with the commit that brings it, as
a function in ``places`` and a way of planting in ``plant``.
"""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from uuid import uuid4

import pika  # type: ignore[import-untyped]  # it has no types
import redis
import sqlalchemy as sa

from app import wiring
from core.backups import day_key_file, rows_of_sqlite
from core.backups.dumps_of_postgresql import Programs
from core.backups.restoring import Place, key_of
from core.backups.sealed import Sealed
from core.migrations import Store
from core.testing.plaintext import Scanner, spellings
from tests.end_to_end.marked.house import HOST, House

Pieces = Iterator[tuple[str, bytes]]
EMPTY = re.compile(rb"\0{16,}")  # pages that nobody wrote on; a mark has no two zeros in a row
IN_HEX = re.compile(rb"\\x((?:[0-9a-f]{2})+)")
IN_BASE64 = re.compile(rb'\{"bytes": "([^"]+)"\}')
PLANTED = "Planted.Mark+tag@Example.nl"


def files(folder: Path) -> Pieces:
    """Names count as well."""
    for path in sorted(folder.rglob("*")):
        yield f"name of {path}", str(path.relative_to(folder)).encode()
        if path.is_file():
            yield str(path), EMPTY.sub(bytes(15), path.read_bytes())


def words(house: House) -> Pieces:
    yield from files(house.words)


def problems(house: House) -> Pieces:
    yield from files(house.problems)


def temporary(house: House) -> Pieces:
    yield from files(house.temporary)


def of_store(store: Store) -> Callable[[House], Pieces]:
    def pieces(house: House) -> Pieces:
        """The database's file, its write-ahead log, its shared memory."""
        for path in sorted(house.stores.glob(f"{store}.db*")):
            if path.is_dir():
                yield from files(path)
            else:
                yield str(path), EMPTY.sub(bytes(15), path.read_bytes())

    return pieces


def server_folder(house: House) -> Pieces:
    """Tables, indexes, what they left behind, the server's own log; all but the WAL."""
    data = Path(house.postgres.booted.pgdata) if house.postgres else house.folder / "none"
    for path, content in files(data):
        if "pg_wal" not in path:
            yield path, content


def server_wal(house: House) -> Pieces:
    data = Path(house.postgres.booted.pgdata) if house.postgres else house.folder / "none"
    yield from files(data / "pg_wal")


def dumps(house: House) -> Pieces:
    if house.postgres is None:
        return
    program = house.postgres.program("pg_dump")
    for store, url in house.urls.items():
        address = sa.make_url(url).set(drivername="postgresql")
        command = [program, "--dbname", address.render_as_string(hide_password=False)]
        dump = subprocess.run(command, capture_output=True, check=True).stdout
        yield from dumped(f"dump of {store}", dump)


def dumped(name: str, text: bytes) -> Pieces:
    """With what pg_dump writes in hex as the bytes that it is."""
    yield name, text
    values = (bytes.fromhex(one[1].decode()) for one in IN_HEX.finditer(text))
    yield f"bytes in the {name}", b" | ".join(values)


def backups(house: House) -> Pieces:
    """The files as they lie there, and what is in them while their day's key lives."""
    yield from files(house.backups)
    with wiring.opened(house.settings) as found:
        place = Place(
            {Store.LEDGER: found.ledger.database, Store.SAFE: found.ledger.safe.database},
            found.ledger.key_versions,
            day_key_file.beside(house.settings.key_file),
            Programs(house.settings.postgresql_bin),
        )
        for path in sorted(house.backups.glob("*.backup")):
            sealed = Sealed(path)
            content = sealed.opened(key_of(place, sealed))
            yield from backed_up(house, f"content of {path.name}", content)


def backed_up(house: House, name: str, content: Iterator[bytes]) -> Pieces:
    if house.postgres is not None:
        command = [house.postgres.program("pg_restore"), "--file=-"]
        script = subprocess.run(
            command, input=b"".join(content), capture_output=True, check=True
        ).stdout
        yield from dumped(name, script)
        return
    text = b"\n".join(rows_of_sqlite.read_lines(content))
    yield name, text
    values = (base64.b64decode(one[1]) for one in IN_BASE64.finditer(text))
    yield f"bytes in the {name}", b" | ".join(values)


def of_redis(house: House) -> Pieces:
    """Its append-only file, its snapshot, its log."""
    if house.redis is not None:
        yield from files(house.redis.folder)


def of_rabbit(house: House) -> Pieces:
    """Its store of messages, its queues' indexes, its logs."""
    if house.rabbit is not None:
        yield from files(house.rabbit.folder)


EVERYWHERE: Mapping[str, Callable[[House], Pieces]] = {
    "output and logs of processes, output of commands": words,
    "what the API refuses": problems,
    "temporary files": temporary,
    "backups": backups,
}
SQLITE: Mapping[str, Callable[[House], Pieces]] = {
    "files of the ledger": of_store(Store.LEDGER),
    "files of the safe": of_store(Store.SAFE),
}
POSTGRES: Mapping[str, Callable[[House], Pieces]] = {
    "PostgreSQL's folder": server_folder,
    "PostgreSQL's WAL": server_wal,
    "dumps": dumps,
}


def stores(house: House) -> Sequence[Callable[[House], Pieces]]:
    """In which nothing may be left that was destroyed; PostgreSQL promises no such thing."""
    return [] if house.postgres else list(SQLITE.values())


def places(house: House) -> Mapping[str, Callable[[House], Pieces]]:
    kept = POSTGRES if house.postgres else SQLITE
    broker: Mapping[str, Callable[[House], Pieces]] = {}
    if house.redis is not None:
        broker = {"Redis's files": of_redis}
    if house.rabbit is not None:
        broker = {"RabbitMQ's files": of_rabbit}
    return {**EVERYWHERE, **kept, **broker}


def found(house: House, scanner: Scanner) -> Mapping[str, set[tuple[str, str, str]]]:
    """By place: in which piece, how spelled, which mark."""
    house.write_down()
    return {
        place: {
            (one.where, one.spelling, one.mark)
            for where, data in pieces(house)
            for one in scanner.in_bytes(data, where)
        }
        for place, pieces in places(house).items()
    }


def plant(house: House) -> None:
    """The mark in every spelling, in the way in which each place would come to hold it."""
    every = list(dict.fromkeys(spellings(PLANTED).values()))
    for folder in (house.words, house.problems, house.temporary):
        (folder / "planted").write_bytes(b"\n".join(every))
    for url in house.urls.values():
        engine = sa.create_engine(url)
        with engine.begin() as db:
            kind = "bytea" if house.postgres else "blob"
            db.exec_driver_sql(f"CREATE TABLE planted (value {kind})")
            table = sa.table("planted", sa.column("value", sa.LargeBinary))
            db.execute(sa.insert(table), [{"value": one} for one in every])
        engine.dispose()
    house.back_up()
    if house.redis is not None:
        with redis.Redis(HOST, house.redis.port) as client:
            for one in every:
                client.set(uuid4().hex, one)
    if house.rabbit is not None:
        connection = pika.BlockingConnection(pika.URLParameters(house.rabbit.url))
        channel = connection.channel()
        channel.queue_declare("planted", durable=True)
        for one in every:
            persistent = pika.BasicProperties(delivery_mode=2)
            channel.basic_publish("", "planted", one, persistent)
        connection.close()
