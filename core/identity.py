"""What counts as the same e-mail address."""

from __future__ import annotations

import re
import string
import unicodedata

import idna

from core.connector import Text

LONGEST_ADDRESS = 254  # RFC 5321 §4.5.3.1.3, in octets, without the angle brackets
LONGEST_LOCAL_PART = 64  # RFC 5321 §4.5.3.1.1, in octets
LONGEST_REFERENCE = 200
LONGEST_INPUT = 4 * LONGEST_ADDRESS  # nothing longer can shrink to 254 octets

MASKED = "•••"
BLANKS = (
    " \t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)
UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})  # control, invisible, surrogate …
ATEXT = frozenset(string.ascii_lowercase + string.digits + "!#$%&'*+/=?^_`{|}~-")
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
DOMAIN = re.compile(rf"(?:{LABEL}\.)+(?!\d+$){LABEL}")  # at least one dot; no IP address
ATOM = rf"[{re.escape(''.join(sorted(ATEXT)))}]+"
PLAIN = re.compile(rf"({ATOM}(?:\.{ATOM})*)@({DOMAIN.pattern})")

EMPTY = Text(
    nl="Het e-mailadres ontbreekt. Vul er een in.",
    en="The e-mail address is missing. Fill one in.",
)
UNSEEN_CHARACTER = Text(
    nl="Het e-mailadres bevat een onzichtbaar teken of een regeleinde. Typ het opnieuw.",
    en="The e-mail address holds an invisible character or a line break. Type it again.",
)
SEVERAL = Text(
    nl="Er staan meer e-mailadressen. Geef er een, zonder komma of puntkomma.",
    en="There is more than one e-mail address. Give one, without a comma or semicolon.",
)
DECORATED = Text(
    nl="Geef alleen het e-mailadres, zonder naam, haakjes, aanhalingstekens of spaties.",
    en="Give the e-mail address alone, without a name, brackets, quotation marks or spaces.",
)
NOT_ONE_AT = Text(
    nl="Een e-mailadres heeft precies één @. Verbeter het.",
    en="An e-mail address has exactly one @. Correct it.",
)
WRONG_LOCAL_PART = Text(
    nl="Voor de @ staat een verkeerd teken, of een punt op een verkeerde plaats. Verbeter het.",
    en="Before the @ is a character that may not be there, or a misplaced dot. Correct it.",
)
WRONG_DOMAIN = Text(
    nl="Achter de @ staat geen volledige domeinnaam zoals example.nl. Verbeter die.",
    en="After the @ is no complete domain name such as example.nl. Correct it.",
)
TOO_LONG = Text(
    nl="Het e-mailadres is te lang: 64 tekens voor de @ en 254 in totaal. Verbeter het.",
    en="The e-mail address is too long: 64 characters before the @ and 254 in all. Correct it.",
)
REFERENCE_LENGTH = Text(
    nl="De referentie moet 1 tot 200 tekens lang zijn. Pas die aan.",
    en="The reference must have 1 to 200 characters. Change it.",
)
REFERENCE_ADDRESS = Text(
    nl="Een referentie is geen e-mailadres: gebruik een nummer of code zonder @.",
    en="A reference is no e-mail address: use a number or a code without @.",
)
REFERENCE_UNPRINTABLE = Text(
    nl="De referentie bevat een onzichtbaar teken, of een spatie eromheen. Haal dat weg.",
    en="The reference holds an invisible character or a space around it. Remove that.",
)


class BadInput(ValueError):
    """What was given cannot be used; ``reason`` says why, and never repeats what was given."""

    def __init__(self, reason: Text) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason.en


class BadAddress(BadInput): ...


class BadReference(BadInput): ...


def normalise(address: str) -> str:
    """
    The one spelling of an address: trimmed, NFC, lower case, the domain in its ASCII form.

    Dots and tags stay distinct, because only the mailbox's host knows what they mean.
    Letters of any script may stand before the @ (RFC 6531); a platform may still refuse
    them. Addresses in quotation marks are refused: they can hide an @, a comma or a space.
    """
    trimmed = address.strip(BLANKS)
    if not trimmed:
        raise BadAddress(EMPTY)
    if len(trimmed) > LONGEST_INPUT:
        raise BadAddress(TOO_LONG)
    if _is_plain(trimmed):
        return trimmed
    spelled = _spelled(trimmed)
    _check_characters(spelled)
    local_part, _, domain = spelled.partition("@")
    return _checked(local_part, _ascii(domain))


def mask(address: str) -> str:
    """Enough of an address to recognise one's own: ``j•••@e•••.nl``. Never fails."""
    try:
        local_part, _, domain = normalise(address).partition("@")
    except BadAddress:
        return MASKED
    return f"{local_part[0]}{MASKED}@{domain[0]}{MASKED}.{domain.rpartition('.')[2]}"


def check_reference(reference: str) -> str:
    """The customer's own, opaque key for a person, exactly as given."""
    if not 1 <= len(reference) <= LONGEST_REFERENCE:
        raise BadReference(REFERENCE_LENGTH)
    if "@" in reference:
        raise BadReference(REFERENCE_ADDRESS)
    if not reference.isprintable() or reference != reference.strip():
        raise BadReference(REFERENCE_UNPRINTABLE)
    return reference


def _is_plain(address: str) -> bool:
    """Nearly every address is spelled as it should be; this sees it ten times faster."""
    found = PLAIN.fullmatch(address)
    return (
        found is not None
        and len(found[1]) <= LONGEST_LOCAL_PART
        and len(address) <= LONGEST_ADDRESS
        and "xn--" not in found[2]
    )


def _spelled(address: str) -> str:
    """NFC on both sides of lower(), which can leave marks out of order (İ with a cedilla)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", address).lower())


def _check_characters(address: str) -> None:
    if "," in address or ";" in address:
        raise BadAddress(SEVERAL)
    if not set(address).isdisjoint({*BLANKS, *'"<>()[]'}):
        raise BadAddress(DECORATED)
    if any(unicodedata.category(character) in UNSEEN for character in address):
        raise BadAddress(UNSEEN_CHARACTER)
    if address.count("@") != 1:
        raise BadAddress(NOT_ONE_AT)


def _ascii(domain: str) -> str:
    """The domain as the DNS knows it; empty where it cannot be one."""
    if domain.isascii() and "xn--" not in domain:
        return domain
    try:
        return idna.encode(idna.decode(domain)).decode()
    except UnicodeError:  # its text quotes the domain, so it must not be chained
        return ""


def _checked(local_part: str, domain: str) -> str:
    atoms = local_part.split(".")
    if not all(atom and all(map(_is_atext, atom)) for atom in atoms):
        raise BadAddress(WRONG_LOCAL_PART)
    if not DOMAIN.fullmatch(domain):
        raise BadAddress(WRONG_DOMAIN)
    address = f"{local_part}@{domain}"
    if len(local_part.encode()) > LONGEST_LOCAL_PART or len(address.encode()) > LONGEST_ADDRESS:
        raise BadAddress(TOO_LONG)
    return address


def _is_atext(character: str) -> bool:
    if character.isascii():
        return character in ATEXT
    return unicodedata.category(character)[0] in "LMN"
