"""Cuts a CSV file into rows that know the line they begin on."""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

from core.connector import Text
from core.identity import BadInput

LONGEST_ROW = 65_536  # characters
MOST_LINES_IN_A_ROW = 100
MOST_LINES = 2_000_000
NOT_UTF8 = re.compile("[\udc80-\udcff\ufffd]")  # a byte that is no UTF-8, or what replaced it

MISSING = Text(
    nl="Dit bestand is er niet. Controleer de naam en de map.",
    en="There is no such file. Check its name and folder.",
)
NOT_A_FILE = Text(
    nl="Dit is geen gewoon bestand. Geef de naam van een CSV-bestand.",
    en="This is no ordinary file. Give the name of a CSV file.",
)
UNREADABLE = Text(
    nl="Het bestand kan niet worden gelezen. Controleer de rechten, of maak een nieuwe kopie.",
    en="The file cannot be read. Check its permissions, or make a new copy.",
)
NOT_TEXT = Text(
    nl="Dit is geen tekst in UTF-8. Kies in Excel: Opslaan als > CSV UTF-8 (door lijstscheidings"
    "teken gescheiden).",
    en="This is no text in UTF-8. Choose in Excel: Save as > CSV UTF-8 (Comma delimited).",
)
TOO_MANY_LINES = Text(
    nl="Het bestand heeft meer dan 2.000.000 regels. Splits het.",
    en="The file has more than 2,000,000 lines. Split it.",
)


class BadFile(BadInput):
    """The file as a whole cannot be used; good rows before the bad spot may have been read."""


@dataclass(frozen=True, slots=True)
class Row:
    line: int  # the physical line it begins on; the header is line 1
    cells: list[str] | None  # None: a quotation mark stands where it cannot


def opened(path: Path) -> TextIO:
    """An ordinary file, open for reading. Devices and pipes are refused: they may never end."""
    try:
        if path.exists() and not path.is_file():
            raise BadFile(NOT_A_FILE)
        return as_text(path.open("rb"))
    except FileNotFoundError:
        raise BadFile(MISSING) from None
    except OSError:
        raise BadFile(UNREADABLE) from None


def as_text(stream: BinaryIO) -> TextIO:
    """
    UTF-8 with or without a byte order mark, its newlines left as they are.

    Bytes that are no UTF-8 arrive as lone surrogates, so that one bad row stays one row.
    """
    return io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")


class Lines:
    """The physical lines of a file, numbered. Those of the row being read can be had again."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._again: deque[str] = deque()
        self._row: list[str] = []
        self._size = 0
        self._number = 0

    def begin(self) -> int:
        """Start a row; the number of its first line."""
        self._row = []
        self._size = 0
        return self._number + 1

    def rewind(self) -> None:
        """Give back all lines of this row except its first."""
        later = self._row[1:]
        self._again.extendleft(reversed(later))
        self._number -= len(later)

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._read()
        if not line:
            raise StopIteration
        self._row.append(line)
        self._size += len(line)
        self._number += 1
        self._check(line)
        return line

    def _read(self) -> str:
        try:
            return self._text.readline(LONGEST_ROW + 1)
        except OSError:
            raise BadFile(UNREADABLE) from None

    def _check(self, line: str) -> None:
        if "\0" in line:
            raise BadFile(NOT_TEXT)
        if self._number > MOST_LINES:
            raise BadFile(TOO_MANY_LINES)
        if self._size > LONGEST_ROW or len(self._row) > MOST_LINES_IN_A_ROW:
            raise BadFile(_endless_row(self._number - len(self._row) + 1))


def rows(lines: Lines, *, delimiter: str) -> Iterator[Row]:
    """
    Every row from here on; blank ones are left out.

    After a row whose quotation marks do not match, reading goes on at the very next line.
    """
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    while True:
        line = lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            lines.rewind()
            yield Row(line, None)
            continue
        if any(map(str.strip, cells)):
            yield Row(line, cells)


def _endless_row(line: int) -> Text:
    return Text(
        nl=f"De rij die op regel {line} begint, is te lang. Kijk daar naar een aanhalingsteken "
        "dat niet wordt gesloten.",
        en=f"The row that begins on line {line} is too long. Look there for a quotation mark "
        "that is never closed.",
    )
