"""Bringing databases that were put back from a backup up to date."""

from __future__ import annotations

from app.commands import here
from app.commands.terminal import Json, tell, tell_json
from core.backups.replay import Replayed
from core.backups.replay import replay as steps

AGAIN = (
    "What else happened since that backup is lost. Sign-ups, changes, restrictions, erasures that "
    "could still be undone: whoever asked for them, your administration for instance, has to ask "
    "again. API keys that were revoked since open again: revoke them anew. Links to pages have "
    "ended."
)


def replay(*, json: Json = False) -> None:
    """
    Let erasures and opt-outs hold again after one of the databases was put back from a backup.

    Until this was done nothing starts, since whoever was erased or opted out after the backup
    would be mailed again. Stop every process first. May be run again at any time.
    """
    with here.installation(in_step=False) as found:
        done = sum(steps(found.ledger), Replayed())
    if json:
        tell_json({"erased": done.erased, "opted_out": done.refused})
        return
    tell(
        f"Erasures that the ledger did not know: {done.erased}. People who opted out: "
        f"{done.refused}. They hold again, and courseflow-sync may be started."
    )
    if done != Replayed():
        tell(AGAIN)
