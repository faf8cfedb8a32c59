"""Invented people with a mark of their own in every field that may hold personal data."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

GIVEN_AT = "2026-03-01"


@dataclass(frozen=True)
class Marked:
    """Nothing of it occurs anywhere by chance."""

    reference: str
    email: str
    moved_to: str
    first_name: str
    last_name: str
    married: str
    city: str
    form: str
    source: str
    text_version: str
    proof: str
    reason: str  # of the answer
    nonsense: str  # what comes in where it should not
    fate: str  # erased, undone, restricted, unsubscribed, stays

    @property
    def marks(self) -> set[str]:
        words = {str(value) for name, value in vars(self).items() if name != "fate"}
        return words | {email.partition("@")[0] for email in (self.email, self.moved_to)}

    @property
    def person(self) -> dict[str, Any]:
        return {
            "reference": self.reference,
            "email": self.email,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "fields": {"city": self.city},
        }

    @property
    def basis(self) -> dict[str, str]:
        return {
            "kind": "consent",
            "id": self.form,
            "given_at": GIVEN_AT,
            "source": self.source,
            "text_version": self.text_version,
            "proof": self.proof,
        }

    def asks(self, verb: str, **more: Any) -> dict[str, Any]:
        return {"verb": verb, "person": {"reference": self.reference}, **more}

    def subscribes(self) -> dict[str, Any]:
        asked = {"verb": "subscribe", "person": self.person, "basis": self.basis}
        return {**asked, "lists": ["nieuwsbrief"]}

    def row(self) -> dict[str, str]:
        """As a line of a CSV of members."""
        names = ("reference", "email", "first_name", "last_name")
        told = ("id", "given_at", "source", "text_version")
        basis = {f"basis_{name}": self.basis[name] for name in told}
        return {
            **{name: getattr(self, name) for name in names},
            "field:city": self.city,
            "lists": "nieuwsbrief",
            "basis": "consent",
            **basis,
        }


FATES = ("erased", "undone", "erased", "restricted", "erased", "unsubscribed", "erased", "stays")


def people(number: int) -> Sequence[Marked]:
    return [marked(f"{seed}", FATES[seed % len(FATES)]) for seed in range(number)]


def marked(seed: str, fate: str) -> Marked:
    words = invented(seed)
    return Marked(
        reference=next(words),
        email=f"{next(words)}@example.nl".lower(),
        moved_to=f"{next(words)}@example.test".lower(),
        first_name=next(words),
        last_name=f"{next(words)} de Vries",
        married=f"{next(words)} Çelik-Ünal",
        city=next(words),
        form=next(words),
        source=next(words),
        text_version=next(words),
        proof=next(words),
        reason=next(words),
        nonsense=next(words),
        fate=fate,
    )


def invented(seed: str) -> Iterator[str]:
    for number in count():
        digest = hashlib.sha256(f"{seed}|{number}".encode()).digest()
        yield "Mk" + "".join(chr(ord("a") + byte % 26) for byte in digest[:12])
