"""Laposta, one person at a time, on a platform that remembers but may lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest
from pydantic import SecretStr, ValidationError

from connectors.laposta import Laposta, Settings
from core.connector import Account, Erasure, Identity, Person, Presence
from core.errors import (
    ConnectorError,
    NotFound,
    OnlyThePerson,
    OutcomeUnknown,
    Reconnect,
    Refused,
    TryAt,
    TryLater,
    Unreadable,
)
from core.verdict import Sight, Verdict, judge
from core.wants import Goal
from tests.connectors.laposta_server import (
    ANNA,
    BRAM,
    CONSENT,
    COURSES,
    KEY,
    NARROW_KEY,
    NEWS,
    WHO,
    Platform,
    Town,
    about,
    acts_then_cuts,
    answers,
    busy,
    forgets_the_list,
    html,
    ignores,
    late,
)
from tests.databases import NOW

DAY = "Wed, 25 Nov 2026"
MOVED = "bakker@example.nl"
LOOK = "GET /member/{member_id}"
ADD = "POST /member"
CHANGE = "POST /member/{member_id}"
DELETE = "DELETE /member/{member_id}"


def seen(connector: Laposta, who: Identity = WHO) -> dict[str, Presence]:
    return {trace.place: trace.presence for trace in connector.find(who)}


def verdict_of(connector: Laposta, goal: Goal, who: Identity = WHO) -> Verdict:
    places = tuple(connector.places())
    traces = tuple(connector.find(who))
    expected = connector.translate(ANNA)
    mapped = {NEWS.id, COURSES.id}
    return judge(goal, expected, Sight(places, traces, NOW, NOW), must_see=mapped).verdict


# --- the account and its lists


def test_the_account_is_known_by_its_lists(to_laposta: Laposta) -> None:
    assert to_laposta.check() == Account("wF1account", "Laposta wF1account")


def test_a_wrong_key_must_be_renewed(laposta_town: Town, laposta: Platform) -> None:
    with pytest.raises(Reconnect, match="does not accept this key"):
        laposta_town.connect(laposta, "forged0forged0forged").check()


def test_an_account_without_a_list_is_not_known(to_laposta: Laposta, laposta: Platform) -> None:
    laposta.lists.clear()
    with pytest.raises(Refused, match="make one in Laposta"):
        to_laposta.check()


def test_every_list_is_a_place(to_laposta: Laposta) -> None:
    assert list(to_laposta.places()) == [NEWS, COURSES]


def test_a_list_that_says_of_no_account_is_unreadable(
    to_laposta: Laposta, laposta: Platform
) -> None:
    laposta.lie("GET /list", answers(200, b'{"data": [{"list": {"list_id": "x", "name": "y"}}]}'))
    with pytest.raises(Unreadable):
        to_laposta.check()


# --- looking


def test_a_stranger_leaves_no_trace(to_laposta: Laposta) -> None:
    nobody = Identity(("nobody@example.nl",), (f"{NEWS.id}:m99", "gone:m1"))
    assert to_laposta.find(nobody) == []


def test_each_list_shows_its_own_trace(to_laposta: Laposta, laposta: Platform) -> None:
    laposta.join(ANNA)
    laposta.join(ANNA, COURSES, "unsubscribed")
    assert seen(to_laposta) == {
        NEWS.id: Presence.SUBSCRIBED,
        COURSES.id: Presence.UNSUBSCRIBED,
    }


@pytest.mark.parametrize(
    ("state", "presence"),
    [
        ("active", Presence.SUBSCRIBED),
        ("unconfirmed", Presence.PENDING),
        ("unsubscribed", Presence.UNSUBSCRIBED),
        ("cleaned", Presence.SUPPRESSED),
        ("deleted", Presence.ARCHIVED),
    ],
)
def test_every_state_has_a_presence(
    to_laposta: Laposta, laposta: Platform, state: str, presence: Presence
) -> None:
    laposta.join(ANNA, NEWS, state)
    assert seen(to_laposta) == {NEWS.id: presence}


def test_a_state_that_we_do_not_know_is_no_absence(to_laposta: Laposta, laposta: Platform) -> None:
    laposta.join(ANNA, NEWS, "snoozed")
    with pytest.raises(Unreadable):
        to_laposta.find(WHO)


def test_a_trace_shows_every_variable_by_our_names(to_laposta: Laposta, laposta: Platform) -> None:
    laposta.lists[NEWS.id].variables = ("voornaam", "achternaam", "geboren", "kleuren", "aantal")
    row = laposta.join(Person(ANNA.email, {"first_name": "Anna"}))
    row.fields |= {"geboren": "1973-05-10 00:00:00", "kleuren": ["rood", "wit"], "aantal": 3}
    (trace,) = to_laposta.find(WHO)
    assert trace.fields == {
        "email": ANNA.email,
        "first_name": "Anna",
        "last_name": "",
        "geboren": "1973-05-10",
        "kleuren": "rood, wit",
        "aantal": "3",
    }


def test_a_list_without_variables_can_be_read(to_laposta: Laposta, laposta: Platform) -> None:
    laposta.lists[NEWS.id].variables = ()
    laposta.join(Person(ANNA.email))
    assert [trace.fields for trace in to_laposta.find(WHO)] == [{"email": ANNA.email}]


def test_an_address_and_an_id_of_one_member_give_one_trace(
    to_laposta: Laposta, laposta: Platform
) -> None:
    row = laposta.join(ANNA)
    known = Identity((ANNA.email, ANNA.email.upper()), (f"{NEWS.id}:{row.id}",))
    assert len(to_laposta.find(known)) == 1


def test_whoever_changed_the_address_is_found_by_id(to_laposta: Laposta, laposta: Platform) -> None:
    row = laposta.join(ANNA)
    (trace,) = to_laposta.find(WHO)
    row.email = MOVED
    assert trace.remote_id is not None
    known = Identity(WHO.emails, (trace.remote_id,))
    assert to_laposta.find(WHO) == []
    assert [found.fields["email"] for found in to_laposta.find(known)] == [MOVED]


def test_an_address_that_two_people_share_leads_both_to_one_member(
    to_laposta: Laposta, laposta: Platform
) -> None:
    laposta.join(ANNA)
    theirs = Identity(("anna.werk@example.nl", ANNA.email))
    assert to_laposta.find(WHO) == to_laposta.find(theirs) != []


def test_an_unknown_list_is_no_absent_member(to_laposta: Laposta, laposta: Platform) -> None:
    laposta.join(ANNA)
    laposta.lie(LOOK, forgets_the_list)
    with pytest.raises(TryLater, match="a list that Laposta showed"):
        to_laposta.find(WHO)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"error": {"type": "invalid_input", "message": "x", "code": 202, "parameter": "email"}}',
        b'{"error": {"type": "invalid_input", "message": "x", "code": 203, "parameter": "f1"}}',
        b'{"error": {"type": "invalid_input", "message": "x", "parameter": "member_id"}}',
        b'{"error": {"type": "invalid_request", "message": "x"}}',
    ],
    ids=["empty", "no object", "not an id", "a field", "no code", "no reason"],
)
def test_no_other_refusal_means_that_somebody_is_absent(
    to_laposta: Laposta, laposta: Platform, body: bytes
) -> None:
    laposta.lie(LOOK, answers(400, body))
    with pytest.raises((Refused, Unreadable)):
        to_laposta.find(WHO)


def test_a_path_that_laposta_does_not_know_is_no_absent_member(
    to_laposta: Laposta, laposta: Platform
) -> None:
    laposta.lie(LOOK, answers(404, b"{}"))
    with pytest.raises(NotFound):
        to_laposta.find(WHO)


def test_somebody_else_is_not_taken_for_the_person(to_laposta: Laposta, laposta: Platform) -> None:
    laposta.join(BRAM)
    laposta.lie(LOOK, about(BRAM.email))
    with pytest.raises(Unreadable, match="somebody else"):
        to_laposta.find(WHO)


def test_html_is_no_answer(to_laposta: Laposta, laposta: Platform) -> None:
    laposta.lie(LOOK, html)
    with pytest.raises(Unreadable):
        to_laposta.find(WHO)


def test_who_is_only_in_a_list_that_this_key_does_not_see_is_not_called_gone(
    laposta_town: Town, laposta: Platform
) -> None:
    laposta.join(ANNA, COURSES)
    narrow = laposta_town.connect(laposta, NARROW_KEY)
    assert verdict_of(narrow, Goal(erase=True)) is Verdict.CANNOT_LOOK


def test_no_call_has_an_address_in_its_query(to_laposta: Laposta, laposta: Platform) -> None:
    to_laposta.subscribe(ANNA, NEWS, CONSENT)
    to_laposta.update(WHO, Person(MOVED))
    to_laposta.unsubscribe(Identity((MOVED,)), [NEWS])
    to_laposta.erase(Identity((MOVED,)))
    assert len(laposta.calls) > 8
    assert not [call for call in laposta.calls if "@" in "".join(call.query.values())]
    assert not [call for call in laposta.calls if call.method != "GET" and "%40" in call.path]


# --- subscribing


def test_a_subscription_shows_at_its_place(to_laposta: Laposta) -> None:
    to_laposta.subscribe(ANNA, NEWS, CONSENT)
    (trace,) = to_laposta.find(WHO)
    assert (trace.place, trace.presence) == (NEWS.id, Presence.SUBSCRIBED)
    assert trace.fields == to_laposta.translate(ANNA)


def test_subscribing_again_changes_nothing(to_laposta: Laposta) -> None:
    to_laposta.subscribe(ANNA, NEWS, CONSENT)
    before = to_laposta.find(WHO)
    to_laposta.subscribe(ANNA, NEWS, CONSENT)
    assert to_laposta.find(WHO) == before


def test_subscribing_completes_whom_the_school_added(
    to_laposta: Laposta, laposta: Platform
) -> None:
    laposta.join(Person(ANNA.email, {"first_name": "A."}))
    to_laposta.subscribe(ANNA, NEWS, CONSENT)
    assert verdict_of(to_laposta, Goal(subscribe=(NEWS.id,))) is Verdict.CONFIRMED


def test_a_list_that_asks_for_a_confirmation_leaves_the_person_pending(
    to_laposta: Laposta, laposta: Platform
) -> None:
    laposta.lists[NEWS.id].confirms = True
    to_laposta.subscribe(ANNA, NEWS, CONSENT)
    to_laposta.subscribe(ANNA, NEWS, CONSENT)
    goal = Goal(subscribe=(NEWS.id,))
    assert verdict_of(to_laposta, goal) is Verdict.WAITING_FOR_PERSON


@pytest.mark.parametrize("exists", [False, True], ids=["shown as it is", "called existing"])
@pytest.mark.parametrize(
    ("state", "error", "why"),
    [("unsubscribed", OnlyThePerson, "unsubscribed at Laposta"), ("cleaned", Refused, "bounced")],
)
def test_who_gets_no_mail_any_more_is_not_brought_back(
    to_laposta: Laposta,
    laposta: Platform,
    state: str,
    error: type[Refused],
    why: str,
    *,
    exists: bool,
) -> None:
    laposta.suppressed_exists = exists
    laposta.join(ANNA, NEWS, state)
    with pytest.raises(error, match=why):
        to_laposta.subscribe(ANNA, NEWS, CONSENT)
    assert laposta.states() == {NEWS.id: state}


def test_an_address_that_is_called_existing_is_completed(
    to_laposta: Laposta, laposta: Platform
) -> None:
    laposta.join(Person(ANNA.email))
    exists = b'{"error": {"type": "invalid_input", "code": 204, "parameter": "email"}}'
    laposta.lie(ADD, answers(400, exists))
    to_laposta.subscribe(ANNA, NEWS, CONSENT)
    assert verdict_of(to_laposta, Goal(subscribe=(NEWS.id,))) is Verdict.CONFIRMED


def test_the_owner_of_the_list_is_not_mailed_about_it(
    to_laposta: Laposta, laposta: Platform
) -> None:
    to_laposta.subscribe(ANNA, NEWS, CONSENT)
    (call,) = laposta.calls
    assert call.form["options[suppress_email_notification]"] == "true"
    assert "options[ignore_doubleoptin]" not in call.form


def test_the_page_of_the_form_is_sent_where_the_customer_named_it(
    laposta_town: Town, laposta: Platform
) -> None:
    page = "https://school.example.nl/aanmelden"
    laposta_town.connect(laposta, source_url=page).subscribe(ANNA, NEWS, CONSENT)
    assert laposta.calls[0].form["source_url"] == page


def test_other_variables_can_hold_the_names(laposta_town: Town, laposta: Platform) -> None:
    laposta.lists[NEWS.id].variables = ("roepnaam", "achternaam")
    connector = laposta_town.connect(laposta, first_name_variable="roepnaam")
    connector.subscribe(ANNA, NEWS, CONSENT)
    (trace,) = connector.find(WHO)
    assert trace.fields == connector.translate(ANNA)


def test_a_variable_that_the_list_does_not_have_is_told_by_name(
    to_laposta: Laposta, laposta: Platform
) -> None:
    laposta.lists[NEWS.id].variables = ("voornaam",)
    with pytest.raises(Refused, match="has no variable achternaam"):
        to_laposta.subscribe(ANNA, NEWS, CONSENT)


def test_a_field_that_the_list_demands_is_told(to_laposta: Laposta, laposta: Platform) -> None:
    laposta.lists[NEWS.id].required = ("woonplaats",)
    with pytest.raises(Refused, match="required in that list"):
        to_laposta.subscribe(ANNA, NEWS, CONSENT)


def test_an_address_that_laposta_does_not_take_is_refused(to_laposta: Laposta) -> None:
    with pytest.raises(Refused, match="does not accept this e-mail address") as caught:
        to_laposta.subscribe(Person("anna.example.nl"), NEWS, CONSENT)
    assert "anna" not in str(caught.value)


def test_an_answer_about_somebody_else_is_no_subscription(
    to_laposta: Laposta, laposta: Platform
) -> None:
    laposta.join(BRAM)
    laposta.lie(ADD, about(BRAM.email))
    with pytest.raises(OutcomeUnknown, match="somebody else"):
        to_laposta.subscribe(ANNA, NEWS, CONSENT)


# --- updating


def test_an_absent_field_keeps_and_none_clears(to_laposta: Laposta) -> None:
    to_laposta.subscribe(ANNA, NEWS, CONSENT)
    to_laposta.update(WHO, Person(ANNA.email, {"last_name": None}))
    (trace,) = to_laposta.find(WHO)
    assert trace.fields == {"email": ANNA.email, "first_name": "Anna", "last_name": ""}


def test_every_copy_is_updated_and_keeps_its_state(to_laposta: Laposta, laposta: Platform) -> None:
    laposta.join(ANNA)
    laposta.join(ANNA, COURSES, "unsubscribed")
    to_laposta.update(WHO, Person(MOVED, {"last_name": "Bakker"}))
    assert laposta.states(MOVED) == {NEWS.id: "active", COURSES.id: "unsubscribed"}
    assert laposta.states() == {}


def test_a_new_address_keeps_the_member(to_laposta: Laposta, laposta: Platform) -> None:
    row = laposta.join(ANNA)
    for _ in range(2):
        to_laposta.update(Identity((MOVED, ANNA.email)), Person(MOVED))
    assert (row.email, len(laposta.lists[NEWS.id].rows)) == (MOVED, 1)


def test_what_is_up_to_date_is_not_sent(to_laposta: Laposta, laposta: Platform) -> None:
    laposta.join(ANNA)
    to_laposta.update(WHO, ANNA)
    assert laposta.made(CHANGE) == 0


def test_an_address_of_another_member_is_never_taken_over(
    to_laposta: Laposta, laposta: Platform
) -> None:
    laposta.join(ANNA)
    laposta.join(Person(MOVED))
    laposta.join(ANNA, COURSES)
    with pytest.raises(Refused, match="merge the two"):
        to_laposta.update(WHO, Person(MOVED))
    assert laposta.states() == {NEWS.id: "active"}
    assert laposta.states(MOVED) == {NEWS.id: "active", COURSES.id: "active"}


def test_a_variable_is_only_sent_to_lists_that_have_it(
    to_laposta: Laposta, laposta: Platform
) -> None:
    laposta.lists[COURSES.id].variables = ()
    laposta.join(ANNA, COURSES)
    to_laposta.update(WHO, Person(ANNA.email, {"last_name": "Bakker"}))
    assert laposta.made(CHANGE) == 0


# --- opting out


def test_an_opt_out_is_kept_at_its_place_only(to_laposta: Laposta, laposta: Platform) -> None:
    laposta.join(ANNA)
    laposta.join(ANNA, COURSES)
    to_laposta.unsubscribe(WHO, [NEWS])
    assert laposta.states() == {NEWS.id: "unsubscribed", COURSES.id: "active"}


def test_who_waits_for_a_confirmation_can_opt_out(to_laposta: Laposta, laposta: Platform) -> None:
    laposta.join(ANNA, NEWS, "unconfirmed")
    to_laposta.unsubscribe(WHO, [NEWS])
    assert laposta.states() == {NEWS.id: "unsubscribed"}


def test_who_gets_no_mail_already_stays_as_it_is(to_laposta: Laposta, laposta: Platform) -> None:
    laposta.join(ANNA, NEWS, "cleaned")
    to_laposta.unsubscribe(WHO, [NEWS])
    assert laposta.made(CHANGE) == 0


# --- erasing


def test_an_erasure_leaves_nothing_in_any_list(to_laposta: Laposta, laposta: Platform) -> None:
    laposta.join(ANNA)
    laposta.join(ANNA, COURSES, "cleaned")
    laposta.join(BRAM)
    to_laposta.erase(WHO)
    assert to_laposta.find(WHO) == []
    assert laposta.states() == {}
    assert laposta.states(BRAM.email) == {NEWS.id: "active"}


def test_an_erasure_follows_every_address_and_id(to_laposta: Laposta, laposta: Platform) -> None:
    moved = laposta.join(Person("elders@example.nl"), COURSES)
    laposta.join(Person(MOVED))
    laposta.join(ANNA)
    to_laposta.erase(Identity((MOVED, ANNA.email), (f"{COURSES.id}:{moved.id}",)))
    assert not laposta.lists[NEWS.id].rows
    assert not laposta.lists[COURSES.id].rows


def test_an_absent_person_is_no_error_and_stays_absent(
    to_laposta: Laposta, laposta: Platform
) -> None:
    to_laposta.update(WHO, ANNA)
    to_laposta.unsubscribe(WHO, [NEWS])
    to_laposta.erase(WHO)
    assert laposta.states() == {}


def test_who_goes_between_the_look_and_the_act_is_no_error(
    to_laposta: Laposta, laposta: Platform
) -> None:
    gone = b'{"error": {"type": "invalid_input", "code": 203, "parameter": "member_id"}}'
    laposta.join(ANNA)
    laposta.lie(CHANGE, answers(400, gone))
    laposta.lie(DELETE, answers(400, gone))
    to_laposta.update(WHO, Person(MOVED))
    to_laposta.erase(WHO)
    assert laposta.states() == {NEWS.id: "active"}


def test_an_unknown_list_is_no_erasure(to_laposta: Laposta, laposta: Platform) -> None:
    laposta.join(ANNA)
    laposta.lie(DELETE, forgets_the_list)
    with pytest.raises(TryLater):
        to_laposta.erase(WHO)


def test_an_erasure_that_was_ignored_is_seen(to_laposta: Laposta, laposta: Platform) -> None:
    laposta.join(ANNA)
    laposta.lie(DELETE, ignores)
    to_laposta.erase(WHO)
    assert verdict_of(to_laposta, Goal(erase=True)) is Verdict.CONTRADICTED


def test_an_answer_about_somebody_else_is_no_erasure(
    to_laposta: Laposta, laposta: Platform
) -> None:
    laposta.join(ANNA)
    laposta.join(BRAM)
    laposta.lie(DELETE, about(BRAM.email))
    with pytest.raises(OutcomeUnknown, match="somebody else"):
        to_laposta.erase(WHO)


# --- what goes wrong on the way


CHANGES: Mapping[str, tuple[str, Callable[[Laposta], None]]] = {
    "subscribe": (ADD, lambda it: it.subscribe(ANNA, NEWS, CONSENT)),
    "update": (CHANGE, lambda it: it.update(WHO, Person(MOVED))),
    "unsubscribe": (CHANGE, lambda it: it.unsubscribe(WHO, [NEWS])),
    "erase": (DELETE, lambda it: it.erase(WHO)),
}
each_change = pytest.mark.parametrize("verb", CHANGES)


@each_change
def test_a_reset_after_acting_leaves_the_outcome_unknown(
    to_laposta: Laposta, laposta: Platform, verb: str
) -> None:
    call, act = CHANGES[verb]
    laposta.join(ANNA)
    laposta.lie(call, acts_then_cuts)
    with pytest.raises(OutcomeUnknown):
        act(to_laposta)
    assert laposta.made(call) == 1


@each_change
def test_html_after_a_change_leaves_the_outcome_unknown(
    to_laposta: Laposta, laposta: Platform, verb: str
) -> None:
    call, act = CHANGES[verb]
    laposta.join(ANNA)
    laposta.lie(call, html)
    with pytest.raises(OutcomeUnknown):
        act(to_laposta)


@each_change
def test_json_of_another_kind_after_a_change_leaves_the_outcome_unknown(
    to_laposta: Laposta, laposta: Platform, verb: str
) -> None:
    call, act = CHANGES[verb]
    laposta.join(ANNA)
    laposta.lie(call, answers(200, b'{"ok": true}'))
    with pytest.raises(OutcomeUnknown):
        act(to_laposta)


@each_change
@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry_After": "37"}, 37),
        ({"Date": f"{DAY} 10:00:00 GMT", "Retry_After": f"{DAY} 10:00:20 GMT"}, 20),
        ({}, 60),
        ({"Retry_After": "soon"}, 60),
    ],
    ids=["seconds", "a date", "none", "nonsense"],
)
def test_a_platform_that_is_busy_says_how_long(
    to_laposta: Laposta, laposta: Platform, verb: str, headers: dict[str, str], wait: int
) -> None:
    call, act = CHANGES[verb]
    laposta.join(ANNA)
    laposta.lie(call, busy(**headers))
    with pytest.raises(TryAt) as caught:
        act(to_laposta)
    assert timedelta(seconds=wait - 5) < caught.value.wait <= timedelta(seconds=wait)


def test_a_late_erasure_is_seen_when_it_came(to_laposta: Laposta, laposta: Platform) -> None:
    laposta.join(ANNA)
    laposta.lie(DELETE, late)
    with pytest.raises(OutcomeUnknown):
        to_laposta.erase(WHO)
    assert verdict_of(to_laposta, Goal(erase=True)) is Verdict.CONTRADICTED
    laposta.catch_up()
    assert verdict_of(to_laposta, Goal(erase=True)) is Verdict.ABSENT


def test_an_ignored_subscription_is_seen(to_laposta: Laposta, laposta: Platform) -> None:
    laposta.lie(ADD, ignores)
    to_laposta.subscribe(ANNA, NEWS, CONSENT)
    assert verdict_of(to_laposta, Goal(subscribe=(NEWS.id,))) is Verdict.CONTRADICTED


@each_change
def test_no_error_quotes_what_laposta_said(
    to_laposta: Laposta, laposta: Platform, verb: str
) -> None:
    call, act = CHANGES[verb]
    quoting = (
        b'{"error": {"type": "invalid_input", "message": "anna@example.nl", "code": 201,'
        b' "parameter": "anna@example.nl"}}'
    )
    laposta.join(ANNA)
    laposta.lie(call, answers(400, quoting))
    with pytest.raises(ConnectorError) as caught:
        act(to_laposta)
    assert "anna" not in f"{caught.value} {caught.value.__cause__} {caught.value.__context__}"


# --- settings and declaration


@pytest.mark.parametrize("key", ["", "short", "with space 0123456789", "a:b0123456789", "é" * 20])
def test_what_cannot_be_a_key_is_refused_before_it_is_sent(key: str) -> None:
    with pytest.raises(ValidationError, match="no API key of Laposta"):
        Settings(api_key=SecretStr(key))


def test_one_variable_cannot_hold_both_names() -> None:
    with pytest.raises(ValidationError, match="choose two"):
        Settings(api_key=SecretStr(KEY), first_name_variable="naam", last_name_variable="naam")


def test_a_key_is_trimmed_and_never_shown() -> None:
    settings = Settings(api_key=SecretStr(f" {KEY}\n"))
    assert settings.api_key.get_secret_value() == KEY
    assert KEY not in repr(settings)


def test_it_is_reached_at_its_own_host_only(laposta_town: Town, laposta: Platform) -> None:
    out = laposta_town.way_out(laposta)
    platform = Laposta.platform
    http = out.client(
        base_url=Laposta.base_url(Settings(api_key=SecretStr(KEY))),
        hosts=platform.hosts,
        deadline=platform.deadline,
    )
    with http, pytest.raises(Refused, match="not a host of this platform"):
        http.get(f"http://{laposta.origin}/v2/list")


def test_the_declaration_says_what_stays_behind_in_both_languages() -> None:
    platform = Laposta.platform
    assert (platform.erasure, platform.in_eu) == (Erasure.DELETES, True)
    texts = [platform.erase_by_hand, platform.stores_in, *(one.what for one in platform.residue)]
    assert all(text.nl and text.en and text.nl != text.en for text in texts)


def test_people_one_by_one_fit_in_one_attempt() -> None:
    platform = Laposta.platform
    assert platform.limits.gap
    assert platform.bulk * platform.limits.gap < platform.deadline
