"""The demo's members: invented, the same every time, and with what schools really have."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, datetime

import pytest

from app.demo.members import FILE, text
from app.incoming.members_csv import Member, read
from core.connector import BasisKind


@pytest.fixture(scope="module")
def rows() -> list[Member]:
    read_rows = list(read(FILE))
    members = [row for row in read_rows if isinstance(row, Member)]
    assert len(members) == len(read_rows)
    return members


def by_reference(rows: list[Member]) -> dict[str, list[Member]]:
    found = defaultdict(list)
    for row in rows:
        found[row.reference].append(row)
    return found


def test_the_file_is_what_the_generator_writes() -> None:
    assert FILE.read_bytes().decode() == text()


def test_chance_elsewhere_changes_nothing() -> None:
    random.seed(1)
    assert text() == text()
    assert text(seed=1) != text()


def test_there_are_two_hundred_persons(rows: list[Member]) -> None:
    assert len(by_reference(rows)) == 200
    assert len(rows) == 230


def test_every_address_is_an_invented_one(rows: list[Member]) -> None:
    assert {row.email.partition("@")[2] for row in rows} == {"example.nl", "example.test"}


def test_families_share_one_address(rows: list[Member]) -> None:
    sharing = defaultdict(set)
    for row in rows:
        sharing[row.email].add(row.reference)
    sizes = [len(references) for references in sharing.values() if len(references) > 1]
    assert len(sizes) == 10
    assert {2, 3, 4} >= set(sizes)


def test_some_persons_take_a_second_course(rows: list[Member]) -> None:
    twice = [
        told
        for told in by_reference(rows).values()
        if len(told) == 2 and told[0].basis != told[1].basis
    ]
    assert len(twice) == 18
    assert all(told[0].email == told[1].email for told in twice)
    assert any(told[0].lists != told[1].lists for told in twice)


def test_some_persons_change_their_address(rows: list[Member]) -> None:
    changed = [
        told for told in by_reference(rows).values() if len({row.email for row in told}) == 2
    ]
    assert len(changed) == 12
    assert all(told[0].basis == told[1].basis for told in changed)


def test_every_list_has_its_basis(rows: list[Member]) -> None:
    bases = defaultdict(set)
    for row in rows:
        bases[row.lists].add(row.basis.kind)
    assert bases == {
        ("nieuwsbrief",): {BasisKind.CONSENT},
        ("cursusinfo",): {BasisKind.COURSE_CONTRACT},
        ("nieuwsbrief", "cursusinfo"): {BasisKind.CONSENT},
    }


def test_every_basis_was_given_in_2026_before_november(rows: list[Member]) -> None:
    moments = [row.basis.given_at for row in rows]
    assert min(moments) >= datetime(2026, 1, 4, 23, tzinfo=UTC)
    assert max(moments) < datetime(2026, 10, 31, 23, tzinfo=UTC)


@pytest.mark.parametrize("part", ["van der ", "'t ", "IJ", "ë", "é", "ü", "-"])
def test_names_are_as_they_are_in_the_netherlands(rows: list[Member], part: str) -> None:
    names = [f"{row.fields['first_name']} {row.fields.get('last_name', '')}" for row in rows]
    assert any(part in name for name in names)


def test_some_persons_have_no_last_name(rows: list[Member]) -> None:
    assert 3 <= sum("last_name" not in row.fields for row in rows) <= 15
