"""What an imitated platform says, or does, instead of the truth."""

from __future__ import annotations

from datetime import timedelta

from core.connector import Person, Presence, Trace
from core.errors import OutcomeUnknown
from core.testing.imitation import EMPTY, NEWS, Call, Imitation, Lie


def ignores(_: Imitation, call: Call) -> None:
    """Says yes, and does nothing."""


def fails(error: BaseException) -> Lie:
    """Raises without having acted."""

    def lie(_: Imitation, call: Call) -> None:  # noqa: ARG001
        raise error

    return lie


def acts_then_fails(error: BaseException) -> Lie:
    """Acts, and then says that it failed."""

    def lie(_: Imitation, call: Call) -> None:
        call.honestly()
        raise error

    return lie


def late(wait: timedelta) -> Lie:
    """Gives no answer, and acts only after this wait."""

    def lie(imitation: Imitation, call: Call) -> None:
        imitation.unanswered.append((imitation.later(wait, call.honestly), call))
        raise OutcomeUnknown("no answer in time from imitation.test")

    return lie


def shows_after(wait: timedelta) -> Lie:
    """Says yes at once, and shows it only after this wait."""

    def lie(imitation: Imitation, call: Call) -> None:
        imitation.later(wait, call.honestly)

    return lie


def archives(imitation: Imitation, call: Call) -> None:
    """Archives instead of deleting."""
    for entry in imitation.found(call.arguments[0]):
        entry.presence = Presence.ARCHIVED


def keeps_what_was_cleared(imitation: Imitation, call: Call) -> None:
    """Takes an update over, but not that a field is to be empty."""
    who, new = call.arguments
    kept = {name: value for name, value in new.fields.items() if value is not None}
    imitation.update(who, Person(new.email, kept))


def leaves_one_copy_stale(imitation: Imitation, call: Call) -> None:
    """Updates every place but one."""
    who, new = call.arguments
    for entry in imitation.found(who)[:-1]:
        entry.take(new)


def shows_somebody_else(imitation: Imitation, call: Call) -> list[Trace]:  # noqa: ARG001
    """Answers a search with the wrong person."""
    return [Trace(NEWS.id, Presence.SUBSCRIBED, {**EMPTY, "email": "other@example.test"})]


def shows_nobody(_: Imitation, call: Call) -> list[Trace]:  # noqa: ARG001
    """Answers a search with nothing, although there is something."""
    return []
