"""The file with the key-encryption keys: the one secret that an operator must keep."""

from __future__ import annotations

import base64
import fcntl
import json
import logging
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from core.sealing import KEY, Key

EXPOSED = stat.S_IRWXG | stat.S_IRWXO

log = logging.getLogger(__name__)


class BadKeyFile(Exception):
    """The key file is missing or unsafe; the message says what to do."""


class Keys(Mapping[int, Key]):
    """
    Key versions by number, all of which open.

    Who asks for one that is not known makes the file be read again: another may have been put
    in since. A file that cannot be read then changes nothing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known = read(path)

    def __getitem__(self, version: int) -> Key:
        if version not in self._known:
            self._read_again(version)
        return self._known[version]

    def _read_again(self, version: int) -> None:
        try:
            self._known = read(self.path)
        except BadKeyFile as error:
            log.error("the key file cannot be read again: %s", error)  # noqa: TRY400
            return
        if version in self._known:
            log.info("the key file was read again, for version %d", version)
        else:
            log.error(
                "the key file lacks version %d: copy it from where keys were rotated", version
            )

    def __iter__(self) -> Iterator[int]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def create(path: Path) -> None:
    """Write a fresh key to a new file, readable by its owner only. Raises BadKeyFile."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(content({1: Key.random()}))
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise BadKeyFile(
            f"{path} exists already. Overwriting it would make all data unreadable; "
            "choose another name."
        ) from None
    except OSError as error:
        raise BadKeyFile(
            f"{path} cannot be written: {error.strerror}. Choose a folder that is yours."
        ) from None


def load(path: Path) -> Keys:
    """Raises BadKeyFile."""
    return Keys(path)


def add(path: Path) -> int:
    """
    Put a fresh version beside those that are there; its number. Raises BadKeyFile.

    Whenever it is killed, the file is what it was or what it becomes.
    """
    with alone(path) as (file, known):
        version = max(known) + 1
        replace(file, {**known, version: Key.random()})
    return version


def remove(path: Path, version: int) -> None:
    """
    Take an older version out, for good; the newest stays. Raises BadKeyFile.

    Only for one under which nothing is wrapped (core.ledger.wrapping).
    """
    with alone(path) as (file, known):
        if version == max(known):
            raise BadKeyFile(f"Version {version} is the newest in {path}, and stays there.")
        replace(file, {one: key for one, key in known.items() if one != version})


def put_back(path: Path, copy: Path) -> list[int]:
    """
    Take in the versions that only an older copy of the file has; their numbers. Raises
    BadKeyFile where the copy is of another file.
    """
    with alone(path) as (file, known):
        older = read(copy)
        if other := [one for one in older.keys() & known.keys() if older[one] != known[one]]:
            raise BadKeyFile(
                f"Version {min(other)} in {copy} is another key than in {path}, so it is no copy "
                "of it. Nothing was changed. Name a copy of this key file."
            )
        missed = sorted(older.keys() - known.keys())
        if missed:
            replace(file, dict(sorted({**older, **known}.items())))
    return missed


@contextmanager
def alone(path: Path) -> Iterator[tuple[Path, Mapping[int, Key]]]:
    """
    The file itself, where a link leads to it, with what it holds; nobody else changes it
    meanwhile.
    """
    try:
        file = Path(os.path.realpath(path))
        folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)  # the file's own lock would go with the old file
            yield file, read(file)
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileNotFoundError:
        raise missing(path) from None
    except OSError as error:
        raise BadKeyFile(
            f"{path} cannot be changed here: {error.strerror}. What it held it still holds. Run "
            "this as its owner; where the file is only shown to this machine, run it on a copy, "
            "then put the copy where the file comes from."
        ) from None


def replace(file: Path, keys: Mapping[int, Key]) -> None:
    """All at once, with its owner and mode kept."""
    fresh, was = file.with_name(f".{file.name}.new"), file.stat()
    fresh.unlink(missing_ok=True)  # of one that was killed
    try:
        with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as new:
            os.fchown(new.fileno(), was.st_uid, was.st_gid)
            os.fchmod(new.fileno(), stat.S_IMODE(was.st_mode))
            new.write(content(keys))
            new.flush()
            os.fsync(new.fileno())
        os.replace(fresh, file)  # noqa: PTH105  (os is where tests let it die)
    except BaseException:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise


def content(keys: Mapping[int, Key]) -> bytes:
    written = {str(one): base64.b64encode(key.secret).decode() for one, key in keys.items()}
    return f"{json.dumps(written)}\n".encode()


def read(path: Path) -> Mapping[int, Key]:
    """Raises BadKeyFile."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & EXPOSED:
            raise BadKeyFile(
                f"{path} can be read by others. Nothing was started. Run: chmod 600 {path}"
            )
        keys = {
            int(version): Key(base64.b64decode(secret, validate=True))
            for version, secret in json.loads(path.read_bytes()).items()
        }
    except FileNotFoundError:
        raise missing(path) from None
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        raise BadKeyFile(
            f"{path} is not a key file. Put back the file that was made with "
            "courseflow-sync key create."
        ) from None
    if not keys or any(len(key.secret) != KEY for key in keys.values()):
        raise BadKeyFile(f"{path} holds no 256-bit key. Put back the file that was made for this.")
    return keys


def missing(path: Path) -> BadKeyFile:
    return BadKeyFile(
        f"There is no key file at {path}. Without it nothing can be read or stored. "
        "Set COURSEFLOW_SYNC_KEY_FILE to yours, or make a first one with: "
        "courseflow-sync key create FILE"
    )
