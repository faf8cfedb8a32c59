"""What people may call things: titles, keys of lists, roles."""

from __future__ import annotations

import re

from core.connector import Text
from core.identity import BadInput
from core.ledger.customers import zone_named
from core.refusals import Unknown

LONGEST_NAME = 200
KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")
ROLE = re.compile(r"[a-z][a-z -]{1,49}")

BAD_NAME = Text(
    nl="Een naam of titel heeft 1 tot 200 zichtbare tekens. Kies een andere.",
    en="A name or title has 1 to 200 visible characters. Choose another.",
)
BAD_KEY = Text(
    nl="Een sleutel bestaat uit kleine letters, cijfers, - en _, hoogstens 50. Kies een andere.",
    en="A key has small letters, digits, - and _, 50 at most. Choose another.",
)
BAD_ROLE = Text(
    nl="Een rol is iets als administratie of beheer, in kleine letters; nooit een naam.",
    en="A role is something like administration or support, in small letters; never a name.",
)
BAD_ZONE = Text(
    nl="Deze tijdzone bestaat niet. Gebruik er een zoals Europe/Amsterdam.",
    en="There is no such time zone. Use one such as Europe/Amsterdam.",
)


def titled(text: str) -> str:
    """Raises BadInput."""
    name = text.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise BadInput(BAD_NAME)
    return name


def checked_key(key: str) -> str:
    """Raises BadInput."""
    if not KEY.fullmatch(key):
        raise BadInput(BAD_KEY)
    return key


def checked_role(role: str) -> str:
    """Raises BadInput."""
    if not ROLE.fullmatch(role):
        raise BadInput(BAD_ROLE)
    return role


def checked_zone(name: str) -> str:
    """Raises BadInput."""
    try:
        return zone_named(name).key
    except Unknown:
        raise BadInput(BAD_ZONE) from None
