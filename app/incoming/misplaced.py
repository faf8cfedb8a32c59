"""Input of which one part is wrong for a reason that its shape does not show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from core.connector import Text
from core.identity import BadInput


class Misplaced(BadInput):
    """``pointer`` says which part (RFC 6901), in names of ours only."""

    def __init__(self, pointer: str, reason: Text) -> None:
        super().__init__(reason)
        self.pointer = pointer


@contextmanager
def placed(pointer: str) -> Iterator[None]:
    """What cannot be used within the block came from there."""
    try:
        yield
    except BadInput as error:
        raise Misplaced(pointer, error.reason) from None
