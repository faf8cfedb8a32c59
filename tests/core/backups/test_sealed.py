"""A backup that is not to the byte what was written does not open, and says so."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from core.backups import sealed
from core.backups.sealed import MAGIC, TAG, Damaged, Header, Sealed, seal
from core.migrations import Store
from core.refusals import CannotAccept
from core.sealing import Key

SMALL = 32
CONTENT = os.urandom(3 * SMALL + 5)
DAY = Key.random()


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "CHUNK", SMALL)


def header(day: date = date(2026, 11, 22)) -> Header:
    at = datetime(2026, 11, 22, 10, tzinfo=UTC)
    return Header(Store.LEDGER, uuid4(), day, at, "0010", "sqlite", (1,), sealed.number())


def written(content: bytes = CONTENT, of: Header | None = None) -> bytes:
    file = io.BytesIO()
    pieces = (content[at : at + 7] for at in range(0, len(content), 7))
    list(seal(file, of or header(), DAY, pieces))
    return file.getvalue()


def read(path: Path, content: bytes, key: Key = DAY) -> bytes:
    path.write_bytes(content)
    return b"".join(Sealed(path).opened(key))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.backup"


def chunks_of(file: bytes, path: Path) -> tuple[bytes, list[bytes]]:
    path.write_bytes(file)
    begins = Sealed(path).begins
    size = SMALL + TAG
    return file[:begins], [file[at : at + size] for at in range(begins, len(file), size)]


@pytest.mark.parametrize("length", [0, 1, SMALL - 1, SMALL, SMALL + 1, 2 * SMALL, 3 * SMALL + 5])
def test_what_is_written_is_read_whatever_its_length(path: Path, length: int) -> None:
    assert read(path, written(CONTENT[:length])) == CONTENT[:length]


def test_the_header_is_read_without_a_key(path: Path) -> None:
    said = header()
    path.write_bytes(written(of=said))
    assert Sealed(path).header == said


def test_each_bit_that_changed_is_found_wherever_it_is(path: Path) -> None:
    whole = written()
    for at in range(len(whole)):
        hurt = bytearray(whole)
        hurt[at] ^= 1 << at % 8
        with pytest.raises(Damaged) as told:
            read(path, bytes(hurt))
        assert str(path) in str(told.value)
        assert "Fetch the file again" in str(told.value)


def test_a_file_that_was_cut_off_is_found_wherever_that_was(path: Path) -> None:
    whole = written()
    for length in range(len(whole)):
        with pytest.raises(Damaged):
            read(path, whole[:length])


def test_what_was_appended_is_found(path: Path) -> None:
    whole = written()
    _, chunks = chunks_of(whole, path)
    for more in (b"x", bytes(SMALL + TAG), chunks[-1], chunks[0]):
        with pytest.raises(Damaged):
            read(path, whole + more)


def rearranged(chunks: list[bytes]) -> Iterator[list[bytes]]:
    for at in range(len(chunks)):
        yield chunks[:at] + chunks[at + 1 :]
        yield [*chunks[: at + 1], chunks[at], *chunks[at + 1 :]]
    for at in range(len(chunks) - 1):
        yield [*chunks[:at], chunks[at + 1], chunks[at], *chunks[at + 2 :]]


def test_chunks_taken_out_repeated_or_in_another_order_are_found(path: Path) -> None:
    front, chunks = chunks_of(written(), path)
    for others in rearranged(chunks):
        with pytest.raises(Damaged):
            read(path, front + b"".join(others))


def test_a_chunk_of_another_file_of_that_day_is_found(path: Path) -> None:
    front, chunks = chunks_of(written(), path)
    _, others = chunks_of(written(), path)
    for at in range(len(chunks)):
        with pytest.raises(Damaged):
            read(path, front + b"".join([*chunks[:at], others[at], *chunks[at + 1 :]]))


def test_a_header_of_another_file_is_found(path: Path) -> None:
    """Also where only what it says was changed, with a digest that fits."""
    said = header()
    front, chunks = chunks_of(written(of=said), path)
    for other in (replace(said, store=Store.SAFE), header()):
        changed, _ = chunks_of(written(of=other), path)
        with pytest.raises(Damaged):
            read(path, changed + b"".join(chunks))
    assert read(path, front + b"".join(chunks)) == CONTENT


def test_nothing_is_handed_out_of_what_is_damaged(path: Path) -> None:
    whole = written()
    front, _ = chunks_of(whole, path)
    hurt = bytearray(whole)
    hurt[len(front) + SMALL + TAG + 3] ^= 1
    path.write_bytes(bytes(hurt))
    pieces = Sealed(path).opened(DAY)
    assert next(pieces) == CONTENT[:SMALL]
    with pytest.raises(Damaged):
        next(pieces)


def test_another_day_opens_nothing(path: Path) -> None:
    with pytest.raises(Damaged):
        read(path, written(), Key.random())


def test_another_file_is_told_from_a_backup(path: Path) -> None:
    for content in (b"", b"SQLite format 3\0", MAGIC, MAGIC + b"\xff" * 100):
        with pytest.raises(Damaged):
            read(path, content)


@pytest.mark.parametrize("said", [b"", b"{}", b"[]", b"7", b'{"format": 1}', b"[" * 4000, b"\xff"])
def test_a_header_that_somebody_made_up_is_told(path: Path, said: bytes) -> None:
    front = MAGIC + len(said).to_bytes(4) + said
    with pytest.raises(Damaged):
        read(path, front + hashlib.sha256(front).digest())


def test_a_newer_format_asks_for_a_newer_version(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed, "FORMAT", 2)
    whole = written()
    monkeypatch.setattr(sealed, "FORMAT", 1)
    with pytest.raises(CannotAccept, match="newer version"):
        read(path, whole)


def test_the_plain_content_is_not_in_the_file(path: Path) -> None:
    assert b"jan.jansen@example.nl" not in written(b"jan.jansen@example.nl" * 9)
