"""Mailchimp, one person at a time, against an imitation that remembers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import pytest

from connectors import installed
from connectors.mailchimp import Mailchimp, Settings
from core.connector import (
    Account,
    Basis,
    BasisKind,
    Erasure,
    Identity,
    Person,
    Presence,
    Verb,
)
from core.errors import ConnectorError, NotFound, OnlyThePerson, Reconnect, Refused, TryLater
from tests.imitations.mailchimp import lies
from tests.imitations.mailchimp.account import Audience, key_of
from tests.imitations.mailchimp.api import Answer, problem
from tests.imitations.mailchimp.server import KEY
from tests.imitations.mailchimp.town import (
    ANNA,
    BRAM,
    COURSES,
    NEWS,
    NOW,
    READING_KEY,
    WHO,
    Town,
    consent,
)
from workers.reach import Reach

DAY = timedelta(days=1)


@pytest.fixture
def town() -> Iterator[Town]:
    with Town() as town:
        yield town


class TestConnecting:
    def test_the_key_belongs_to_an_account(self, town: Town) -> None:
        assert town.connect().check() == Account(town.account.id, "De Verfschuur")

    def test_a_key_that_is_not_known_must_be_renewed(self, town: Town) -> None:
        with pytest.raises(Reconnect):
            town.connect("0" * 32 + "-us21").check()

    def test_a_key_whose_user_may_not_delete_is_refused_at_connecting(self, town: Town) -> None:
        with pytest.raises(Reconnect, match="may not delete"):
            town.connect(READING_KEY).check()

    def test_every_audience_is_a_place(self, town: Town) -> None:
        seen = [(place.id, place.title) for place in town.connect().places()]
        assert seen == [(place.id, place.title) for place in (NEWS, COURSES)]

    def test_no_audience_is_left_out_when_there_are_more_than_a_page(self, town: Town) -> None:
        more = {f"more{number}": Audience(f"more{number}", "More") for number in range(1_050)}
        town.account.audiences |= more
        assert len(town.connect().places()) == 1_052

    def test_a_merge_tag_that_no_audience_has_is_refused_at_connecting(self, town: Town) -> None:
        with pytest.raises(Refused, match="CITY"):
            town.connect(merge_tags="city=CITY").check()

    def test_a_usual_merge_tag_that_was_renamed_must_be_named(self, town: Town) -> None:
        for audience in town.account.audiences.values():
            audience.tags = ("VOORNAAM", "LNAME")
        with pytest.raises(Refused, match="FNAME"):
            town.connect().check()
        assert town.connect(merge_tags="first_name=VOORNAAM").check().id == town.account.id

    def test_a_merge_tag_that_one_audience_has_is_enough(self, town: Town) -> None:
        town.account.audiences[COURSES.id].tags += ("CITY",)
        assert town.connect(merge_tags="city=CITY").check().id == town.account.id

    def test_another_base_address_leads_to_a_test_server(self, town: Town) -> None:
        reach = Reach(installed(), town.way_out, {"mailchimp": town.server.url})
        settings = reach.settings("mailchimp", {"api_key": KEY})
        assert reach.connect("mailchimp", settings).check().id == town.account.id

    def test_an_entry_has_a_link_into_the_screens(self, town: Town) -> None:
        town.account.join(NEWS.id, ANNA.email)
        (trace,) = town.find()
        assert trace.remote_id
        web_id = town.account.audiences[NEWS.id].members[key_of(ANNA.email)].web_id
        assert town.connect().link(trace.remote_id) == (
            f"https://us21.admin.mailchimp.com/lists/members/view?id={web_id}"
        )

    def test_an_id_without_a_web_id_has_no_link(self, town: Town) -> None:
        assert town.connect().link("abc") is None


class TestLooking:
    def test_a_stranger_leaves_no_trace(self, town: Town) -> None:
        assert town.find(Identity(("nobody@example.nl",), ("abc.1",))) == []

    def test_every_audience_shows_its_own_trace(self, town: Town) -> None:
        town.account.join(NEWS.id, ANNA.email)
        town.account.join(COURSES.id, ANNA.email, "unsubscribed")
        assert town.seen() == {NEWS.id: "subscribed", COURSES.id: "unsubscribed"}

    @pytest.mark.parametrize(
        ("status", "presence"),
        [
            ("subscribed", Presence.SUBSCRIBED),
            ("pending", Presence.PENDING),
            ("unsubscribed", Presence.UNSUBSCRIBED),
            ("cleaned", Presence.SUPPRESSED),
            ("archived", Presence.ARCHIVED),
            ("transactional", Presence.UNSUBSCRIBED),
        ],
    )
    def test_each_status_has_its_word(self, town: Town, status: str, presence: Presence) -> None:
        town.account.join(NEWS.id, ANNA.email, status)
        assert [trace.presence for trace in town.find()] == [presence]

    def test_a_status_that_we_do_not_know_fails_aloud(self, town: Town) -> None:
        town.account.join(NEWS.id, ANNA.email, "hibernating")
        with pytest.raises(ConnectorError, match="not a member as Mailchimp gives one"):
            town.find()

    def test_an_address_and_an_id_of_one_entry_give_one_trace(self, town: Town) -> None:
        town.account.join(NEWS.id, "Anna@Example.nl")
        (trace,) = town.find()
        assert trace.remote_id
        assert town.find(Identity((ANNA.email, ANNA.email.upper()), (trace.remote_id,))) == [trace]
        assert trace.fields["email"] == ANNA.email

    def test_who_changed_the_address_there_is_found_by_id(self, town: Town) -> None:
        town.account.join(NEWS.id, ANNA.email)
        (trace,) = town.find()
        assert trace.remote_id
        town.account.move(NEWS.id, ANNA.email, "moved@example.nl")
        assert town.find() == []
        (moved,) = town.find(Identity(WHO.emails, (trace.remote_id,)))
        assert (moved.fields["email"], moved.remote_id) == ("moved@example.nl", trace.remote_id)

    def test_fields_of_others_show_their_tag_and_ours_show_even_when_empty(
        self, town: Town
    ) -> None:
        town.account.audiences[NEWS.id].tags += ("ADDRESS", "AGE", "EMPTY")
        address = {"addr1": "Dorpsstraat 1", "addr2": "", "city": "Utrecht"}
        town.account.join(NEWS.id, ANNA.email, FNAME="Anna", ADDRESS=address, AGE=41.0, EMPTY=None)
        (trace,) = town.find()
        assert trace.fields == {
            "email": ANNA.email,
            "first_name": "Anna",
            "last_name": "",
            "ADDRESS": "Dorpsstraat 1, Utrecht",
            "AGE": "41",
        }


class TestSubscribing:
    def test_a_newcomer_shows_as_was_asked(self, town: Town) -> None:
        connector = town.connect()
        connector.subscribe(ANNA, NEWS, consent())
        (trace,) = town.find()
        assert (trace.place, trace.presence) == (NEWS.id, Presence.SUBSCRIBED)
        assert trace.fields == connector.translate(ANNA)

    def test_an_audience_with_double_opt_in_asks_the_person(self, town: Town) -> None:
        town.connect().subscribe(ANNA, COURSES, consent())
        assert town.seen() == {COURSES.id: "pending"}

    def test_who_waits_to_confirm_is_not_confirmed_by_us(self, town: Town) -> None:
        town.account.join(NEWS.id, ANNA.email, "pending")
        town.connect().subscribe(ANNA, NEWS, consent())
        assert town.seen() == {NEWS.id: "pending"}

    def test_who_confirmed_is_not_asked_again(self, town: Town) -> None:
        town.account.join(COURSES.id, ANNA.email, "subscribed")
        town.connect().subscribe(ANNA, COURSES, consent())
        assert town.seen() == {COURSES.id: "subscribed"}

    def test_subscribing_again_changes_nothing(self, town: Town) -> None:
        town.connect().subscribe(ANNA, NEWS, consent())
        before = town.find()
        town.connect().subscribe(ANNA, NEWS, consent())
        assert town.find() == before

    def test_who_is_only_known_from_a_purchase_may_join(self, town: Town) -> None:
        town.account.join(NEWS.id, ANNA.email, "transactional")
        town.connect().subscribe(ANNA, NEWS, consent(NOW - DAY))
        assert town.seen() == {NEWS.id: "subscribed"}

    @pytest.mark.parametrize("status", ["unsubscribed", "archived", "cleaned"])
    @pytest.mark.parametrize(
        "basis",
        [
            consent(NOW),
            consent(NOW - DAY),
            Basis(BasisKind.COURSE_CONTRACT, "b2", NOW + DAY, "course"),
        ],
        ids=["at that moment", "earlier", "no consent"],
    )
    def test_nobody_is_brought_back_by_us_or_shown_anything_new(
        self, town: Town, status: str, basis: Basis
    ) -> None:
        town.account.join(NEWS.id, ANNA.email, status)
        with pytest.raises(OnlyThePerson):
            town.connect().subscribe(ANNA, NEWS, basis)
        (trace,) = town.find()
        assert town.held() == {ANNA.email: status}
        assert trace.fields["first_name"] == ""

    @pytest.mark.parametrize("status", ["unsubscribed", "archived"])
    def test_after_a_later_consent_mailchimp_asks_the_person(self, town: Town, status: str) -> None:
        town.account.join(NEWS.id, ANNA.email)
        town.account.becomes(NEWS.id, ANNA.email, status)
        town.connect().subscribe(ANNA, NEWS, consent(NOW + timedelta(seconds=1)))
        assert town.seen() == {NEWS.id: "pending"}

    def test_a_bounced_address_does_not_come_back_by_a_later_consent(self, town: Town) -> None:
        town.account.join(NEWS.id, ANNA.email)
        town.account.becomes(NEWS.id, ANNA.email, "cleaned")
        with pytest.raises(OnlyThePerson, match="bounced"):
            town.connect().subscribe(ANNA, NEWS, consent(NOW + DAY))

    def test_an_erased_address_comes_back_by_the_person_only(self, town: Town) -> None:
        town.connect().subscribe(ANNA, NEWS, consent())
        town.connect().erase(WHO)
        with pytest.raises(OnlyThePerson, match="erased"):
            town.connect().subscribe(ANNA, NEWS, consent(NOW + DAY))
        assert town.find() == []

    def test_who_opts_out_between_the_look_and_the_call_stays_out(self, town: Town) -> None:
        town.account.join(NEWS.id, ANNA.email)

        def opts_out(imitation: object, call: object, honestly: lies.Truth) -> Answer:
            town.account.becomes(NEWS.id, ANNA.email, "unsubscribed")
            return honestly()

        town.server.lie("put", opts_out)
        with pytest.raises(OnlyThePerson):
            town.connect().subscribe(ANNA, NEWS, consent())
        assert town.seen() == {NEWS.id: "unsubscribed"}

    def test_an_audience_that_is_gone_is_named_as_the_trouble(self, town: Town) -> None:
        del town.account.audiences[NEWS.id]
        with pytest.raises(NotFound, match="audience"):
            town.connect().subscribe(ANNA, NEWS, consent())

    def test_an_unset_field_keeps_none_clears_and_one_without_a_tag_stays_here(
        self, town: Town
    ) -> None:
        town.connect().subscribe(ANNA, NEWS, consent())
        new = Person(ANNA.email, {"last_name": None, "phone": "0612345678"})
        connector = town.connect()
        connector.subscribe(new, NEWS, consent())
        (trace,) = town.find()
        assert trace.fields == {"email": ANNA.email, "first_name": "Anna", "last_name": ""}
        assert connector.translate(new) == {"email": ANNA.email, "last_name": ""}
        assert "0612345678" not in str(town.server.calls)

    def test_a_mapped_field_goes_to_its_merge_tag(self, town: Town) -> None:
        town.account.audiences[NEWS.id].tags += ("CITY",)
        connector = town.connect(merge_tags="city=CITY")
        person = Person(ANNA.email, {"city": "Utrecht"})
        connector.subscribe(person, NEWS, consent())
        (trace,) = connector.find(WHO)
        assert trace.fields["city"] == "Utrecht" == connector.translate(person)["city"]


class TestUpdating:
    def test_every_audience_gets_the_change(self, town: Town) -> None:
        town.account.join(NEWS.id, ANNA.email)
        town.account.join(COURSES.id, ANNA.email, "unsubscribed")
        town.connect().update(WHO, ANNA)
        assert [trace.fields["first_name"] for trace in town.find()] == ["Anna", "Anna"]
        assert town.seen() == {NEWS.id: "subscribed", COURSES.id: "unsubscribed"}

    def test_a_new_address_replaces_the_old_in_place(self, town: Town) -> None:
        town.account.join(NEWS.id, ANNA.email)
        (before,) = town.find()
        town.connect().update(WHO, Person(BRAM))
        (after,) = town.find(Identity((BRAM,)))
        assert after.remote_id == before.remote_id
        assert town.held() == {BRAM: "subscribed"}

    def test_an_update_carried_over_twice_is_the_same(self, town: Town) -> None:
        town.account.join(NEWS.id, ANNA.email)
        for _ in range(2):
            town.connect().update(Identity((BRAM, ANNA.email)), Person(BRAM))
        assert town.held() == {BRAM: "subscribed"}

    def test_two_entries_of_one_person_become_one_and_the_old_address_goes(
        self, town: Town
    ) -> None:
        town.account.join(NEWS.id, ANNA.email)
        town.account.join(NEWS.id, BRAM)
        town.connect().update(WHO, replace(ANNA, email=BRAM))
        assert town.held() == {BRAM: "subscribed"}
        (trace,) = town.find(Identity((BRAM, ANNA.email)))
        assert trace.fields["first_name"] == "Anna"

    def test_a_refusal_outlives_the_entry_that_held_it(self, town: Town) -> None:
        town.account.join(NEWS.id, ANNA.email, "unsubscribed")
        town.account.join(NEWS.id, BRAM)
        town.connect().update(WHO, Person(BRAM))
        assert town.held() == {BRAM: "unsubscribed"}

    def test_an_entry_that_comes_while_we_look_is_seen_at_the_next_try(self, town: Town) -> None:
        town.account.join(NEWS.id, ANNA.email)

        def joins_too(imitation: object, call: object, honestly: lies.Truth) -> Answer:
            town.account.join(NEWS.id, BRAM)
            return honestly()

        town.server.lie("patch", joins_too)
        with pytest.raises(TryLater):
            town.connect().update(WHO, Person(BRAM))
        town.connect().update(WHO, Person(BRAM))
        assert town.held() == {BRAM: "subscribed"}

    def test_a_new_address_that_was_erased_there_stays_away(self, town: Town) -> None:
        town.account.join(NEWS.id, BRAM)
        town.connect().erase(Identity((BRAM,)))
        town.account.join(NEWS.id, ANNA.email)
        with pytest.raises(OnlyThePerson):
            town.connect().update(WHO, Person(BRAM))

    def test_an_address_changed_there_is_changed_back(self, town: Town) -> None:
        town.account.join(NEWS.id, ANNA.email)
        (trace,) = town.find()
        assert trace.remote_id
        town.account.move(NEWS.id, ANNA.email, "moved@example.nl")
        town.connect().update(Identity(WHO.emails, (trace.remote_id,)), ANNA)
        assert town.held() == {ANNA.email: "subscribed"}


class TestUnsubscribing:
    def test_only_the_places_asked_for_are_left_and_the_refusal_is_kept(self, town: Town) -> None:
        town.account.join(NEWS.id, ANNA.email)
        town.account.join(COURSES.id, ANNA.email)
        town.connect().unsubscribe(WHO, [COURSES])
        assert town.seen() == {NEWS.id: "subscribed", COURSES.id: "unsubscribed"}

    def test_who_has_yet_to_confirm_is_not_asked_any_more(self, town: Town) -> None:
        town.account.join(COURSES.id, ANNA.email, "pending")
        town.connect().unsubscribe(WHO, [COURSES])
        assert town.seen() == {COURSES.id: "unsubscribed"}

    @pytest.mark.parametrize("status", ["archived", "cleaned", "transactional", "unsubscribed"])
    def test_who_gets_no_mail_stays_as_they_are(self, town: Town, status: str) -> None:
        town.account.join(NEWS.id, ANNA.email, status)
        town.connect().unsubscribe(WHO, [NEWS])
        assert town.held() == {ANNA.email: status}


class TestErasing:
    @pytest.mark.parametrize(
        "status",
        ["subscribed", "pending", "unsubscribed", "cleaned", "archived", "transactional"],
    )
    def test_whatever_the_status_nothing_is_left_in_any_audience(
        self, town: Town, status: str
    ) -> None:
        for place in (NEWS, COURSES):
            town.account.join(place.id, ANNA.email, status)
        town.connect().erase(WHO)
        assert (town.held(NEWS), town.held(COURSES)) == ({}, {})

    def test_every_address_and_every_id_is_followed(self, town: Town) -> None:
        town.account.join(NEWS.id, ANNA.email)
        (trace,) = town.find()
        assert trace.remote_id
        town.account.move(NEWS.id, ANNA.email, "moved@example.nl")
        town.account.join(NEWS.id, ANNA.email)
        town.account.join(COURSES.id, "older@example.nl", "archived")
        town.account.join(NEWS.id, BRAM)
        town.connect().erase(Identity((ANNA.email, "older@example.nl"), (trace.remote_id,)))
        assert (town.held(NEWS), town.held(COURSES)) == ({BRAM: "subscribed"}, {})

    def test_who_goes_while_we_erase_is_no_error(self, town: Town) -> None:
        town.account.join(NEWS.id, ANNA.email)
        gone = lies.acts_then(problem(404, "Resource Not Found"))
        town.server.lie("delete-permanent", gone)
        town.connect().erase(WHO)
        assert town.held() == {}

    def test_an_absent_person_is_no_error_and_stays_absent(self, town: Town) -> None:
        connector = town.connect()
        connector.update(WHO, ANNA)
        connector.unsubscribe(WHO, [NEWS])
        connector.erase(WHO)
        assert town.held() == {}
        assert {call.method for call in town.server.calls} == {"GET"}


class TestSecrets:
    def test_no_address_is_in_a_url_and_nothing_of_a_person_in_a_log(
        self, town: Town, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.DEBUG):
            everything(town)
        lines = [record.getMessage() for record in caplog.records if record.name == LOG]
        assert len(lines) >= 15
        assert any("/lists/{list_id}/members/{subscriber_hash}" in line for line in lines)
        for mark in (ANNA.email, BRAM, key_of(ANNA.email), key_of(BRAM), KEY[:32], "Anna"):
            assert mark not in caplog.text
        assert not [call for call in town.server.calls if "@" in call.path or "%40" in call.path]
        assert "example" not in "".join(f"{call.query}" for call in town.server.calls)

    def test_no_error_quotes_what_mailchimp_says_of_a_person(self, town: Town) -> None:
        said = []
        for address in ("fake@example.nl", "everywhere@example.nl", "gone@example.nl"):
            town.account.audiences[NEWS.id].forgotten.add(key_of("gone@example.nl"))
            with pytest.raises(ConnectorError) as caught:
                town.connect().subscribe(Person(address), NEWS, consent())
            said.append(repr(caught.value))
            assert caught.value.__cause__ is None
        assert not [text for text in said if "@" in text or "example.nl" in text]

    def test_the_key_is_not_in_the_settings_text(self, town: Town) -> None:
        assert KEY not in repr(town.connect().settings)


class TestDeclaration:
    def test_it_says_what_stays_behind_and_where_that_is_written(self) -> None:
        platform = Mailchimp.platform
        assert platform.erasure is Erasure.DELETES
        assert platform.in_eu is False
        assert platform.checked == date(2026, 11, 25)
        for left in platform.residue:
            assert left.what.nl
            assert left.what.en
            assert left.source
        steps = platform.steps(Verb.ERASE)
        assert steps
        assert "Permanently delete" in steps.nl
        assert "Permanently delete" in steps.en

    def test_what_was_not_answered_may_act_as_long_as_mailchimp_works_on_it(self) -> None:
        server_gives_up_after = timedelta(seconds=120)
        assert Mailchimp.platform.late_apply > server_gives_up_after

    def test_the_data_centre_comes_from_the_key(self) -> None:
        settings = Settings.model_validate({"api_key": KEY})
        assert Mailchimp.base_url(settings) == "https://us21.api.mailchimp.com/3.0"


LOG = "core.http.transport"


def everything(town: Town) -> None:
    """Every verb, with a change of address and a refusal in between."""
    both = Identity((BRAM, ANNA.email))
    steps: list[Callable[[], object]] = [
        town.connect().check,
        partial(town.connect().subscribe, ANNA, NEWS, consent()),
        partial(town.connect().subscribe, ANNA, COURSES, consent()),
        partial(town.connect().update, both, Person(BRAM, {"first_name": "Anna"})),
        partial(town.connect().unsubscribe, both, [NEWS]),
        partial(town.find, both),
        partial(town.connect().erase, both),
        partial(town.find, both),
    ]
    for step in steps:
        step()
