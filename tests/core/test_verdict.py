"""A holding is called what the platform shows, and never anything better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from core.connector import Place, Presence, Trace
from core.verdict import Judgement, Sight, Verdict, judge
from core.wants import Goal

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SOON = NOW + timedelta(days=30)
NEWS = "nieuws"
COURSE = "cursus"
SHOWN = {"email": "jan@example.nl", "first_name": "Jan"}

ERASE = Goal(erase=True)
UPDATE = Goal(update=True)
SUBSCRIBE = Goal(subscribe=(NEWS,))
UNSUBSCRIBE = Goal(unsubscribe=(NEWS,))


def trace(
    place: str = NEWS,
    presence: Presence = Presence.SUBSCRIBED,
    fields: Mapping[str, str] = SHOWN,
    until: datetime | None = None,
) -> Trace:
    return Trace(place, presence, fields, until=until)


def sight(*traces: Trace, places: Sequence[str] = (NEWS, COURSE)) -> Sight:
    return Sight(tuple(Place(name, name) for name in places), traces, NOW, NOW)


def judged(goal: Goal, *traces: Trace, expected: Mapping[str, str] = SHOWN) -> Judgement:
    return judge(goal, expected, sight(*traces))


# --- subscribe


def test_a_subscription_that_shows_everything_sent_is_confirmed() -> None:
    assert judged(SUBSCRIBE, trace()) == Judgement(Verdict.CONFIRMED, Goal())


def test_a_foreign_list_does_not_confirm_a_subscription() -> None:
    assert judged(SUBSCRIBE, trace(COURSE)) == Judgement(Verdict.CONTRADICTED, SUBSCRIBE)


def test_a_place_that_is_no_longer_visible_cannot_confirm_a_subscription() -> None:
    found = judge(SUBSCRIBE, SHOWN, sight(trace(NEWS), places=[COURSE]))
    assert found == Judgement(Verdict.CANNOT_LOOK, Goal())


def test_a_subscription_waits_for_the_persons_own_confirmation() -> None:
    found = judged(SUBSCRIBE, trace(presence=Presence.PENDING))
    assert found == Judgement(Verdict.WAITING_FOR_PERSON, Goal())


@pytest.mark.parametrize(
    "presence",
    [
        Presence.UNSUBSCRIBED,
        Presence.SUPPRESSED,
        Presence.ARCHIVED,
        Presence.ANONYMISED,
        Presence.PURGING,
    ],
)
def test_somebody_held_without_being_mailed_is_not_subscribed(presence: Presence) -> None:
    assert judged(SUBSCRIBE, trace(presence=presence)).verdict is Verdict.CONTRADICTED


def test_a_subscription_with_an_old_name_differs() -> None:
    found = judged(SUBSCRIBE, trace(fields={**SHOWN, "first_name": "Johan"}))
    assert found == Judgement(Verdict.DIFFERS, SUBSCRIBE)


def test_one_place_of_two_is_not_a_confirmed_subscription() -> None:
    found = judged(Goal(subscribe=(NEWS, COURSE)), trace(NEWS))
    assert found == Judgement(Verdict.CONTRADICTED, Goal(subscribe=(COURSE,)))


# --- update


def test_an_update_of_an_absent_person_is_called_absent() -> None:
    assert judged(UPDATE) == Judgement(Verdict.ABSENT, Goal())


def test_a_name_that_was_not_cleared_differs() -> None:
    cleared = {**SHOWN, "first_name": ""}
    assert judged(UPDATE, trace(), expected=cleared) == Judgement(Verdict.DIFFERS, UPDATE)
    shown = judged(UPDATE, trace(fields=cleared), expected=cleared)
    assert shown.verdict is Verdict.CONFIRMED


def test_one_stale_list_of_two_is_not_an_update_that_happened() -> None:
    stale = trace(COURSE, fields={**SHOWN, "first_name": "Johan"})
    assert judged(UPDATE, trace(), stale).verdict is Verdict.DIFFERS


def test_a_list_that_cannot_show_a_name_does_not_hide_that_another_shows_it() -> None:
    bare = trace(COURSE, fields={"email": "jan@example.nl"})
    assert judged(UPDATE, trace(), bare).verdict is Verdict.CONFIRMED


def test_a_field_that_no_list_shows_was_not_seen_to_be_updated() -> None:
    assert judged(UPDATE, trace(fields={"email": "jan@example.nl"})).verdict is Verdict.DIFFERS


def test_an_archived_copy_counts_for_an_update() -> None:
    old = trace(COURSE, Presence.ARCHIVED, {**SHOWN, "email": "oud@example.nl"})
    assert judged(UPDATE, trace(), old).verdict is Verdict.DIFFERS


@pytest.mark.parametrize("presence", [Presence.SUPPRESSED, Presence.PENDING, Presence.PURGING])
def test_a_trace_that_is_no_profile_is_neither_stale_nor_updated(presence: Presence) -> None:
    old = trace("blocklist", presence, {"email": "oud@example.nl"})
    assert judged(UPDATE, old).verdict is Verdict.ABSENT
    assert judged(UPDATE, trace(), old).verdict is Verdict.CONFIRMED


# --- unsubscribe


@pytest.mark.parametrize("presence", [Presence.SUBSCRIBED, Presence.PENDING])
def test_somebody_who_is_or_may_be_mailed_is_not_unsubscribed(presence: Presence) -> None:
    found = judged(UNSUBSCRIBE, trace(presence=presence))
    assert found == Judgement(Verdict.CONTRADICTED, UNSUBSCRIBE)


@pytest.mark.parametrize(
    "presence", [Presence.UNSUBSCRIBED, Presence.SUPPRESSED, Presence.ARCHIVED, Presence.PURGING]
)
def test_somebody_held_without_being_mailed_is_unsubscribed(presence: Presence) -> None:
    assert judged(UNSUBSCRIBE, trace(presence=presence)) == Judgement(Verdict.CONFIRMED, Goal())


def test_somebody_absent_is_unsubscribed_and_mail_from_another_list_is_another_matter() -> None:
    assert judged(UNSUBSCRIBE).verdict is Verdict.CONFIRMED
    assert judged(UNSUBSCRIBE, trace(COURSE)).verdict is Verdict.CONFIRMED


def test_an_unsubscription_at_a_place_out_of_sight_is_not_confirmed() -> None:
    found = judge(UNSUBSCRIBE, SHOWN, sight(places=[COURSE]))
    assert found == Judgement(Verdict.CANNOT_LOOK, Goal())


# --- erase


def test_no_trace_anywhere_is_an_erasure_that_happened() -> None:
    assert judged(ERASE) == Judgement(Verdict.ABSENT, Goal())


@pytest.mark.parametrize(
    "presence",
    [
        Presence.SUBSCRIBED,
        Presence.PENDING,
        Presence.UNSUBSCRIBED,
        Presence.SUPPRESSED,
        Presence.ARCHIVED,
        Presence.ANONYMISED,
        Presence.PURGING,
    ],
)
def test_every_trace_without_a_date_contradicts_an_erasure(presence: Presence) -> None:
    assert judged(ERASE, trace(presence=presence)) == Judgement(Verdict.CONTRADICTED, ERASE)


def test_a_trace_at_a_place_we_never_used_contradicts_an_erasure() -> None:
    assert judged(ERASE, trace("agenda")).verdict is Verdict.CONTRADICTED


@pytest.mark.parametrize("presence", [Presence.ANONYMISED, Presence.PURGING])
def test_an_erasure_that_the_platform_finishes_is_final_on_its_last_date(
    presence: Presence,
) -> None:
    later = SOON + timedelta(days=5)
    found = judged(
        ERASE, trace(presence=presence, until=later), trace(COURSE, presence, until=SOON)
    )
    assert found == Judgement(Verdict.FINAL_ON, Goal(), until=later)


def test_one_copy_without_a_date_keeps_an_erasure_from_being_final() -> None:
    found = judged(ERASE, trace(presence=Presence.PURGING, until=SOON), trace(COURSE))
    assert found.verdict is Verdict.CONTRADICTED


def test_a_date_on_a_copy_that_stays_means_nothing() -> None:
    found = judged(ERASE, trace(presence=Presence.ARCHIVED, until=SOON))
    assert found.verdict is Verdict.CONTRADICTED


def test_a_blocklist_entry_is_kept_only_where_the_customer_chose_so() -> None:
    blocked = trace("blocklist", Presence.SUPPRESSED)
    assert judge(ERASE, {}, sight(blocked), keep_refusal=True).verdict is Verdict.KEPT
    assert judge(ERASE, {}, sight(blocked)).verdict is Verdict.CONTRADICTED


def test_keeping_a_refusal_keeps_nothing_else() -> None:
    blocked = trace("blocklist", Presence.SUPPRESSED)
    both = judge(ERASE, {}, sight(blocked, trace()), keep_refusal=True)
    assert both.verdict is Verdict.CONTRADICTED
    leaving = trace(presence=Presence.PURGING, until=SOON)
    dated = judge(ERASE, {}, sight(blocked, leaving), keep_refusal=True)
    assert dated == Judgement(Verdict.FINAL_ON, Goal(), until=SOON)


def test_a_credential_that_sees_no_place_at_all_proves_no_absence() -> None:
    assert judge(ERASE, {}, sight(places=[])) == Judgement(Verdict.CANNOT_LOOK, Goal())


# --- together


def test_the_worst_part_names_the_whole_and_only_the_unmet_is_repeated() -> None:
    goal = Goal(subscribe=(NEWS,), unsubscribe=(COURSE,), update=True)
    found = judged(goal, trace(NEWS), trace(COURSE))
    assert found == Judgement(Verdict.CONTRADICTED, Goal(unsubscribe=(COURSE,)))


def test_nothing_asked_is_nothing_to_contradict() -> None:
    assert judged(Goal(), trace()) == Judgement(Verdict.CONFIRMED, Goal())
