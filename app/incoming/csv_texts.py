"""What we tell people about a file of members that cannot be used as it is."""

from __future__ import annotations

from collections.abc import Sequence

from core.connector import BasisKind, Text

KINDS = ", ".join(BasisKind)

EMPTY_FILE = Text(
    nl="Het bestand is leeg. Sla het opnieuw op, met de kolomnamen op de eerste regel.",
    en="The file is empty. Save it again, with the names of the columns on the first line.",
)
BAD_HEADER = Text(
    nl="De eerste regel is niet te lezen. Zet daar alleen de kolomnamen, zonder losse "
    "aanhalingstekens.",
    en="The first line cannot be read. Put the names of the columns there, without stray "
    "quotation marks.",
)
NOT_UTF8 = Text(
    nl="Hier staat een letter die niet in UTF-8 is opgeslagen. Kies in Excel: Opslaan als > "
    "CSV UTF-8 (door lijstscheidingsteken gescheiden).",
    en="Here is a letter that was not saved in UTF-8. Choose in Excel: Save as > "
    "CSV UTF-8 (Comma delimited).",
)
QUOTATION = Text(
    nl="Een aanhalingsteken staat verkeerd. Zet er een aan elk eind van de cel, en "
    'verdubbel wat erbinnen staat: "Jan ""Jo"" de Vries".',
    en="A quotation mark is misplaced. Put one at each end of the cell, and "
    'double those inside: "Jan ""Jo"" de Vries".',
)
FORMULA = Text(
    nl="De cel begint als een formule (=, +, -, @, tab of regeleinde). Haal dat teken weg.",
    en="The cell begins like a formula (=, +, -, @, a tab or a line break). Remove that.",
)
UNPRINTABLE = Text(
    nl="De cel bevat een regeleinde of een onzichtbaar teken. Typ de inhoud opnieuw.",
    en="The cell holds a line break or an invisible character. Type its content again.",
)
TOO_LONG = Text(
    nl="De cel is langer dan 500 tekens. Kort de inhoud in.",
    en="The cell is longer than 500 characters. Shorten its content.",
)
EMPTY_CELL = Text(
    nl="De cel is leeg, maar bij een grondslag verplicht. Vul haar in.",
    en="The cell is empty, but a basis needs it. Fill it in.",
)
NO_LISTS = Text(
    nl="Er staat geen lijst. Noem er een, of meer met | ertussen.",
    en="There is no list. Name one, or several with | between them.",
)
NO_BASIS = Text(
    nl=f"Er staat geen grondslag, en zonder mag niemand post krijgen. Kies: {KINDS}.",
    en=f"There is no basis, and without one nobody may be mailed. Choose: {KINDS}.",
)
UNKNOWN_BASIS = Text(
    nl=f"Deze grondslag bestaat niet. Kies: {KINDS}.",
    en=f"There is no such basis. Choose: {KINDS}.",
)
BAD_MOMENT = Text(
    nl="Dit is geen datum die bestaat. Schrijf haar als 2026-03-31 of 2026-03-31T14:05.",
    en="This is no date that exists. Write it as 2026-03-31 or 2026-03-31T14:05.",
)


def no_header(required: Sequence[str]) -> Text:
    names = ", ".join(required)
    return Text(
        nl=f"De eerste regel noemt de kolommen niet. Zet daar: {names}.",
        en=f"The first line does not name the columns. Put there: {names}.",
    )


def missing_columns(missing: Sequence[str]) -> Text:
    names = ", ".join(missing)
    return Text(
        nl=f"Er ontbreekt een kolom: {names}. Voeg toe, of verbeter de naam op de eerste regel.",
        en=f"A column is missing: {names}. Add it, or correct its name on the first line.",
    )


def unknown_column(number: int) -> Text:
    return Text(
        nl=f"Kolom {number} heeft een naam die wij niet kennen. Haal de kolom weg, verbeter de "
        "naam, of noem haar field:NAAM.",
        en=f"Column {number} has a name that we do not know. Remove the column, correct its "
        "name, or call it field:NAME.",
    )


def double_column(number: int) -> Text:
    return Text(
        nl=f"Kolom {number} heeft dezelfde naam als een andere. Haal er een weg.",
        en=f"Column {number} has the same name as another. Remove one of them.",
    )


def cell_count(*, found: int, wanted: int) -> Text:
    return Text(
        nl=f"Aantal cellen in de rij: {found} in plaats van {wanted}. Zet een cel met het "
        "scheidingsteken erin tussen aanhalingstekens.",
        en=f"Cells in the row: {found} instead of {wanted}. Put a cell that contains the "
        "separator between quotation marks.",
    )


def duplicate(first: int) -> Text:
    return Text(
        nl=f"Dezelfde rij staat al op regel {first}. Haal deze weg.",
        en=f"The same row is already on line {first}. Remove this one.",
    )
