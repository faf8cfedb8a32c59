"""The table of answer faults sees what it is for: connectors, then rules of the wire, broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from typing import Any

import httpx
import pytest

from core.connector import Basis, Connector, Identity, Person, Place, Trace, Verb
from core.errors import ConnectorError, Refused, TryLater, Unreadable
from core.http import answers, network, transport
from core.http.requests import Effect
from tests.connectors.benches import breaks
from tests.connectors.benches.breaks import Wrapped
from tests.connectors.benches.sandbox import FlakyBench
from tests.connectors.faults.cases import FAULTS, FIND, Case, When
from tests.connectors.faults.doors import two_authorities
from tests.connectors.faults.fault import sends
from tests.connectors.faults.memory import MOST_GROWTH, growth
from tests.connectors.faults.stage import Stage
from tests.connectors.faults.verdicts import complaints
from tests.core.http.loopback import answer

LOOK = (FIND, When.FIRST_READ)
ERASE = (Verb.ERASE, When.CHANGE)
ERASED = (Verb.ERASE, When.DONE)
SUBSCRIBE = (Verb.SUBSCRIBE, When.CHANGE)
BY_NAME = {fault.name: fault for fault in FAULTS}
GONE, NOT_DONE = "called gone that is there", "called done that is not"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    doors = two_authorities(tmp_path_factory.mktemp("authorities"))
    nobody = sends(answer(b'{"error": "unknown_contact"}', status="404 No"))
    with doors.open(), closing(FlakyBench()) as bench:
        stage = Stage(bench, doors, nobody)
        with stage.open():
            yield stage


class TakesNothingForNobody(Wrapped):
    """Whatever cannot be read is an empty list."""

    def find(self, who: Identity) -> Sequence[Trace]:
        try:
            return super().find(who)
        except (Refused, Unreadable):
            return []


class CatchesEverything(Wrapped):
    def find(self, who: Identity) -> Sequence[Trace]:
        try:
            return super().find(who)
        except Exception:  # noqa: BLE001 - that is what is wrong with it
            return []

    def erase(self, who: Identity) -> None:
        try:
            super().erase(who)
        except Exception:  # noqa: BLE001 - as above
            return

    def subscribe(self, person: Person, place: Place, basis: Basis) -> None:
        try:
            super().subscribe(person, place, basis)
        except Exception:  # noqa: BLE001 - as above
            return


class TellsWhoItWas(Wrapped):
    def erase(self, who: Identity) -> None:
        try:
            super().erase(who)
        except ConnectorError as error:
            raise type(error)(f"{error} while erasing {who.emails[0]}") from error


def wrapped(kind: type[Wrapped]) -> Callable[[pytest.MonkeyPatch, Stage], None]:
    def plant(patch: pytest.MonkeyPatch, stage: Stage) -> None:
        def connect(http: httpx.Client) -> Connector[Any]:
            return kind(stage.bench.over(http), stage.bench, [])

        patch.setattr(stage, "connect", connect)

    return plant


def passes_on_any_body(patch: pytest.MonkeyPatch, _: Stage) -> None:
    patch.setattr(transport, "flaw", lambda headers, body: None)


def reads_keys_twice(patch: pytest.MonkeyPatch, _: Stage) -> None:
    patch.setattr(answers, "unique", dict)


def takes_silence_for_no(patch: pytest.MonkeyPatch, _: Stage) -> None:
    words: Mapping[Effect, type[ConnectorError]] = dict.fromkeys(Effect, TryLater)
    patch.setattr(transport, "NO_WORD", words)
    patch.setattr(answers, "NO_WORD", words)


def takes_moved_for_refused(patch: pytest.MonkeyPatch, _: Stage) -> None:
    patch.setattr(answers, "GARBLED", dict.fromkeys(Effect, Refused))


def waits_at_most_a_minute(patch: pytest.MonkeyPatch, _: Stage) -> None:
    patch.setattr(answers, "LONGEST_WAIT", timedelta(minutes=1))


def waits_for_each_byte(patch: pytest.MonkeyPatch, _: Stage) -> None:
    patch.setattr(network.Call, "seconds", lambda call, otherwise: 1.5)


PLANTED = [
    (wrapped(TakesNothingForNobody), "nothing", LOOK, GONE),
    (wrapped(TakesNothingForNobody), "404 with a page", LOOK, GONE),
    (wrapped(breaks.TakesAPageForNothing), "a login page", LOOK, GONE),
    (wrapped(breaks.TakesTooManyForNothing), "429 with seconds", LOOK, GONE),
    (wrapped(breaks.ShortensTheWait), "429 with a billion", LOOK, "a wait of 0:00:01"),
    (wrapped(breaks.LetsAParserSpeak), "half an object", LOOK, "left the connector"),
    (wrapped(breaks.TakesSilenceForYes), "500", ERASE, NOT_DONE),
    (wrapped(breaks.TakesSilenceForYes), "no answer", SUBSCRIBE, NOT_DONE),
    (wrapped(breaks.TakesARefusalForAbsence), "410 with a page", ERASE, NOT_DONE),
    (wrapped(CatchesEverything), "a reset before the answer", ERASE, NOT_DONE),
    (wrapped(CatchesEverything), "a door that refuses", SUBSCRIBE, NOT_DONE),
    (wrapped(CatchesEverything), "a bomb of gzip", LOOK, GONE),
    (wrapped(CatchesEverything), "a door with an expired certificate", LOOK, GONE),
    (wrapped(TellsWhoItWas), "401 with a page", ERASE, "tells too much"),
    (passes_on_any_body, "a key twice", LOOK, GONE),
    (reads_keys_twice, "a key twice", LOOK, GONE),
    (takes_silence_for_no, "502", ERASED, "in place of OutcomeUnknown"),
    (takes_silence_for_no, "half of the body", ERASED, "in place of OutcomeUnknown"),
    (takes_silence_for_no, "no answer", ERASED, "in place of OutcomeUnknown"),
    (takes_moved_for_refused, "302 to itself", ERASED, "in place of OutcomeUnknown"),
    (waits_at_most_a_minute, "429 with a date next year", LOOK, "a wait of 0:01:00"),
    (waits_for_each_byte, "no answer", LOOK, "took "),
]


@pytest.mark.parametrize(
    ("plant", "name", "moment", "said"),
    PLANTED,
    ids=[f"{number}-{name}" for number, (_, name, *_) in enumerate(PLANTED)],
)
def test_what_is_broken_is_seen(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    plant: Callable[[pytest.MonkeyPatch, Stage], None],
    name: str,
    moment: tuple[str, When],
    said: str,
) -> None:
    case = Case(BY_NAME[name], *moment)
    assert [*complaints(stage, case, {})] == []
    plant(monkeypatch, stage)
    found = [*complaints(stage, case, {})]
    assert any(what.startswith(str(case)) and said in what for what in found)


def test_who_reads_too_much_is_seen(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case(BY_NAME["a body without a length"], *LOOK)
    with growth() as fair:
        assert [*complaints(stage, case, {})] == []
    monkeypatch.setattr(transport, "BODY_CAP", 2 * MOST_GROWTH)
    with growth() as planted:
        assert [*complaints(stage, case, {})] == []
    assert fair.peak <= MOST_GROWTH < planted.peak
