"""The demo's own folder, wiped at every start."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MARK = "demo.lock"


class CannotDemo(Exception):
    """The demo cannot start, or not go on; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Where everything of one demo is: the product's files, and apart the platforms' own."""

    path: Path

    @property
    def key(self) -> Path:
        return self.path / "key.json"

    @property
    def ledger(self) -> Path:
        return self.path / "ledger.db"

    @property
    def safe(self) -> Path:
        return self.path / "safe.db"

    @property
    def log(self) -> Path:
        return self.path / "courseflow-sync.log"

    @property
    def platforms(self) -> Path:
        return self.path / "platforms"

    def is_ours(self, name: str) -> bool:
        databases = tuple(f"{path.name}{end}" for path in (self.ledger, self.safe) for end in ENDS)
        return name in {MARK, self.key.name, self.log.name, self.platforms.name, *databases}


ENDS = ("", "-wal", "-shm", "-journal", ".locks")  # what SQLite and our locks put beside it


@contextmanager
def claimed(path: Path) -> Iterator[Folder]:
    """
    The folder, empty, and ours until the block ends; what is in it then stays.

    Raises CannotDemo when another demo uses it or it holds what no demo wrote.
    """
    folder = Folder(path.absolute())
    check(folder)
    folder.path.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder.path / MARK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        take(folder, lock)
        wipe(folder)
        folder.platforms.mkdir()
        yield folder
    finally:
        os.close(lock)


def check(folder: Folder) -> None:
    if folder.path.is_symlink() or (folder.path.exists() and not folder.path.is_dir()):
        raise CannotDemo(f"{folder.path} is no folder of ours. Nothing was touched. Move it away.")
    names = [one.name for one in folder.path.iterdir()] if folder.path.exists() else []
    foreign = sorted(name for name in names if not folder.is_ours(name))
    if not foreign and names and MARK not in names:
        foreign = sorted(names)  # our names, but no demo that put them there
    if foreign:
        raise CannotDemo(
            f"{folder.path} holds what no demo wrote ({', '.join(foreign[:3])}). The demo would "
            "wipe it, so nothing was touched. Move it away and start again."
        )


def take(folder: Folder, lock: int) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CannotDemo(
            f"A demo is running in {folder.path} already. End it with Ctrl-C, then start again."
        ) from None


def wipe(folder: Folder) -> None:
    for one in folder.path.iterdir():
        if one.name == MARK:
            continue
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one)
        else:
            one.unlink()
