"""Mailchimp for many people at once: an outcome for each, never one for all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.mailchimp import Mailchimp
from core.connector import Identity, Person
from core.errors import ConnectorError, OnlyThePerson, OutcomeUnknown, Refused, TryAt, TryLater
from core.faces import Newcomer
from tests.imitations.mailchimp import lies
from tests.imitations.mailchimp.account import key_of
from tests.imitations.mailchimp.api import Answer, Call, said
from tests.imitations.mailchimp.server import Imitation
from tests.imitations.mailchimp.town import ANNA, BRAM, COURSES, NEWS, NOW, WHO, Town, consent

DAY = timedelta(days=1)
CARLA = "carla@example.nl"


@pytest.fixture
def town() -> Iterator[Town]:
    with Town() as town:
        yield town


@pytest.fixture
def village() -> Iterator[Town]:
    """An account with one audience."""
    with Town([NEWS]) as town:
        yield town


def newcomers(*emails: str) -> Sequence[Newcomer]:
    return [Newcomer(Person(email, {"first_name": "Iemand"}), consent()) for email in emails]


def outcomes(found: Sequence[ConnectorError | None]) -> list[type[ConnectorError] | None]:
    return [type(one) if one else None for one in found]


class TestSubscribing:
    def test_newcomers_join_in_one_call(self, town: Town) -> None:
        emails = [f"person{number}@example.nl" for number in range(Mailchimp.platform.bulk)]
        found = town.connect().subscribe_many(newcomers(*emails), NEWS)
        assert list(found) == [None] * len(emails)
        assert town.held() == dict.fromkeys(emails, "subscribed")
        assert (town.server.made("batch"), town.server.made("put")) == (1, 0)

    def test_everybody_shows_as_was_asked(self, town: Town) -> None:
        several = newcomers(ANNA.email, BRAM)
        town.connect().subscribe_many(several, NEWS)
        for each in several:
            (trace,) = town.find(Identity((each.person.email,)))
            assert trace.fields["first_name"] == "Iemand"

    def test_an_audience_with_double_opt_in_asks_everybody(self, town: Town) -> None:
        town.connect().subscribe_many(newcomers(ANNA.email, BRAM), COURSES)
        assert town.held(COURSES) == {ANNA.email: "pending", BRAM: "pending"}

    def test_who_opted_out_is_no_success_and_stays_out(self, town: Town) -> None:
        town.account.join(NEWS.id, ANNA.email, "unsubscribed")
        found = town.connect().subscribe_many(newcomers(BRAM, ANNA.email, CARLA), NEWS)
        assert outcomes(found) == [None, OnlyThePerson, None]
        assert town.held()[ANNA.email] == "unsubscribed"

    @pytest.mark.parametrize("page", [0, 1_200])
    def test_who_is_archived_is_not_brought_back(self, town: Town, page: int) -> None:
        for number in range(page):
            town.account.join(NEWS.id, f"old{number}@example.nl", "archived")
        town.account.join(NEWS.id, ANNA.email, "archived")
        found = town.connect().subscribe_many(newcomers(ANNA.email, BRAM), NEWS)
        assert outcomes(found) == [OnlyThePerson, None]
        assert town.held()[ANNA.email] == "archived"

    def test_who_is_there_is_brought_up_to_date_alone(self, town: Town) -> None:
        town.account.join(NEWS.id, ANNA.email, FNAME="Oud")
        assert outcomes(town.connect().subscribe_many(newcomers(ANNA.email), NEWS)) == [None]
        (trace,) = town.find()
        assert trace.fields["first_name"] == "Iemand"

    def test_each_refusal_says_what_it_would_say_alone(self, town: Town) -> None:
        town.connect().subscribe(ANNA, NEWS, consent())
        town.connect().erase(WHO)
        several = newcomers("fake@example.nl", ANNA.email, "everywhere@example.nl", BRAM)
        found = town.connect().subscribe_many(several, NEWS)
        assert outcomes(found) == [Refused, OnlyThePerson, TryLater, None]

    def test_after_a_later_consent_mailchimp_asks_the_person(self, town: Town) -> None:
        town.account.join(NEWS.id, ANNA.email)
        town.account.becomes(NEWS.id, ANNA.email, "unsubscribed")
        later = Newcomer(ANNA, consent(NOW + DAY))
        assert town.connect().subscribe_many([later], NEWS) == [None]
        assert town.held() == {ANNA.email: "pending"}

    def test_two_people_with_one_address_end_as_they_would_one_after_the_other(
        self, town: Town
    ) -> None:
        first, second = replace(ANNA, email=BRAM), Person(BRAM, {"first_name": "Bram"})
        several = [Newcomer(person, consent()) for person in (first, second)]
        assert town.connect().subscribe_many(several, NEWS) == [None, None]
        (trace,) = town.find(Identity((BRAM,)))
        assert (trace.fields["first_name"], trace.fields["last_name"]) == ("Bram", "de Vries")

    def test_who_the_answer_does_not_name_is_looked_at_alone(self, town: Town) -> None:
        town.server.lie("batch", lies.says(said(200, {"new_members": []})))
        assert town.connect().subscribe_many(newcomers(ANNA.email), NEWS) == [None]
        assert town.held() == {ANNA.email: "subscribed"}

    def test_who_the_answer_shows_otherwise_than_asked_is_no_success(self, town: Town) -> None:
        def unsubscribes(imitation: Imitation, call: Call, honestly: lies.Truth) -> Answer:
            honestly()
            town.account.becomes(NEWS.id, ANNA.email, "unsubscribed")
            row = {"id": key_of(ANNA.email), "status": "unsubscribed"}
            return said(200, {"new_members": [row]})

        town.server.lie("batch", unsubscribes)
        found = town.connect().subscribe_many(newcomers(ANNA.email), NEWS)
        assert outcomes(found) == [OnlyThePerson]

    def test_a_call_that_fails_as_a_whole_holds_for_all(self, town: Town) -> None:
        town.server.lie("batch", lies.says(lies.THROTTLED))
        with pytest.raises(TryAt):
            town.connect().subscribe_many(newcomers(ANNA.email, BRAM), NEWS)

    @pytest.mark.parametrize(
        "answer", [lies.RESET, lies.HTML, lies.BARE, lies.BARE_500, said(200, [])], ids=str
    )
    def test_an_answer_that_says_nothing_leaves_all_of_it_open(
        self, town: Town, answer: Answer
    ) -> None:
        town.server.lie("batch", lies.acts_then(answer))
        with pytest.raises(OutcomeUnknown):
            town.connect().subscribe_many(newcomers(ANNA.email, BRAM), NEWS)


class TestLooking:
    def test_what_it_shows_is_what_a_look_at_one_person_shows(self, village: Town) -> None:
        village.connect().subscribe_many(newcomers(ANNA.email, BRAM), NEWS)
        several = [WHO, Identity((BRAM,))]
        found = village.connect().find_many(several, NEWS, NOW)
        assert list(found) == [village.find(who) for who in several]
        assert village.server.made("members") == 2  # the archived ones, and this look

    def test_nobody_is_absent_for_not_having_changed(self, village: Town) -> None:
        village.account.join(NEWS.id, ANNA.email)
        village.clock.advance(DAY)
        assert village.connect().find_many([WHO], NEWS, village.clock()) == [None]

    def test_clocks_may_be_some_minutes_apart(self, village: Town) -> None:
        village.account.join(NEWS.id, ANNA.email)
        late = NOW + timedelta(minutes=4)
        (found,) = village.connect().find_many([WHO], NEWS, late)
        assert found

    def test_a_second_audience_could_hold_more(self, town: Town) -> None:
        town.account.join(NEWS.id, ANNA.email)
        assert town.connect().find_many([WHO], NEWS, NOW) == [None]

    def test_an_older_address_could_hold_more(self, village: Town) -> None:
        village.account.join(NEWS.id, ANNA.email)
        both = Identity((ANNA.email, "older@example.nl"))
        assert village.connect().find_many([both], NEWS, NOW) == [None]

    def test_an_id_of_another_entry_could_hold_more(self, village: Town) -> None:
        village.account.join(NEWS.id, ANNA.email)
        (trace,) = village.find()
        assert trace.remote_id
        known = Identity((ANNA.email,), (trace.remote_id,))
        other = Identity((ANNA.email,), (trace.remote_id, "abc.7"))
        found = village.connect().find_many([known, other], NEWS, NOW)
        assert list(found) == [[trace], None]

    def test_more_than_a_page_is_read(self, village: Town) -> None:
        for number in range(1_200):
            village.account.join(NEWS.id, f"person{number}@example.nl")
        last = Identity(("person1199@example.nl",))
        (found,) = village.connect().find_many([last], NEWS, NOW)
        assert found
        assert village.server.made("members") == 2

    def test_reading_ends_when_everybody_was_seen(self, village: Town) -> None:
        for number in range(1_200):
            village.account.join(NEWS.id, f"person{number}@example.nl")
        village.connect().find_many([Identity(("person7@example.nl",))], NEWS, NOW)
        assert village.server.made("members") == 1
