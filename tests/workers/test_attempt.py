"""One attempt: when it looks, when it acts, and what it never does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.connector import Basis, BasisKind, Identity, Person, Place, Presence, Text, Verb
from core.database import DatabaseAway
from core.errors import LeaseLost, OnlyThePerson, OutcomeUnknown, Refused, TryLater, Unreadable
from core.holding import Assignment, Holding
from core.states import State
from core.testing.imitation import (
    COURSES,
    HONEST,
    NEWS,
    Imitation,
)
from core.testing.lies import (
    acts_then_fails,
    fails,
    shows_nobody,
)
from core.verdict import Verdict
from core.wants import Wants
from tests.databases import NOW
from tests.workers.test_advance import ASKED, ID
from workers.attempt import Done, Scene, attempt

EMAIL, OLD = "anna@example.nl", "anna.oud@example.nl"
ANNA = Person(EMAIL, {"first_name": "Anna", "last_name": "de Vries"})
BASIS = Basis(BasisKind.CONSENT, "b1", NOW, "form")
BY_HAND = Text(nl="Doe het daar.", en="Do it there.")


def nothing() -> None: ...


class Stage:
    """An imitation with one holding in front of it."""

    def __init__(self) -> None:
        self.imitation = Imitation(lambda: NOW)
        self.places: tuple[Place, ...] = (NEWS, COURSES)
        self.before_change: Callable[[], None] = nothing
        self.connected = 0

    def connect(self) -> Any:
        self.connected += 1
        return self.imitation.connect(nothing, self.before_change)

    def run(
        self,
        holding: Holding,
        *,
        person: Person | None = ANNA,
        who: Identity | None = None,
        shared: frozenset[str] = frozenset(),
        bases: Mapping[str, Basis] | None = None,
    ) -> Done:
        given = {NEWS.id: BASIS, COURSES.id: BASIS} if bases is None else bases
        told = who or Identity((EMAIL,))
        assignment = Assignment(holding, ID, told, person, given, shared, None, 0)
        mapped = frozenset({NEWS.id, COURSES.id})
        fields = ("first_name", "last_name")
        platform = self.imitation.platform
        scene = Scene(platform, self.places, mapped, fields, keep_refusal=False, clock=lambda: NOW)
        return attempt(assignment, self.connect, scene)

    @property
    def faces(self) -> list[str]:
        return [call.face for call in self.imitation.calls]


@pytest.fixture
def stage() -> Stage:
    return Stage()


def verdict(done: Done) -> Verdict | None:
    return done.look.judgement.verdict if done.look else None


def test_the_first_time_it_acts_and_then_looks(stage: Stage) -> None:
    done = stage.run(ASKED["subscribe"])
    assert stage.faces == ["subscribe", "find"]
    assert (done.acted, verdict(done)) == (True, Verdict.CONFIRMED)


def test_what_was_sent_before_is_looked_at_first(stage: Stage) -> None:
    stage.imitation.join(EMAIL, NEWS, first_name="Anna", last_name="de Vries")
    done = stage.run(replace(ASKED["subscribe"], acted_seq=1))
    assert stage.faces == ["find"]
    assert (done.acted, verdict(done)) == (False, Verdict.CONFIRMED)


def test_what_may_still_act_is_looked_at_first(stage: Stage) -> None:
    stage.imitation.join(EMAIL, NEWS, first_name="Anna", last_name="de Vries")
    stage.run(replace(ASKED["subscribe"], ambiguous_until=NOW + timedelta(seconds=1)))
    assert stage.faces == ["find"]


def test_only_what_is_missing_is_sent_again(stage: Stage) -> None:
    stage.imitation.join(EMAIL, NEWS, first_name="Anna", last_name="de Vries")
    wants = Wants().subscribe([NEWS.id, COURSES.id], 1)
    done = stage.run(replace(ASKED["subscribe"], wants=wants, acted_seq=1))
    assert stage.faces == ["find", "subscribe", "find"]
    assert stage.imitation.calls[1].arguments[1] == COURSES
    assert verdict(done) is Verdict.CONFIRMED


def test_a_patrol_only_looks(stage: Stage) -> None:
    stage.imitation.join(EMAIL)
    done = stage.run(ASKED["patrol"], person=None)
    assert stage.faces == ["find"]
    assert verdict(done) is Verdict.CONTRADICTED


def test_who_came_back_is_not_measured_by_the_erasure_before(stage: Stage) -> None:
    stage.imitation.join(EMAIL, NEWS, first_name="Anna", last_name="de Vries")
    back = replace(ASKED["erase and back"], reached_seq=2)
    done = stage.run(back)
    assert stage.faces == ["find"]
    assert verdict(done) is Verdict.CONFIRMED


def test_a_place_out_of_sight_is_not_written_to(stage: Stage) -> None:
    stage.places = (COURSES,)
    done = stage.run(ASKED["subscribe"])
    assert stage.faces == ["find"]
    assert (done.acted, verdict(done)) == (False, Verdict.CANNOT_LOOK)


def test_an_erasure_needs_every_mapped_place_in_sight(stage: Stage) -> None:
    stage.places = (COURSES,)
    done = stage.run(ASKED["erase"], person=None)
    assert stage.faces == ["erase", "find"]
    assert verdict(done) is Verdict.CANNOT_LOOK


def test_every_remote_id_that_any_look_showed_is_learned(stage: Stage) -> None:
    stage.imitation.join(EMAIL)
    done = stage.run(replace(ASKED["erase"], acted_seq=1), person=None)
    assert stage.faces == ["find", "erase", "find"]
    assert done.remote_ids == ("id-1",)
    assert stage.imitation.calls[2].arguments[0].remote_ids == ("id-1",)


@pytest.mark.parametrize("error", [LeaseLost(), DatabaseAway("OperationalError")])
def test_what_stops_us_is_not_the_platforms_failure(stage: Stage, error: Exception) -> None:
    def stop() -> None:
        raise error

    stage.before_change = stop
    done = stage.run(ASKED["subscribe"])
    assert (done.overtaken, done.error, done.acted) == (True, None, False)
    assert stage.faces == []


def test_an_error_after_the_act_keeps_what_is_known(stage: Stage) -> None:
    stage.imitation.lie("find", fails(TryLater("503")))
    done = stage.run(ASKED["subscribe"])
    assert isinstance(done.error, TryLater)
    assert done.acted
    assert done.look is None


@pytest.mark.parametrize(("face", "means"), [("subscribe", OutcomeUnknown), ("find", Unreadable)])
def test_a_connectors_fault_is_named_by_its_type(
    stage: Stage, face: str, means: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    """In the middle of a change nobody knows whether it happened; elsewhere nothing did."""
    stage.imitation.lie(face, acts_then_fails(ZeroDivisionError(EMAIL)))
    done = stage.run(ASKED["subscribe"])
    assert type(done.error) is means
    assert str(done.error) == "ZeroDivisionError"
    assert EMAIL not in caplog.text


def test_a_connector_that_cannot_be_made_is_a_recorded_failure(stage: Stage) -> None:
    def refuse() -> Any:
        raise Refused("the address cannot be right")

    stage.connect = refuse  # type: ignore[method-assign]  # a connector of another kind
    assert isinstance(stage.run(ASKED["erase"], person=None).error, Refused)


def test_nothing_is_sent_of_whom_nothing_is_left(stage: Stage) -> None:
    done = stage.run(ASKED["update"], person=None)
    assert isinstance(done.error, Refused)
    assert stage.faces == []


def test_whom_we_can_no_longer_look_for_is_never_called_gone(stage: Stage) -> None:
    """An empty search finds nothing, which would look like absence."""
    done = stage.run(ASKED["erase"], who=Identity(()), person=None)
    assert isinstance(done.error, Refused)
    assert done.look is None
    assert stage.connected == 0


def test_nobody_is_subscribed_without_a_basis(stage: Stage) -> None:
    done = stage.run(ASKED["subscribe"], bases={})
    assert isinstance(done.error, Unreadable)
    assert stage.faces == []


def test_one_refusal_leaves_the_rest_to_be_done(stage: Stage) -> None:
    stage.imitation.join(EMAIL, NEWS).opted_out = True
    wants = Wants().subscribe([NEWS.id, COURSES.id], 1)
    done = stage.run(replace(ASKED["subscribe"], wants=wants))
    assert isinstance(done.error, OnlyThePerson)
    assert done.acted
    assert done.look is not None
    assert {entry.place for entry in stage.imitation.entries} == {NEWS.id, COURSES.id}


@pytest.mark.parametrize("lie", [fails(Refused("405")), acts_then_fails(Refused("404"))])
def test_a_refusal_does_not_matter_where_nobody_is_left(stage: Stage, lie: Any) -> None:
    stage.imitation.lie("erase", lie)
    done = stage.run(ASKED["erase"], person=None)
    assert (done.error, verdict(done)) == (None, Verdict.ABSENT)


@pytest.mark.parametrize(("looks", "sends"), [(0, 1), (1, 0), (3, 0)])
def test_who_is_slow_to_show_is_not_asked_twice(stage: Stage, looks: int, sends: int) -> None:
    stage.imitation.always("find", shows_nobody)
    waiting = replace(ASKED["subscribe"], acted_seq=1, looks=looks, state=State.SENT)
    stage.run(waiting)
    assert stage.imitation.made("subscribe") == sends


def test_an_unanswered_subscription_that_shows_nowhere_is_sent_again(stage: Stage) -> None:
    unanswered = replace(ASKED["subscribe"], acted_seq=1, looks=1, state=State.RETRYING)
    stage.run(unanswered)
    assert stage.faces == ["find", "subscribe", "find"]


def test_what_is_by_hand_is_looked_at_before_a_human_is_sent(stage: Stage) -> None:
    stage.imitation.platform = replace(HONEST, by_hand={Verb.ERASE: BY_HAND})
    done = stage.run(ASKED["erase"], person=None)
    assert (done.by_hand, verdict(done)) == (None, Verdict.ABSENT)
    stage.imitation.join(EMAIL)
    assert stage.run(ASKED["erase"], person=None).by_hand is Verb.ERASE
    assert stage.faces == ["find", "find"]


def test_where_all_is_by_hand_nobody_connects(stage: Stage) -> None:
    by_hand = dict.fromkeys(Verb, BY_HAND)
    stage.imitation.platform = replace(HONEST, by_hand=by_hand, can_look=False)
    for asked in ("subscribe", "update", "unsubscribe", "erase"):
        done = stage.run(ASKED[asked])
        assert done == Done(by_hand=Verb(asked))
    assert stage.connected == 0


@pytest.mark.parametrize(("acted_seq", "sends"), [(0, 1), (1, 0)])
def test_where_we_cannot_look_it_is_sent_once(stage: Stage, acted_seq: int, sends: int) -> None:
    stage.imitation.platform = replace(HONEST, can_look=False)
    done = stage.run(replace(ASKED["subscribe"], acted_seq=acted_seq))
    assert stage.faces == ["subscribe"] * sends
    assert done.look is None


@pytest.mark.parametrize(("acted_seq", "sends"), [(1, ["erase"]), (2, [])])
def test_where_we_cannot_look_an_erasure_is_sent_whatever_was_sent_before(
    stage: Stage, acted_seq: int, sends: list[str]
) -> None:
    stage.imitation.platform = replace(HONEST, can_look=False)
    wants = Wants().subscribe([NEWS.id], 1).erased(2)
    stage.run(replace(ASKED["erase"], wants=wants, asked_seq=2, acted_seq=acted_seq), person=None)
    assert stage.faces == sends


def test_where_we_cannot_look_only_what_is_newer_is_sent(stage: Stage) -> None:
    stage.imitation.platform = replace(HONEST, can_look=False)
    wants = Wants().subscribe([NEWS.id], 1).change(2)
    stage.run(replace(ASKED["subscribe"], wants=wants, asked_seq=2, acted_seq=1))
    assert stage.faces == ["update"]


def test_an_erasure_does_not_wait_for_what_may_still_act(stage: Stage) -> None:
    wants = Wants().subscribe([NEWS.id], 1).erased(2)
    later = NOW + timedelta(minutes=1)
    unsure = replace(ASKED["erase"], wants=wants, asked_seq=2, acted_seq=1, ambiguous_until=later)
    stage.run(unsure, person=None)
    assert stage.faces == ["erase", "find"]


def test_a_shared_contact_shows_nobodys_name(stage: Stage) -> None:
    done = stage.run(ASKED["subscribe"], shared=frozenset({EMAIL}))
    [entry] = stage.imitation.entries
    assert entry.fields == {"first_name": "", "last_name": ""}
    assert verdict(done) is Verdict.CONFIRMED


def test_erasing_a_shared_contact_takes_the_name_only(stage: Stage) -> None:
    stage.imitation.join(EMAIL, NEWS, first_name="Anna")
    done = stage.run(ASKED["erase"], person=None, shared=frozenset({EMAIL}))
    assert stage.imitation.made("erase") == 0
    [entry] = stage.imitation.entries
    assert (entry.email, entry.fields["first_name"]) == (EMAIL, "")
    assert verdict(done) is Verdict.CONFIRMED


def test_erasing_tells_what_is_shared_from_what_is_the_persons_own(stage: Stage) -> None:
    shared = stage.imitation.join(OLD, NEWS, first_name="Anna")
    stage.imitation.join(EMAIL, COURSES, first_name="Anna")
    who = Identity((EMAIL, OLD), (shared.id,))
    done = stage.run(ASKED["erase"], person=None, who=who, shared=frozenset({OLD}))
    assert stage.imitation.entries == [shared]
    assert (shared.email, shared.fields["first_name"]) == (OLD, "")
    assert verdict(done) is Verdict.CONFIRMED
    assert shared.id not in done.remote_ids


def test_an_own_contact_that_stays_is_not_hidden_by_a_shared_one(stage: Stage) -> None:
    stage.imitation.join(OLD, NEWS)
    stage.imitation.join(EMAIL, COURSES)
    stage.imitation.lie("erase", lambda *_: None)
    who = Identity((EMAIL, OLD))
    done = stage.run(ASKED["erase"], person=None, who=who, shared=frozenset({OLD}))
    assert verdict(done) is Verdict.CONTRADICTED


def test_where_the_shared_address_is_not_found_nothing_is_shared(stage: Stage) -> None:
    stage.imitation.join("ben@example.nl")
    done = stage.run(ASKED["erase"], person=None, shared=frozenset({EMAIL}))
    assert verdict(done) is Verdict.ABSENT


@pytest.mark.parametrize("asked", ["update", "unsubscribe"])
def test_an_old_address_that_others_use_is_left_alone(stage: Stage, asked: str) -> None:
    theirs = stage.imitation.join(OLD, NEWS, first_name="Ben")
    before = replace(theirs, fields=dict(theirs.fields))
    mine = stage.imitation.join(EMAIL, NEWS)
    who = Identity((EMAIL, OLD), (theirs.id, mine.id))
    stage.run(ASKED[asked], who=who, shared=frozenset({OLD}))
    assert theirs == before
    changed = mine.fields["first_name"] == "Anna" or mine.presence is Presence.UNSUBSCRIBED
    assert changed
