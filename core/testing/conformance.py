"""
The rules that every connector keeps while its platform lies.

``prove(bench, rule)`` plays one lie. The judge that the product uses then says what it would
say, which is held against what the imitation truly holds: nothing that is there may be called
gone, and nothing called done that is not. docs/conformance.md has a section for each rule.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from core.connector import Identity
from core.errors import OutcomeUnknown, Refused, TryAt, Unreadable
from core.testing.bench import Bench
from core.testing.play import ANNA, BRAM, ERASE, MOVED, NAMELESS, RENAMED, UPDATE, Play, Rule
from core.verdict import Verdict


def prove(bench: Bench, rule: Rule) -> None:
    """Raises Broken. The bench must be fresh, and the rule not among what it cannot."""
    rule.play(Play(bench, rule))


def accepts_and_ignores(play: Play) -> None:
    play.join(ANNA)
    play.lie()
    play.subscribe()
    play.look(play.subscription, BRAM)
    play.update(RENAMED)
    play.wants_verdict(play.look(UPDATE, RENAMED), Verdict.DIFFERS)
    play.erase()
    play.wants_verdict(play.look(ERASE), Verdict.CONTRADICTED)
    play.finish()


def archives(play: Play) -> None:
    play.join(ANNA)
    play.lie()
    play.erase()
    play.wants_verdict(play.look(ERASE), Verdict.CONTRADICTED, Verdict.FINAL_ON)


def answers_late(play: Play) -> None:
    play.join(ANNA)
    play.lie()
    play.wants(play.subscribe(), OutcomeUnknown)
    play.look(play.subscription, BRAM)
    play.wants(play.erase(), OutcomeUnknown)
    play.look(ERASE)
    play.bench.let_happen()
    play.wants_verdict(play.look(play.subscription, BRAM), Verdict.CONFIRMED)
    play.finish()


def shows_eventually(play: Play) -> None:
    play.join(ANNA)
    play.lie()
    play.subscribe()
    play.look(play.subscription, BRAM)
    play.erase()
    play.look(ERASE)
    play.bench.let_happen()
    play.wants_verdict(play.look(play.subscription, BRAM), Verdict.CONFIRMED)
    play.wants_the_end()


def refuses_to_erase(play: Play) -> None:
    play.join(ANNA)
    play.lie()
    play.wants(play.erase(), Refused)
    play.wants_verdict(play.look(ERASE), Verdict.CONTRADICTED)


def refuses_a_forgotten_address(play: Play) -> None:
    play.lie()
    play.wants(play.subscribe(), Refused)
    play.look(play.subscription, BRAM)


def too_many(wait: timedelta) -> Callable[[Play], None]:
    def play_it(play: Play) -> None:
        play.join(ANNA)
        play.lie()
        reading = play.attempt("find", lambda one: one.find(Identity((ANNA.email,))))
        for error in (reading, play.subscribe(), play.erase()):
            play.wants(error, TryAt)
            if isinstance(error, TryAt) and error.wait != wait:
                raise play.broken(f"a wait of {wait}", f"a wait of {error.wait}")
        play.look(ERASE)
        play.finish()

    return play_it


def resets_after_acting(play: Play) -> None:
    play.join(ANNA)
    play.lie()
    play.wants(play.subscribe(), OutcomeUnknown)
    play.wants_verdict(play.look(play.subscription, BRAM), Verdict.CONFIRMED)
    play.wants(play.erase(), OutcomeUnknown)
    play.look(ERASE)
    play.finish()


def html_for_json(play: Play) -> None:
    play.join(ANNA)
    play.lie()
    who = Identity((ANNA.email,))
    play.wants(play.attempt("places", lambda one: one.places()), Unreadable)
    play.wants(play.attempt("find", lambda one: one.find(who)), Unreadable)
    play.look(ERASE)
    if play.subscribe() is None:
        raise play.broken("an error: HTML is no yes", "no error")
    play.finish()


def wrong_person(play: Play) -> None:
    """Anna is asked for, and Bram is what comes back."""
    play.join(ANNA, BRAM)
    play.lie()
    who = Identity((ANNA.email,))
    play.wants(play.attempt("find", lambda one: one.find(who)), Unreadable)
    play.look(ERASE)
    play.erase()
    if len(play.bench.held(BRAM.email)) < len(play.bench.places):
        raise play.broken("that nobody else is erased", "somebody else is gone")


def address_changed_there(play: Play) -> None:
    play.join(ANNA)
    sight = play.sight(Identity((ANNA.email,)))
    ids = [trace.remote_id for trace in sight.traces if trace.remote_id] if sight else []
    play.bench.move(ANNA.email, MOVED)
    who = Identity((ANNA.email,), tuple(ids))
    play.wants_verdict(play.look(ERASE, who=who), Verdict.CONTRADICTED)
    play.attempt("erase", lambda one: one.erase(who))
    play.wants_the_end(who)


def only_the_address(play: Play) -> None:
    """Held under the oldest of the addresses, and no id is known."""
    play.join(ANNA)
    who = Identity((MOVED, ANNA.email))
    play.wants_verdict(play.look(ERASE, who=who), Verdict.CONTRADICTED)
    play.attempt("erase", lambda one: one.erase(who))
    play.wants_the_end(who)


def shared_address(play: Play) -> None:
    """Erasing one of two people at an address: the contact stays, the name goes."""
    play.join(ANNA)
    play.update(NAMELESS)
    sight = play.sight(Identity((ANNA.email,)))
    left = play.texts(ANNA.email)
    if len(left) < len(play.bench.places) or (sight and not sight.traces):
        raise play.broken("a contact that stays for the other person", "a contact that is gone")
    verdict = play.beside_others(sight) if sight else None
    if verdict is Verdict.CONFIRMED and any("Anna" in texts for texts in left):
        raise play.broken("no name called gone that is there", verdict)
    play.wants_verdict(verdict, Verdict.CONFIRMED)


def sees_part(play: Play) -> None:
    """She is only where this credential does not see."""
    play.bench.join(ANNA.email, "Anna", play.place)
    play.lie()
    play.wants_verdict(play.look(ERASE), Verdict.CANNOT_LOOK)
    play.erase()
    play.wants_verdict(play.look(ERASE), Verdict.CANNOT_LOOK)


ASKED = timedelta(seconds=37)  # what the lies about 429 ask for
UNASKED = timedelta(minutes=1)

RULES: tuple[Rule, ...] = (
    Rule("accepts-and-ignores", "A yes is an answer, not evidence.", accepts_and_ignores),
    Rule("archives-instead-of-deleting", "What is archived is still there.", archives),
    Rule("answers-late", "No answer is no outcome, and may still act.", answers_late),
    Rule("shows-eventually", "What does not show yet is not claimed.", shows_eventually),
    Rule("405-on-an-archived-contact", "A refusal to erase is no absence.", refuses_to_erase),
    Rule("refuses-a-forgotten-address", "A refusal is said.", refuses_a_forgotten_address),
    Rule("429-in-seconds", "The wait that is asked for is passed on.", too_many(ASKED)),
    Rule("429-until-a-date", "A date is a wait too.", too_many(ASKED)),
    Rule("429-without-a-word", "Unasked, it is a minute.", too_many(UNASKED)),
    Rule("429-in-html", "The body of a refusal says nothing.", too_many(ASKED)),
    Rule("resets-after-acting", "A lost answer is no failure.", resets_after_acting),
    Rule("html-for-json", "What cannot be read says nothing.", html_for_json),
    Rule("wrong-person", "An answer about somebody else is no answer.", wrong_person),
    Rule("address-changed-there", "Who moved is found by id.", address_changed_there),
    Rule("only-the-address", "Every address ever used is looked for.", only_the_address),
    Rule("shared-address", "A contact of two people loses the name alone.", shared_address),
    Rule("sees-part", "What is out of sight is not gone.", sees_part),
)
HONEST = frozenset({"address-changed-there", "only-the-address", "shared-address"})
