"""What the model of the ordering rule is made of: rules, bounds, states, a platform."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The product's, each with the place where the product keeps it; a variant lacks some."""

    one_lane: bool = True  # core.ledger.lanes.lease: one worker, towards the latest core.wants
    fenced_send: bool = True  # workers.fence.Fence.check: the lane is still ours
    fenced_write: bool = True  # core.ledger.holdings.lock: so does who writes down
    epoch: bool = True  # workers.fence.Fence.check: nothing newer overtook it
    updates_create_nobody: bool = True  # core.connector.Connector.update: absent stays absent
    erasures_settle: bool = True  # workers.advance.judged, where an erasure is to be claimed
    the_rest_settles: bool = True  # workers.advance.judged, where anything else is
    looks_start_later: bool = True  # workers.advance.judged: than the horizon ends
    death_is_doubt: bool = True  # core.ledger.adoption.unsure
    answers_settle: bool = True  # workers.situation.may_still_act
    looks_first: bool = True  # workers.attempt.Attempt.looks_first
    patrol: bool = True  # workers.advance.patrolled


F = Rules()
E = replace(F, the_rest_settles=False)
D = replace(E, erasures_settle=False)
C = replace(D, updates_create_nobody=False)
B = replace(C, fenced_send=False, fenced_write=False, epoch=False)
A = replace(B, one_lane=False)
VARIANTS = {
    "A plain queue": A,
    "B + one lane, converge": B,
    "C + fencing": C,
    "D + updates create nobody": D,
    "E + settle horizon for erasures": E,
    "F + settle horizon for all": F,
}


class Bounds(NamedTuple):
    """How often each may go wrong. A definite failure may come at any time, without end."""

    late: int = 1  # requests that get no answer, and act at any time up to the horizon, or never
    crashes: int = 1
    pauses: int = 1  # until the lease ran out; then the worker goes on at any time
    duplicates: int = 1  # of messages; a bell that rings twice cannot do anything
    slow: int = 0  # requests that are answered, and act as late as those without an answer


Doubt = Literal["none", "settling", "over"]
# By what of the row a request under way is over: its doubt, or its last answer; "attempt": it was
# answered, and that is not yet written down.
WaitedFor = Literal["doubt", "answer", "attempt"]
Step = Literal["first look", "ask", "send", "look", "write down"]
Outcome = Literal["none yet", "overtaken", "failed", "unknown", "seen"]


class Row(NamedTuple):
    """The holding (core.holding), as far as order depends on it."""

    reached: int = 0
    acted: int = 0
    doubt: Doubt = "none"  # ambiguous_until: none, still to come, past
    answered: Doubt = "none"  # answered_at and late_apply, likewise
    claim: int | None = None  # what was seen and stands as verified; None: nothing is claimed
    patrolled: bool = False
    returned: bool = False
    intent: int = 0  # what was asked when it was taken up; 0: nobody works on it


class Worker(NamedTuple):
    """One attempt: ``asked`` and ``reached`` as they were when it was taken up."""

    asked: int
    reached: int
    step: Step
    calls: str = ""  # still to be sent
    leased: bool = True  # False: it was paused, and others may have the lane
    acted: bool = False
    outcome: Outcome = "none yet"
    saw: int = 0
    in_doubt: bool = False  # the look began before the horizon had passed
    unseen: bool = False  # it began before an earlier answer was that old


class Request(NamedTuple):
    verb: str
    data: int  # the number of the operation that brought it; 0 where none goes along
    waited_for: WaitedFor = "doubt"


class State(NamedTuple):
    """
    ``platform`` is 0 for nobody, n for who is subscribed with the data of operation n, -n for
    who is held with them but unsubscribed. ``queue`` is the plain queue's.
    """

    asked: int
    platform: int
    row: Row
    workers: tuple[Worker, ...]
    under_way: tuple[Request, ...]
    queue: tuple[int, ...]
    left: Bounds


def applied(there: int, request: Request, *, creates: bool) -> int:
    """
    What the platform holds afterwards. As harsh as platforms get: a subscription that comes
    late undoes an unsubscription, and where updates create, they subscribe.
    """
    match request.verb:
        case "S":
            return request.data
        case "U" if there:
            return request.data if there > 0 else -request.data
        case "U":
            return request.data if creates else 0
        case "X":
            return -abs(there)
        case _:
            return 0


def met(verb: str, data: int, there: int) -> bool:
    """core.verdict.judge, for one part of a goal."""
    match verb:
        case "S":
            return there == data
        case "U":
            return there == 0 or abs(there) == data
        case "X":
            return there <= 0
        case _:
            return there == 0


def may_act(s: State, *waited_for: WaitedFor) -> bool:
    """Such a request may still reach the platform. Who was paused with one sends it in doubt."""
    paused = any(w.step == "send" and not w.leased for w in s.workers)
    under_way = any(one.waited_for in waited_for for one in s.under_way)
    return under_way or (paused and "doubt" in waited_for)


def sent(s: State, request: Request) -> State:
    left = s.left._replace(late=s.left.late - 1)
    return s._replace(under_way=put(s, request), left=left)


def slow(s: State, request: Request) -> State:
    left = s.left._replace(slow=s.left.slow - 1)
    return s._replace(under_way=put(s, request._replace(waited_for="attempt")), left=left)


def put(s: State, request: Request) -> tuple[Request, ...]:
    return tuple(sorted((*s.under_way, request)))


def saw(s: State, w: Worker) -> Worker:
    return w._replace(
        step="write down",
        outcome="seen",
        saw=s.platform,
        in_doubt=s.row.doubt == "settling",
        unseen=s.row.answered == "settling",
    )


def shown(there: int) -> str:
    if not there:
        return "nobody"
    return f"the person{'' if there > 0 else ', unsubscribed,'} as of operation {abs(there)}"
