"""Whatever goes wrong with an answer, a connector is not fooled by it: on real sockets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

import connectors
from core.connector import Verb
from core.errors import TryAt
from tests.connectors.benches.laposta import LapostaBench
from tests.connectors.benches.mailchimp import MailchimpBench
from tests.connectors.benches.mailman import MailmanBench
from tests.connectors.benches.reached import Reached
from tests.connectors.benches.sandbox import ArchivesBench, FlakyBench, ThirtyDaysBench
from tests.connectors.faults.cases import (
    EVERYWHERE,
    FAULTS,
    FIND,
    IN_BULK,
    LOOKS_FIRST,
    PLACES,
    Case,
    Moments,
    When,
    cases,
)
from tests.connectors.faults.doors import Doors, two_authorities
from tests.connectors.faults.fault import Fault, sends
from tests.connectors.faults.front import Play
from tests.connectors.faults.memory import MOST_GROWTH, Growth, growth
from tests.connectors.faults.stage import Stage
from tests.connectors.faults.statuses import SHAPES
from tests.connectors.faults.verdicts import Choices, complaints
from tests.core.http.loopback import answer
from tests.storms.noted import Note, Storm

PATIENCE = timedelta(seconds=1)
SLOW = [fault for fault in FAULTS if fault.slow]


def no(status: int, **said: object) -> Play:
    return sends(answer(json.dumps(said).encode(), status=f"{status} No"))


@dataclass(frozen=True)
class Subject:
    """``nobody``: how it says that it has no such person. ``own``: its documented choices."""

    nobody: Play
    bench: Callable[[], Reached] | None = None  # None: Mailman, which is a real server
    changes: Sequence[Verb] = (Verb.ERASE,)  # in turn
    also: Moments = ()
    own: Choices = field(default_factory=dict)


UNKNOWN = {"type": "x", "code": 203, "parameter": "member_id", "message": "Unknown member"}
UNKNOWN_CONTACT = no(404, error="unknown_contact")
# Over its limit of connections Mailchimp answers 403, without a word of its own.
BUSY = {f"403 with {shape}": (TryAt,) for shape in SHAPES}
ALL = tuple(Verb)
SUBJECTS: Mapping[str, Subject] = {
    "laposta": Subject(no(400, error=UNKNOWN), LapostaBench, ALL, IN_BULK),
    "mailchimp": Subject(
        no(404, title="Resource Not Found"), MailchimpBench, ALL, (*LOOKS_FIRST, *IN_BULK), BUSY
    ),
    "mailman": Subject(
        no(404, title="404 Not Found", description="x"), changes=(Verb.SUBSCRIBE,), also=LOOKS_FIRST
    ),
    "sandbox-archives": Subject(UNKNOWN_CONTACT, ArchivesBench),
    "sandbox-flaky": Subject(UNKNOWN_CONTACT, FlakyBench, ALL),
    "sandbox-thirty-days": Subject(UNKNOWN_CONTACT, ThirtyDaysBench),
}
WITHOUT_A_WIRE = {"sandbox-by-hand"}


def quick(name: str, fault: Fault) -> Sequence[Case]:
    """A look or two, and one change; every other moment is for ``make storm``."""
    changes = SUBJECTS[name].changes
    verb = changes[FAULTS.index(fault) % len(changes)]
    looks = [FIND, PLACES] if fault.kind == "F19" else [FIND]
    some = [*cases(fault, [(look, When.FIRST_READ) for look in looks])]
    change = [*cases(fault, [(verb, When.CHANGE), (verb, When.DONE)])]
    return some if fault.slow else [*some, *change[:1]]


def rest(name: str, fault: Fault) -> Sequence[Case]:
    early = quick(name, fault)
    return [case for case in cases(fault, moments(name)) if case not in early]


def moments(name: str) -> Moments:
    return [*EVERYWHERE, *SUBJECTS[name].also]


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    doors = two_authorities(tmp_path_factory.mktemp("authorities"))
    with doors.open():
        yield doors


@pytest.fixture(scope="module")
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def stage(name: str, request: pytest.FixtureRequest, doors: Doors) -> Iterator[Stage]:
    make = SUBJECTS[name].bench
    bench = make() if make else MailmanBench(request.getfixturevalue("mailman_server"))
    with closing(bench):
        stage = Stage(bench, doors, SUBJECTS[name].nobody)
        with stage.open():
            yield stage


every_fault = pytest.mark.parametrize(
    "fault", FAULTS, ids=[f"{fault.kind}-{fault.name}" for fault in FAULTS]
)
every_platform = pytest.mark.parametrize("name", SUBJECTS, indirect=True)


def plays(stage: Stage, name: str, fault: Fault, several: Sequence[Case]) -> None:
    own = SUBJECTS[name].own
    with growth() if fault.kind == "F18" else nullcontext(Growth()) as grown:
        wrong = [what for case in several for what in complaints(stage, case, own)]
    assert wrong == []
    assert grown.peak <= MOST_GROWTH


@every_platform
@every_fault
def test_nobody_is_fooled(stage: Stage, name: str, fault: Fault) -> None:
    plays(stage, name, fault, quick(name, fault))


@pytest.mark.storm
@every_platform
@every_fault
def test_nobody_is_fooled_at_any_moment(stage: Stage, name: str, fault: Fault, note: Note) -> None:
    several = rest(name, fault)
    plays(stage, name, fault, several)
    note(Storm(name=f"answer faults, {name}", operations=len(several)))


@pytest.mark.storm
@every_platform
@pytest.mark.parametrize("fault", SLOW, ids=[fault.name for fault in SLOW])
def test_a_deadline_is_kept_in_real_time(stage: Stage, name: str, fault: Fault) -> None:
    case = Case(fault, FIND, When.FIRST_READ)
    assert [*complaints(stage, case, SUBJECTS[name].own, PATIENCE)] == []


def test_every_platform_stands_the_whole_table() -> None:
    assert {*SUBJECTS, *WITHOUT_A_WIRE} == {*connectors.installed()}
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("platform", SUBJECTS)
def test_a_platform_stands_at_least_120_cases_of_every_kind(platform: str) -> None:
    played = [case for fault in FAULTS for case in quick(platform, fault)]
    assert len({str(case) for case in played}) == len(played) >= 120
    assert {case.fault.kind for case in played} == {f"F{number}" for number in range(13, 22)}
    left = [case for fault in FAULTS for case in rest(platform, fault)]
    assert {(case.verb, case.when) for case in (*played, *left)} == {*moments(platform)}
