"""The file with the key-encryption keys: the one secret that an operator must keep."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from core.sealing import KEY, Key

EXPOSED = stat.S_IRWXG | stat.S_IRWXO


class BadKeyFile(Exception):
    """The key file is missing or unsafe; the message says what to do."""


def create(path: Path) -> None:
    """Write a fresh key to a new file, readable by its owner only. Raises BadKeyFile."""
    content = json.dumps({"1": base64.b64encode(Key.random().secret).decode()})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(content + "\n")
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


def load(path: Path) -> Mapping[int, Key]:
    """Key versions by number; the highest seals, all of them open. Raises BadKeyFile."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & EXPOSED:
            raise BadKeyFile(
                f"{path} can be read by others. Nothing was started. Run: chmod 600 {path}"
            )
        content = json.loads(path.read_bytes())
        keys = {
            int(version): Key(base64.b64decode(secret, validate=True))
            for version, secret in content.items()
        }
    except FileNotFoundError:
        raise BadKeyFile(
            f"There is no key file at {path}. Without it nothing can be read or stored. "
            "Set COURSEFLOW_SYNC_KEY_FILE to yours, or make a first one with: "
            "courseflow-sync key create FILE"
        ) from None
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        raise BadKeyFile(
            f"{path} is not a key file. Put back the file that was made with "
            "courseflow-sync key create."
        ) from None
    if not keys or any(len(key.secret) != KEY for key in keys.values()):
        raise BadKeyFile(f"{path} holds no 256-bit key. Put back the file that was made for this.")
    return keys
