"""Erase wins, and so does an opt-out: only the person's own newer word brings mail back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.basis import CLOCKS_APART, check, check_purpose
from core.connector import Basis, BasisKind
from core.ledger.customers import MailingList, Purpose
from core.refusals import NoBasis

THEN = datetime(2026, 11, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
NEWS = MailingList("nieuwsbrief", Purpose.NEWSLETTER, "Nieuwsbrief")
COURSE = MailingList("cursusinfo", Purpose.COURSE_INFO, "Cursusinfo")


def basis(given_at: datetime, kind: BasisKind = BasisKind.CONSENT) -> Basis:
    return Basis(kind, "b-1", given_at, "sign-up form")


def checked(
    basis: Basis,
    *,
    imported: bool = False,
    erased_at: datetime | None = None,
    refused_at: datetime | None = None,
    used_before: bool = False,
) -> None:
    check(
        basis,
        now=NOW,
        imported=imported,
        erased_at=erased_at,
        refused_at=refused_at,
        used_before=used_before,
    )


@pytest.mark.parametrize("kind", BasisKind)
@pytest.mark.parametrize("imported", [True, False])
def test_without_a_refusal_every_basis_will_do(kind: BasisKind, *, imported: bool) -> None:
    checked(basis(THEN, kind), imported=imported, used_before=True)


@pytest.mark.parametrize("kind", BasisKind)
def test_after_an_erasure_any_later_basis_will_do(kind: BasisKind) -> None:
    checked(basis(THEN + INSTANT, kind), erased_at=THEN)


@pytest.mark.parametrize("given_at", [THEN, THEN - INSTANT])
def test_a_basis_that_is_not_later_than_the_erasure_is_refused(given_at: datetime) -> None:
    with pytest.raises(NoBasis, match="not newer"):
        checked(basis(given_at), erased_at=THEN)


@pytest.mark.parametrize("given_at", [THEN, THEN - INSTANT])
def test_a_basis_that_is_not_later_than_the_opt_out_is_refused(given_at: datetime) -> None:
    with pytest.raises(NoBasis, match="not newer"):
        checked(basis(given_at), refused_at=THEN)


def test_after_an_opt_out_a_later_consent_will_do() -> None:
    checked(basis(THEN + INSTANT), refused_at=THEN)


@pytest.mark.parametrize("kind", [k for k in BasisKind if k is not BasisKind.CONSENT])
def test_after_an_opt_out_nothing_but_consent_will_do(kind: BasisKind) -> None:
    with pytest.raises(NoBasis, match="Only a new consent"):
        checked(basis(THEN + INSTANT, kind), refused_at=THEN)


@pytest.mark.parametrize("refusal", ["erased_at", "refused_at"])
def test_an_import_never_brings_anyone_back(refusal: str) -> None:
    with pytest.raises(NoBasis, match="import"):
        check(
            basis(THEN + timedelta(days=1)),
            now=NOW,
            imported=True,
            erased_at=THEN if refusal == "erased_at" else None,
            refused_at=THEN if refusal == "refused_at" else None,
            used_before=False,
        )


def test_a_basis_that_was_used_before_is_not_a_new_one() -> None:
    with pytest.raises(NoBasis, match="A new one"):
        checked(basis(THEN + INSTANT), erased_at=THEN, used_before=True)


def test_the_later_of_an_erasure_and_an_opt_out_counts() -> None:
    between = basis(THEN + timedelta(days=1))
    later = THEN + timedelta(days=2)
    for refusals in ((THEN, later), (later, THEN)):
        with pytest.raises(NoBasis, match="not newer"):
            checked(between, erased_at=refusals[0], refused_at=refusals[1])


def test_a_basis_from_the_future_is_refused_even_without_a_refusal() -> None:
    checked(basis(NOW + CLOCKS_APART))
    with pytest.raises(NoBasis, match="dated in the future"):
        checked(basis(NOW + CLOCKS_APART + INSTANT))


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        (BasisKind.CONSENT, [NEWS, COURSE]),
        (BasisKind.EXISTING_CUSTOMER, [NEWS]),
        (BasisKind.COURSE_CONTRACT, [COURSE]),
    ],
)
def test_a_basis_serves_the_mail_that_it_is_for(kind: BasisKind, wanted: list[MailingList]) -> None:
    check_purpose(Basis(kind, "b-1", THEN, "form", text_version="v3"), wanted)


@pytest.mark.parametrize(
    ("kind", "wanted", "named"),
    [
        (BasisKind.COURSE_CONTRACT, [NEWS], "course information only.*nieuwsbrief"),
        (BasisKind.COURSE_CONTRACT, [COURSE, NEWS], "else: nieuwsbrief"),
        (BasisKind.EXISTING_CUSTOMER, [COURSE], "newsletters only.*cursusinfo"),
    ],
)
def test_a_basis_serves_no_other_mail(
    kind: BasisKind, wanted: list[MailingList], named: str
) -> None:
    with pytest.raises(NoBasis, match=named):
        check_purpose(Basis(kind, "b-1", THEN, "form", text_version="v3"), wanted)


def test_an_existing_customer_was_offered_an_opt_out_by_a_text_that_is_named() -> None:
    with pytest.raises(NoBasis, match="text_version"):
        check_purpose(Basis(BasisKind.EXISTING_CUSTOMER, "order-7", THEN, "shop"), [NEWS])
