"""What an attempt leaves in the row: workers.situation.what_was_sent, workers.advance.follows."""

from __future__ import annotations

from tests.simulation.ordering import Doubt, Row, Rules, State, WaitedFor, Worker
from tests.simulation.script import Script


def written(script: Script, rules: Rules, s: State, w: Worker) -> State:
    if rules.fenced_write and not w.leased:
        return s
    goal = script.goals[w.asked][w.reached]
    before, (s, early) = s.row, what_was_sent(script, rules, s, w)
    row = s.row
    seq = script.covered(w.asked, w.reached)
    seen = w.outcome == "seen"
    as_asked = seen and not script.unmet(w.asked, w.reached, w.saw)
    settled = as_asked and not settling(rules, row, goal, early=w.in_doubt or early)
    if w.asked != s.asked or w.outcome == "overtaken":
        return s._replace(row=row._replace(reached=seq) if goal and settled else row)
    if not goal:
        return s._replace(row=patrolled(script, row, w))
    row = row._replace(claim=None)
    if settled and goal == "E":
        return s._replace(row=row._replace(reached=seq, claim=w.saw if w.asked == seq else None))
    if settled:
        over = row.doubt != "settling"  # always so, but in the variant that does not wait for it
        doubt = "none" if over else row.doubt
        return s._replace(row=row._replace(reached=seq, claim=w.saw, doubt=doubt))
    if seen and not as_asked and goal == "E" and came_back(script, before, w):
        return s._replace(row=row._replace(reached=seq))
    return s._replace(row=row)


def what_was_sent(script: Script, rules: Rules, s: State, w: Worker) -> tuple[State, bool]:
    """With whether a look of this attempt began too early for what is in doubt only since."""
    before, unknown = s.row, w.outcome == "unknown"
    row = before._replace(
        intent=0,
        acted=script.covered(w.asked, w.reached) if w.acted or unknown else before.acted,
        answered="settling" if w.acted else before.answered,
    )
    if unknown or (rules.answers_settle and repeated(script, before, w)):
        return in_doubt(s, "answer", "attempt")._replace(row=row._replace(doubt="settling")), True
    late = rules.answers_settle and before.answered != "none" and outlives(script, before, w)
    if late:
        s, row = in_doubt(s, "answer"), row._replace(doubt=later(row.doubt, before.answered))
    return retold(s, ("attempt",), "answer")._replace(row=row), late and w.unseen


def repeated(script: Script, before: Row, w: Worker) -> bool:
    """workers.situation.may_still_act: what is seen may be what the first one did."""
    return before.reached < before.acted and w.acted and script.goals[w.asked][w.reached] != "E"


def outlives(script: Script, before: Row, w: Worker) -> bool:
    """workers.situation.may_still_act: what was answered may act after what is done now."""
    overtaken = before.reached < before.acted < script.covered(w.asked, w.reached)
    erased = before.acted == script.wants[w.asked].erase
    return overtaken or (erased and "S" in script.goals[w.asked][w.reached])


def in_doubt(s: State, *was: WaitedFor) -> State:
    """A horizon that begins now, or ended with theirs, is over after theirs."""
    return retold(s, was, "doubt")


def retold(s: State, was: tuple[WaitedFor, ...], becomes: WaitedFor) -> State:
    if not any(one.waited_for in was for one in s.under_way):
        return s
    told = (
        one._replace(waited_for=becomes) if one.waited_for in was else one for one in s.under_way
    )
    return s._replace(under_way=tuple(sorted(told)))


def later(one: Doubt, other: Doubt) -> Doubt:
    order: list[Doubt] = ["none", "over", "settling"]
    return max(one, other, key=order.index)


def settling(rules: Rules, row: Row, goal: str, *, early: bool) -> bool:
    """workers.advance.judged: no claim before a look that started after the horizon."""
    rule = rules.erasures_settle if goal == "E" else rules.the_rest_settles
    return rule and (early if rules.looks_start_later else row.doubt == "settling")


def patrolled(script: Script, row: Row, w: Worker) -> Row:
    """workers.advance.patrolled: a late call of ours explains a return, once."""
    if w.saw == 0:
        return row._replace(patrolled=True)
    if row.doubt == "none":
        return row._replace(claim=None, returned=True)
    return row._replace(claim=None, reached=script.wants[w.asked].erase - 1, doubt="none")


def came_back(script: Script, before: Row, w: Worker) -> bool:
    """workers.situation.Situation.came_back: then the erasure, which was sent, is superseded."""
    wants = script.wants[w.asked]
    later = any(want.subscribed and want.seq > wants.erase for want in wants.places.values())
    return later and (w.acted or before.acted >= wants.erase)
