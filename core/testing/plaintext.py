"""Looks for marks in raw bytes, however they are spelled there."""

from __future__ import annotations

import base64
import hashlib
import quopri
import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SHORTEST = 6  # letters of a mark, and bytes of any of its spellings


@dataclass(frozen=True, slots=True)
class Finding:
    """Holds the mark itself: for a test's eyes, not for a log."""

    where: str
    offset: int
    spelling: str
    mark: str


class Scanner:
    """Searches for all marks in one pass. Raises ValueError for one too short to be told."""

    def __init__(self, marks: Iterable[str]) -> None:
        self._by_beginning: dict[bytes, list[tuple[bytes, str, str]]] = {}
        for mark in set(marks):
            if len(mark) < SHORTEST:
                raise ValueError(f"a mark needs at least {SHORTEST} letters")
            for spelling, pattern in spellings(mark).items():
                known = self._by_beginning.setdefault(pattern[:SHORTEST], [])
                known.append((pattern, spelling, mark))

    def in_bytes(self, data: bytes, where: str) -> Iterator[Finding]:
        for offset in range(len(data) - SHORTEST + 1):
            beginning = data[offset : offset + SHORTEST]
            if beginning in self._by_beginning:
                for pattern, spelling, mark in self._by_beginning[beginning]:
                    if data.startswith(pattern, offset):
                        yield Finding(where, offset, spelling, mark)

    def in_files(self, paths: Iterable[Path]) -> Iterator[Finding]:
        """Names of files count as well as what is in them; folders are searched through."""
        for path in paths:
            yield from self.in_bytes(str(path).encode(), f"name of {path}")
            if path.is_dir():
                yield from self.in_files(sorted(path.iterdir()))
            else:
                yield from self.in_bytes(path.read_bytes(), str(path))


def spellings(mark: str) -> Mapping[str, bytes]:
    """Every way of writing the mark that we look for, by its name."""
    cases = {"as given": mark, "lower": mark.lower(), "upper": mark.upper()}
    found: dict[str, bytes] = {}
    for case, text in cases.items():
        for name, encode in ENCODINGS.items():
            found.setdefault(f"{name}, {case}", encode(text))
    return {name: pattern for name, pattern in found.items() if len(pattern) >= SHORTEST}


def base64_at(offset: int, alphabet: bytes) -> Callable[[str], bytes]:
    """Of the mark after so many other bytes: the letters that it decides alone."""

    def encode(text: str) -> bytes:
        raw = text.encode()
        letters = base64.b64encode(bytes(offset) + raw, alphabet)
        return letters[-(-8 * offset // 6) : 8 * (offset + len(raw)) // 6]

    return encode


def escaping(form: str, kept: str = "") -> Callable[[str], bytes]:
    """By ``form``, whatever is no ASCII letter, no digit and not ``kept``."""
    plain = frozenset((string.ascii_letters + string.digits + kept).encode())

    def encode(text: str) -> bytes:
        written = (chr(byte) if byte in plain else form.format(byte) for byte in text.encode())
        return "".join(written).encode()

    return encode


def digest(algorithm: str, write: Callable[[bytes], bytes]) -> Callable[[str], bytes]:
    return lambda text: write(hashlib.new(algorithm, text.encode(), usedforsecurity=False).digest())


def json_escaped(text: str) -> bytes:
    return text.encode("ascii", "backslashreplace")


WRITTEN: Mapping[str, Callable[[bytes], bytes]] = {
    "": bytes,
    " in hex": lambda raw: raw.hex().encode(),
    " in capital hex": lambda raw: raw.hex().upper().encode(),
    " in base64": base64.b64encode,
}
ENCODINGS: Mapping[str, Callable[[str], bytes]] = {
    "plain": str.encode,
    "UTF-16 LE": lambda text: text.encode("utf-16-le"),
    "UTF-16 BE": lambda text: text.encode("utf-16-be"),
    "escaped": json_escaped,
    "percent": escaping("%{:02X}", "._-~"),
    "percent, small": escaping("%{:02x}", "._-~"),
    "percent, only what URLs need": escaping("%{:02X}", "._-~@+/"),
    "percent, wholly": escaping("%{:02X}"),
    "quoted-printable": lambda text: quopri.encodestring(text.encode()),
    "quoted-printable, in a header": escaping("={:02X}", "-!*+/"),
    "quoted-printable, wholly": escaping("={:02X}"),
    "hex": lambda text: text.encode().hex().encode(),
    "hex, capital": lambda text: text.encode().hex().upper().encode(),
    **{f"base64 at {offset}": base64_at(offset, b"+/") for offset in range(3)},
    **{f"base64 for URLs at {offset}": base64_at(offset, b"-_") for offset in range(3)},
    **{
        f"{algorithm}{how}": digest(algorithm, write)
        for algorithm in ("md5", "sha1", "sha256")
        for how, write in WRITTEN.items()
    },
}
