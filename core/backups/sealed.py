"""
One backup as a file: a header that anybody may read, then content that only a day's key opens.

The content is cut into chunks of 1 MiB, sealed with AES-256-GCM under a key that this file alone
has: derived from the day's key with the file's random number. Each chunk is bound to the header,
to its place, to whether it is the last. So nothing can be taken out, put in, swapped, repeated or
cut off unnoticed, wherever the file was kept.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.migrations import Store
from core.refusals import CannotAccept
from core.sealing import Key

FORMAT = 1
MAGIC = b"courseflow-sync backup\n"
LENGTH = 4  # bytes that say how long the header is
LONGEST = 4096
DIGEST = hashlib.sha256().digest_size
CHUNK = 1 << 20
TAG = 16
NUMBER = 32


class Damaged(CannotAccept):
    """This file is not what was written."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"{path} is damaged: {what}. Nothing of it was restored. Fetch the file again from "
            "where you keep your backups, or take the one of another day."
        )


@dataclass(frozen=True, slots=True)
class Header:
    """What a backup says of itself; ``database`` is the kind that it came from."""

    store: Store
    installation: UUID
    day: date  # whose key opens it
    made_at: datetime
    revision: str
    database: str
    versions: tuple[int, ...]  # of the key file, under which lies what is in it
    number: bytes

    def written(self) -> bytes:
        said = {
            "format": FORMAT,
            "store": self.store.value,
            "installation": str(self.installation),
            "day": self.day.isoformat(),
            "made_at": self.made_at.isoformat(),
            "revision": self.revision,
            "database": self.database,
            "versions": self.versions,
            "number": self.number.hex(),
        }
        content = json.dumps(said).encode()
        return MAGIC + len(content).to_bytes(LENGTH) + content

    @classmethod
    def read(cls, said: Any) -> Header:
        return cls(
            Store(said["store"]),
            UUID(said["installation"]),
            date.fromisoformat(said["day"]),
            datetime.fromisoformat(said["made_at"]),
            said["revision"],
            said["database"],
            tuple(said["versions"]),
            bytes.fromhex(said["number"]),
        )


def number() -> bytes:
    return os.urandom(NUMBER)


def seal(file: BinaryIO, header: Header, day: Key, content: Iterable[bytes]) -> Iterator[int]:
    """Write a backup; after each chunk, how many bytes that was."""
    written = header.written()
    digest = hashlib.sha256(written).digest()
    file.write(written + digest)
    box = Box(digest, day, header.number)
    waiting, index = bytearray(), 0
    for piece in content:
        waiting += piece
        while len(waiting) > CHUNK:  # what ends here exactly may be the last
            yield file.write(box.sealed(bytes(waiting[:CHUNK]), index, last=False))
            del waiting[:CHUNK]
            index += 1
    yield file.write(box.sealed(bytes(waiting), index, last=True))


class Sealed:
    """A backup that was found somewhere. Raises Damaged, CannotAccept, OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            self.digest, self.header = self._header(file)
            self.begins = file.tell()
        self.size = path.stat().st_size

    def _header(self, file: BinaryIO) -> tuple[bytes, Header]:
        if file.read(len(MAGIC)) != MAGIC:
            raise Damaged(self.path, "it does not begin as a backup of courseflow-sync does")
        length = file.read(LENGTH)
        size = int.from_bytes(length)
        content = file.read(size) if size <= LONGEST else b""
        digest = hashlib.sha256(MAGIC + length + content).digest()
        if file.read(DIGEST) != digest:
            raise Damaged(self.path, "its header is not what was written")
        try:
            said = json.loads(content)
            if said["format"] == FORMAT:
                return digest, Header.read(said)
        except (ValueError, TypeError, KeyError, RecursionError):
            raise Damaged(self.path, "its header is none that we write") from None
        raise CannotAccept(
            f"{self.path} was written by a newer version of courseflow-sync. Nothing was "
            "restored. Install that version."
        )

    def opened(self, day: Key) -> Iterator[bytes]:
        """The content, in pieces that were each proven before they are handed out."""
        box = Box(self.digest, day, self.header.number)
        with self.path.open("rb") as file:
            file.seek(self.begins)
            index, piece = 0, file.read(CHUNK + TAG)
            while True:
                following = file.read(CHUNK + TAG)
                content = box.opened(piece, index, last=not following)
                if content is None:
                    raise Damaged(self.path, f"what stands in MiB {index + 1} was not written so")
                yield content
                if not following:
                    return
                index, piece = index + 1, following


class Box:
    """Seals and opens chunks. The key is this file's own, so a counter will do as the nonce."""

    def __init__(self, digest: bytes, day: Key, number: bytes) -> None:
        self.digest = digest
        self.cipher = AESGCM(day.derive(f"backup|{number.hex()}"))

    def sealed(self, content: bytes, index: int, *, last: bool) -> bytes:
        return self.cipher.encrypt(place(index, last=last), content, self.digest)

    def opened(self, chunk: bytes, index: int, *, last: bool) -> bytes | None:
        try:
            return self.cipher.decrypt(place(index, last=last), chunk, self.digest)
        except (InvalidTag, ValueError):  # ValueError: too short to hold a tag
            return None


def place(index: int, *, last: bool) -> bytes:
    return index.to_bytes(11) + bytes([last])
