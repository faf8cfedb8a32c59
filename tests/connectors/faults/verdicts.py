"""What must hold whatever goes wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from core.connector import Verb
from core.errors import ConnectorError, TryAt
from core.http.transport import SHORT_WAIT
from tests.connectors.faults.cases import LOOKS, Case, When
from tests.connectors.faults.fault import Kinds
from tests.connectors.faults.stage import DEADLINE, LEFT, Outcome, Stage

GRACE = 1.0  # seconds that an attempt may outlast its deadline
PRIVATE = ("anna", "bram", "@", "//", "annabel")

Choices = Mapping[str, Kinds]  # a connector's own, by fault


def complaints(
    stage: Stage, case: Case, own: Choices, patience: timedelta | None = None
) -> Iterator[str]:
    """Plays the case, and says what was broken. ``patience`` is as in ``Stage.play``."""
    stage.effects(case.verb)
    outcome = stage.play(case, patience)
    try:
        yield from (f"{case}: {what}" for what in of_the_attempt(case, outcome, own, patience))
        judged = of_the_look if case.verb in LOOKS else of_the_deed
        yield from (f"{case}: {what}" for what in judged(stage, case, outcome))
    finally:
        if outcome.changed:
            stage.put_back()


def of_the_attempt(
    case: Case, outcome: Outcome, own: Choices, patience: timedelta | None
) -> Iterator[str]:
    error, fault = outcome.error, case.fault
    if not outcome.struck:
        yield "was never played"
    limit = patience or (LEFT if fault.slow else DEADLINE)
    if outcome.seconds > limit.total_seconds() + GRACE:
        yield f"took {outcome.seconds:.1f} s"
    if outcome.followed:
        yield "a redirect was followed"
    if error is None:
        return
    if not isinstance(error, ConnectorError):
        yield f"{error!r} left the connector"
        return
    kinds = own.get(fault.name) or (fault.reading if case.reads else fault.changing)
    if not isinstance(error, kinds):
        yield f"{error!r} in place of {' or '.join(kind.__name__ for kind in kinds)}"
    yield from of_the_words(error)
    if fault.wait is not None:
        yield from of_the_wait(case, outcome)


def of_the_wait(case: Case, outcome: Outcome) -> Iterator[str]:
    wait, error = case.fault.wait, outcome.error
    assert wait is not None
    if not isinstance(error, TryAt) or error.wait != wait:
        yield f"a wait of {getattr(error, 'wait', None)} in place of {wait}"
    if set(outcome.rests) != {wait}:
        yield f"{outcome.rests} was told to everybody else in place of {wait}"
    if wait > SHORT_WAIT and outcome.struck > 1:
        yield "it was asked again at once"
    if any(slept < wait.total_seconds() for slept in outcome.slept):
        yield "it was asked again too early"


def of_the_words(error: BaseException | None) -> Iterator[str]:
    """What is logged or stored of an error, with all that hangs on it, names nobody."""
    while error is not None:
        said = str(error).lower()
        if any(word in said for word in PRIVATE):
            yield f"an error that tells too much: {type(error).__name__}"
        error = error.__cause__ or error.__context__


def of_the_look(stage: Stage, case: Case, outcome: Outcome) -> Iterator[str]:
    if outcome.error is None and not stage.true(case.verb, outcome.value):
        yield "something was called gone that is there"


def of_the_deed(stage: Stage, case: Case, outcome: Outcome) -> Iterator[str]:
    if case.when is When.DONE and case.verb == Verb.SUBSCRIBE and not stage.done(case.verb):
        yield "the platform did not do what the case needs"
    if outcome.error is None and not case.fault.told and not stage.done(case.verb):
        yield "something was called done that is not"
