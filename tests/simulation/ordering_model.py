"""
The ordering rule in small: one person at one connection, with all that can go wrong.

Each move names the part of the product that it stands for. Where they differ, the model allows
more:

- When somebody comes for the lane is left open, so that every back-off is covered, as is every
  bell that is lost, late or doubled.
- An update that is asked after an erasure is let in; the product's intake refuses it.
- A call may fail at any time; a look never does, as a look that failed claims nothing.

Platforms show at once what they did: workers.attempt.Attempt.patiently is not modelled.

It relies on two things, to which ``test_model_and_product.py`` holds the product. A request
without an answer acts within the settle horizon or never (``punctual=False`` gives that up), and
the patrol comes later than that.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulation.ordering import (
    Bounds,
    Outcome,
    Row,
    Rules,
    State,
    Worker,
    applied,
    may_act,
    saw,
    sent,
    shown,
    slow,
)
from tests.simulation.script import Script
from tests.simulation.writing_down import in_doubt, written

Move = tuple[str, State]

PROCESSES = 2  # that take messages of the plain queue side by side


class Model:
    """``script`` as in tests.simulation.script; ``moves`` are all that can come next."""

    def __init__(self, script: str, rules: Rules, bounds: Bounds, *, punctual: bool = True) -> None:
        self.script = Script(script)
        self.rules = rules
        self.punctual = punctual
        self.creates = not rules.updates_create_nobody
        self.fenced = rules.fenced_send and rules.fenced_write
        self.start = State(0, 0, Row(), (), (), (), bounds)

    # --- judged

    def wrong(self, s: State) -> str | None:
        return self.false_claim(s) or self.wrong_end(s)

    def false_claim(self, s: State) -> str | None:
        """Ib, at every moment."""
        claim, there = s.row.claim, s.platform
        if claim is None or claim == there:
            return None
        return f"Verified is {shown(claim)}; there is {shown(there)}."

    def wrong_end(self, s: State) -> str | None:
        """
        Ia, where nothing moves any more. Who is only to be unsubscribed may be absent, or held
        as they were before an erasure that was superseded when they came back.
        """
        if not self.at_rest(s):
            return None
        last, there = self.script.last_asked[s.asked], s.platform
        if there != last and (there > 0 or last >= 0):
            return f"At rest there is {shown(there)}; asked last was {shown(last)}."
        return "All is at rest, and nothing is claimed." if s.row.claim is None else None

    def at_rest(self, s: State) -> bool:
        moving = s.workers or s.under_way or s.queue or s.row.doubt == "settling"
        return not (moving or s.asked < len(self.script.verbs) or self.due(s))

    # --- moves

    def moves(self, s: State) -> Iterator[Move]:
        if s.asked < len(self.script.verbs):
            yield self.accept(s)
        if self.due(s) and not any(worker.leased for worker in s.workers):
            yield self.take_up(s)
        if s.queue and len(s.workers) < PROCESSES:
            yield self.take_message(s)
        for at, worker in enumerate(s.workers):
            alone = s._replace(workers=s.workers[:at] + s.workers[at + 1 :])
            yield from self.go_on(alone, worker)
            yield from self.trouble(alone, worker)
        yield from self.time_passes(s)
        if s.left.duplicates:
            yield from self.redeliver(s)

    def accept(self, s: State) -> Move:
        """core.ledger.intake.accept: newer work starts anew; what is ambiguous stays so."""
        seq = s.asked + 1
        row = s.row._replace(claim=None, patrolled=False, returned=False)
        queue = s.queue if self.rules.one_lane else (*s.queue, seq)
        after = s._replace(asked=seq, row=row, queue=queue)
        return f"The {self.script.title(seq)} is accepted.", after

    def due(self, s: State) -> bool:
        if not self.rules.one_lane or s.row.returned:
            return False
        return bool(self.script.goals[s.asked][s.row.reached]) or self.patrol_due(s)

    def patrol_due(self, s: State) -> bool:
        """workers.schedule.PATROL begins when nothing can be under way any more."""
        gone = s.row.claim == 0 and self.script.wants[s.asked].standing().erase
        return (
            gone
            and self.rules.patrol
            and not s.row.patrolled
            and not may_act(s, "doubt", "answer", "attempt")
        )

    def take_up(self, s: State) -> Move:
        """core.ledger.lanes.lease, core.ledger.adoption.adopt, core.ledger.holdings.take_up."""
        row, goal = s.row, self.script.goals[s.asked][s.row.reached]
        if row.intent and goal and self.rules.death_is_doubt:
            begun = self.script.covered(row.intent, row.reached)
            row = row._replace(acted=begun, doubt="settling")
            s = in_doubt(s, "answer", "attempt")
        worker = Worker(s.asked, row.reached, "first look")
        if goal and not (self.rules.looks_first and self.may_repeat(s.asked, row)):
            worker = worker._replace(step="ask", calls=goal)
        what = f"takes up the {self.script.name(goal[0], s.asked)}" if goal else "patrols"
        return f"A worker {what}.", self.with_(s._replace(row=row._replace(intent=s.asked)), worker)

    def may_repeat(self, asked: int, row: Row) -> bool:
        """core.holding.Holding.acted, workers.attempt.Attempt.looks_first."""
        erase = self.script.wants[asked].erase
        acted = row.acted > row.reached and row.acted >= erase
        return acted or (row.doubt == "settling" and erase <= row.reached)

    def take_message(self, s: State) -> Move:
        seq, *rest = s.queue
        worker = Worker(seq, seq - 1, "ask", self.script.verbs[seq - 1])
        after = self.with_(s._replace(queue=tuple(rest)), worker)
        return f"A worker takes the message of the {self.script.title(seq)}.", after

    def go_on(self, s: State, w: Worker) -> Iterator[Move]:
        """``s`` is without this worker: workers.attempt.Attempt, and workers.advance at the end."""
        match w.step:
            case "first look":
                unmet = self.script.unmet(w.asked, w.reached, s.platform)
                patrols = not self.script.goals[w.asked][w.reached]
                after = w._replace(step="ask", calls=unmet) if unmet and not patrols else saw(s, w)
                yield f"{self.who(w)} looks, and sees {shown(s.platform)}.", self.with_(s, after)
            case "ask":
                yield self.ask(s, w)
            case "send":
                yield from self.send(s, w)
            case "look":
                yield (
                    f"{self.who(w)} looks, and sees {shown(s.platform)}.",
                    self.with_(s, saw(s, w)),
                )
            case "write down":
                yield self.write_down(s, w)

    def ask(self, s: State, w: Worker) -> Move:
        """workers.fence.Fence.check, before every call that changes something."""
        lost = self.rules.fenced_send and not w.leased
        overtaken = self.rules.epoch and self.script.epoch[w.asked] != self.script.epoch[s.asked]
        if lost or overtaken:
            return f"{self.who(w)} may not send any more.", self.ended(s, w, "overtaken")
        return f"{self.who(w)} may send.", self.with_(s, w._replace(step="send"))

    def send(self, s: State, w: Worker) -> Iterator[Move]:
        """One call, and the ways in which core.errors says how it ended."""
        request = self.script.request(w.calls[0], w.asked)
        sends = f"{self.who(w)} sends the {self.script.name(request.verb, request.data)}"
        answered = w._replace(calls=w.calls[1:], step="ask" if w.calls[1:] else "look", acted=True)
        there = applied(s.platform, request, creates=self.creates)
        yield f"{sends}: done, says the platform.", self.with_(s._replace(platform=there), answered)
        yield f"{sends}: not done, says the platform.", self.ended(s, w, "failed")
        if s.left.late:
            yield f"{sends}: no answer.", self.ended(sent(s, request), w, "unknown")
        if s.left.slow:
            yield (
                f"{sends}: done, says the platform, too early.",
                self.with_(slow(s, request), answered),
            )

    def ended(self, s: State, w: Worker, outcome: Outcome) -> State:
        """Written down at once: who dies before that leaves what ``trouble`` leaves already."""
        _, state = self.write_down(s, w._replace(outcome=outcome))
        return state

    def write_down(self, s: State, w: Worker) -> Move:
        if not self.rules.one_lane:
            return self.acknowledge(s, w)
        after = written(self.script, self.rules, s, w)
        claim = after.row.claim
        news = "what it knows" if claim is None else f"verified: {shown(claim)}"
        return f"{self.who(w)} writes down {news}.", after

    def acknowledge(self, s: State, w: Worker) -> Move:
        """The plain queue: verified when the look shows it, else delivered again, last."""
        if w.outcome == "seen" and not self.script.unmet(w.asked, w.reached, w.saw):
            row = s.row._replace(claim=w.saw)
            return f"{self.who(w)} writes down verified: {shown(w.saw)}.", s._replace(row=row)
        return f"{self.who(w)} gives its message back.", s._replace(queue=(*s.queue, w.asked))

    # --- trouble

    def trouble(self, s: State, w: Worker) -> Iterator[Move]:
        """A worker dies, or stands still until its lease is taken back (lanes.reclaim)."""
        if s.left.crashes:
            left = s.left._replace(crashes=s.left.crashes - 1)
            queue = s.queue if self.rules.one_lane else (w.asked, *s.queue)
            dead = s._replace(left=left, queue=queue)
            yield f"{self.who(w)} dies.", dead
            if w.step == "send" and s.left.late:
                request = self.script.request(w.calls[0], w.asked)
                name = self.script.name(request.verb, request.data)
                yield f"{self.who(w)} sends the {name}, then dies.", sent(dead, request)
        if s.left.pauses and w.leased and self.rules.one_lane:
            left = s.left._replace(pauses=s.left.pauses - 1)
            after = self.with_(s._replace(left=left), w._replace(leased=False))
            yield f"{self.who(w)} is paused, and its lease runs out.", after

    def time_passes(self, s: State) -> Iterator[Move]:
        for at, request in enumerate(s.under_way):
            arrived = s._replace(under_way=s.under_way[:at] + s.under_way[at + 1 :])
            there = applied(s.platform, request, creates=self.creates)
            name = self.script.name(request.verb, request.data)
            yield f"The late {name} takes effect.", arrived._replace(platform=there)
            yield f"The late {name} is lost for good.", arrived
        if s.row.doubt == "settling" and not (self.punctual and may_act(s, "doubt")):
            yield "The settle horizon passes.", s._replace(row=s.row._replace(doubt="over"))
        if s.row.answered == "settling" and not may_act(s, "answer"):
            yield "The last answer grows old.", s._replace(row=s.row._replace(answered="over"))

    def redeliver(self, s: State) -> Iterator[Move]:
        """To no effect where a message only says that a lane has work."""
        left = s.left._replace(duplicates=s.left.duplicates - 1)
        for seq in range(1, s.asked + 1) if not self.rules.one_lane else ():
            again = s._replace(queue=(*s.queue, seq), left=left)
            yield f"The message of the {self.script.title(seq)} comes again.", again

    def with_(self, s: State, w: Worker) -> State:
        """
        Workers have no names: in which order they came makes no other state. Two fences leave
        who was paused nothing to do but the call for which they have asked already.
        """
        if not w.leased and self.fenced and w.step != "send":
            return s
        return s._replace(workers=tuple(sorted((*s.workers, w))) if s.workers else (w,))

    def who(self, w: Worker) -> str:
        if not self.rules.one_lane:
            return f"The worker of the {self.script.title(w.asked)}"
        return "The worker" if w.leased else "The paused worker"
