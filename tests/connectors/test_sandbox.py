"""The sandbox platforms as their connectors see them, each habit's lie included."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any, TypeVar

import httpx
import pytest
from pydantic import SecretStr

from connectors.sandbox.api import RIGHTS
from connectors.sandbox.api import Account as ServedAccount
from connectors.sandbox.by_hand import Note
from connectors.sandbox.connector import Sandbox, Settings
from connectors.sandbox.contacts import Contacts, Habit
from connectors.sandbox.journal import Journal
from connectors.sandbox.platforms import (
    SandboxArchives,
    SandboxByHand,
    SandboxFlaky,
    SandboxThirtyDays,
)
from connectors.sandbox.server import LISTS, Imitation
from connectors.sandbox.values import Blocked, Contact, Held
from connectors.sandbox.weather import Fault, Weather, forecast
from core.connector import (
    Account,
    Basis,
    BasisKind,
    Connector,
    Erasure,
    Identity,
    Person,
    Place,
    Presence,
    Trace,
    Verb,
)
from core.errors import (
    OnlyThePerson,
    OutcomeUnknown,
    Reconnect,
    Refused,
    TryAt,
    TryLater,
    Unreadable,
)
from core.http import WayOut
from tests.waiting import eventually

KEY = "secret-of-the-sandbox"
READING_KEY = "may-only-read"
PASSWORD = "of-the-screens"
NEWS = Place("nieuwsbrief", "Nieuwsbrief")
COURSES = Place("cursusinfo", "Cursusinformatie")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ANNA = Person("anna@example.nl", {"first_name": "Anna", "last_name": "de Vries"})
WHO = Identity((ANNA.email,))
ONLINE: list[type[Sandbox]] = [SandboxArchives, SandboxThirtyDays, SandboxFlaky]
DECLARED: list[type[Connector[Any]]] = [*ONLINE, SandboxByHand]
PATIENCE = timedelta(seconds=30)
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody, and costs nothing
S = TypeVar("S", bound=Sandbox)


def consent(given_at: datetime = NOW) -> Basis:
    return Basis(BasisKind.CONSENT, "b1", given_at, "form")


@dataclass
class Clock:
    time: datetime = NOW

    def __call__(self) -> datetime:
        return self.time

    def advance(self, span: timedelta) -> None:
        self.time += span


class Town:
    """Imitations, connectors to them, and humans at their screens, all ended together."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.ends: list[Callable[[], object]] = []

    def platform(self, habit: Habit, weather: Iterable[Weather] = ()) -> Imitation:
        journal = Journal(self.folder / f"{habit}.jsonl")
        contacts = Contacts(habit, LISTS, journal, now=self.clock)
        keys = {KEY: RIGHTS, READING_KEY: RIGHTS[:1]}
        server = Imitation(
            ServedAccount("account-1", "School", keys), PASSWORD, contacts, weather=weather
        )
        thread = Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        self.ends += [journal.close, server.server_close, thread.join, server.shutdown]
        return server

    def connect(self, kind: type[S], server: Imitation, key: str = KEY) -> S:
        settings = Settings(base_url=server.url, api_key=SecretStr(key))
        origin = f"127.0.0.1:{server.server_port}"
        out = WayOut(insecure={origin}, verify=NO_TLS)
        self.ends.append(out.close)
        base_url = kind.base_url(settings)
        return kind(settings, out.client(base_url=base_url, hosts={origin}, deadline=PATIENCE))

    def human(self, server: Imitation) -> Human:
        browser = httpx.Client(base_url=server.url, auth=("school", PASSWORD), trust_env=False)
        self.ends.append(browser.close)
        return Human(browser)

    def end(self) -> None:
        for end in reversed(self.ends):
            end()


@dataclass(frozen=True)
class Human:
    """Works in the screens, and sees there what is really held."""

    browser: httpx.Client

    def does(self, action: str, **form: str) -> None:
        assert self.browser.post(f"/screen/{action}", data=form).status_code == 303

    def sees(self) -> dict[str, dict[str, Any]]:
        dump = self.browser.get("/screen/contacts.json").json()
        return {contact["email"]: contact for contact in dump["contacts"]}


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    town = Town(tmp_path)
    yield town
    town.end()


def presences(traces: Iterable[Trace]) -> dict[str, Presence]:
    return {trace.place: trace.presence for trace in traces}


@pytest.mark.parametrize("kind", ONLINE)
class TestEveryHabitWithAnApi:
    @pytest.fixture
    def server(self, town: Town, kind: type[Sandbox]) -> Imitation:
        return town.platform(Habit(kind.platform.name.removeprefix("sandbox-")))

    @pytest.fixture
    def connector(self, town: Town, kind: type[Sandbox], server: Imitation) -> Sandbox:
        return town.connect(kind, server)

    @pytest.fixture
    def human(self, town: Town, server: Imitation) -> Human:
        return town.human(server)

    def test_the_key_belongs_to_an_account(self, connector: Sandbox) -> None:
        assert connector.check() == Account("account-1", "School")

    def test_a_wrong_key_must_be_renewed(
        self, town: Town, kind: type[Sandbox], server: Imitation
    ) -> None:
        with pytest.raises(Reconnect):
            town.connect(kind, server, "forged").check()

    def test_a_key_that_may_not_delete_is_refused_at_connecting(
        self, town: Town, kind: type[Sandbox], server: Imitation
    ) -> None:
        with pytest.raises(Reconnect, match="may not delete"):
            town.connect(kind, server, READING_KEY).check()

    def test_the_lists_are_the_places(self, connector: Sandbox) -> None:
        assert list(connector.places()) == [NEWS, COURSES]

    def test_a_stranger_leaves_no_trace(self, connector: Sandbox) -> None:
        assert connector.find(Identity(("nobody@example.nl",), ("0",))) == []

    def test_subscribing_shows_at_its_place(self, connector: Sandbox) -> None:
        connector.subscribe(ANNA, NEWS, consent())
        (trace,) = connector.find(WHO)
        assert (trace.place, trace.presence) == (NEWS.id, Presence.SUBSCRIBED)
        assert trace.fields == connector.translate(ANNA)

    def test_subscribing_again_changes_nothing(self, connector: Sandbox) -> None:
        connector.subscribe(ANNA, NEWS, consent())
        before = connector.find(WHO)
        connector.subscribe(ANNA, NEWS, consent())
        assert connector.find(WHO) == before

    def test_each_list_shows_its_own_trace(self, connector: Sandbox) -> None:
        connector.subscribe(ANNA, NEWS, consent())
        connector.subscribe(ANNA, COURSES, consent())
        connector.unsubscribe(WHO, [COURSES])
        assert presences(connector.find(WHO)) == {
            NEWS.id: Presence.SUBSCRIBED,
            COURSES.id: Presence.UNSUBSCRIBED,
        }

    def test_who_is_in_no_list_is_found_among_the_contacts(
        self, connector: Sandbox, human: Human
    ) -> None:
        human.does("add", email=ANNA.email)
        assert presences(connector.find(WHO)) == {"contacts": Presence.UNSUBSCRIBED}

    def test_an_address_and_an_id_of_one_contact_give_one_trace(self, connector: Sandbox) -> None:
        connector.subscribe(ANNA, NEWS, consent())
        (trace,) = connector.find(WHO)
        assert trace.remote_id is not None
        everything = Identity((ANNA.email, ANNA.email.upper()), (trace.remote_id,))
        assert connector.find(everything) == [trace]

    def test_an_absent_field_keeps_and_none_clears(self, connector: Sandbox) -> None:
        connector.subscribe(ANNA, NEWS, consent())
        new = Person(ANNA.email, {"last_name": None, "city": "Utrecht", "phone": None})
        connector.update(WHO, new)
        (trace,) = connector.find(WHO)
        assert trace.fields == {**connector.translate(new), "first_name": "Anna"}

    def test_a_new_address_replaces_the_old_in_place(self, connector: Sandbox) -> None:
        connector.subscribe(ANNA, NEWS, consent())
        (before,) = connector.find(WHO)
        connector.update(WHO, Person("bakker@example.nl"))
        (after,) = connector.find(Identity(("bakker@example.nl",)))
        assert after.remote_id == before.remote_id
        assert connector.find(WHO) == []

    def test_an_update_carried_over_twice_is_the_same(self, connector: Sandbox) -> None:
        connector.subscribe(ANNA, NEWS, consent())
        both = Identity(("bakker@example.nl", ANNA.email))
        for _ in range(2):
            connector.update(both, Person("bakker@example.nl"))
        assert len(connector.find(both)) == 1

    def test_an_address_of_someone_else_is_never_taken_over(self, connector: Sandbox) -> None:
        connector.subscribe(ANNA, NEWS, consent())
        connector.subscribe(Person("bram@example.nl"), NEWS, consent())
        with pytest.raises(Refused, match="another contact"):
            connector.update(WHO, Person("bram@example.nl"))
        assert len(connector.find(WHO)) == 1

    def test_an_absent_person_is_no_error_and_stays_absent(
        self, connector: Sandbox, human: Human
    ) -> None:
        connector.update(WHO, ANNA)
        connector.unsubscribe(WHO, [NEWS])
        connector.erase(WHO)
        assert human.sees() == {}

    def test_who_is_not_on_a_list_is_not_put_there_by_unsubscribing(
        self, connector: Sandbox
    ) -> None:
        connector.subscribe(ANNA, NEWS, consent())
        connector.unsubscribe(WHO, [COURSES])
        assert presences(connector.find(WHO)) == {NEWS.id: Presence.SUBSCRIBED}

    @pytest.mark.parametrize(
        "basis",
        [
            consent(NOW),
            consent(NOW - timedelta(days=1)),
            Basis(BasisKind.COURSE_CONTRACT, "b2", NOW + timedelta(days=1), "course"),
        ],
        ids=["at that moment", "earlier", "no consent"],
    )
    def test_an_opted_out_person_is_not_subscribed_again(
        self, connector: Sandbox, basis: Basis
    ) -> None:
        connector.subscribe(ANNA, NEWS, consent())
        connector.unsubscribe(WHO, [NEWS])
        with pytest.raises(OnlyThePerson):
            connector.subscribe(ANNA, NEWS, basis)
        assert presences(connector.find(WHO)) == {NEWS.id: Presence.UNSUBSCRIBED}

    def test_a_later_consent_brings_an_opted_out_person_back(self, connector: Sandbox) -> None:
        connector.subscribe(ANNA, NEWS, consent())
        connector.unsubscribe(WHO, [NEWS])
        connector.subscribe(ANNA, NEWS, consent(NOW + timedelta(seconds=1)))
        assert presences(connector.find(WHO)) == {NEWS.id: Presence.SUBSCRIBED}

    def test_an_address_changed_by_a_human_is_found_and_erased_by_id(
        self, connector: Sandbox, human: Human
    ) -> None:
        connector.subscribe(ANNA, NEWS, consent())
        (trace,) = connector.find(WHO)
        assert trace.remote_id is not None
        human.does("change", id=trace.remote_id, email="moved@example.nl")
        known = Identity(WHO.emails, (trace.remote_id,))
        assert connector.find(WHO) == []
        assert [seen.fields["email"] for seen in connector.find(known)] == ["moved@example.nl"]
        connector.erase(known)
        assert Presence.SUBSCRIBED not in presences(connector.find(known)).values()

    def test_a_blocked_address_is_seen_and_gets_no_mail(
        self, connector: Sandbox, human: Human
    ) -> None:
        human.does("block", email=ANNA.email)
        with pytest.raises(Refused, match="blocklist"):
            connector.subscribe(ANNA, NEWS, consent())
        assert presences(connector.find(WHO)) == {"blocklist": Presence.SUPPRESSED}

    def test_erasing_lifts_the_block_that_holds_the_address(
        self, connector: Sandbox, human: Human
    ) -> None:
        human.does("block", email=ANNA.email)
        connector.erase(WHO)
        assert connector.find(WHO) == []

    def test_erasing_twice_is_erasing_once(self, town: Town, connector: Sandbox) -> None:
        connector.subscribe(ANNA, NEWS, consent())
        connector.erase(WHO)
        before = connector.find(WHO)
        town.clock.advance(timedelta(days=1))
        connector.erase(WHO)
        assert connector.find(WHO) == before

    def test_who_returns_after_an_erasure_starts_afresh(self, connector: Sandbox) -> None:
        connector.subscribe(ANNA, NEWS, consent())
        connector.subscribe(ANNA, COURSES, consent())
        connector.erase(WHO)
        connector.subscribe(Person(ANNA.email), COURSES, consent())
        (trace,) = connector.find(WHO)
        assert (trace.place, trace.presence) == (COURSES.id, Presence.SUBSCRIBED)
        assert trace.fields["last_name"] == ""

    def test_no_address_is_ever_in_a_url(self, connector: Sandbox, server: Imitation) -> None:
        connector.subscribe(ANNA, NEWS, consent())
        connector.update(WHO, Person("bakker@example.nl"))
        connector.unsubscribe(Identity(("bakker@example.nl",)), [NEWS])
        connector.erase(Identity(("bakker@example.nl",)))
        paths = [line["path"] for line in server.journal.records() if "path" in line]
        assert len(paths) >= 7
        assert not [path for path in paths if "example" in path or "%40" in path or "?" in path]

    def test_the_key_is_not_in_the_settings_text(self, connector: Sandbox) -> None:
        assert KEY not in repr(connector.settings)


class TestArchives:
    def test_an_erased_contact_is_archived_and_never_absent(self, town: Town) -> None:
        server = town.platform(Habit.ARCHIVES)
        connector = town.connect(SandboxArchives, server)
        connector.subscribe(ANNA, NEWS, consent())
        connector.erase(WHO)
        (trace,) = connector.find(WHO)
        assert (trace.presence, trace.until) == (Presence.ARCHIVED, None)
        assert trace.fields == connector.translate(ANNA)

    def test_a_human_in_the_screens_can_delete_it(self, town: Town) -> None:
        server = town.platform(Habit.ARCHIVES)
        connector = town.connect(SandboxArchives, server)
        human = town.human(server)
        connector.subscribe(ANNA, NEWS, consent())
        connector.erase(WHO)
        human.does("delete", id=human.sees()[ANNA.email]["id"])
        assert connector.find(WHO) == []

    def test_archiving_does_not_forget_a_refusal(self, town: Town) -> None:
        connector = town.connect(SandboxArchives, town.platform(Habit.ARCHIVES))
        connector.subscribe(ANNA, NEWS, consent())
        connector.unsubscribe(WHO, [NEWS])
        connector.erase(WHO)
        with pytest.raises(OnlyThePerson):
            connector.subscribe(ANNA, NEWS, consent())


class TestThirtyDays:
    def test_an_erased_contact_is_readable_until_its_day(self, town: Town) -> None:
        connector = town.connect(SandboxThirtyDays, town.platform(Habit.THIRTY_DAYS))
        connector.subscribe(ANNA, NEWS, consent())
        connector.erase(WHO)
        town.clock.advance(timedelta(days=30, seconds=-1))
        (trace,) = connector.find(WHO)
        assert (trace.presence, trace.until) == (Presence.PURGING, NOW + timedelta(days=30))
        assert trace.fields == connector.translate(ANNA)

    def test_it_is_gone_on_that_day(self, town: Town) -> None:
        server = town.platform(Habit.THIRTY_DAYS)
        connector = town.connect(SandboxThirtyDays, server)
        connector.subscribe(ANNA, NEWS, consent())
        connector.erase(WHO)
        town.clock.advance(timedelta(days=30))
        assert connector.find(WHO) == []
        assert town.human(server).sees() == {}


class TestFlaky:
    def flaky(self, town: Town, *weather: Weather) -> tuple[Imitation, SandboxFlaky]:
        server = town.platform(Habit.FLAKY, weather)
        return server, town.connect(SandboxFlaky, server)

    def test_an_erased_contact_is_gone(self, town: Town) -> None:
        server, connector = self.flaky(town)
        connector.subscribe(ANNA, NEWS, consent())
        connector.erase(WHO)
        assert connector.find(WHO) == []
        assert town.human(server).sees() == {}

    def test_a_reset_before_acting_did_nothing(self, town: Town) -> None:
        server, connector = self.flaky(town, Weather(Fault.CUT_BEFORE))
        with pytest.raises(OutcomeUnknown):
            connector.subscribe(ANNA, NEWS, consent())
        assert town.human(server).sees() == {}

    def test_a_reset_after_acting_did_it_once(self, town: Town) -> None:
        server, connector = self.flaky(town, Weather(Fault.CUT_AFTER))
        with pytest.raises(OutcomeUnknown):
            connector.subscribe(ANNA, NEWS, consent())
        assert len(town.human(server).sees()) == 1
        assert [line["what"] for line in server.journal.records()].count("holds") == 1

    def test_a_late_call_acts_after_the_client_gave_up(self, town: Town) -> None:
        server, connector = self.flaky(town, Weather(Fault.LATE, 0.3))
        human = town.human(server)
        with pytest.raises(OutcomeUnknown):
            connector.subscribe(ANNA, NEWS, consent())
        assert human.sees() == {}
        eventually(human.sees, SandboxFlaky.platform.late_apply.total_seconds())

    def test_no_forecast_is_later_than_declared(self) -> None:
        seen = [weather for weather, _ in zip(forecast(1), range(5_000), strict=False)]
        late = [weather.seconds for weather in seen if weather.fault is Fault.LATE]
        assert {weather.fault for weather in seen} == set(Fault)
        assert max(late) < SandboxFlaky.platform.late_apply.total_seconds()

    def test_a_seed_decides_the_weather(self) -> None:
        first, second = ([next(sky) for _ in range(50)] for sky in (forecast(7), forecast(7)))
        assert first == second

    def test_down_means_that_nothing_was_done_but_does_not_say_so(self, town: Town) -> None:
        server, connector = self.flaky(town, Weather(Fault.DOWN))
        with pytest.raises(OutcomeUnknown):
            connector.subscribe(ANNA, NEWS, consent())
        assert town.human(server).sees() == {}

    def test_busy_names_how_long_to_wait(self, town: Town) -> None:
        server, connector = self.flaky(town, Weather(Fault.BUSY, 40))
        with pytest.raises(TryAt) as caught:
            connector.subscribe(ANNA, NEWS, consent())
        assert caught.value.wait == timedelta(seconds=40)
        assert town.human(server).sees() == {}

    def test_slow_is_slow_and_done(self, town: Town) -> None:
        _, connector = self.flaky(town, Weather(Fault.SLOW, 0.2))
        start = monotonic()
        connector.subscribe(ANNA, NEWS, consent())
        assert monotonic() - start >= 0.2
        assert len(connector.find(WHO)) == 1

    def test_the_declared_rate_is_the_rate_that_it_keeps(
        self, town: Town, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server = town.platform(Habit.FLAKY)
        [window] = SandboxFlaky.platform.limits.windows
        assert server.limit
        assert server.limit.seconds == window.per.total_seconds()
        at_one_moment = partial(server.limit.wait, 100.0)
        monkeypatch.setattr(server.limit, "wait", lambda _: at_one_moment())
        with raw(server) as http:
            answers = [http.get("/v1/lists") for _ in range(window.calls + 1)]
        assert [answer.status_code for answer in answers] == [200] * window.calls + [429]
        assert answers[-1].headers["Retry-After"] == "1"

    def test_what_is_repeated_gets_through_in_the_end(self, town: Town) -> None:
        server = town.platform(Habit.FLAKY, forecast(4))
        connector = town.connect(SandboxFlaky, server)
        people = [Person(f"person{number}@example.nl") for number in range(12)]
        for person in people:
            stubbornly(partial(connector.subscribe, person, NEWS, consent()))
        assert {"cut", "refused"} <= {line["what"] for line in server.journal.records()}
        assert town.human(server).sees().keys() == {person.email for person in people}


class TestByHand:
    def test_there_is_no_api(self, town: Town) -> None:
        with raw(town.platform(Habit.BY_HAND)) as http:
            for method, path in (
                ("GET", "/v1/account"),
                ("POST", "/v1/contacts"),
                ("DELETE", "/v1/contacts/0"),
            ):
                assert http.request(method, path).status_code == 404

    def test_it_never_claims_to_have_looked(self) -> None:
        with httpx.Client() as http:
            connector = SandboxByHand(Note(title="Oude nieuwsbrief"), http)
            assert connector.check() == Account("oude nieuwsbrief", "Oude nieuwsbrief")
            verbs: list[Callable[[], object]] = [
                partial(connector.find, WHO),
                partial(connector.subscribe, ANNA, NEWS, consent()),
                partial(connector.update, WHO, ANNA),
                partial(connector.unsubscribe, WHO, [NEWS]),
                partial(connector.erase, WHO),
            ]
            for verb in verbs:
                with pytest.raises(Refused, match="no API"):
                    verb()

    def test_a_human_can_do_all_that_the_steps_say(self, town: Town) -> None:
        human = town.human(town.platform(Habit.BY_HAND))
        human.does("add", email=ANNA.email, list=NEWS.id, first_name="Anna")
        contact = human.sees()[ANNA.email]["id"]
        human.does("change", id=contact, email="moved@example.nl", last_name="Bakker")
        human.does("unsubscribe", id=contact, list=NEWS.id)
        seen = human.sees()["moved@example.nl"]
        assert seen["fields"] == {"first_name": "Anna", "last_name": "Bakker"}
        assert seen["lists"][NEWS.id]["status"] == "unsubscribed"
        human.does("delete", id=contact)
        assert human.sees() == {}


class TestDeclarations:
    @pytest.mark.parametrize("kind", DECLARED)
    def test_each_says_what_stays_behind(self, kind: type[Connector[Any]]) -> None:
        platform = kind.platform
        assert (platform.hosts, platform.in_eu) == ((), True)
        assert (platform.deadline, platform.late_apply) == (
            timedelta(seconds=5),
            timedelta(seconds=3),
        )
        for left in platform.residue:
            assert left.what.nl
            assert left.what.en
            assert left.by_hand
            assert (Path(__file__).parents[2] / left.source).is_file()

    def test_their_habits_differ(self) -> None:
        assert [kind.platform.erasure for kind in DECLARED] == [
            Erasure.ARCHIVES,
            Erasure.BY_DATE,
            Erasure.DELETES,
            Erasure.IMPOSSIBLE,
        ]
        assert SandboxThirtyDays.platform.grace == timedelta(days=30)

    def test_without_an_api_every_verb_is_by_hand_and_looking_is_impossible(self) -> None:
        platform = SandboxByHand.platform
        assert set(platform.by_hand) == set(Verb)
        assert not platform.can_look
        assert all(steps.nl and steps.en for steps in platform.by_hand.values())

    @pytest.mark.parametrize(
        "address", ["", "school", "ftp://127.0.0.1", "http://", "http://u:p@127.0.0.1"]
    )
    def test_an_address_that_cannot_be_right_is_refused(self, address: str) -> None:
        with pytest.raises(Refused):
            Sandbox.base_url(Settings(base_url=address, api_key=SecretStr("k")))


def raw(server: Imitation) -> httpx.Client:
    bearer = {"Authorization": f"Bearer {KEY}"}
    return httpx.Client(base_url=server.url, headers=bearer, trust_env=False)


def stubbornly(act: Callable[[], None]) -> None:
    for _ in range(20):
        try:
            return act()
        except TryAt as error:
            sleep(error.wait.total_seconds())
        except (TryLater, OutcomeUnknown):
            continue
    pytest.fail("it never got through")


BRAM_THERE: dict[str, Any] = {
    "id": "b1",
    "email": "bram@example.nl",
    "fields": {},
    "lists": {},
    "state": "active",
    "until": None,
}


@pytest.mark.parametrize(
    "told",
    [
        Held(contacts=[Contact.model_validate(BRAM_THERE)], blocked=[]),
        Held(contacts=[], blocked=[Blocked(id="b2", email="bram@example.nl")]),
    ],
    ids=["contact", "blocklist entry"],
)
def test_an_answer_about_somebody_else_erases_nobody(
    town: Town, monkeypatch: pytest.MonkeyPatch, told: Held
) -> None:
    connector = town.connect(SandboxFlaky, town.platform(Habit.FLAKY))
    monkeypatch.setattr(connector, "search", lambda query: told)
    monkeypatch.setattr(connector, "change", lambda *_, **ids: pytest.fail("somebody is erased"))
    with pytest.raises(Unreadable, match="somebody else"):
        connector.erase(WHO)
