"""Reads the first line of a CSV file of members: which columns, cut by which separator."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

from app.incoming import csv_texts as texts
from app.incoming.csv_rows import NOT_UTF8, BadFile

NAMES = ("first_name", "last_name")
REQUIRED = (
    "reference",
    "email",
    *NAMES,
    "lists",
    "basis",
    "basis_id",
    "basis_given_at",
    "basis_source",
)
KNOWN = (*REQUIRED, "basis_text_version")
EXTRA = "field:"
EXTRA_COLUMN = re.compile(rf"{EXTRA}\s*(\w[\w -]{{0,49}})", re.ASCII | re.IGNORECASE)
SEPARATORS = (",", ";")  # a Dutch Excel writes semicolons


def columns_of(header: str) -> tuple[tuple[str, ...], str]:
    """
    The columns in the file's order, with the separator.

    A BadFile names columns by number: a file without a header has a member on that line.
    """
    if not header:
        raise BadFile(texts.EMPTY_FILE)
    if NOT_UTF8.search(header):
        raise BadFile(texts.NOT_UTF8)
    if not header.strip().isprintable():
        raise BadFile(texts.BAD_HEADER)
    separator = max(SEPARATORS, key=lambda separator: _known(_cut(header, separator)))
    names = _cut(header, separator)
    _check(names)
    return tuple(names), separator


def _cut(header: str, separator: str) -> list[str]:
    """The names as the rest of the program spells them; empty ones at the end are dropped."""
    try:
        cells = next(csv.reader([header], delimiter=separator, strict=True))
    except csv.Error:
        raise BadFile(texts.BAD_HEADER) from None
    names = [_spelled(cell.strip()) for cell in cells]
    while names and not names[-1]:
        names.pop()
    return names


def _spelled(name: str) -> str:
    extra = EXTRA_COLUMN.fullmatch(name)
    return EXTRA + extra[1].strip() if extra else name.lower()


def _known(names: Sequence[str]) -> int:
    return sum(name in KNOWN for name in names)


def _check(names: Sequence[str]) -> None:
    if not _known(names):
        raise BadFile(texts.no_header(REQUIRED))
    if missing := [name for name in REQUIRED if name not in names]:
        raise BadFile(texts.missing_columns(missing))
    taken: set[str] = set()
    for number, name in enumerate(names, start=1):
        if name not in KNOWN and not EXTRA_COLUMN.fullmatch(name):
            raise BadFile(texts.unknown_column(number))
        meaning = name.removeprefix(EXTRA).casefold()
        if meaning in taken:
            raise BadFile(texts.double_column(number))
        taken.add(meaning)
