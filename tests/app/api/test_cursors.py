"""A list can be read on across a change of keys, from whichever process."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.api.problems import Problem
from app.api.rates import Rates
from app.api.state import Api
from core.sealing import Key

OLD, NEW = Key.random(), Key.random()
PLACE = ["cf-1"]


def process(versions: Mapping[int, Key]) -> Api:
    """One with this key file; cursors need nothing else."""
    installation: Any = SimpleNamespace(ledger=SimpleNamespace(key_versions=versions))
    return Api(installation, cast("Rates", None))


@pytest.mark.parametrize(
    ("wrote", "reads"),
    [
        ({1: OLD}, {1: OLD, 2: NEW}),
        ({1: OLD, 2: NEW}, {1: OLD}),
        ({2: NEW, 1: OLD}, {1: OLD}),
        ({2: NEW}, {1: OLD, 2: NEW}),
    ],
    ids=["before", "after", "in any order", "the older was taken out"],
)
def test_a_cursor_of_another_process_fits(wrote: dict[int, Key], reads: dict[int, Key]) -> None:
    cursor = process(wrote).cursors("operations").write(PLACE)
    assert process(reads).cursors("operations").read(cursor) == PLACE


def test_one_of_a_version_that_was_taken_out_is_refused() -> None:
    cursor = process({1: OLD, 2: NEW}).cursors("operations").write(PLACE)
    with pytest.raises(Problem):
        process({2: NEW}).cursors("operations").read(cursor)
