"""Whether a basis allows mail again after an erasure or an opt-out."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.connector import Basis, BasisKind
from core.refusals import NoBasis

CLOCKS_APART = timedelta(minutes=5)  # between the one who tells and us


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
