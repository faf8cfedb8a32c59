"""What storms came to is told once for each of them."""

from __future__ import annotations

from tests.storms.noted import added


def test_a_storm_that_is_played_in_parts_is_told_as_one() -> None:
    parts = [
        {"name": "matrix", "operations": 2, "lost": 0, "seed": 5, "seconds": 0.1},
        {"name": "kills", "operations": 9, "lost": 0, "seed": 7, "seconds": 3.0},
        {"name": "matrix", "operations": 3, "lost": 1, "seed": 5, "seconds": 0.2},
    ]
    assert added(parts) == [
        parts[1],
        {"name": "matrix", "operations": 5, "lost": 1, "seed": 5, "seconds": 0.3},
    ]
