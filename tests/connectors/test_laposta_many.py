"""Laposta, many people in one call, where nobody's outcome may be somebody else's."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from connectors.laposta import Laposta, many
from core.connector import Identity, Person, Presence
from core.errors import (
    ConnectorError,
    OnlyThePerson,
    OutcomeUnknown,
    Reconnect,
    Refused,
    TryAt,
    Unreadable,
)
from core.faces import Bulk, Newcomer
from tests.connectors.laposta_server import (
    ANNA,
    BRAM,
    CONSENT,
    COURSES,
    NEWS,
    WHO,
    Listing,
    Platform,
    Row,
    Town,
    acts_then_cuts,
    answers,
    busy,
    html,
)
from tests.databases import NOW

CARLA = Person("carla@example.nl", {"first_name": "Carla", "last_name": None})
BULK = "POST /list/{list_id}/members"
ADD = "POST /member"


def newcomers(*people: Person) -> list[Newcomer]:
    return [Newcomer(person, CONSENT) for person in people]


def kinds(told: Sequence[ConnectorError | None]) -> list[type[ConnectorError] | None]:
    return [None if error is None else type(error) for error in told]


@pytest.fixture
def bulky(laposta_town: Town, laposta: Platform) -> Laposta:
    """To an account that turned bulk on."""
    laposta.bulk = True
    return laposta_town.connect(laposta, bulk=True)


def test_it_has_the_face(bulky: Laposta) -> None:
    assert isinstance(bulky, Bulk)
    assert bulky.platform.bulk > 0


# --- subscribing


def test_many_are_added_and_completed_in_one_call(bulky: Laposta, laposta: Platform) -> None:
    laposta.join(Person(BRAM.email))
    assert bulky.subscribe_many(newcomers(ANNA, BRAM), NEWS) == [None, None]
    assert (laposta.made(BULK), laposta.made(ADD)) == (1, 0)
    for person in (ANNA, BRAM):
        (trace,) = bulky.find(Identity((person.email,)))
        assert trace.presence is Presence.SUBSCRIBED
        assert trace.fields == bulky.translate(person)


def test_nobody_else_is_ever_unsubscribed(bulky: Laposta, laposta: Platform) -> None:
    laposta.join(BRAM)
    bulky.subscribe_many(newcomers(ANNA), NEWS)
    (call,) = [call for call in laposta.calls if call.path.startswith("/list/")]
    assert json.loads(call.body)["actions"] == ["add", "update"]
    assert laposta.states(BRAM.email) == {NEWS.id: "active"}


@pytest.mark.parametrize(
    ("state", "error"), [("unsubscribed", OnlyThePerson), ("cleaned", Refused)]
)
def test_who_gets_no_mail_any_more_is_left_out(
    bulky: Laposta, laposta: Platform, state: str, error: type[Refused]
) -> None:
    laposta.join(ANNA, NEWS, state)
    assert kinds(bulky.subscribe_many(newcomers(BRAM, ANNA), NEWS)) == [None, error]
    assert laposta.states() == {NEWS.id: state}


def test_where_nobody_may_be_added_nothing_is_sent(bulky: Laposta, laposta: Platform) -> None:
    laposta.join(ANNA, NEWS, "unsubscribed")
    assert kinds(bulky.subscribe_many(newcomers(ANNA), NEWS)) == [OnlyThePerson]
    assert laposta.made(BULK) == 0


def test_who_opted_out_while_we_read_is_no_success(bulky: Laposta, laposta: Platform) -> None:
    """An answer that shows somebody as unsubscribed outranks the array that they are in."""
    told = {
        "added": [],
        "edited": [{"provided_data": {"email": ANNA.email}} | member_of(ANNA, "unsubscribed")],
        "skipped": [],
        "errors": [],
    }
    laposta.lie(BULK, answers(200, json.dumps(told).encode()))
    assert kinds(bulky.subscribe_many(newcomers(ANNA), NEWS)) == [OnlyThePerson]


def member_of(person: Person, state: str) -> dict[str, object]:
    ids = {"member_id": "m1", "list_id": NEWS.id}
    return {"member": {**ids, "email": person.email, "state": state, "custom_fields": []}}


def test_one_refusal_is_nobody_elses(bulky: Laposta, laposta: Platform) -> None:
    wrong = Person("no address")
    told = bulky.subscribe_many(newcomers(ANNA, wrong, BRAM), NEWS)
    assert kinds(told) == [None, Refused, None]
    assert laposta.states() == laposta.states(BRAM.email) == {NEWS.id: "active"}


def test_who_is_not_in_the_answer_has_no_outcome(bulky: Laposta, laposta: Platform) -> None:
    told = {
        "added": [{"provided_data": {"email": BRAM.email}} | member_of(BRAM, "active")],
        "edited": [],
        "skipped": [],
        "errors": [],
    }
    laposta.lie(BULK, answers(200, json.dumps(told).encode()))
    assert kinds(bulky.subscribe_many(newcomers(ANNA, BRAM), NEWS)) == [OutcomeUnknown, None]


def test_an_answer_about_somebody_else_is_no_outcome(bulky: Laposta, laposta: Platform) -> None:
    told = {
        "added": [{"provided_data": {"email": ANNA.email}} | member_of(BRAM, "active")],
        "edited": [],
        "skipped": [],
        "errors": [],
    }
    laposta.lie(BULK, answers(200, json.dumps(told).encode()))
    assert kinds(bulky.subscribe_many(newcomers(ANNA), NEWS)) == [OutcomeUnknown]


def test_two_people_with_one_address_go_one_after_the_other(
    bulky: Laposta, laposta: Platform
) -> None:
    mother = Person(ANNA.email, {"first_name": "Eva"})
    assert bulky.subscribe_many(newcomers(ANNA, BRAM, mother), NEWS) == [None, None, None]
    (call,) = [call for call in laposta.calls if call.path.startswith("/list/")]
    assert [row["email"] for row in json.loads(call.body)["members"]] == [ANNA.email, BRAM.email]
    assert laposta.made(ADD) == 1


def test_a_cleared_field_is_cleared_in_bulk_too(bulky: Laposta, laposta: Platform) -> None:
    laposta.join(Person(CARLA.email, {"last_name": "Smit"}))
    bulky.subscribe_many(newcomers(CARLA), NEWS)
    (trace,) = bulky.find(Identity((CARLA.email,)))
    assert trace.fields["last_name"] == ""


def test_without_the_setting_people_go_one_by_one(to_laposta: Laposta, laposta: Platform) -> None:
    laposta.bulk = True
    laposta.join(BRAM, NEWS, "unsubscribed")
    told = to_laposta.subscribe_many(newcomers(ANNA, BRAM, CARLA), NEWS)
    assert kinds(told) == [None, OnlyThePerson, None]
    assert (laposta.made(BULK), laposta.made(ADD)) == (0, 3)


def test_an_account_that_may_not_use_bulk_is_not_held_for_its_key(
    bulky: Laposta, laposta: Platform
) -> None:
    laposta.bulk = False
    assert bulky.subscribe_many(newcomers(ANNA, BRAM), NEWS) == [None, None]
    assert laposta.states() == {NEWS.id: "active"}


@pytest.mark.parametrize("body", [b'{"error": {"type": "x", "message": "Invalid API key"}}', b""])
def test_any_other_401_is_about_the_key(bulky: Laposta, laposta: Platform, body: bytes) -> None:
    laposta.lie(BULK, answers(401, body))
    with pytest.raises(Reconnect):
        bulky.subscribe_many(newcomers(ANNA), NEWS)


def test_when_laposta_is_busy_the_rest_waits_as_well(
    to_laposta: Laposta, laposta: Platform
) -> None:
    laposta.lie(ADD, busy(Retry_After="30"))
    told = to_laposta.subscribe_many(newcomers(ANNA, BRAM, CARLA), NEWS)
    assert kinds(told) == [TryAt, TryAt, TryAt]
    assert laposta.made(ADD) == 1


@pytest.mark.parametrize("lie", [acts_then_cuts, html, answers(200, b'{"added": []}')])
def test_an_answer_that_tells_nothing_leaves_every_outcome_unknown(
    bulky: Laposta, laposta: Platform, lie: object
) -> None:
    laposta.lie(BULK, lie)  # type: ignore[arg-type]  # parametrize forgets the type
    with pytest.raises(OutcomeUnknown):
        bulky.subscribe_many(newcomers(ANNA, BRAM), NEWS)


def test_a_list_with_too_many_refusals_to_read_is_worked_one_by_one(
    bulky: Laposta, laposta: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "MOST", 0)
    laposta.join(ANNA, NEWS, "unsubscribed")
    told = bulky.subscribe_many(newcomers(ANNA, BRAM), NEWS)
    assert kinds(told) == [OnlyThePerson, None]
    assert laposta.made(BULK) == 0


# --- looking


def only_one_list(laposta: Platform) -> None:
    del laposta.lists[COURSES.id]


def test_in_an_account_with_one_list_a_listing_shows_many(
    to_laposta: Laposta, laposta: Platform
) -> None:
    only_one_list(laposta)
    row = laposta.join(ANNA)
    laposta.join(BRAM, NEWS, "unsubscribed")
    known = Identity((ANNA.email,), (f"{NEWS.id}:{row.id}",))
    theirs = Identity((BRAM.email.upper(),))
    told = to_laposta.find_many([known, theirs], NEWS, NOW)
    assert told == [to_laposta.find(known), to_laposta.find(theirs)]
    assert laposta.made("GET /member") == 1


def test_whom_the_listing_does_not_show_is_not_called_absent(
    to_laposta: Laposta, laposta: Platform
) -> None:
    only_one_list(laposta)
    laposta.shows_unconfirmed = False
    laposta.join(ANNA, NEWS, "unconfirmed")
    assert to_laposta.find_many([WHO, Identity((BRAM.email,))], NEWS, NOW) == [None, None]


def test_who_has_an_address_that_the_listing_does_not_show_is_looked_for(
    to_laposta: Laposta, laposta: Platform
) -> None:
    only_one_list(laposta)
    laposta.join(ANNA)
    both = Identity((ANNA.email, "anna.werk@example.nl"))
    assert to_laposta.find_many([both], NEWS, NOW) == [None]


def test_in_an_account_with_more_lists_a_listing_tells_nothing(
    to_laposta: Laposta, laposta: Platform
) -> None:
    laposta.join(ANNA)
    laposta.join(ANNA, COURSES)
    assert to_laposta.find_many([WHO], NEWS, NOW) == [None]


def test_a_list_that_is_too_large_is_not_read_whole(to_laposta: Laposta, laposta: Platform) -> None:
    only_one_list(laposta)
    rows = {f"x{n}": Row(f"x{n}", f"x{n}@example.nl", {}) for n in range(many.MOST + 1)}
    laposta.lists[NEWS.id] = Listing(NEWS.title, rows=rows)
    laposta.join(ANNA)
    assert to_laposta.find_many([WHO], NEWS, NOW) == [None]
    assert laposta.made("GET /member") == 0


def test_a_list_of_unknown_size_is_not_read_whole(bulky: Laposta, laposta: Platform) -> None:
    only_one_list(laposta)
    laposta.counts_members = False
    laposta.join(ANNA)
    assert bulky.find_many([WHO], NEWS, NOW) == [None]
    assert bulky.subscribe_many(newcomers(BRAM), NEWS) == [None]
    assert (laposta.made("GET /member"), laposta.made(ADD)) == (0, 1)


def test_the_largest_list_that_is_read_fits_in_an_answer(
    to_laposta: Laposta, laposta: Platform
) -> None:
    only_one_list(laposta)
    long = {"voornaam": "V" * 60, "achternaam": "A" * 60, "adres": "S" * 120, "plaats": "P" * 60}
    emails = [f"somebody.with.a.long.address.{n}@subdomain.example.nl" for n in range(many.MOST)]
    rows = {f"x{n}": Row(f"x{n}", email, long) for n, email in enumerate(emails)}
    laposta.lists[NEWS.id] = Listing(NEWS.title, rows=rows)
    told = to_laposta.find_many([Identity((email,)) for email in emails[:50]], NEWS, NOW)
    assert None not in told


def test_a_stranger_in_an_odd_state_hides_nobody(to_laposta: Laposta, laposta: Platform) -> None:
    only_one_list(laposta)
    laposta.join(ANNA)
    laposta.join(BRAM, NEWS, "snoozed")
    assert to_laposta.find_many([WHO], NEWS, NOW) == [to_laposta.find(WHO)]
    with pytest.raises(Unreadable):
        to_laposta.find_many([Identity((BRAM.email,))], NEWS, NOW)
