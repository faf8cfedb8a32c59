"""The scanner finds a mark however it is spelled; else its silence would prove nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sqlite3
import urllib.parse
from email.quoprimime import header_encode
from pathlib import Path

import pytest

from core.testing.plaintext import Scanner

MARK = "Planted.Mark+tag@Example.nl"
BYTES = MARK.encode()
HIDDEN = {
    "as it is": BYTES,
    "lower case": MARK.lower().encode(),
    "upper case": MARK.upper().encode(),
    "in JSON": json.dumps({"email": MARK}).encode(),
    "in a URL": urllib.parse.quote(MARK, safe="").encode(),
    "in a URL, small": b"planted.mark%2btag%40example.nl",
    "in a header": header_encode(MARK.encode()).encode(),
    "UTF-16 LE": MARK.encode("utf-16-le"),
    "UTF-16 BE": MARK.encode("utf-16-be"),
    "hex": BYTES.hex().encode(),
    "md5": hashlib.md5(MARK.lower().encode()).hexdigest().encode(),  # noqa: S324
    "md5, raw": hashlib.md5(MARK.lower().encode()).digest(),  # noqa: S324
    "sha256": hashlib.sha256(BYTES).hexdigest().upper().encode(),
    "sha256, raw": hashlib.sha256(BYTES).digest(),
    "basic auth": base64.b64encode(BYTES + b":secret"),
    "base64 after one byte": base64.b64encode(b"x" + BYTES + b"y"),
    "base64 after two bytes": base64.b64encode(b"xy" + BYTES + b"z"),
    "base64 after three bytes": base64.b64encode(b"xyz" + BYTES),
}


@pytest.mark.parametrize("how", HIDDEN)
def test_a_planted_mark_is_found(how: str) -> None:
    noise = os.urandom(1000)
    found = list(Scanner([MARK, "another@example.test"]).in_bytes(noise + HIDDEN[how] + noise, how))
    assert {one.mark for one in found} == {MARK}


def test_what_is_not_there_is_not_found() -> None:
    data = os.urandom(100_000) + b"planted.mark@example.test " + MARK[1:].encode()
    assert list(Scanner([MARK]).in_bytes(data, "noise")) == []


def test_a_deleted_row_is_found_in_the_raw_bytes_of_a_database(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "some.db")
    database.execute("PRAGMA secure_delete=OFF")
    with database:
        database.execute("CREATE TABLE people (email)")
        database.execute("INSERT INTO people VALUES (?)", [MARK])
    with database:
        database.execute("DELETE FROM people")
    database.close()
    assert {one.mark for one in Scanner([MARK]).in_files([tmp_path])} == {MARK}


def test_the_name_of_a_file_counts(tmp_path: Path) -> None:
    (tmp_path / f"{MARK}.lock").touch()
    assert list(Scanner([MARK]).in_files([tmp_path]))


def test_a_mark_too_short_to_be_told_is_refused() -> None:
    with pytest.raises(ValueError, match="at least"):
        Scanner(["a@b.c"])
