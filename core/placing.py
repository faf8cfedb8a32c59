"""A file that appears whole or not at all, readable by its owner only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def placed(path: Path) -> Iterator[BinaryIO]:
    """
    What is written in the block is at ``path`` when it ends well, on the disk, in one moment.

    Killed meanwhile it leaves ``.NAME.new`` beside it. Raises FileExistsError where that is there
    already, OSError.
    """
    fresh = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as new:
        try:
            yield new
            new.flush()
            os.fsync(new.fileno())
            os.replace(fresh, path)  # noqa: PTH105  (os is where tests let it die)
        except BaseException:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
