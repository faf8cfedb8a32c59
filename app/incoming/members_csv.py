"""Reads a CSV file of members row by row."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import zip_longest
from pathlib import Path
from typing import TextIO, TypeVar
from zoneinfo import ZoneInfo

from app.incoming import csv_texts as texts
from app.incoming.csv_header import EXTRA, NAMES, columns_of
from app.incoming.csv_rows import NOT_UTF8, BadFile, Lines, Row, opened, rows
from core.connector import Basis, BasisKind, Text
from core.identity import BadInput, check_reference, normalise

__all__ = ["BadFile", "BadRow", "Member", "members", "read"]

TIME_ZONE = ZoneInfo("Europe/Amsterdam")  # of a moment that names none
LONGEST_CELL = 500
CHECKED_APART = ("reference", "email")  # by core.identity
# What a spreadsheet would run (ASVS 1.2.10), full-width signs included.
FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
SIGNED_NUMBER = re.compile(r"\s*[+-]\d[\d ().-]*", re.ASCII)  # +31 6 …: common, runs nothing
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]")
LINE_BREAK = re.compile(r"\r\n?")
KINDS = {kind.value: kind for kind in BasisKind}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Member:
    """A row that can be used. A field that the row leaves empty is not in ``fields``."""

    line: int
    reference: str
    email: str = field(repr=False)  # normalised
    fields: Mapping[str, str] = field(repr=False)
    lists: tuple[str, ...]
    basis: Basis


@dataclass(frozen=True, slots=True)
class BadRow:
    line: int  # the physical line it begins on; the header is line 1
    column: str | None  # None: the row as a whole
    reason: Text


def read(path: Path) -> Iterator[Member | BadRow]:
    """Every row of the file, in its order. Raises BadFile, maybe only after good rows."""
    with opened(path) as text:
        yield from members(text)


def members(text: TextIO) -> Iterator[Member | BadRow]:
    """
    Every row that is not blank, in the order of ``text``, which csv_rows.as_text made.

    The same reference again, with another address, list or basis, is a later row about the
    same person. Only a row that says nothing new is bad.
    """
    lines = Lines(text)
    columns, delimiter = columns_of(next(lines, ""))
    seen: dict[bytes, int] = {}
    for row in rows(lines, delimiter=delimiter):
        try:
            member = _member(row, columns)
            _check_new(member, seen)
        except BadCell as bad:
            yield BadRow(row.line, bad.column, bad.reason)
        else:
            yield member


class BadCell(Exception):
    """Ends the reading of one row; ``column`` as in BadRow."""

    def __init__(self, column: str | None, reason: Text) -> None:
        super().__init__(column, reason)
        self.column = column
        self.reason = reason


def _member(row: Row, columns: Sequence[str]) -> Member:
    cells = _cells(row, columns)
    return Member(
        row.line,
        _converted(cells, "reference", check_reference),
        _converted(cells, "email", normalise),
        _fields(cells),
        _converted(cells, "lists", _lists),
        _basis(cells),
    )


def _cells(row: Row, columns: Sequence[str]) -> dict[str, str]:
    if row.cells is None:
        raise BadCell(None, texts.QUOTATION)
    _check_utf8(row.cells, columns)
    if len(row.cells) < len(columns) or any(map(str.strip, row.cells[len(columns) :])):
        raise BadCell(None, texts.cell_count(found=len(row.cells), wanted=len(columns)))
    cells = dict(zip(columns, row.cells, strict=False))  # what is left over is empty
    return {column: _clean(column, cell) for column, cell in cells.items()}


def _check_utf8(cells: Sequence[str], columns: Sequence[str]) -> None:
    for column, cell in zip_longest(columns, cells, fillvalue=None):
        if cell and NOT_UTF8.search(cell):
            raise BadCell(column, texts.NOT_UTF8)


def _clean(column: str, cell: str) -> str:
    """The cell's content, without what could harm whoever opens or mails it later."""
    extra = column.startswith(EXTRA)
    if FORMULA.match(cell) and not (extra and SIGNED_NUMBER.fullmatch(cell)):
        raise BadCell(column, texts.FORMULA)
    if UNPRINTABLE.search(re.sub(r"[\t\r\n]", " ", cell) if extra else cell):
        raise BadCell(column, texts.UNPRINTABLE)
    if column in CHECKED_APART:
        return cell.strip()
    if len(cell) > LONGEST_CELL:
        raise BadCell(column, texts.TOO_LONG)
    return unicodedata.normalize("NFC", LINE_BREAK.sub("\n", cell.strip()))


def _fields(cells: Mapping[str, str]) -> dict[str, str]:
    return {
        column.removeprefix(EXTRA): cell
        for column, cell in cells.items()
        if cell and (column in NAMES or column.startswith(EXTRA))
    }


def _basis(cells: Mapping[str, str]) -> Basis:
    return Basis(
        kind=_converted(cells, "basis", _kind),
        id=_converted(cells, "basis_id", _given),
        given_at=_converted(cells, "basis_given_at", _moment),
        source=_converted(cells, "basis_source", _given),
        text_version=cells.get("basis_text_version", ""),
    )


def _converted(cells: Mapping[str, str], column: str, convert: Callable[[str], T]) -> T:
    try:
        return convert(cells[column])
    except BadInput as error:
        raise BadCell(column, error.reason) from None


def _lists(cell: str) -> tuple[str, ...]:
    keys = (key.strip() for key in cell.split("|"))
    unique = tuple(dict.fromkeys(key for key in keys if key))
    if not unique:
        raise BadInput(texts.NO_LISTS)
    return unique


def _kind(cell: str) -> BasisKind:
    if not cell:
        raise BadInput(texts.NO_BASIS)
    if cell.lower() not in KINDS:
        raise BadInput(texts.UNKNOWN_BASIS)
    return KINDS[cell.lower()]


def _given(cell: str) -> str:
    if not cell:
        raise BadInput(texts.EMPTY_CELL)
    return cell


def _moment(cell: str) -> datetime:
    written = _given(cell)
    try:
        moment = datetime.fromisoformat(written)
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=TIME_ZONE)
        return zoned.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInput(texts.BAD_MOMENT) from None


def _check_new(member: Member, seen: dict[bytes, int]) -> None:
    said = (member.reference, member.email, sorted(member.fields.items()), member.lists)
    digest = blake2b(repr((*said, member.basis)).encode(), digest_size=16).digest()
    first = seen.setdefault(digest, member.line)
    if first != member.line:
        raise BadCell(None, texts.duplicate(first))
