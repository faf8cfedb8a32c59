"""
The day keys in a file beside the key file, for when the safe itself is what is lost.

They stay wrapped under the key file's versions, as they are in the safe. Every backup writes
the file anew with the days that still live; an older copy of it is what would keep older backups
readable, so whoever copies it elsewhere overwrites the copy before it.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from uuid import UUID

from core.placing import placed
from core.refusals import CannotAccept

NAME = "day-keys.json"


@dataclass(frozen=True, slots=True)
class DayKey:
    """One day's key, wrapped; named as the columns of the table."""

    day: str
    key_version: int
    wrapped: bytes
    made_at: datetime

    @property
    def date(self) -> date:
        return date.fromisoformat(self.day)


@dataclass(frozen=True, slots=True)
class Kept:
    installation: UUID
    days: Sequence[DayKey]


def beside(key_file: Path) -> Path:
    return key_file.with_name(NAME)


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """Until it ends, no other process of ours changes the file. Raises CannotAccept."""
    try:
        folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise unusable(file, error) from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def write(file: Path, installation: UUID, days: Sequence[DayKey]) -> None:
    """Raises CannotAccept."""
    said = {
        "installation": str(installation),
        "days": {
            one.day: {
                "key_version": one.key_version,
                "wrapped": base64.b64encode(one.wrapped).decode(),
                "made_at": one.made_at.isoformat(),
            }
            for one in sorted(days, key=lambda one: one.day)
        },
    }
    try:
        file.with_name(f".{file.name}.new").unlink(missing_ok=True)  # of one that was killed
        with placed(file) as new:
            new.write(f"{json.dumps(said, indent=1)}\n".encode())
    except OSError as error:
        raise unusable(file, error) from None


def read(file: Path) -> Kept | None:
    """None where there is no such file. Raises CannotAccept."""
    try:
        said = json.loads(file.read_bytes())
        return Kept(UUID(said["installation"]), [of(*one) for one in said["days"].items()])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise CannotAccept(
            f"{file} is not a day-key file, or cannot be read. Nothing was changed. Put back "
            "your newest copy of it; where there is none, remove the file, and the next backup "
            "writes it anew from the safe."
        ) from None


def of(day: str, said: Mapping[str, str]) -> DayKey:
    return DayKey(
        date.fromisoformat(day).isoformat(),
        int(said["key_version"]),
        base64.b64decode(said["wrapped"], validate=True),
        datetime.fromisoformat(said["made_at"]),
    )


def unusable(file: Path, error: OSError) -> CannotAccept:
    return CannotAccept(
        f"{file} cannot be written: {error.strerror}. Without it a backup would be unreadable "
        "where the safe is lost, so none was made. Let COURSEFLOW_SYNC_KEY_FILE lie in a folder "
        "in which this command may write; a link to the key file will do."
    )
