"""One run: a process works until it dies at its point, others take over until all is at rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import sqlalchemy as sa

from core.connector import Verb
from tests.end_to_end.crash_matrix.hands import Hand, Struck
from tests.end_to_end.crash_matrix.judge import Judge, Sight, Witness
from tests.end_to_end.crash_matrix.place import Place
from tests.end_to_end.crash_matrix.plans import Run, Stands, Then
from tests.end_to_end.crash_matrix.points import Point
from tests.end_to_end.crash_matrix.process import Role, called
from tests.end_to_end.crash_matrix.wishes import BERT, Member, Wish, wish

MOMENT = timedelta(milliseconds=10)
SECOND = timedelta(seconds=1)
LEASE = timedelta(seconds=61)
SOON = timedelta(minutes=30)  # what we are to do later is a patrol
LATER = timedelta(hours=2)  # by then whatever was half written is taken back
AT_ONCE = 0.002  # seconds of a change, so that two of rivals would be seen to meet
MOST_TURNS = 12  # three are rarely needed

# What the school asks of Anna after the death, by the story and what it had asked of her.
MEANWHILE = {
    Then.ERASED: dict.fromkeys(Verb, Verb.ERASE) | {Verb.ERASE: Verb.SUBSCRIBE},
    Then.CHANGED: dict.fromkeys(Verb, Verb.UPDATE) | {Verb.UNSUBSCRIBE: Verb.SUBSCRIBE},
}


@dataclass(frozen=True, slots=True)
class Played:
    """What a run came to; ``found`` are the invariants that it broke."""

    run: Run
    deaths: tuple[Point, ...]
    promised: int
    found: tuple[str, ...]


def play(run: Run, place: Place, mutant: str | None = None) -> Played:
    scene = Scene(run, place, mutant)
    try:
        scene.play()
    except BaseException:
        scene.send_away()
        raise
    for hand in scene.hands:
        place.release(hand)
    promised = sum(one.operation is not None for one in scene.wishes)
    return Played(run, tuple(scene.deaths), promised, tuple(scene.judge.found))


class Scene:
    def __init__(self, run: Run, place: Place, mutant: str | None) -> None:
        self.run = run
        self.place = place
        self.mutant = mutant
        self.books = place.begin()
        place.server.seconds = AT_ONCE if run.story.rivals else 0.0
        self.clock = self.books.clock
        self.wishes = place.wishes()
        self.numbers = count(len(self.wishes))
        self.hands: list[Hand] = []  # those that live
        self.deaths: list[Point] = []
        self.recovering = False
        self.witness = Witness(place.stores, place.key, self.clock, place.school)
        self.judge = Judge(self.books, self.witness, self.wishes, (run.who, BERT))
        self.sight = Sight((), {})

    def play(self) -> None:
        first = self.hire(mortal=True)
        try:
            self.work_until_struck(first)
        except Struck as struck:
            if self.run.held:
                self.stands(first)
            else:
                self.dies(first, struck.point)
                self.ask_meanwhile(self.hire(mortal=self.run.story.twice))
        self.recover()
        self.passes(LATER)
        self.rest()
        self.judge.conclude()
        for fault in {fault for one in self.hands for fault in one.faults}:
            self.judge.blame(f"a fault of its own: {fault}")

    def send_away(self) -> None:
        for hand in self.hands:
            hand.is_killed()

    # --- acts

    def work_until_struck(self, first: Hand) -> None:
        """
        Raises Struck. Which of two at once is struck is chance, and a planted fault is to be found
        every time.
        """
        story = self.run.story
        first.does("set_trap", (self.run.point,), self.run.passage, story.fate)
        if self.run.passage > 1 or (story.at_once > 1 and self.mutant is None):
            self.ask(first, BERT, Verb.UPDATE, last_name="Bakker")
        who, verb = self.run.who, self.run.verb
        new = {"email": who.new_email, "last_name": "Bakker"} if verb is Verb.UPDATE else {}
        self.ask(first, who, verb, **new)
        for number in range(self.run.passage + 1):
            self.works(first)
            self.ask(first, BERT, Verb.UPDATE, last_name=f"Bakker {number}")
        raise AssertionError("it passed its point alive")

    def works(self, first: Hand) -> None:
        first.does("turn", self.clock.at)
        self.look()
        self.passes(SECOND)

    def stands(self, first: Hand) -> None:
        """
        Shortly: then it goes on to die at its next point. Or until its lease has run out, and
        another did its work: then it goes on to the end.
        """
        other = self.hire()
        self.ask_meanwhile(other)
        points = tuple(Point)
        if self.run.held is Stands.LONG:
            self.passes(LEASE)
            self.rest(other)
            points = (Point.RELEASED,)
        try:
            first.goes_on(self.clock.at, points)
            self.dies(first, Point.RELEASED)
        except Struck as struck:
            self.dies(first, struck.point)
        self.look()

    def ask_meanwhile(self, hand: Hand) -> None:
        """Who got no answer repeats the request; then the school wants something else."""
        story = self.run.story
        lost = [one for one in self.wishes if one.unanswered]
        for one in lost if story.repeats else ():
            self.tell(hand, one)
        if verbs := MEANWHILE.get(story.then):
            verb = verbs[self.run.verb]
            changes = {"last_name": "Visser"} if verb is Verb.UPDATE else {}
            self.ask(hand, self.run.who, verb, **changes)
        self.look()

    def recover(self) -> None:
        """By those that live; the first of them may die as well."""
        story = self.run.story
        if story.twice:
            [hand] = self.hands
            hand.does("set_trap", (self.run.second,), 1, story.fate)
            try:
                self.rest(hand)
                hand.does("set_trap", (), 0, story.fate)
            except Struck as struck:
                self.dies(hand, struck.point)
                self.hire()
        if story.rivals:
            self.hire()
        self.rest(*self.hands, rung=story.redelivered)

    # --- processes

    def hire(self, *, mortal: bool = False) -> Hand:
        url, at_once = self.place.server.url, self.run.story.at_once
        role = Role(self.place.key, self.clock.at, url, at_once, self.mutant)
        hand = self.place.hire(role, mortal=mortal)
        self.hands.append(hand)
        return hand

    def dies(self, hand: Hand, point: Point) -> None:
        if point is Point.SENT:
            self.place.server.receive_last_call()
        hand.dies()
        self.hands.remove(hand)
        self.deaths.append(point)
        if not self.recovering:
            self.place.server.settle()
        self.forget(hand)

    def forget(self, hand: Hand) -> None:
        """PostgreSQL notices a hang-up a moment later: then its locks are free."""
        database = self.witness.ledger.database
        if database.is_sqlite:
            return
        left = sa.text("SELECT count(*) FROM pg_stat_activity WHERE application_name = :name")
        for _ in range(100_000):
            with database.glance() as db:
                if not db.execute(left, {"name": called(hand.process)}).scalar_one():
                    return
        raise AssertionError("PostgreSQL still serves the dead")

    # --- what the school and the workers do

    def ask(self, hand: Hand, who: Member, verb: Verb, **changes: Any) -> None:
        """Raises Struck; then nobody was answered."""
        self.clock.passes(MOMENT)
        one = wish(who, verb, next(self.numbers), self.clock.at, **changes)
        self.wishes.append(one)
        self.tell(hand, one)

    def tell(self, hand: Hand, one: Wish) -> None:
        """Raises Struck."""
        one.unanswered = True
        try:
            one.operation = hand.does("ask", self.clock.at, self.place.school, one.key, one.body)
            one.unanswered = False
        finally:
            one.told_at = one.told_at or next(self.books.counter)

    def rest(self, *hands: Hand, rung: bool = False) -> None:
        """All of these work until nothing is to be done for half an hour. Raises Struck."""
        self.recovering = True
        hands = hands or tuple(self.hands)
        lanes = [self.place.school.lane] if rung or len(hands) > 1 else []
        for _ in range(MOST_TURNS):
            for hand in hands:
                hand.begins("turn", self.clock.at, lanes)
            for hand in hands:
                hand.hears()
            self.look()
            moment = self.sight.next_moment()
            if moment is None or moment > self.clock.at + SOON:
                return
            self.passes(max(moment - self.clock.at, SECOND))
        self.judge.blame("I8: it never comes to rest")

    # --- time

    def passes(self, time: timedelta) -> None:
        """What was claimed before has to be true after it as well."""
        self.clock.passes(time)
        self.books.catch_up()
        self.judge.check(self.sight)

    def look(self) -> None:
        self.sight = self.judge.look()
