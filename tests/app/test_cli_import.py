"""Importing members: good rows go through, bad ones are named, the exit status says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.incoming import members_import
from tests.app.conftest import SCHOOL, CommandLine, connect_by_hand

HEADER = "reference,email,first_name,last_name,lists,basis,basis_id,basis_given_at,basis_source"
EMAIL = "anna.de.vries@example.nl"


def row(number: int = 1, **cells: str) -> str:
    good = {
        "reference": f"cf-{number}",
        "email": EMAIL if number == 1 else f"member{number}@example.nl",
        "first_name": "Anna",
        "last_name": "de Vries",
        "lists": "nieuwsbrief",
        "basis": "consent",
        "basis_id": f"b-{number}",
        "basis_given_at": "2026-03-31",
        "basis_source": "website",
    }
    return ",".join({**good, **cells}.values())


def csv(*rows: str, header: str = HEADER) -> str:
    return "\n".join([header, *rows, ""])


def people(cli: CommandLine) -> int:
    found: int = cli.json("report", SCHOOL)["people"]
    return found


def test_good_rows_are_taken_in(school: CommandLine) -> None:
    file = school.file("m.csv", csv(row(1), row(2)))
    assert "2 of 2 rows were taken in." in school.ok("import", SCHOOL, file)
    assert people(school) == 2


def test_importing_again_does_no_harm(school: CommandLine) -> None:
    file = school.file("m.csv", csv(row(1), row(2)))
    for _ in range(2):
        summary = school.json("import", SCHOOL, file)
    assert summary == {"rows": 2, "good": 2, "bad": 0, "dry_run": False}
    assert people(school) == 2


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (row(7, email=""), "line 3, email: The e-mail address is missing."),
        (row(7, email="anna@@example.nl"), "line 3, email: An e-mail address has exactly one @."),
        (row(7, first_name="=1+1"), "line 3, first_name: The cell begins like a formula"),
        (row(7, basis=""), "line 3, basis: There is no basis"),
        (row(7, basis="because"), "line 3, basis: There is no such basis."),
        (row(7, basis_given_at="2026-02-30"), "line 3, basis_given_at: This is no date"),
        (row(7, basis_given_at="2126-01-01"), "line 3, basis_given_at: This date is in the future"),
        (row(7, lists=""), "line 3, lists: There is no list."),
        (row(7, lists="nieuwsbrief|jazz"), "line 3, lists: It names a list that does not exist."),
        (row(7, reference="a@b.nl"), "line 3, reference: A reference is no e-mail address"),
        (row(1), "line 3: The same row is already on line 2."),
        ("cf-7,only,three", "line 3: Cells in the row: 3 instead of 9."),
        (row(7, last_name='"De" Vries'), "line 3: A quotation mark is misplaced."),
    ],
)
@pytest.mark.parametrize("more", [(), ("--dry-run",)], ids=["for real", "dry run"])
def test_a_bad_row_is_named_and_the_others_go_through(
    school: CommandLine, bad: str, says: str, more: tuple[str, ...]
) -> None:
    file = school.file("m.csv", csv(row(1), bad, row(9)))
    result = school("import", SCHOOL, file, *more)
    assert result.exit_code == 1
    assert [line for line in result.stderr.splitlines() if line.startswith(says)]
    assert len(result.stderr.splitlines()) == 1
    assert "2 of 3 rows" in result.stdout
    assert "example.nl" not in result.output
    assert people(school) == (0 if more else 2)


def test_an_unknown_list_is_never_quoted(school: CommandLine) -> None:
    file = school.file("m.csv", csv(row(1, lists=EMAIL), row(2)))
    result = school("import", SCHOOL, file)
    assert result.exit_code == 1
    assert "Known: cursusinfo, nieuwsbrief." in result.stderr
    assert EMAIL not in result.output


def test_a_row_of_cp1252_is_named_and_the_others_go_through(school: CommandLine) -> None:
    path = school.folder / "m.csv"
    rows = csv(row(1), row(2, last_name="Müller"), row(3, last_name="Özdemir"))
    path.write_bytes(rows.encode("cp1252").replace(b"\xd6", b"O"))
    result = school("import", SCHOOL, str(path))
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "line 3, last_name: Here is a letter that was not saved in UTF-8"
    )


def test_mixed_newlines_and_a_byte_order_mark_are_no_problem(school: CommandLine) -> None:
    path = school.folder / "m.csv"
    path.write_bytes(f"\ufeff{HEADER}\r\n{row(1)}\n{row(2)}\r\n\r\n{row(3)}".encode())
    assert school.json("import", SCHOOL, str(path))["good"] == 3


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "The file is empty."),
        ("a,b,c\n1,2,3\n", "The first line does not name the columns."),
        (csv(row(1), header=HEADER.replace("basis_source", "phone")), "A column is missing"),
        (csv(row(1), row(2, last_name='"never closed')) + f"{row(3)}\n" * 200, "never closed"),
        (csv(row(1), "\0"), "This is no text in UTF-8."),
    ],
    ids=["empty", "no header", "wrong header", "endless row", "binary"],
)
def test_a_bad_file_is_refused_before_anything_is_stored(
    school: CommandLine, content: str, says: str
) -> None:
    said = school.refused("import", SCHOOL, school.file("m.csv", content))
    assert says in said
    assert "Nothing was stored." in said
    assert people(school) == 0


def test_a_file_that_is_not_there_and_a_folder_are_refused(school: CommandLine) -> None:
    assert "no such file" in school.refused("import", SCHOOL, str(school.folder / "x.csv"))
    assert "no ordinary file" in school.refused("import", SCHOOL, str(school.folder))


def test_where_no_row_is_good_nothing_was_done(school: CommandLine) -> None:
    for content in (csv(), csv(row(1, email=""), row(2, email=""))):
        assert school("import", SCHOOL, school.file("m.csv", content)).exit_code == 2


def test_an_unknown_customer_is_refused(school: CommandLine) -> None:
    said = school.refused("import", "Nobody", school.file("m.csv", csv(row(1))))
    assert "courseflow-sync customer create" in said


def test_as_json_each_bad_row_is_a_line_and_the_summary_stands_alone(school: CommandLine) -> None:
    file = school.file("m.csv", csv(row(1), row(2, email="")))
    result = school("import", SCHOOL, file, "--json")
    assert json.loads(result.stdout) == {"rows": 2, "good": 1, "bad": 1, "dry_run": False}
    [bad] = [json.loads(line) for line in result.stderr.splitlines()]
    assert (bad["line"], bad["column"]) == (3, "email")


class TestNobodyReturns:
    @pytest.fixture
    def gone(self, school: CommandLine) -> CommandLine:
        school.ok("import", SCHOOL, school.file("m.csv", csv(row(1), row(2))))
        school.ok("ask", "erase", SCHOOL, "cf-1", "--yes")
        school.ok("ask", "unsubscribe", SCHOOL, "cf-2")
        return school

    @pytest.mark.parametrize("more", [(), ("--dry-run",)], ids=["for real", "dry run"])
    def test_who_was_erased_or_opted_out_is_refused_by_line(
        self, gone: CommandLine, more: tuple[str, ...]
    ) -> None:
        again = csv(row(3), row(1), row(2), row(4, reference="cf-other", email=EMAIL))
        result = gone("import", SCHOOL, gone.file("m.csv", again), *more)
        assert result.exit_code == 1
        lines = result.stderr.splitlines()
        assert [line.partition(":")[0] for line in lines] == ["line 3", "line 4", "line 5"]
        assert all("An import cannot bring anyone back" in line for line in lines)


def test_a_dry_run_leaves_the_files_as_they_were(school: CommandLine) -> None:
    connect_by_hand(school)
    file = school.file("m.csv", csv(*(row(number) for number in range(1, 40))))
    before = contents(school)
    school.ok("import", SCHOOL, file, "--dry-run")
    assert contents(school) == before
    school.ok("import", SCHOOL, file)
    assert contents(school) != before


def contents(cli: CommandLine) -> list[bytes]:
    return [path.read_bytes() for path in sorted(cli.folder.glob("ledger*.db"))]


def test_more_rows_than_a_batch_keep_their_order_and_their_lines(school: CommandLine) -> None:
    school.patch.setattr(members_import, "BATCH", 7)
    rows = [row(n, email="" if n % 5 == 0 else f"m{n}@example.nl") for n in range(1, 51)]
    result = school("import", SCHOOL, school.file("m.csv", csv(*rows)), "--json")
    assert json.loads(result.stdout)["good"] == 40
    lines = [json.loads(line)["line"] for line in result.stderr.splitlines()]
    assert lines == [n + 1 for n in range(5, 51, 5)]


def test_an_import_that_breaks_off_says_what_was_taken_in(school: CommandLine) -> None:
    taken = members_import.carried

    def breaks(*arguments: object) -> Iterator[object]:
        yield next(taken(*arguments))  # type: ignore[arg-type]
        raise KeyboardInterrupt

    school.patch.setattr(members_import, "carried", breaks)
    result = school("import", SCHOOL, school.file("m.csv", csv(row(1), row(2))))
    assert result.exit_code == 130
    assert "2 rows were taken in before this." in result.stderr
    assert people(school) == 2


def test_on_a_terminal_a_bar_is_drawn_and_bad_rows_stand_beside_it(
    school: CommandLine, tmp_path: Path
) -> None:
    school.patch.setattr("app.commands.bar.is_terminal", lambda _: True)
    school.patch.setenv("TERM", "xterm")
    file = school.file("[bold]m.csv", csv(row(1), row(2, email="")))
    result = school("import", SCHOOL, file)
    assert result.exit_code == 1
    assert "line 3, email: The e-mail address is missing." in result.stderr
    assert "2/2" in result.stderr
