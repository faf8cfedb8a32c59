"""
Invents the members of the demo, the same ones every time.

Given names and surnames are common ones, put together by chance; the addresses are at
example.nl and example.test. ``python -m app.demo.members`` writes members.csv again.
"""

from __future__ import annotations

import csv
import io
import random
import unicodedata
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace
from datetime import date, timedelta
from itertools import chain, count
from pathlib import Path

FILE = Path(__file__).with_name("members.csv")
SEED = 20261101
PERSONS = 200
FAMILIES = 10
SECOND_COURSES = 18
CHANGED_ADDRESSES = 12
FIRST_DAY = date(2026, 1, 5)
NO_LAST_NAME_IN = 25  # one member in so many
DOUBLE_SURNAME_IN = 12
DAYS = 240  # in which members come; what happens to them later is still before November

GIVEN_NAMES = (
    "Aaltje", "Abdel", "Anke", "Anouk", "Antoinette", "Arjan", "Ayşe", "Bart", "Bas", "Bram",
    "Carla", "Chloé", "Cor", "Daan", "Daniël", "Desirée", "Dirk", "Eelco", "Els", "Emre", "Esmée",
    "Eva", "Fatima", "Femke", "Fleur", "Floris", "Frédérique", "Gert", "Gijs", "Hanneke", "Hein",
    "Henk", "IJsbrand", "Ilse", "Imke", "Ineke", "Jaap", "Janneke", "Jeroen", "Jip", "Joost",
    "José", "Joëlle", "Karin", "Kees", "Koen", "Lars", "Lieke", "Loïs", "Lotte", "Maaike",
    "Maarten", "Marijke", "Mees", "Mehmet", "Merel", "Mirjam", "Naomi", "Niels", "Noor", "Noëlle",
    "Olaf", "Pieter", "Pim", "Renée", "Roos", "Ruud", "Sanne", "Saïd", "Siebe", "Sjoerd", "Sofie",
    "Teun", "Thijs", "Tineke", "Tobias", "Ümit", "Wendy", "Wietske", "Willem", "Xander", "Yara",
    "Youssef", "Zoë",
)  # fmt: skip
SURNAMES = (
    "Aalbers", "Bakker", "van den Berg", "van der Berg", "Bijlsma", "de Boer", "Bosman", "Brouwer",
    "Çelik", "de Bruijn", "Dekkers", "van Dijk", "Dijkstra", "van Duijn", "Eijkelboom", "El Amrani",
    "van Es", "Feenstra", "Gonçalves", "de Graaf", "de Groot", "de Haan", "ter Haar", "'t Hart",
    "van der Heijden", "Hendriks", "van den Heuvel", "Hoekstra", "van 't Hof", "IJpelaar",
    "van IJzendoorn", "IJzerman", "in 't Veld", "Jacobs", "de Jong", "Kaya", "Köhler", "Koster",
    "Kuipers", "van der Laan", "van Leeuwen", "van der Linden", "Lubbers", "Maas", "van der Meer",
    "Meijer", "Mertens", "Mulder", "Müller", "van Oosten", "op 't Hoog", "Özdemir", "Peeters",
    "Postma", "Prins", "van Rijn", "Ruijter", "Sánchez", "Schouten", "Smits", "'t Lam", "Terpstra",
    "Timmermans", "Veenstra", "Verhoeven", "Vermeulen", "van Vliet", "de Vries", "van der Wal",
    "Wiersma", "de Wit", "Şahin", "Zijlstra", "Zwart",
)  # fmt: skip
COURSES = (
    "aquarelleren", "boekbinden", "Duits voor beginners", "fotografie", "keramiek", "koorzang",
    "Nederlands schrijven", "schaken", "Spaans voor beginners", "tekenen", "timmeren", "yoga",
)  # fmt: skip
NEWSLETTER = "nieuwsbrief"
COURSE_INFO = "cursusinfo"
SHAPES = ("{first}.{last}", "{first}.{last}", "{first}{last}", "{initial}.{last}", "{last}.{first}")
DOMAINS = ("example.nl", "example.test")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of members.csv; the names are its columns."""

    reference: str
    email: str
    first_name: str
    last_name: str
    lists: str = ""
    basis: str = ""
    basis_id: str = ""
    basis_given_at: str = ""
    basis_source: str = ""
    basis_text_version: str = ""


Dated = tuple[date, Row]  # with the day on which the school wrote it down


class School:
    """A year at an invented school: who came, who took a second course, who changed address."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311  (it invents, it guards nothing)
        self._taken: set[str] = set()

    def rows(self) -> list[Row]:
        """In the order in which the school wrote them down."""
        households = self._households()
        singles = [household[0] for household in households if len(household) == 1]
        followed = self._chance.sample(singles, SECOND_COURSES + CHANGED_ADDRESSES)
        later = [
            *map(self._second_course, followed[:SECOND_COURSES]),
            *map(self._changed_address, followed[SECOND_COURSES:]),
        ]
        dated = [*(dated for household in households for dated in household), *later]
        return [row for _, row in sorted(dated, key=lambda dated: dated[0])]

    def _households(self) -> list[list[Dated]]:
        """Most members come alone; a family comes on one day with one address."""
        sizes = [self._chance.randint(2, 4) for _ in range(FAMILIES)]
        sizes += [1] * (PERSONS - sum(sizes))
        self._chance.shuffle(sizes)
        numbers = count(1001)
        return [self._household([next(numbers) for _ in range(size)]) for size in sizes]

    def _household(self, numbers: Sequence[int]) -> list[Dated]:
        day = FIRST_DAY + timedelta(days=self._chance.randrange(DAYS))
        nameless = len(numbers) == 1 and self._chance.randrange(NO_LAST_NAME_IN) == 0
        last_name = "" if nameless else self._last_name()
        given_names = self._chance.sample(GIVEN_NAMES, len(numbers))
        email = self._address(given_names[0], last_name)
        return [
            (day, self._newcomer(f"cf-{number}", email, given_name, last_name, day))
            for number, given_name in zip(numbers, given_names, strict=True)
        ]

    def _newcomer(
        self, reference: str, email: str, first_name: str, last_name: str, day: date
    ) -> Row:
        enrol = self._chance.choice((self._by_consent, self._by_contract))
        return enrol(Row(reference, email, first_name, last_name), day)

    def _by_consent(self, row: Row, day: date) -> Row:
        hour, minute = self._chance.randrange(7, 23), self._chance.randrange(60)
        return replace(
            row,
            lists=self._chance.choice((NEWSLETTER, NEWSLETTER, f"{NEWSLETTER}|{COURSE_INFO}")),
            basis="consent",
            basis_id=f"toestemming-{row.reference}",
            basis_given_at=f"{day}T{hour:02}:{minute:02}",
            basis_source="aanmeldformulier op de website",
            basis_text_version="2026-1",
        )

    def _by_contract(self, row: Row, day: date) -> Row:
        course = self._chance.choice(COURSES)
        return replace(
            row,
            lists=COURSE_INFO,
            basis="course_contract",
            basis_id=f"inschrijving-{row.reference}-{day:%m%d}",
            basis_given_at=str(day),
            basis_source=f"inschrijving cursus {course}",
            basis_text_version="",
        )

    def _second_course(self, first: Dated) -> Dated:
        day = self._later(first)
        return day, self._by_contract(first[1], day)

    def _changed_address(self, first: Dated) -> Dated:
        row = first[1]
        email = self._address(row.first_name, row.last_name)
        return self._later(first), replace(row, email=email)

    def _later(self, first: Dated) -> date:
        return first[0] + timedelta(days=self._chance.randint(10, 55))

    def _last_name(self) -> str:
        surname, other = self._chance.sample(SURNAMES, 2)
        return surname if self._chance.randrange(DOUBLE_SURNAME_IN) else f"{surname}-{other}"

    def _address(self, first_name: str, last_name: str) -> str:
        """An address that nobody else has."""
        shape = self._chance.choice(SHAPES) if last_name else "{first}"
        local_part = shape.format(
            first=_plain(first_name), initial=_plain(first_name)[0], last=_plain(last_name)
        )
        domain = self._chance.choice(DOMAINS)
        numbered = (f"{local_part}{number}@{domain}" for number in count(2))
        address = next(
            address
            for address in chain([f"{local_part}@{domain}"], numbered)
            if address not in self._taken
        )
        self._taken.add(address)
        return address


def text(seed: int = SEED) -> str:
    """What members.csv holds."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(field.name for field in fields(Row))
    writer.writerows(astuple(row) for row in School(seed).rows())
    return written.getvalue()


def _plain(name: str) -> str:
    """Letters that every mail system takes: Müller becomes muller, 't Hart becomes thart."""
    folded = unicodedata.normalize("NFKD", name.lower())
    return "".join(letter for letter in folded if letter.isascii() and letter.isalnum())


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8", newline="")
