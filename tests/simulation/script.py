"""What is asked about one person, in order: the same for every variant of the rule."""

from __future__ import annotations

from itertools import accumulate

from core.wants import Goal, Wants
from tests.simulation.ordering import Request, applied, met

Operation = tuple[int, str]  # its number, and S, U, X or E

NOUNS = {"S": "subscription", "U": "update", "X": "unsubscription", "E": "erasure"}


class Script:
    """
    ``text`` as in "S,E,S'": S subscribes (S' after an erasure, which needs a fresh basis),
    U updates, X unsubscribes, E erases. Every list is by how many of them were accepted.
    """

    def __init__(self, text: str) -> None:
        self.verbs = [word[0] for word in text.split(",")]
        numbered = list(enumerate(self.verbs, start=1))
        self.wants = list(accumulate(numbered, folded, initial=Wants()))
        self.goals = [[letters(w.goal(seq)) for seq in range(len(self.wants))] for w in self.wants]
        self.data = list(accumulate(numbered, newest, initial=0))
        self.epoch = list(accumulate(map(self.raises_epoch, numbered), initial=0))
        self.last_asked = list(accumulate(numbered, carried_out, initial=0))

    def raises_epoch(self, operation: Operation) -> bool:
        """core.ledger.person.Someone.erase, core.ledger.intake.Batch.check_basis."""
        seq, verb = operation
        return verb == "E" or (verb == "S" and self.after_refusal(seq))

    def after_refusal(self, seq: int) -> bool:
        """An erasure or an unsubscription, and no subscription since."""
        said = (verb for verb in reversed(self.verbs[: seq - 1]) if verb != "U")
        return next(said, "S") != "S"

    def covered(self, asked: int, reached: int) -> int:
        """core.holding.Holding.covered: the operation up to which such an attempt works."""
        erase = self.wants[asked].erase
        return erase if erase > reached else asked

    def unmet(self, asked: int, reached: int, there: int) -> str:
        """What a look shows to be still to do; on patrol, what has come undone."""
        goal = self.goals[asked][reached] or letters(self.wants[asked].standing())
        return "".join(verb for verb in goal if not met(verb, self.data[asked], there))

    def request(self, verb: str, asked: int) -> Request:
        """With the person as they were when the attempt was taken up (assignments.assign)."""
        return Request(verb, self.data[asked] if verb in "SU" else 0)

    def title(self, seq: int) -> str:
        return self.name(self.verbs[seq - 1], seq)

    def name(self, verb: str, seq: int) -> str:
        new = "new " if verb == "S" and self.after_refusal(seq) else ""
        return f"{new}{NOUNS[verb]}"


def folded(wants: Wants, operation: Operation) -> Wants:
    """core.ledger.intake.Batch, but that an update is let in after an erasure as well."""
    seq, verb = operation
    match verb:
        case "S":
            told = wants.change(seq) if wants.places else wants
            return told.subscribe(["news"], seq)
        case "U":
            return wants.change(seq)
        case "X":
            return wants.unsubscribe(["news"], seq)
        case _:
            return wants.erased(seq)


def letters(goal: Goal) -> str:
    """In the order in which workers.attempt.Attempt.calls sends them."""
    due = {"E": goal.erase, "U": goal.update, "X": goal.unsubscribe, "S": goal.subscribe}
    return "".join(verb for verb, still in due.items() if still)


def newest(data: int, operation: Operation) -> int:
    seq, verb = operation
    return seq if verb in "SU" else data


def carried_out(there: int, operation: Operation) -> int:
    """One by one, on a platform without faults."""
    seq, verb = operation
    return applied(there, Request(verb, seq), creates=False)
