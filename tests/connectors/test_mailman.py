"""The Mailman connector against a real GNU Mailman, asked directly whether it is so."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from urllib.parse import quote

import httpx
import pytest
import respx
from pydantic import SecretStr

from app.demo.mailman_server import MailmanServer, make_lists
from connectors.mailman import Mailman, Settings, rest
from core.connector import Basis, BasisKind, Identity, Person, Place, Presence, Trace
from core.errors import (
    LeaseLost,
    NotFound,
    OnlyThePerson,
    Reconnect,
    Refused,
    TryLater,
    Unreadable,
)
from core.http import WayOut

BASIS = Basis(BasisKind.CONSENT, "form-1", datetime(2026, 11, 22, tzinfo=UTC), "sign-up form")
NEWS = Place("news.school.test", "News")
COURSE = Place("course.school.test", "Course")
NUMBERS = count(1)

Connect = Callable[..., Mailman]


@dataclass
class Truth:
    """What Mailman says and stores, past the connector."""

    server: MailmanServer
    http: httpx.Client

    def member(self, place: Place, email: str, role: str = "member") -> bool:
        found = self.http.get(f"/lists/{place.id}/{role}/{quote(email)}")
        return found.status_code == 200

    def user(self, email: str) -> dict[str, str]:
        return self.got(f"/users/{quote(email)}")

    def address(self, email: str) -> dict[str, str]:
        return self.got(f"/addresses/{quote(email)}")

    def got(self, path: str) -> dict[str, str]:
        answer = self.http.get(path)
        assert answer.status_code in (200, 404)
        found: dict[str, str] = answer.json() if answer.is_success else {}
        return found

    def pending(self, place: Place, asked: str = "subscription") -> list[str]:
        route = f"/lists/{place.id}/requests"
        found = self.http.get(route, params={"request_type": asked}).json()
        return [each["email"] for each in found.get("entries", [])]

    def do(self, method: str, path: str, **form: str) -> httpx.Response:
        answer = self.http.request(method, path, data=form)
        assert answer.is_success, answer.text
        return answer

    def stores(self, text: str) -> bool:
        """Whether any row of any table of Mailman's database holds the text."""
        with closing(sqlite3.connect(self.server.var / "mailman.db")) as database:
            return any(text in line for line in database.iterdump())


@dataclass
class Calls:
    """What goes out; ``cut_before`` breaks off before that change."""

    made: int = 0
    changes: int = 0
    cut_before: int | None = None

    def call(self) -> None:
        self.made += 1

    def change(self) -> None:
        if self.changes == self.cut_before:
            raise LeaseLost
        self.changes += 1


@pytest.fixture(scope="module")
def way_out(mailman_server: MailmanServer) -> Iterator[WayOut]:
    out = WayOut(insecure={host(mailman_server)})
    yield out
    out.close()


@pytest.fixture(scope="module")
def truth(mailman_server: MailmanServer) -> Iterator[Truth]:
    ours = make_lists(mailman_server, "school.test", ["news", "course"])
    with mailman_server.client() as http:
        for entry in http.get("/lists").json()["entries"]:
            if entry["list_id"] not in ours:  # another module's: each costs calls
                http.delete(f"/lists/{entry['list_id']}").raise_for_status()
        yield Truth(mailman_server, http)


@pytest.fixture
def connect(mailman_server: MailmanServer, way_out: WayOut, truth: Truth) -> Connect:
    def connected(calls: Calls | None = None, **changed: object) -> Mailman:
        calls = calls or Calls()
        server = mailman_server
        given = {"base_url": server.url, "user": server.user, "password": server.password}
        settings = Settings.model_validate(given | changed)
        http = way_out.client(
            base_url=Mailman.base_url(settings),
            hosts={host(server)},
            deadline=Mailman.platform.deadline * 4,  # this machine may be busy
            before_call=calls.call,
            before_change=calls.change,
        )
        return Mailman(settings, http)

    return connected


@pytest.fixture
def mailman(connect: Connect) -> Mailman:
    return connect()


@pytest.fixture
def anna() -> Person:
    number = next(NUMBERS)
    fields = {"first_name": "Zoë", "last_name": f"Çelik-王{number}"}
    return Person(f"anna{number}@example.nl", fields)


def host(server: MailmanServer) -> str:
    return httpx.URL(server.url).netloc.decode()


def who(*persons: Person, ids: tuple[str, ...] = ()) -> Identity:
    return Identity(tuple(person.email for person in persons), ids)


def moved(person: Person) -> Person:
    return replace(person, email=f"new-{person.email}")


def seen(traces: object) -> set[tuple[str, Presence]]:
    assert isinstance(traces, list)
    return {(trace.place, trace.presence) for trace in traces if isinstance(trace, Trace)}


SUBSCRIBED = ("news.school.test", Presence.SUBSCRIBED)
HELD = ("address-book", Presence.UNSUBSCRIBED)


class TestLooking:
    def test_a_stranger_leaves_no_trace(self, mailman: Mailman, anna: Person) -> None:
        assert mailman.find(who(anna, ids=("0" * 32,))) == []

    def test_a_subscription_shows_with_the_user_and_the_address(
        self, mailman: Mailman, anna: Person, truth: Truth
    ) -> None:
        mailman.subscribe(anna, NEWS, BASIS)
        traces = mailman.find(who(anna))
        assert seen(traces) == {SUBSCRIBED, HELD}
        user_id = truth.user(anna.email)["user_id"]
        assert {trace.remote_id for trace in traces} == {user_id}
        shown = mailman.translate(anna)
        assert all(shown.items() >= trace.fields.items() for trace in traces)
        assert sorted(len(trace.fields) for trace in traces) == [1, 2, 2]

    def test_a_name_that_differs_between_the_copies_is_seen(
        self, mailman: Mailman, anna: Person, truth: Truth
    ) -> None:
        mailman.subscribe(anna, NEWS, BASIS)
        truth.do("PATCH", f"/users/{anna.email}", display_name="Stale")
        names = {trace.fields["name"] for trace in mailman.find(who(anna))}
        assert names == {"Stale", mailman.translate(anna)["name"]}

    def test_an_address_in_capitals_is_the_same_address(
        self, mailman: Mailman, anna: Person
    ) -> None:
        shouted = replace(anna, email=anna.email.upper())
        mailman.subscribe(shouted, NEWS, BASIS)
        assert seen(mailman.find(who(anna))) == seen(mailman.find(who(shouted)))
        assert mailman.translate(shouted) == mailman.translate(anna)

    def test_who_changed_the_address_at_mailman_is_found_by_the_user_id(
        self, mailman: Mailman, anna: Person, truth: Truth
    ) -> None:
        mailman.subscribe(anna, NEWS, BASIS)
        user_id = truth.user(anna.email)["user_id"]
        own = moved(anna)
        change_at_mailman(truth, anna, own)
        assert mailman.find(who(anna)) == []
        traces = mailman.find(who(anna, ids=(user_id,)))
        assert seen(traces) == {SUBSCRIBED, HELD}
        assert {trace.fields.get("email", own.email) for trace in traces} == {own.email}

    def test_an_address_without_a_user_shows(
        self, mailman: Mailman, anna: Person, truth: Truth
    ) -> None:
        orphan(truth, anna)
        assert seen(mailman.find(who(anna))) == {HELD}

    def test_an_address_with_a_slash_shows_though_its_url_does_not_answer(
        self, mailman: Mailman, anna: Person, truth: Truth
    ) -> None:
        odd = replace(anna, email=f"a/b{anna.email}")
        mailman.subscribe(odd, NEWS, BASIS)
        user_id = mailman.find(who(odd))[0].remote_id
        mailman.unsubscribe(who(odd), [NEWS])
        assert seen(mailman.find(who(odd))) == {HELD}
        mailman.erase(who(odd))
        assert truth.got(f"/users/{user_id}") == {}
        assert not truth.stores(odd.email)

    def test_an_asterisk_in_an_address_finds_nobody_else(
        self, mailman: Mailman, anna: Person
    ) -> None:
        mailman.subscribe(anna, NEWS, BASIS)
        assert mailman.find(Identity((f"*{anna.email[1:]}", "*@example.nl"))) == []

    def test_bans_show_at_the_list_and_for_the_site(
        self, mailman: Mailman, anna: Person, truth: Truth
    ) -> None:
        truth.do("POST", f"/lists/{NEWS.id}/bans", email=anna.email)
        truth.do("POST", f"/lists/{COURSE.id}/bans", email=pattern(anna))
        truth.do("POST", "/bans", email=anna.email.upper())
        assert seen(mailman.find(who(anna))) == {
            (NEWS.id, Presence.SUPPRESSED),
            (COURSE.id, Presence.SUPPRESSED),
            ("site-bans", Presence.SUPPRESSED),
        }
        mailman.erase(who(anna))

    @pytest.mark.parametrize(
        ("status", "presence"),
        [("by_user", Presence.UNSUBSCRIBED), ("by_bounces", Presence.SUPPRESSED)],
    )
    def test_a_member_whose_mail_is_stopped_is_not_shown_as_subscribed(
        self, mailman: Mailman, anna: Person, truth: Truth, status: str, presence: Presence
    ) -> None:
        mailman.subscribe(anna, NEWS, BASIS)
        stop_mail(truth, anna, status)
        assert seen(mailman.find(who(anna))) == {(NEWS.id, presence), HELD}

    def test_an_owner_is_no_subscriber(self, mailman: Mailman, anna: Person, truth: Truth) -> None:
        truth.do("POST", "/members", list_id=NEWS.id, subscriber=anna.email, role="owner")
        assert seen(mailman.find(who(anna))) == {("owners", Presence.SUBSCRIBED), HELD}

    def test_every_page_is_read(
        self, mailman: Mailman, anna: Person, truth: Truth, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rest, "PAGE", 1)
        for number in range(3):
            truth.do("POST", "/bans", email=f"{number}{anna.email}")
        truth.do("POST", "/bans", email=anna.email)
        for place in (NEWS, COURSE):
            mailman.subscribe(moved(anna), place, BASIS)
        traces = mailman.find(who(anna, moved(anna)))
        assert seen(traces) == {
            SUBSCRIBED,
            (COURSE.id, Presence.SUBSCRIBED),
            ("site-bans", Presence.SUPPRESSED),
            HELD,
        }
        assert {NEWS, COURSE} <= set(mailman.places())

    def test_a_list_that_cannot_be_read_is_not_skipped(
        self, mailman: Mailman, anna: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mailman, "places", lambda: [NEWS, Place("gone.school.test", "")])
        with pytest.raises(NotFound):
            mailman.find(who(anna))
        with pytest.raises(NotFound):
            mailman.erase(who(anna))


class TestSubscribing:
    def test_twice_changes_nothing(self, mailman: Mailman, anna: Person, truth: Truth) -> None:
        mailman.subscribe(anna, NEWS, BASIS)
        before = mailman.find(who(anna))
        mailman.subscribe(anna, NEWS, BASIS)
        assert mailman.find(who(anna)) == before

    def test_a_known_address_gets_the_new_name(
        self, mailman: Mailman, anna: Person, truth: Truth
    ) -> None:
        mailman.subscribe(anna, NEWS, BASIS)
        renamed = replace(anna, fields={"first_name": "Anne", "last_name": "Bakker"})
        mailman.subscribe(renamed, COURSE, BASIS)
        assert names_of(truth, anna) == ("Anne Bakker", "Anne Bakker")

    def test_without_a_name_the_name_that_is_there_stays(
        self, mailman: Mailman, anna: Person, truth: Truth
    ) -> None:
        mailman.subscribe(anna, NEWS, BASIS)
        mailman.subscribe(replace(anna, fields={"city": "Delft"}), COURSE, BASIS)
        name = mailman.translate(anna)["name"]
        assert names_of(truth, anna) == (name, name)

    def test_with_confirmation_it_waits_for_the_person(
        self, connect: Connect, anna: Person, truth: Truth
    ) -> None:
        mailman = connect(confirm=True)
        mailman.subscribe(anna, NEWS, BASIS)
        mailman.subscribe(anna, NEWS, BASIS)
        assert truth.pending(NEWS).count(anna.email) == 1
        assert not truth.member(NEWS, anna.email)
        assert seen(mailman.find(who(anna))) == {(NEWS.id, Presence.PENDING), HELD}
        mailman.erase(who(anna))

    @pytest.mark.parametrize("entry", ["exact", "capitals", "pattern"])
    def test_a_banned_person_is_refused_and_no_row_is_made(
        self, mailman: Mailman, anna: Person, truth: Truth, entry: str
    ) -> None:
        spelled = {
            "exact": anna.email,
            "capitals": anna.email.upper(),
            "pattern": rf"^{anna.email[:-3]}\.[a-z]+$",
        }[entry]
        ban = truth.do("POST", f"/lists/{NEWS.id}/bans", email=spelled)
        with pytest.raises(OnlyThePerson):
            mailman.subscribe(anna, NEWS, BASIS)
        assert truth.address(anna.email) == truth.user(anna.email) == {}
        truth.http.delete(ban.headers["location"])

    def test_who_stopped_the_mail_is_not_subscribed_again(
        self, mailman: Mailman, anna: Person, truth: Truth
    ) -> None:
        mailman.subscribe(anna, NEWS, BASIS)
        stop_mail(truth, anna, "by_user")
        with pytest.raises(OnlyThePerson):
            mailman.subscribe(anna, NEWS, BASIS)

    @pytest.mark.parametrize("email", ["zoë@example.nl", "no address"])
    def test_an_address_that_mailman_cannot_take_is_refused(
        self, mailman: Mailman, email: str
    ) -> None:
        with pytest.raises(Refused, match="does not accept") as caught:
            mailman.subscribe(Person(email), NEWS, BASIS)
        assert email not in str(caught.value)

    def test_a_list_that_is_not_there_is_refused(self, mailman: Mailman, anna: Person) -> None:
        with pytest.raises(NotFound):
            mailman.subscribe(anna, Place("gone.school.test", ""), BASIS)


class TestUpdating:
    def test_an_absent_person_stays_absent(
        self, mailman: Mailman, anna: Person, truth: Truth
    ) -> None:
        mailman.update(who(anna), moved(anna))
        assert not truth.stores(anna.email)

    def test_a_name_changes_with_the_user_and_the_address(
        self, mailman: Mailman, anna: Person, truth: Truth
    ) -> None:
        mailman.subscribe(anna, NEWS, BASIS)
        mailman.update(who(anna), replace(anna, fields={"first_name": "王", "last_name": "de 😀"}))
        assert names_of(truth, anna) == ("王 de 😀", "王 de 😀")

    def test_a_name_is_cleared_everywhere(
        self, mailman: Mailman, anna: Person, truth: Truth
    ) -> None:
        mailman.subscribe(anna, NEWS, BASIS)
        cleared = replace(anna, fields={"first_name": None, "last_name": None})
        mailman.update(who(anna), cleared)
        assert names_of(truth, anna) == (None, None)
        assert {trace.fields["name"] for trace in mailman.find(who(anna))} == {""}
        assert mailman.translate(cleared)["name"] == ""

    def test_without_a_name_the_name_stays(
        self, mailman: Mailman, anna: Person, truth: Truth
    ) -> None:
        mailman.subscribe(anna, NEWS, BASIS)
        mailman.update(who(anna), replace(anna, fields={}))
        assert names_of(truth, anna)[0] == mailman.translate(anna)["name"]

    def test_a_new_address_takes_everything_along_wherever_it_is_cut(
        self, connect: Connect, truth: Truth
    ) -> None:
        for cut in count():
            anna = rich(connect, truth)
            new, calls = moved(anna), Calls(cut_before=cut)
            known = who(new, anna)
            try:
                connect(calls).update(known, new)
                finished = True
            except LeaseLost:
                finished = False
                connect().update(known, new)
            assert_moved(connect(), truth, anna, new)
            connect().erase(known)
            if finished:
                break
        assert calls.changes >= 10

    def test_the_new_address_may_be_known_to_mailman_already(
        self, mailman: Mailman, anna: Person, truth: Truth
    ) -> None:
        new = moved(anna)
        mailman.subscribe(anna, NEWS, BASIS)
        mailman.subscribe(anna, COURSE, BASIS)
        mailman.subscribe(new, NEWS, BASIS)
        mailman.update(who(new, anna), new)
        traces = mailman.find(who(new, anna))
        assert sorted(trace.place for trace in traces) == [
            "address-book",
            "address-book",
            COURSE.id,
            NEWS.id,
        ]
        assert not truth.stores(f"'{anna.email}'")

    def test_a_subscription_by_user_moves_too(
        self, mailman: Mailman, anna: Person, truth: Truth
    ) -> None:
        mailman.subscribe(anna, COURSE, BASIS)
        user = truth.user(anna.email)["user_id"]
        truth.do("POST", f"/users/{user}/preferred_address", email=anna.email)
        flags = {"pre_verified": "true", "pre_confirmed": "true", "pre_approved": "true"}
        truth.do("POST", "/members", list_id=NEWS.id, subscriber=user, **flags)
        mailman.update(who(anna), moved(anna))
        assert truth.member(NEWS, moved(anna).email)
        assert truth.member(COURSE, moved(anna).email)
        assert truth.address(anna.email) == {}

    def test_who_changed_the_address_at_mailman_is_brought_to_the_asked_one(
        self, mailman: Mailman, anna: Person, truth: Truth
    ) -> None:
        mailman.subscribe(anna, NEWS, BASIS)
        user_id = truth.user(anna.email)["user_id"]
        change_at_mailman(truth, anna, moved(anna))
        mailman.update(who(anna, ids=(user_id,)), anna)
        assert truth.member(NEWS, anna.email)
        assert truth.address(moved(anna).email) == {}

    @pytest.mark.parametrize(
        ("policy", "turn"), [("open", "subscriber"), ("moderate", "moderator")]
    )
    def test_a_request_waits_for_the_same_under_the_new_address(
        self,
        connect: Connect,
        anna: Person,
        truth: Truth,
        mailman_server: MailmanServer,
        policy: str,
        turn: str,
    ) -> None:
        [list_id] = make_lists(mailman_server, "school.test", [policy])
        truth.do("PATCH", f"/lists/{list_id}/config", subscription_policy=policy)
        flags = {"pre_verified": "true"} if turn == "moderator" else {}
        truth.do("POST", "/members", list_id=list_id, subscriber=anna.email, **flags)
        connect().subscribe(anna, NEWS, BASIS)
        connect().update(who(anna), moved(anna))
        assert truth.member(NEWS, moved(anna).email)
        [waiting] = truth.http.get(f"/lists/{list_id}/requests").json()["entries"]
        assert (waiting["email"], waiting["token_owner"]) == (moved(anna).email, turn)
        truth.do("DELETE", f"/lists/{list_id}")
        connect().erase(who(moved(anna)))

    def test_an_address_without_a_user_moves_and_gets_the_name(
        self, mailman: Mailman, anna: Person, truth: Truth
    ) -> None:
        orphan(truth, anna)
        mailman.update(who(anna), moved(anna))
        name = mailman.translate(anna)["name"]
        assert names_of(truth, moved(anna)) == (name, name)
        assert truth.address(anna.email) == {}


class TestUnsubscribing:
    def test_an_absent_person_is_no_error(self, mailman: Mailman, anna: Person) -> None:
        mailman.unsubscribe(who(anna), [NEWS, COURSE])

    def test_the_person_stays_in_the_address_book_and_that_shows(
        self, mailman: Mailman, anna: Person, truth: Truth
    ) -> None:
        mailman.subscribe(anna, NEWS, BASIS)
        mailman.subscribe(anna, COURSE, BASIS)
        for _ in range(2):
            mailman.unsubscribe(who(anna), [NEWS])
        assert not truth.member(NEWS, anna.email)
        assert truth.member(COURSE, anna.email)
        mailman.unsubscribe(who(anna), [COURSE])
        assert seen(mailman.find(who(anna))) == {HELD}
        assert truth.user(anna.email)
        assert truth.address(anna.email)

    def test_a_pending_request_goes_and_the_role_of_owner_stays(
        self, connect: Connect, anna: Person, truth: Truth
    ) -> None:
        mailman = connect(confirm=True)
        truth.do("POST", "/members", list_id=NEWS.id, subscriber=anna.email, role="owner")
        mailman.subscribe(anna, NEWS, BASIS)
        mailman.unsubscribe(who(anna), [NEWS])
        assert anna.email not in truth.pending(NEWS)
        assert truth.member(NEWS, anna.email, "owner")

    def test_no_moderator_and_no_mail_comes_in_between(
        self, mailman: Mailman, anna: Person, truth: Truth, mailman_server: MailmanServer
    ) -> None:
        [list_id] = make_lists(mailman_server, "school.test", ["strict"])
        strict = Place(list_id, "Strict")
        truth.do("PATCH", f"/lists/{list_id}/config", unsubscription_policy="confirm_then_moderate")
        mailman.subscribe(anna, strict, BASIS)
        mailman.unsubscribe(who(anna), [strict])
        assert not truth.member(strict, anna.email)
        assert truth.pending(strict, "unsubscription") == []
        assert not any(mails(mailman_server, anna))
        truth.do("DELETE", f"/lists/{list_id}")


class TestErasing:
    def test_an_absent_person_is_no_error(self, mailman: Mailman, anna: Person) -> None:
        mailman.erase(who(anna, ids=("0" * 32,)))

    def test_nothing_stays_in_the_database_wherever_it_is_cut(
        self, connect: Connect, truth: Truth
    ) -> None:
        for cut in count():
            anna = rich(connect, truth)
            calls = Calls(cut_before=cut)
            try:
                connect(calls).erase(who(anna))
                finished = True
            except LeaseLost:
                finished = False
                connect().erase(who(anna))
            assert connect().find(who(anna)) == []
            assert not truth.stores(anna.email)
            assert not truth.stores(str(anna.fields["last_name"]))
            if finished:
                break
        assert calls.changes >= 4

    def test_an_address_that_only_mailman_knows_goes_too_with_its_ban(
        self, connect: Connect, anna: Person, truth: Truth
    ) -> None:
        connect().subscribe(anna, NEWS, BASIS)
        user_id = truth.user(anna.email)["user_id"]
        change_at_mailman(truth, anna, moved(anna))
        truth.do("POST", "/bans", email=moved(anna).email)
        connect().erase(who(anna, ids=(user_id,)))
        assert not truth.stores(anna.email)

    def test_an_address_without_a_user_goes(
        self, mailman: Mailman, anna: Person, truth: Truth
    ) -> None:
        orphan(truth, anna)
        mailman.erase(who(anna))
        assert not truth.stores(anna.email)

    def test_a_ban_stays_where_the_customer_keeps_refusals(
        self, connect: Connect, anna: Person, truth: Truth
    ) -> None:
        mailman = connect(keep_refusal=True)
        mailman.subscribe(anna, NEWS, BASIS)
        truth.do("POST", f"/lists/{NEWS.id}/bans", email=anna.email)
        mailman.erase(who(anna))
        assert seen(mailman.find(who(anna))) == {(NEWS.id, Presence.SUPPRESSED)}
        connect().erase(who(anna))
        assert mailman.find(who(anna)) == []

    def test_another_person_with_a_like_address_stays(
        self, mailman: Mailman, anna: Person, truth: Truth
    ) -> None:
        other = replace(anna, email=f"jo{anna.email}")
        truth.do("POST", "/bans", email=other.email)
        mailman.subscribe(anna, NEWS, BASIS)
        mailman.erase(who(anna))
        assert seen(mailman.find(who(other))) == {("site-bans", Presence.SUPPRESSED)}


class TestConnecting:
    def test_the_account_is_the_servers_address(
        self, connect: Connect, mailman_server: MailmanServer
    ) -> None:
        account = connect(base_url=f" {mailman_server.url}/ ").check()
        assert account.id == f"{host(mailman_server)}/3.1"

    def test_a_wrong_password_asks_to_reconnect(self, connect: Connect) -> None:
        mailman = connect(password="wrong")
        with pytest.raises(Reconnect, match="user name and password"):
            mailman.check()
        with pytest.raises(Reconnect):
            mailman.find(Identity(("anna@example.nl",)))

    @pytest.mark.parametrize(
        "address",
        [
            "lists.school.example/3.1",
            "https://lists.school.example",
            "https://lists.school.example/3.0",
            "https://user:secret@lists.school.example/3.1",
            "https://lists.school.example/3.1?x=1",
            "https://lists.school.example:port/3.1",
        ],
    )
    def test_an_address_that_cannot_be_right_is_refused(self, address: str) -> None:
        settings = Settings(base_url=address, user="u", password=SecretStr("p"))
        with pytest.raises(Refused, match="address of Mailman's API"):
            Mailman.base_url(settings)

    def test_an_address_stays_out_of_urls_while_a_user_shows_it(
        self, mailman: Mailman, anna: Person, mailman_server: MailmanServer
    ) -> None:
        mailman.subscribe(anna, NEWS, BASIS)
        [user_id] = {trace.remote_id for trace in mailman.find(who(anna))}
        known = who(anna, ids=(str(user_id),))
        mailman.unsubscribe(known, [NEWS])
        mailman.find(known)
        mailman.erase(known)
        local = anna.email.partition("@")[0]
        log = mailman_server.access_log.read_text()
        assert [line for line in log.splitlines() if local in line] == []


class TestCost:
    """Each call costs time: a change here is a change of what a customer waits for."""

    def test_calls_for_one_person_in_one_of_two_lists(self, connect: Connect, anna: Person) -> None:
        def cost(act: Callable[[Mailman], object]) -> int:
            act(connect(calls := Calls()))
            return calls.made

        assert cost(lambda mailman: mailman.find(who(anna))) == 10
        assert cost(lambda mailman: mailman.subscribe(anna, NEWS, BASIS)) == 6
        assert cost(lambda mailman: mailman.find(who(anna))) == 12
        assert cost(lambda mailman: mailman.update(who(anna), anna)) == 3
        assert cost(lambda mailman: mailman.unsubscribe(who(anna), [NEWS])) == 6
        assert cost(lambda mailman: mailman.erase(who(anna))) == 13


@dataclass
class Impostor:
    """Answers every route with the same thing."""

    body: object
    status: int = 200
    mailman: Mailman = field(init=False)

    def __post_init__(self) -> None:
        settings = Settings(
            base_url="https://lists.school.example/3.1", user="u", password=SecretStr("p")
        )
        http = httpx.Client(base_url=Mailman.base_url(settings))
        self.mailman = Mailman(settings, http)
        respx.route().mock(httpx.Response(self.status, json=self.body))


PERSON = Person("anna@example.nl", {"first_name": "Anna"})
STRANGE = [
    [],
    {},
    {"title": "404 Not Found"},
    {"total_size": "many"},
    {"total_size": 3},
    {"total_size": 1, "entries": [{"address": PERSON.email}]},
    {"total_size": 1, "entries": [{"role": "emperor"}]},
]


@respx.mock
@pytest.mark.parametrize("body", STRANGE)
def test_an_answer_that_no_mailman_gives_is_not_taken_for_absence(body: object) -> None:
    mailman = Impostor(body).mailman
    for act in (
        mailman.check,
        mailman.places,
        lambda: mailman.find(who(PERSON)),
        lambda: mailman.find(Identity((), ("0" * 32,))),
        lambda: mailman.erase(who(PERSON)),
        lambda: mailman.subscribe(PERSON, NEWS, BASIS),
    ):
        with pytest.raises(Unreadable) as caught:
            act()
        assert PERSON.email not in str(caught.value)
        assert caught.value.__context__ is None


@respx.mock
@pytest.mark.parametrize(
    ("asked", "body"),
    [
        (Identity((), ("0" * 32,)), {"user_id": "1" * 32}),
        (who(PERSON), {"total_size": 0, "email": "bram@example.nl"}),
    ],
    ids=["user", "address"],
)
def test_an_answer_about_somebody_else_is_not_followed(
    asked: Identity, body: dict[str, object]
) -> None:
    """What it leads to would be erased."""
    with pytest.raises(Unreadable, match="somebody else"):
        Impostor(body).mailman.erase(asked)


@respx.mock
def test_a_web_servers_404_is_not_taken_for_absence() -> None:
    mailman = Impostor({"title": "404 Not Found"}, status=404).mailman
    with pytest.raises(Unreadable):
        mailman.find(Identity((), ("0" * 32,)))


@respx.mock
def test_an_accident_inside_mailman_is_tried_later() -> None:
    respx.get(path__regex="bans").respond(json={"total_size": 0})
    respx.post(path="/3.1/members").respond(
        400, json={"title": "400 Bad Request", "description": "database is locked"}
    )
    with pytest.raises(TryLater):
        Impostor({}).mailman.subscribe(PERSON, NEWS, BASIS)


@respx.mock
def test_a_collection_that_changes_between_two_pages_is_read_again_later() -> None:
    ban = {"email": "ban@example.nl"}
    respx.get(path="/3.1/bans", params={"page": "1"}).respond(
        json={"total_size": 3, "entries": [ban]}
    )
    respx.get(path="/3.1/bans", params={"page": "2"}).respond(
        json={"total_size": 2, "entries": [ban]}
    )
    with pytest.raises(TryLater):
        Impostor({}).mailman.rest.bans(None)


def pattern(person: Person) -> str:
    return "^" + person.email.replace(".", r"\.") + "$"


def names_of(truth: Truth, person: Person) -> tuple[str | None, str | None]:
    user, address = truth.user(person.email), truth.address(person.email)
    return user.get("display_name"), address.get("display_name")


def orphan(truth: Truth, person: Person) -> None:
    truth.do("POST", "/users", email=person.email)
    truth.do("DELETE", f"/addresses/{person.email}/user")


def stop_mail(truth: Truth, person: Person, status: str) -> None:
    member = truth.got(f"/lists/{NEWS.id}/member/{person.email}")["member_id"]
    truth.do("PATCH", f"/members/{member}/preferences", delivery_status=status)


def change_at_mailman(truth: Truth, old: Person, new: Person) -> None:
    """As the person does it in Mailman's own screens."""
    member = truth.got(f"/lists/{NEWS.id}/member/{old.email}")["member_id"]
    truth.do("POST", f"/users/{old.email}/addresses", email=new.email)
    truth.do("POST", f"/addresses/{new.email}/verify")
    truth.do("PATCH", f"/members/{member}", address=new.email)
    truth.do("DELETE", f"/addresses/{old.email}")


def rich(connect: Connect, truth: Truth) -> Person:
    """A person in every store: two lists, a role, a pending request, two bans."""
    number = next(NUMBERS)
    anna = Person(f"rich{number}@example.nl", {"first_name": "Rich", "last_name": f"van R{number}"})
    connect(confirm=True).subscribe(anna, COURSE, BASIS)
    connect().subscribe(anna, NEWS, BASIS)
    truth.do("POST", "/members", list_id=NEWS.id, subscriber=anna.email, role="owner")
    truth.do("POST", f"/lists/{COURSE.id}/bans", email=pattern(anna))
    truth.do("POST", "/bans", email=anna.email)
    return anna


def assert_moved(mailman: Mailman, truth: Truth, old: Person, new: Person) -> None:
    traces = mailman.find(who(new, old))
    assert seen(traces) == {
        SUBSCRIBED,
        (COURSE.id, Presence.PENDING),
        ("owners", Presence.SUBSCRIBED),
        (COURSE.id, Presence.SUPPRESSED),
        ("site-bans", Presence.SUPPRESSED),
        HELD,
    }
    assert {trace.fields.get("email", new.email) for trace in traces} == {new.email}
    assert len(traces) == 7
    assert truth.member(NEWS, new.email)
    assert truth.member(NEWS, new.email, "owner")
    assert truth.pending(COURSE) == [new.email]
    assert truth.address(old.email) == {}
    assert not truth.stores(f"'{old.email}'")


def mails(server: MailmanServer, person: Person) -> Iterator[str]:
    """Queue files that would be mailed to the person."""
    for path in server.var.glob("queue/*/*.pck"):
        if person.email.encode() in path.read_bytes():
            yield path.name
