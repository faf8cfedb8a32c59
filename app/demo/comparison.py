"""Holds what the report says against what the platforms really hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from app.demo.school import Known, School
from app.demo.stage import MAILMAN, PLACES
from app.demo.truth import Held, Truth
from core.report import PersonReport
from core.report.standing import Count
from core.report.values import Kind, System

NOTHING = Held()


@dataclass(frozen=True, slots=True)
class Found:
    """Every line names a reference with a platform; never an address."""

    false_claims: Sequence[str]
    not_erased: Sequence[str]  # still at Mailman, whatever the report says


def compare(school: School, reports: Mapping[str, PersonReport], truth: Truth) -> Found:
    """Per person and platform. ``reports`` is by reference, of everybody the school knows."""
    case = Case(school.users(), truth)
    return Found(
        [
            f"{known.reference} at {platform}: {what}"
            for known in school.people.values()
            for platform in PLACES
            for what in case.lies(known, platform, rows(reports[known.reference], platform))
        ],
        [
            f"{known.reference}: {what}"
            for known in school.people.values()
            if known.erased
            for what in case.left_at_mailman(known)
        ]
        + sorted(f"{one} at {MAILMAN}" for one in truth[MAILMAN] if "@" not in one),
    )


def rows(report: PersonReport, platform: str) -> Sequence[System]:
    return [one for one in report.systems if one.kind is Kind.PLATFORM and one.platform == platform]


@dataclass(frozen=True, slots=True)
class Case:
    users: Mapping[str, Sequence[Known]]  # of each address, the erased left out
    truth: Truth

    def lies(self, known: Known, platform: str, shown: Sequence[System]) -> Iterator[str]:
        held = self.held(known, platform)
        if not shown and not held.keys() <= self.of_others(known):
            yield "there, and the report does not speak of it"
        if self.shared(known):
            yield from self.names_left(known, held)
        for system in shown:
            if system.counts_as is Count.NOT_FOUND and held:
                yield f"said to be {system.state.value}, and it is there ({words(held)})"
            if system.counts_as is Count.STILL_THERE and not held:
                yield f"said to be {system.state.value}, and nothing is there"
            if system.as_asked:
                differences = self.differences(known, platform, held)
                yield from (f"said to be as asked, and {one}" for one in differences)

    def held(self, known: Known, platform: str) -> Mapping[str, Held]:
        return {
            email: self.truth[platform][email]
            for email in known.emails
            if email in self.truth[platform]
        }

    def shared(self, known: Known) -> bool:
        return bool(self.of_others(known))

    def of_others(self, known: Known) -> AbstractSet[str]:
        """This person's addresses that others use as well."""
        return {
            email
            for email in known.emails
            if any(other is not known for other in self.users.get(email, ()))
        }

    def differences(self, known: Known, platform: str, held: Mapping[str, Held]) -> Iterator[str]:
        """Between what the school last asked about somebody and what is there."""
        if known.erased:
            if held and not self.shared(known):
                yield f"it is there ({words(held)})"
            return
        yield from self.wrong_places(known, platform, held)
        if self.shared(known) or not held:
            return
        if held.keys() - {known.email}:
            yield "an older address is there"
        if held.get(known.email, NOTHING).names != {known.name}:
            yield "it shows another name"

    def wrong_places(self, known: Known, platform: str, held: Mapping[str, Held]) -> Iterator[str]:
        for key, place in PLACES[platform].items():
            mailed = {email for email, one in held.items() if place in one.mailed}
            if known.lists.get(key) is True and known.email not in mailed:
                yield f"no mail goes there for {key}"
            if known.lists.get(key) is False and mailed and not self.wanted_by_others(known, key):
                yield f"mail goes there for {key}"

    def wanted_by_others(self, known: Known, key: str) -> bool:
        others = (other for email in known.emails for other in self.users.get(email, ()))
        return any(other is not known and other.lists.get(key) for other in others)

    def names_left(self, known: Known, held: Mapping[str, Held]) -> Iterator[str]:
        """An address may stay for the family; the name of who was erased may not."""
        if known.erased and any(known.name in one.names for one in held.values()):
            yield "the name of an erased person is there"

    def left_at_mailman(self, known: Known) -> Iterator[str]:
        held = self.held(known, MAILMAN)
        if held and not self.shared(known):
            yield f"erased, and at Mailman there is {words(held)}"


def words(held: Mapping[str, Held]) -> str:
    return ", ".join(sorted({trace for one in held.values() for trace in one.traces}))
