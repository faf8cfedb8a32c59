"""Whether a basis allows this mail to this person."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from core.connector import Basis, BasisKind
from core.ledger.customers import MailingList, Purpose
from core.refusals import NoBasis

CLOCKS_APART = timedelta(minutes=5)  # between the one who tells and us

# A contract is carried out, not advertised; who once bought something may be told of similar
# offers (Telecommunicatiewet 11.7, read 2026-11-25), which is not what a course is run with.
SERVES: Mapping[BasisKind, frozenset[Purpose]] = {
    BasisKind.CONSENT: frozenset(Purpose),
    BasisKind.EXISTING_CUSTOMER: frozenset({Purpose.NEWSLETTER}),
    BasisKind.COURSE_CONTRACT: frozenset({Purpose.COURSE_INFO}),
}
MAILS = {Purpose.NEWSLETTER: "newsletters", Purpose.COURSE_INFO: "course information"}


def check_purpose(basis: Basis, wanted: Collection[MailingList]) -> None:
    """
    Raises NoBasis unless every one of these lists is what this kind of basis is for.

    ``existing_customer`` also has to say which text offered the opt-out at the purchase.
    """
    unserved = [one for one in wanted if one.purpose not in SERVES[basis.kind]]
    if unserved:
        keys = ", ".join(one.key for one in unserved)
        serves = " or ".join(MAILS[purpose] for purpose in sorted(SERVES[basis.kind]))
        raise NoBasis(
            f"The basis {basis.kind.value} is for {serves} only, and this is something else: "
            f"{keys}. Ask consent for it, or leave that list out."
        )
    if basis.kind is BasisKind.EXISTING_CUSTOMER and not basis.text_version:
        raise NoBasis(
            "existing_customer counts only if an opt-out was offered at the purchase. Name the "
            "text that offered it in text_version, or ask consent."
        )


def check(
    basis: Basis,
    *,
    now: datetime,
    imported: bool,
    erased_at: datetime | None,
    refused_at: datetime | None,
    used_before: bool,
) -> None:
    """
    Raises NoBasis unless this basis came after every refusal, by the person's own doing.

    An import, an update or a restored backup never brings someone back; after an opt-out
    only consent does.
    """
    if basis.given_at > now + CLOCKS_APART:
        raise NoBasis(
            "This basis is dated in the future, so it could outlive a later erasure. "
            "Give the moment at which it was really given."
        )
    last = max((moment for moment in (erased_at, refused_at) if moment), default=None)
    if last is None:
        return
    if imported:
        raise NoBasis(
            "This person was erased or opted out. An import cannot bring anyone back; "
            "use a new sign-up by the person."
        )
    if used_before or basis.given_at <= last:
        raise NoBasis(
            "This basis is not newer than the person's erasure or opt-out. "
            "A new one is needed, given after it."
        )
    if refused_at and basis.kind is not BasisKind.CONSENT:
        raise NoBasis("This person opted out. Only a new consent allows mail again.")
