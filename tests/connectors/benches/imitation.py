"""The imitation in memory, which has no wire: its lies are errors and deeds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from core.connector import Connector, Place, Presence
from core.errors import OutcomeUnknown, Refused, TryAt, Unreadable
from core.testing import lies
from core.testing.bench import Bench
from core.testing.imitation import Imitation, Lie
from tests.databases import NOW

CHANGES = ("subscribe", "update", "unsubscribe", "erase")
LATE = timedelta(minutes=1)
NO_WIRE = "It is called in memory: there is no HTTP answer that could have another shape."


class ImitationBench(Bench):
    cannot: ClassVar[Mapping[str, str]] = {
        "429-until-a-date": NO_WIRE,
        "429-without-a-word": NO_WIRE,
        "429-in-html": NO_WIRE,
        "wrong-person": "Its erasure reads nothing that was answered: no answer can mislead it.",
    }

    def __init__(self) -> None:
        self.at: datetime = NOW
        self.imitation = Imitation(lambda: self.at)
        self.places = self.imitation.all_places
        wait = TryAt("429 from imitation.test", wait=timedelta(seconds=37), status=429)
        lost = OutcomeUnknown("connection closed by imitation.test")
        garbled = Unreadable("something else than JSON from imitation.test")
        self.lies: Mapping[str, Callable[[], object]] = {
            "accepts-and-ignores": self.telling(lies.ignores),
            "archives-instead-of-deleting": lambda: self.imitation.always("erase", lies.archives),
            "answers-late": self.telling(lies.late(LATE)),
            "shows-eventually": self.telling(lies.shows_after(LATE)),
            "405-on-an-archived-contact": self.archived,
            "refuses-a-forgotten-address": lambda: self.imitation.blocked.add("bram@example.nl"),
            "429-in-seconds": self.telling(lies.fails(wait), "find", "places", *CHANGES),
            "resets-after-acting": self.telling(lies.acts_then_fails(lost)),
            "html-for-json": self.telling(lies.fails(garbled), "find", "places", *CHANGES),
            "sees-part": lambda: self.imitation.hidden.add(self.places[-1].id),
        }

    def telling(self, lie: Lie, *faces: str) -> Callable[[], None]:
        def start() -> None:
            for face in faces or CHANGES:
                self.imitation.always(face, lie)

        return start

    def archived(self) -> None:
        for entry in self.imitation.entries:
            entry.presence = Presence.ARCHIVED
        refusal = Refused("405 from imitation.test", status=405)
        self.imitation.always("erase", lies.fails(refusal))

    def connect(self) -> Connector[Any]:
        return self.imitation.connect(lambda: None, lambda: None)

    def join(self, email: str, first_name: str, place: Place) -> None:
        self.imitation.join(email, place, first_name=first_name)

    def move(self, old: str, new: str) -> None:
        for entry in self.imitation.held(old):
            entry.email = new

    def held(self, email: str) -> Mapping[str, Collection[str]]:
        return {one.place: [*one.fields.values()] for one in self.imitation.held(email)}

    def let_happen(self) -> None:
        self.at += LATE
        self.imitation.catch_up()

    def be_honest(self) -> None:
        self.imitation._script.clear()

    def close(self) -> None: ...
