"""What the imitated Mailchimp says, or does, in place of the truth."""

from __future__ import annotations

from collections.abc import Callable

from tests.imitations.mailchimp.account import Audience, shown
from tests.imitations.mailchimp.api import Answer, Call, partly, problem, said
from tests.imitations.mailchimp.server import Imitation, Lie

Truth = Callable[[], Answer]


def says(answer: Answer) -> Lie:
    """This, without having acted."""
    return lambda imitation, call, honestly: answer


def acts_then(answer: Answer) -> Lie:
    def lie(imitation: Imitation, call: Call, honestly: Truth) -> Answer:
        honestly()
        return answer

    return lie


def ignores(imitation: Imitation, call: Call, honestly: Truth) -> Answer:
    """Says yes, and does nothing."""
    if call.face == "delete-permanent":
        return Answer(204, kind=None)
    there = there_in(imitation, call)
    return said(200, shown(there, there.held(call.ids[1])))


def archives(imitation: Imitation, call: Call, honestly: Truth) -> Answer:
    """Archives instead of deleting."""
    there_in(imitation, call).held(call.ids[1]).status = "archived"
    return Answer(204, kind=None)


def late(imitation: Imitation, call: Call, honestly: Truth) -> Answer:
    """Gives no answer, and acts only when time passes."""
    imitation.later.append(honestly)
    return Answer(cut=True)


def somebody_else(imitation: Imitation, call: Call, honestly: Truth) -> Answer:
    """Acts, and shows another member of the audience."""
    honestly()
    there = there_in(imitation, call)
    other = next(one for key, one in there.members.items() if key != call.ids[1])
    return partly(call, shown(there, other))


def there_in(imitation: Imitation, call: Call) -> Audience:
    return imitation.account.audience(call.ids[0])


RESET = Answer(cut=True)
TOO_MANY = problem(429, "Too Many Requests", "at most 10 simultaneous connections")
TOO_MANY_BARE = Answer(429, kind=None)
TOO_MANY_HTML = Answer(429, b"<h1>Too Many Requests</h1>", "text/html")
THROTTLED = Answer(403, kind=None)
THROTTLED_HTML = Answer(403, b"<h1>Access Denied</h1>", "text/html")
MAY_NOT = problem(403, "Forbidden", "the user of this key may not do that")
DISABLED = problem(403, "User Disabled", "This account has been deactivated.")
NOT_ALLOWED = problem(405, "Method Not Allowed", "This list member cannot be removed.")
HTML = Answer(200, b"<html>Service is down</html>", "text/html")
BARE = Answer(200, kind=None)
BARE_500 = Answer(500, kind=None)
BARE_404 = Answer(404, kind=None)
