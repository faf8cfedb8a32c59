"""Mailchimp's ways of saying no, of saying nothing, and of saying yes without meaning it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.mailchimp import Mailchimp
from core.connector import Identity, Person
from core.errors import (
    ConnectorError,
    OnlyThePerson,
    OutcomeUnknown,
    Reconnect,
    Refused,
    TryAt,
    TryLater,
    Unreadable,
)
from tests.imitations.mailchimp import lies
from tests.imitations.mailchimp.api import Answer, key_in, problem
from tests.imitations.mailchimp.server import KEY
from tests.imitations.mailchimp.town import ANNA, BRAM, NEWS, WHO, Town, consent

JSON = "application/json"
TRIES = 3  # core.http repeats a call that only reads

# What mailchimp-marketing 3.0.80 takes for a success, by the body of an error.
HIDDEN: list[tuple[bytes, str | None]] = [
    (b"", JSON),
    (b"", None),
    (b"[]", JSON),
    (b"{}", JSON),
    (b'{"title": "Res', JSON),
    (b"null", JSON),
    (b'{"title": "Resource Not Found"}', None),  # no content type
]
BODIES = ["empty", "nothing at all", "list", "object", "cut off", "null", "no content type"]
WHILE_READING: dict[int, type[ConnectorError]] = {
    401: Reconnect,
    403: TryAt,
    404: Unreadable,
    429: TryAt,
    500: TryLater,
    503: TryLater,
}
WHILE_CHANGING = {**WHILE_READING, 500: OutcomeUnknown, 503: OutcomeUnknown}


@pytest.fixture
def town() -> Iterator[Town]:
    with Town() as town:
        town.account.join(NEWS.id, ANNA.email)
        yield town


VERBS: dict[str, Callable[[Mailchimp], object]] = {
    "member": lambda one: one.find(WHO),
    "lists": lambda one: one.places(),
    "root": lambda one: one.check(),
    "put": lambda one: one.subscribe(ANNA, NEWS, consent()),
    "patch": lambda one: one.unsubscribe(WHO, [NEWS]),
    "delete-permanent": lambda one: one.erase(WHO),
}
READING = ("member", "lists", "root")
CHANGING = ("put", "patch", "delete-permanent")


@pytest.mark.parametrize(("body", "kind"), HIDDEN, ids=BODIES)
class TestAnErrorThatTheSdkWouldHide:
    @pytest.mark.parametrize("status", WHILE_READING)
    @pytest.mark.parametrize("face", READING)
    def test_is_an_error_while_reading(
        self, town: Town, face: str, status: int, body: bytes, kind: str | None
    ) -> None:
        town.server.lie(face, *[lies.says(Answer(status, body, kind))] * TRIES)
        with pytest.raises(WHILE_READING[status]):
            VERBS[face](town.connect())

    @pytest.mark.parametrize("status", WHILE_CHANGING)
    @pytest.mark.parametrize("face", CHANGING)
    def test_is_an_error_while_changing(
        self, town: Town, face: str, status: int, body: bytes, kind: str | None
    ) -> None:
        town.server.lie(face, lies.says(Answer(status, body, kind)))
        with pytest.raises(WHILE_CHANGING[status]):
            VERBS[face](town.connect())
        assert town.held() == {ANNA.email: "subscribed"}


@pytest.mark.parametrize(
    "answer",
    [lies.HTML, lies.BARE, Answer(200, b"[]"), Answer(200, b"{}"), Answer(200, b'{"id": ')],
    ids=["HTML", "empty", "list", "object", "cut off"],
)
class TestASuccessThatSaysNothing:
    @pytest.mark.parametrize("face", READING)
    def test_cannot_be_read(self, town: Town, face: str, answer: Answer) -> None:
        town.server.lie(face, lies.says(answer))
        with pytest.raises(Unreadable):
            VERBS[face](town.connect())

    @pytest.mark.parametrize("face", ["put", "patch"])
    def test_leaves_open_what_a_change_did(self, town: Town, face: str, answer: Answer) -> None:
        town.server.lie(face, lies.acts_then(answer))
        with pytest.raises(OutcomeUnknown):
            VERBS[face](town.connect())


class TestRefusals:
    @pytest.mark.parametrize(
        "answer", [lies.TOO_MANY, lies.TOO_MANY_BARE, lies.TOO_MANY_HTML], ids=str
    )
    @pytest.mark.parametrize("face", CHANGING)
    def test_too_many_connections_is_a_reason_to_wait(
        self, town: Town, face: str, answer: Answer
    ) -> None:
        town.server.lie(face, lies.says(answer))
        with pytest.raises(TryAt):
            VERBS[face](town.connect())

    @pytest.mark.parametrize("answer", [lies.THROTTLED, lies.THROTTLED_HTML], ids=str)
    @pytest.mark.parametrize("face", VERBS)
    def test_a_403_without_json_is_no_reason_to_renew_a_key(
        self, town: Town, face: str, answer: Answer
    ) -> None:
        town.server.lie(face, lies.says(answer))
        with pytest.raises(TryAt) as caught:
            VERBS[face](town.connect())
        assert caught.value.wait == timedelta(minutes=1)

    @pytest.mark.parametrize("answer", [lies.MAY_NOT, lies.DISABLED], ids=str)
    @pytest.mark.parametrize("face", VERBS)
    def test_a_403_with_json_is_about_the_user_of_the_key(
        self, town: Town, face: str, answer: Answer
    ) -> None:
        town.server.lie(face, lies.says(answer))
        with pytest.raises(Reconnect, match="role"):
            VERBS[face](town.connect())

    def test_an_address_that_signed_up_to_many_lists_keeps_nobody_else_waiting(
        self, town: Town
    ) -> None:
        with pytest.raises(TryLater) as caught:
            town.connect().subscribe(Person("everywhere@example.nl"), NEWS, consent())
        assert not isinstance(caught.value, TryAt)

    def test_a_fake_address_is_refused_for_good(self, town: Town) -> None:
        with pytest.raises(Refused) as caught:
            town.connect().subscribe(Person("fake@example.nl"), NEWS, consent())
        assert not isinstance(caught.value, OnlyThePerson)

    def test_a_compliance_state_is_the_persons_to_end(self, town: Town) -> None:
        in_compliance = lies.says(problem(400, "Member In Compliance State"))
        town.server.lie("put", in_compliance)
        with pytest.raises(OnlyThePerson):
            town.connect().subscribe(ANNA, NEWS, consent())

    def test_a_refusal_to_delete_is_no_success(self, town: Town) -> None:
        town.server.lie("delete-permanent", lies.says(lies.NOT_ALLOWED))
        with pytest.raises(Refused):
            town.connect().erase(WHO)


class TestLies:
    def test_an_archived_contact_is_seen_as_archived(self, town: Town) -> None:
        town.server.lie("delete-permanent", lies.archives)
        town.connect().erase(WHO)
        assert town.seen() == {NEWS.id: "archived"}

    def test_an_erasure_that_was_ignored_is_seen(self, town: Town) -> None:
        town.server.lie("delete-permanent", lies.ignores)
        town.connect().erase(WHO)
        assert town.seen() == {NEWS.id: "subscribed"}

    def test_a_refusal_that_was_ignored_is_seen(self, town: Town) -> None:
        town.server.lie("patch", lies.ignores)
        town.connect().unsubscribe(WHO, [NEWS])
        assert town.seen() == {NEWS.id: "subscribed"}

    @pytest.mark.parametrize("face", CHANGING)
    def test_a_call_without_an_answer_is_left_open_and_may_act_late(
        self, town: Town, face: str
    ) -> None:
        before = town.held(), town.find()
        town.server.lie(face, lies.late)
        with pytest.raises(OutcomeUnknown):
            VERBS[face](town.connect())
        assert (town.held(), town.find()) == before
        town.server.let_happen()
        assert (town.held(), town.find()) != before

    def test_a_reset_after_acting_is_left_open(self, town: Town) -> None:
        town.server.lie("delete-permanent", lies.acts_then(lies.RESET))
        with pytest.raises(OutcomeUnknown):
            town.connect().erase(WHO)
        assert town.seen() == {}

    def test_another_person_in_the_answer_is_not_the_one_asked_for(self, town: Town) -> None:
        town.account.join(NEWS.id, BRAM)
        town.server.lie("member", lies.somebody_else)
        with pytest.raises(Unreadable, match="another member"):
            town.find()

    @pytest.mark.parametrize("face", ["put", "patch"])
    def test_another_person_in_the_answer_leaves_a_change_open(self, town: Town, face: str) -> None:
        town.account.join(NEWS.id, BRAM)
        town.server.lie(face, lies.somebody_else)
        with pytest.raises(OutcomeUnknown, match="another member"):
            VERBS[face](town.connect())

    @pytest.mark.parametrize("answer", [lies.BARE_404, problem(404, "No Route")], ids=str)
    def test_nobody_is_gone_because_a_gateway_answers_404(self, town: Town, answer: Answer) -> None:
        town.server.lie("member", lies.says(answer))
        with pytest.raises(Unreadable, match="not Mailchimp's"):
            town.find()

    def test_fewer_audiences_than_announced_are_not_all(self, town: Town) -> None:
        short = Answer(200, b'{"lists": [], "total_items": 2}')
        town.server.lie("lists", lies.says(short))
        with pytest.raises(Unreadable, match="fewer"):
            town.connect().places()


class TestWhereTheSdkWouldGo:
    def test_an_id_cannot_lead_to_another_call(self, town: Town) -> None:
        for remote_id in ("../../ping.1", "a/b.1", "..", "?x=1", "a b"):
            with pytest.raises(Refused, match="cannot have given"):
                town.find(Identity((), (remote_id,)))
        assert {call.face for call in town.server.calls} == {"lists"}

    def test_a_word_in_an_id_is_not_replaced_by_the_data_centre(self, town: Town) -> None:
        town.account.audiences["server"] = town.account.audiences[NEWS.id]
        town.account.audiences["server"].id = "server"
        town.find()
        assert "/lists/server/members" in "".join(call.path for call in town.server.calls)

    def test_a_netrc_does_not_replace_the_key(
        self, town: Town, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login somebody password else\n")
        monkeypatch.setenv("NETRC", str(netrc))
        town.connect().check()
        assert {key_in(call.authorization) for call in town.server.calls} == {KEY}

    def test_one_connection_serves_many_calls(self, town: Town) -> None:
        for _ in range(5):
            town.find()
        assert town.server.connections == 1
