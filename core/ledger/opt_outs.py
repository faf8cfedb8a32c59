"""An opt-out that was seen at a platform: recorded as a refusal, so that nothing overrules it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import sqlalchemy as sa

from core.holding import Holding
from core.ledger import Ledger
from core.ledger.connections import Connection
from core.ledger.schema import events, holdings, people
from core.moments import EPOCH, MICROSECOND


def heed(ledger: Ledger, connection: Connection, holding: Holding, places: Collection[str]) -> None:
    """
    The lists that go to these places are refused from now on: only a newer consent brings the
    person back. Nothing is done when newer work came meanwhile, which may be just that.

    The person is locked before the holding, as the intake does. May be repeated.
    """
    with ledger.begin() as tx:
        mine = people.c.id == holding.person
        lock = sa.select(people.c.refused).where(mine).with_for_update(key_share=True)
        refused = dict(tx.db.execute(lock).scalar_one())
        this = sa.and_(
            holdings.c.id == holding.id,
            holdings.c.asked_seq == holding.asked_seq,
            holdings.c.epoch == holding.epoch,
        )
        wants = holding.wants
        known = {
            place: replace(want, subscribed=want.subscribed and place not in places)
            for place, want in wants.places.items()
        }
        changed = replace(wants, places=known).to_json()
        if not tx.db.execute(sa.update(holdings).where(this).values(wants=changed)).rowcount:
            return
        now = (tx.now - EPOCH) // MICROSECOND
        keys = [key for key, place in connection.places.items() if place in places]
        for key in keys:
            refused.setdefault(key, now)
        ledger.safe.refuse(
            holding.customer,
            {holding.person: {key: EPOCH + refused[key] * MICROSECOND for key in keys}},
        )
        tx.db.execute(sa.update(people).where(mine).values(refused=refused))
        tx.db.execute(
            sa.insert(events).values(
                customer=holding.customer,
                at=tx.now,
                kind="opted out",
                holding=holding.id,
            )
        )
