"""How a customer's wish can be refused before anything is stored; the message says what to do."""

from __future__ import annotations


class CannotAccept(Exception):
    """Nothing was stored. The message holds no personal data."""


class Unknown(CannotAccept): ...


class Taken(CannotAccept): ...


class NoBasis(CannotAccept):
    """There is no ground to mail this person, or only an older one than the refusal."""
