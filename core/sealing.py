"""
Sealing personal data so that destroying one small key destroys it everywhere.

Envelope: key-encryption key (a file) → customer key → person key. Every sealed value is
bound to the row it belongs to, so that a cipher text moved to another row does not open.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE = 12
KEY = 32


class CannotOpen(Exception):
    """A sealed value does not open: its key was destroyed, is another, or it was moved."""


class MissingVersion(CannotOpen):
    """The key file lacks the version under which a key is wrapped; the message is its number."""


@dataclass(frozen=True, slots=True)
class Key:
    """256 bits for AES-GCM, never shown."""

    secret: bytes = field(repr=False)

    @classmethod
    def random(cls) -> Key:
        return cls(AESGCM.generate_key(8 * KEY))

    def seal(self, value: bytes, bound_to: str) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + AESGCM(self.secret).encrypt(nonce, value, bound_to.encode())

    def open(self, sealed: bytes, bound_to: str) -> bytes:
        """Raises CannotOpen."""
        try:
            return AESGCM(self.secret).decrypt(sealed[:NONCE], sealed[NONCE:], bound_to.encode())
        except (InvalidTag, ValueError):  # ValueError: too short to hold a nonce
            raise CannotOpen(bound_to.partition("|")[0]) from None

    def seal_json(self, value: Any, bound_to: str) -> bytes:
        return self.seal(json.dumps(value, ensure_ascii=False).encode(), bound_to)

    def open_json(self, sealed: bytes, bound_to: str) -> Any:
        """Raises CannotOpen."""
        return json.loads(self.open(sealed, bound_to))

    def derive(self, purpose: str) -> bytes:
        return HKDF(SHA256(), KEY, salt=None, info=purpose.encode()).derive(self.secret)


@dataclass(frozen=True, slots=True)
class Pepper:
    """Turns what a person is looked up by into a keyed hash; one per customer."""

    secret: bytes = field(repr=False)
    known: dict[tuple[str, str], bytes] | None = field(default=None, repr=False, compare=False)

    def hash(self, kind: str, value: str) -> bytes:
        if self.known is None:
            return self._hash(kind, value)
        digest = self.known.get((kind, value))
        if digest is None:
            digest = self.known[kind, value] = self._hash(kind, value)
        return digest

    def _hash(self, kind: str, value: str) -> bytes:
        return hmac.digest(self.secret, f"{kind}|{value}".encode(), hashlib.sha256)


@dataclass(frozen=True, slots=True)
class CustomerKeys:
    """What opens one customer's rows: the key that wraps, the pepper that finds."""

    key: Key
    pepper: Pepper

    def for_a_batch(self) -> CustomerKeys:
        """Hashes each value once. It remembers what it hashed, so it must not live longer."""
        return CustomerKeys(self.key, Pepper(self.pepper.secret, {}))

    @classmethod
    def of(cls, key: Key) -> CustomerKeys:
        return cls(key, Pepper(key.derive("pepper")))
