"""A platform of the simulation: slow, sometimes silent or a liar, never forgetful."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from core.connector import Connector, Platform, Presence
from core.errors import OutcomeUnknown, Reconnect, TryAt, TryLater
from core.testing.imitation import Entry, Imitation, Settings
from tests.simulation.faults import Faults
from tests.simulation.stage import Died, Process, Stage, here
from workers.reach import Reach

SECOND = timedelta(seconds=1)
CREATES = frozenset({"subscribe", "update"})  # what can make data appear, or fill it


@dataclass(eq=False)
class Sent:
    """A call that changes something, from the moment at which our own fence let it pass."""

    face: str
    emails: frozenset[str]
    places: frozenset[str]
    at: datetime
    process: Process
    ended: datetime | None = None
    honest: bool = True  # it was done at once, and answered


@dataclass(frozen=True, slots=True)
class Event:
    """What people did at the platform itself, past us."""

    at: datetime
    what: str
    email: str


class Account(Imitation):
    """One account, whose calls take time, and may be lost on either way."""

    def __init__(self, stage: Stage, faults: Faults, platform: Platform) -> None:
        super().__init__(lambda: stage.clock.at, platform)
        self.stage = stage
        self.faults = faults
        self.sent: list[Sent] = []
        self.outside: list[Event] = []
        self.moved: dict[str, list[Entry]] = {}  # by the address that it had
        self.lost_credentials_at: datetime | None = None
        self.judge: Callable[[Account], None] = lambda account: None

    # --- what a connector's calls meet

    def call(self, face: str, honestly: Callable[..., Any], *arguments: Any) -> Any:
        if face in ("places", "find"):
            return self.asked(lambda: honestly(*arguments))
        who = arguments[0]
        emails = frozenset({who.email} if face == "subscribe" else who.emails)
        places = frozenset({arguments[1].id}) if face == "subscribe" else frozenset()
        strand = here()
        assert strand is not None
        sent = Sent(face, emails, places, self.stage.clock.at, strand.process)
        self.sent.append(sent)
        self.judge(self)
        try:
            return self.changed(sent, lambda: honestly(*arguments))
        finally:
            sent.ended = self.stage.clock.at

    def asked(self, answer: Callable[[], Any]) -> Any:
        """The answer is what was true somewhere between the question and its arrival."""
        self.trouble()
        self.takes_time()
        self.catch_up()
        seen = answer()
        self.takes_time()
        self.point("asked")
        return seen

    def changed(self, sent: Sent, act: Callable[[], Any]) -> Any:
        strikes = self.faults.strikes
        self.trouble()
        try:
            self.takes_time()
            self.point("on its way")
        except Died:
            sent.honest = False
            if self.stage.chance.random() < 0.5:  # it was out already
                self.later(self.some(self.patience + self.platform.late_apply), act)
            raise
        self.catch_up()
        if strikes("ignores"):
            sent.honest = False
            return None
        if strikes("shows later") and self.would_change(act):
            sent.honest = False
            self.later(self.some(timedelta(minutes=2)), act)
            return None
        if strikes("acts late"):
            sent.honest = False
            self.later(self.some(self.patience + self.platform.late_apply), act)
            self.silence()
        if strikes("is lost"):
            sent.honest = False
            self.silence()
        if strikes("fails"):
            sent.honest = False
            raise TryLater("503 from imitation.test", status=503)
        answer = act()
        if strikes("acts without an answer"):
            sent.honest = False
            self.silence()
        self.takes_time()
        self.point("acted")
        return answer

    def would_change(self, act: Callable[[], Any]) -> bool:
        """
        What changes nothing now can be seen by no look; to do that later, after a yes, is what
        no platform is expected to do.
        """
        entries, blocked = self.entries, set(self.blocked)
        self.entries = [replace(one) for one in entries]
        try:
            act()
            return self.entries != entries or self.blocked != blocked
        finally:
            self.entries, self.blocked = entries, blocked

    def trouble(self) -> None:
        """Nothing was done, and the platform says so."""
        if self.lost_credentials_at is not None:
            raise Reconnect("401 from imitation.test", status=401)
        if self.faults.strikes("asks for rest"):
            wait = self.some(timedelta(minutes=10))
            raise TryAt("429 from imitation.test", wait=wait, status=429)
        if self.faults.strikes("is away"):
            raise TryLater("no connection to imitation.test")
        if self.faults.strikes("forgets the key"):
            self.lost_credentials_at = self.clock()

    def silence(self) -> None:
        self.stage.rest(self.patience)
        raise OutcomeUnknown("no answer in time from imitation.test")

    @property
    def patience(self) -> timedelta:
        """What is left of the attempt's time."""
        strand = here()
        until = getattr(strand, "deadline", self.clock())
        return max(until - self.clock(), timedelta(0))

    def takes_time(self) -> None:
        self.stage.rest(min(self.some(SECOND), self.patience))

    def point(self, name: str) -> None:
        if self.faults.strikes(f"a death when it was {name}"):
            raise Died

    def some(self, most: timedelta) -> timedelta:
        return most * self.stage.chance.random()

    # --- what people do there

    def watch(self, judge: Callable[[Account], None]) -> None:
        """``judge`` is asked about every change that comes, before it is done."""
        self.judge = judge

    def happens(self, what: str, email: str) -> None:
        self.outside.append(Event(self.clock(), what, email))

    def joins(self, email: str) -> None:
        self.join(email, self.stage.chance.choice(self.all_places))
        self.happens("joins", email)

    def opts_out(self, entry: Entry) -> None:
        entry.presence, entry.opted_out = Presence.UNSUBSCRIBED, True
        self.happens("opts out", entry.email)

    def moves(self, entry: Entry, email: str) -> None:
        self.happens("moves", entry.email)
        self.moved.setdefault(entry.email, []).append(entry)
        entry.email = email

    def is_deleted(self, entry: Entry) -> None:
        self.entries.remove(entry)
        self.happens("is deleted", entry.email)

    # --- the truth

    def shown(self) -> list[tuple[object, ...]]:
        """All that is held, to tell whether it changed."""
        return [(one.id, one.email, one.presence, one.until) for one in self.entries]

    def truth(self, emails: frozenset[str]) -> list[Entry]:
        """What is held of who ever had these addresses, at whatever address now."""
        self.catch_up()
        moved = [one for email in emails for one in self.moved.get(email, ())]
        return [one for one in self.entries if one.email in emails or one in moved]


@dataclass
class ToAccounts(Reach):
    """Reaches the accounts of the simulation, with the same checks before each call."""

    stage: Stage
    accounts: Mapping[str, Account] = field(default_factory=dict)
    hurry: Callable[[], None] = lambda: None  # the school asks for something at once

    def platform(self, name: str) -> Platform:
        return replace(self.accounts[name].platform, name=name)

    def settings(self, platform: str, given: Mapping[str, Any]) -> BaseModel:
        return Settings()

    def connect(
        self,
        platform: str,
        settings: BaseModel,
        *,
        before_call: Callable[[], None] = lambda: None,
        before_change: Callable[[], None] = lambda: None,
        asked_to_rest: Callable[[timedelta], None] = lambda _: None,
    ) -> Connector[Any]:
        account = self.accounts[platform]
        strand = here()
        assert strand is not None
        deadline = strand.deadline = self.stage.clock.at + account.platform.deadline

        def in_time() -> None:
            before_call()
            if account.faults.strikes("a worker stops before a call"):
                self.stage.rest(account.some(timedelta(minutes=3)))
            if account.faults.strikes("the school asks just then"):
                self.hurry()
                self.stage.rest(SECOND)
            if self.stage.clock.at >= deadline:
                raise TryLater("no time left for imitation.test")

        return account.connect(in_time, before_change)
