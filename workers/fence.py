"""The last question before a call that changes something: may it still be sent?"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from uuid import UUID

from core.errors import LeaseLost
from core.holding import Holding
from core.ledger.holdings import Mark

Marks = Mapping[UUID, Mark]


class Fence:
    """
    ``ask`` reads what the lane's lease has in flight; raises LeaseLost when it is gone.

    Threads that come while the ledger is being asked share the next answer: what anybody gets
    was asked after they came.
    """

    def __init__(self, ask: Callable[[], Marks]) -> None:
        self._ask = ask
        self._door = threading.Lock()
        self._asking = threading.Lock()
        self._next: Future[Marks] | None = None

    def check(self, several: Collection[Holding]) -> None:
        """Raises LeaseLost when the lane is no longer ours, or newer work overtook one of them."""
        marks = self._answer()
        if any(marks.get(one.id) != (one.epoch, one.held_back) for one in several):
            raise LeaseLost

    def _answer(self) -> Marks:
        with self._door:
            answer, leads = self._next, self._next is None
            if answer is None:
                answer = self._next = Future()
        if leads:
            with self._asking:
                with self._door:
                    self._next = None
                try:
                    answer.set_result(self._ask())
                except BaseException as error:  # noqa: BLE001 - raised below, to each of them
                    answer.set_exception(error)
        return answer.result()
