"""A file of members: the good rows go through, each bad one is named by line and column."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.incoming.csv_rows import LONGEST_ROW, as_text
from app.incoming.members_csv import BadFile, BadRow, Member, members, read
from core.connector import BasisKind

HEADER = "reference,email,first_name,last_name,lists,basis,basis_id,basis_given_at,basis_source"
GOOD = {
    "reference": "cf-1",
    "email": "anna@example.nl",
    "first_name": "Anna",
    "last_name": "de Vries",
    "lists": "nieuwsbrief",
    "basis": "consent",
    "basis_id": "b-1",
    "basis_given_at": "2026-03-31",
    "basis_source": "website",
}
OTHER = "cf-9,bram@example.test,Bram,Bos,cursusinfo,course_contract,b-9,2026-04-01,inschrijving"


def line(**cells: str) -> str:
    return ",".join({**GOOD, **cells}.values())


def file(*lines: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *lines, ""]).encode()


def parsed(content: bytes) -> Iterator[Member | BadRow]:
    return members(as_text(io.BytesIO(content)))


def outcome(content: bytes) -> list[Member | BadRow]:
    return list(parsed(content))


def good(content: bytes) -> list[Member]:
    rows = outcome(content)
    assert [row for row in rows if isinstance(row, BadRow)] == []
    return [row for row in rows if isinstance(row, Member)]


def only_bad(content: bytes) -> BadRow:
    """The one bad row; every row beside it is good."""
    bad = [row for row in outcome(content) if isinstance(row, BadRow)]
    assert len(bad) == 1
    return bad[0]


def test_a_row_becomes_a_member() -> None:
    [member] = good(file(line(email="Anna@Example.NL", lists="nieuwsbrief | cursusinfo")))
    assert (member.line, member.reference, member.email) == (2, "cf-1", "anna@example.nl")
    assert member.fields == {"first_name": "Anna", "last_name": "de Vries"}
    assert member.lists == ("nieuwsbrief", "cursusinfo")
    assert member.basis.kind is BasisKind.CONSENT
    assert (member.basis.id, member.basis.source) == ("b-1", "website")


def test_an_empty_name_is_not_given() -> None:
    [member] = good(file(line(last_name=" ")))
    assert member.fields == {"first_name": "Anna"}


def test_columns_may_come_in_any_order_and_case() -> None:
    [member] = good(
        b"Basis_ID,LISTS,basis,basis_text_version,email,reference,last_name,first_name,"
        b"basis_source,basis_given_at\nb-1,a,Consent,v7,anna@example.nl,cf-1,,,website,2026-03-31\n"
    )
    assert (member.basis.id, member.basis.text_version) == ("b-1", "v7")


def test_extra_columns_become_fields() -> None:
    header = HEADER + ",field:City,field:phone,field:note"
    [member] = good(file(line() + ',Den Haag,+31 6 1234 (5),"one\r\ntwo"', header=header))
    assert member.fields["City"] == "Den Haag"
    assert member.fields["phone"] == "+31 6 1234 (5)"
    assert member.fields["note"] == "one\ntwo"


def test_a_dutch_excel_file_is_read() -> None:
    content = file(line(), OTHER).decode().replace(",", ";").replace("\n", "\r\n")
    assert len(good(b"\xef\xbb\xbf" + content.encode())) == 2


def test_newlines_of_three_kinds_may_be_mixed() -> None:
    rows = [line(reference=f"cf-{number}") for number in range(4)]
    content = f"{HEADER}\r\n{rows[0]}\r{rows[1]}\n\r\n{rows[2]}\r\r{rows[3]}".encode()
    assert [member.line for member in good(content)] == [2, 3, 5, 7]


def test_a_row_is_named_by_its_first_physical_line() -> None:
    header = HEADER + ",field:note"
    rows = [line() + ',"a\nb\r\nc"', line(email="x") + ',"\n"', line(email="y") + ","]
    found = outcome(file(*rows, header=header))
    assert [row.line for row in found] == [2, 5, 7]


def test_rows_of_nothing_but_separators_are_left_out() -> None:
    assert len(good(file(line(), ",,,,,,,,", " , ", "", OTHER, ","))) == 2


def test_empty_cells_beyond_the_header_are_left_out() -> None:
    assert len(good(file(line() + ",,", header=HEADER + ",,"))) == 1


@pytest.mark.parametrize(
    "name",
    [
        "'t Hart",
        "van der Berg",
        "IJzerman",
        "Ĳsseldĳk",
        "Jansen-de Boer",
        "Çelik",
        "أحمد",
        "李",
        "O'B",
    ],
)
def test_names_go_through_as_they_are(name: str) -> None:
    assert good(file(line(last_name=name)))[0].fields["last_name"] == name


def test_two_spellings_of_one_letter_become_one() -> None:
    assert good(file(line(first_name="Rene\u0301e")))[0].fields["first_name"] == "Ren\u00e9e"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-01-31", datetime(2026, 1, 30, 23, tzinfo=UTC)),
        ("2026-07-01", datetime(2026, 6, 30, 22, tzinfo=UTC)),
        ("2026-07-01T12:30", datetime(2026, 7, 1, 10, 30, tzinfo=UTC)),
        ("2026-07-01 12:30:15", datetime(2026, 7, 1, 10, 30, 15, tzinfo=UTC)),
        ("2026-07-01T12:30Z", datetime(2026, 7, 1, 12, 30, tzinfo=UTC)),
        ("2026-07-01T12:30-05:00", datetime(2026, 7, 1, 17, 30, tzinfo=UTC)),
        ("2028-02-29", datetime(2028, 2, 28, 23, tzinfo=UTC)),
    ],
)
def test_a_moment_without_a_zone_is_dutch_time(written: str, meant: datetime) -> None:
    given_at = good(file(line(basis_given_at=written)))[0].basis.given_at
    assert given_at == meant
    assert given_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("column", "cell", "told"),
    [
        ("reference", "", "1 to 200"),
        ("reference", "anna@example.nl", "no e-mail address"),
        ("reference", "x" * 201, "1 to 200"),
        ("reference", "cf\u200b1", "invisible"),
        ("email", "", "missing"),
        ("email", "anna", "exactly one @"),
        ("email", "anna@example", "domain name"),
        ("email", "anna@example.nl;bram@example.nl", "more than one"),
        ("email", "an na@example.nl", "alone"),
        ("email", "x" * 60_000, "too long"),
        ("first_name", "x" * 501, "longer than 500"),
        ("first_name", "a" + "\u0301" * 1_000, "longer than 500"),
        ("first_name", "An\u202ena", "invisible"),
        ("first_name", "An\x07na", "invisible"),
        ("last_name", '"de\nVries"', "line break"),
        ("last_name", "de\x0bVries", "line break"),
        ("lists", "", "no list"),
        ("lists", " | ", "no list"),
        ("basis", "", "no basis"),
        ("basis", "toestemming", "no such basis"),
        ("basis_id", "", "basis needs it"),
        ("basis_given_at", "", "basis needs it"),
        ("basis_given_at", "31-03-2026", "no date"),
        ("basis_given_at", "2026-02-29", "no date"),
        ("basis_given_at", "0000-01-01", "no date"),
        ("basis_given_at", "0001-01-01", "no date"),
        ("basis_given_at", "9999-12-31T23:59-05:00", "no date"),
        ("basis_given_at", "1e400", "no date"),
        ("basis_given_at", "\uff12\uff10\uff12\uff16-03-31", "no date"),
        ("basis_source", "", "basis needs it"),
        ("email", "=cmd@example.nl", "formula"),
        ("email", "+anna@example.nl", "formula"),
        ("email", "-anna@example.nl", "formula"),
        ("email", "@example.nl", "formula"),
        ("reference", "=1+1", "formula"),
        ("reference", "-1", "formula"),
        ("first_name", '"=HYPERLINK(""http://x.test"")"', "formula"),
        ("first_name", "  =1+1", "formula"),
        ("first_name", "\t=1+1", "formula"),
        ("first_name", "\tAnna", "formula"),
        ("first_name", '"\rAnna"', "formula"),
        ("first_name", "\uff1d1+1", "formula"),
        ("last_name", "-", "formula"),
        ("last_name", "+31612345678", "formula"),
        ("basis_source", "@SUM(1)", "formula"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_a_bad_cell_is_named_and_the_other_rows_go_through(
    column: str, cell: str, told: str
) -> None:
    bad = only_bad(file(line(reference="cf-0"), line(**{column: cell}), OTHER))
    assert (bad.line, bad.column) == (3, column)
    assert told in bad.reason.en
    assert bad.reason.nl


@pytest.mark.parametrize("cell", ["=1", "+cmd|' /C calc'!A0", "-1+1|x", "@x", "\tx", "=+31 6"])
def test_an_extra_column_runs_no_formula_either(cell: str) -> None:
    bad = only_bad(file(line() + "," + cell, header=HEADER + ",field:note"))
    assert (bad.line, bad.column) == (2, "field:note")


@pytest.mark.parametrize("spoiled", [b"Ren\xe9e", b"Ren\xe9", b"\xff\xfe", "Ren\ufffde".encode()])
def test_a_row_that_is_not_utf_8_is_named_and_the_other_rows_go_through(spoiled: bytes) -> None:
    content = file(line(first_name="NAME"), OTHER).replace(b"NAME", spoiled)
    bad = only_bad(content)
    assert (bad.line, bad.column) == (2, "first_name")
    assert "CSV UTF-8" in bad.reason.nl
    assert len(outcome(content)) == 2


@pytest.mark.parametrize(
    ("row", "found"),
    [(line() + ",more", 10), ("cf-1,anna@example.nl", 2), ("x", 1), (line(last_name="a,b"), 10)],
)
def test_a_row_with_another_number_of_cells_is_named(row: str, found: int) -> None:
    bad = only_bad(file(row, OTHER))
    assert (bad.line, bad.column) == (2, None)
    assert f"{found} instead of 9" in bad.reason.en


def test_an_exact_duplicate_is_named_with_the_first_line() -> None:
    same = f"{line(email='ANNA@example.nl')}".replace("Anna", '"Anna"')
    bad = only_bad(file(line(), OTHER, same))
    assert (bad.line, bad.column) == (4, None)
    assert "line 2" in bad.reason.en
    assert "regel 2" in bad.reason.nl


@pytest.mark.parametrize(
    "change",
    [
        {"lists": "cursusinfo"},
        {"email": "anna@example.test"},
        {"basis_id": "b-2"},
        {"first_name": ""},
        {"reference": "cf-2"},
        {"basis_given_at": "2026-04-01"},
    ],
)
def test_a_later_row_about_the_same_person_is_no_duplicate(change: dict[str, str]) -> None:
    assert len(good(file(line(), line(**change)))) == 2


def test_a_stray_quotation_mark_costs_one_row() -> None:
    bad = only_bad(file(line(first_name='"Anna'), OTHER, line(first_name='"Anna"')))
    assert (bad.line, bad.column) == (2, None)
    assert "quotation mark" in bad.reason.en


def test_a_quotation_mark_open_at_the_end_costs_one_row() -> None:
    rows = outcome(file(OTHER, line(basis_source='"website'), line(reference="cf-2")))
    assert [type(row) for row in rows] == [Member, BadRow, Member]
    assert [row.line for row in rows] == [2, 3, 4]


def test_a_row_of_many_lines_cannot_smuggle_rows_in() -> None:
    note = '"' + "\n".join([OTHER] * 200) + '"'
    rows = parsed(file(line() + "," + note, header=HEADER + ",field:note"))
    with pytest.raises(BadFile, match="begins on line 2"):
        next(rows)


def test_good_rows_come_before_a_bad_spot() -> None:
    rows = parsed(file(line(), line(first_name='"' + "x" * LONGEST_ROW), OTHER))
    assert isinstance(next(rows), Member)
    with pytest.raises(BadFile, match="begins on line 3"):
        next(rows)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\n\n", "does not name the columns"),
        (file(header=line()), "does not name the columns"),
        (file(header=HEADER.replace(",", "\t")), "cannot be read"),
        (file(header=HEADER.replace("email", "e-mail")), "missing: email"),
        (file(header="reference,email"), "missing: first_name, last_name, lists"),
        (file(header=HEADER + ",city"), "Column 10 has a name"),
        (file(header=HEADER + ",,field:x"), "Column 10 has a name"),
        (file(header=HEADER + ",field:"), "Column 10 has a name"),
        (file(header=HEADER + ",email"), "Column 10 has the same"),
        (file(header=HEADER + ",field:a,Field: A"), "Column 11 has the same"),
        (file(header=HEADER + ",field:email"), "Column 10 has the same"),
        (file(header=HEADER + ',"field:a'), "cannot be read"),
        (file(header=HEADER + ",field:caf").replace(b"caf", b"caf\xe9"), "UTF-8"),
        (file(line()).decode().encode("utf-16"), "UTF-8"),
        (b"PK\x03\x04\0\0", "UTF-8"),
        (file(line(first_name="A\0")), "UTF-8"),
        (b"x" * (LONGEST_ROW + 1), "begins on line 1"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_a_file_that_cannot_be_used_says_what_to_do(content: bytes, told: str) -> None:
    with pytest.raises(BadFile, match=told) as refused:
        outcome(content)
    assert refused.value.reason.nl
    assert "anna" not in str(refused.value).lower()


@given(
    st.lists(st.sampled_from([line(), OTHER, '"', "\n", "\r", ",", ";", "é", "=", "|"]) | st.text())
)
def test_any_text_ends_in_rows_or_a_bad_file(parts: list[str]) -> None:
    content = file("".join(parts).encode("utf-8", "surrogatepass").decode("utf-8", "replace"))
    with contextlib.suppress(BadFile):
        lines = [row.line for row in parsed(content)]
        assert lines == sorted(set(lines))


@given(st.binary())
def test_any_bytes_end_in_rows_or_a_bad_file(content: bytes) -> None:
    for start in (b"", file()):
        with contextlib.suppress(BadFile):
            assert all(row.line > 1 for row in parsed(start + content))


class Endless(io.RawIOBase):
    """A file that never ends."""

    def __init__(self, *, start: bytes, then: bytes) -> None:
        self._chunks: Iterator[bytes] = itertools.chain([start], itertools.repeat(then))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = next(self._chunks)[: len(buffer)]
        buffer[: len(chunk)] = chunk
        return len(chunk)


@pytest.mark.parametrize(
    ("start", "then"),
    [
        (b"\0", b"\0" * 4096),
        (b"x", b"x" * 4096),
        (file(line()), b"x" * 4096),
        (file(line()), b'"' * 4096),
        (file(line()), b'"\n' * 2048),
        (file(line()), b'"' + b"\n" * 4095),
    ],
)
def test_a_file_without_end_is_refused(start: bytes, then: bytes) -> None:
    with pytest.raises(BadFile):
        for _ in members(as_text(io.BufferedReader(Endless(start=start, then=then)))):
            pass


def test_a_file_of_too_many_lines_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.incoming.csv_rows.MOST_LINES", 50)
    with pytest.raises(BadFile, match="Split it"):
        outcome(file() + b"\n" * 100)


def test_a_file_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "members.csv"
    path.write_bytes(file(line()))
    assert len(list(read(path))) == 1


@pytest.mark.parametrize("name", ["absent.csv", "", "/dev/zero", "pipe", "loop"])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(BadFile):
        list(read(tmp_path / name))


def test_an_error_of_the_disk_is_told_in_words() -> None:
    class Broken(Endless):
        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            raise OSError

    with pytest.raises(BadFile, match="cannot be read"):
        list(members(as_text(io.BufferedReader(Broken(start=b"", then=b"")))))


def test_a_member_does_not_show_the_address_or_the_name() -> None:
    shown = repr(good(file(line()))[0])
    assert "anna" not in shown.lower()
    assert "Vries" not in shown


def many(rows: int) -> bytes:
    return file(*(line(reference=f"cf-{number}") for number in range(rows)))


def test_a_hundred_thousand_rows_take_seconds() -> None:
    started = time.perf_counter()
    assert sum(isinstance(row, Member) for row in parsed(many(100_000))) == 100_000
    assert time.perf_counter() - started < 30  # about 3 on an old laptop


def test_rows_are_not_kept() -> None:
    rows = parsed(many(6_000))
    list(itertools.islice(rows, 1_000))
    tracemalloc.start()
    try:
        for _ in rows:
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000 * 350  # about 170 bytes for a digest; a row would be 1,000
