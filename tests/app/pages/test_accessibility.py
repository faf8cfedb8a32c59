"""The pages are well-formed, for every reader: of the screen, of its text, of paper."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from importlib.resources import files

import pytest

from tests.app.pages.conftest import Visitor, app_of, bustling
from tests.app.pages.html import Parsed, parsed
from tests.core.schools import school_in

CSS = (files("app.pages") / "pages.css").read_text(encoding="utf-8")
LEAST = 4.5  # WCAG 2.2, 1.4.3
ON = {
    "paper": ("ink", "soft", "link", "act", "done"),
    "panel": ("ink", "soft", "link", "act", "done"),
    "act-panel": ("ink", "soft", "link"),
}


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    with school_in(tmp_path_factory.mktemp("school")) as school:
        bustling(school)
        yield Visitor(school, app_of(school))


@pytest.fixture(params=itertools.product(("overview", "person", "notice"), ("nl", "en")))
def page(request: pytest.FixtureRequest, visitor: Visitor) -> Parsed:
    which, lang = request.param
    written = {
        "overview": visitor.link(),
        "person": visitor.link(visitor.id_of()),
        "notice": "abc",
    }
    return parsed(visitor.ask(f"/{written[which]}?lang={lang}").text)


def test_nothing_is_inline(page: Parsed) -> None:
    assert page.all("script", "style", "iframe", "object", "form", "img") == []
    names = {name for one in page.elements for name in one.attributes}
    assert not [name for name in names if name == "style" or name.startswith("on")]


def test_everything_leads_to_a_place_beside_this_page(page: Parsed) -> None:
    places = {one.attributes.get("href") or "" for one in page.all("a", "link")}
    assert not [place for place in places if not re.fullmatch(r"[\w.?=-]+", place)]


def test_ids_are_unique_and_labels_lead_to_them(page: Parsed) -> None:
    ids = [one.attributes["id"] for one in page.elements if "id" in one.attributes]
    assert len(set(ids)) == len(ids)
    assert {one.attributes["aria-labelledby"] for one in page.all("table")} <= set(ids)


def test_headings_go_down_one_level_at_a_time(page: Parsed) -> None:
    levels = [int(one.tag[1]) for one in page.elements if re.fullmatch(r"h[1-6]", one.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert all(page.texts("h1", "h2", "h3"))


def test_the_page_says_its_language_and_title(page: Parsed) -> None:
    (html,) = page.all("html")
    assert html.attributes["lang"] in {"nl", "en"}
    assert page.texts("title")[0]
    assert len(page.all("main")) == 1


def test_tables_have_headers_with_a_scope_and_cells_that_repeat_them(page: Parsed) -> None:
    scopes = [one.attributes.get("scope") for one in page.all("th")]
    assert set(scopes) <= {"col", "row"}
    heads = {one.text for one in page.all("th") if one.attributes["scope"] == "col"}
    assert {one.attributes["data-label"] for one in page.all("td")} <= heads


def test_shapes_are_not_read_aloud(page: Parsed) -> None:
    marks = [one for one in page.elements if one.attributes.get("class") == "mark"]
    assert all(one.attributes["aria-hidden"] == "true" for one in marks)


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_every_colour_can_be_read_on_what_is_behind_it(scheme: str) -> None:
    colours = colours_of(scheme)
    assert not {
        (text, behind, ratio)
        for behind, texts in ON.items()
        for text in texts
        if (ratio := contrast(colours[text], colours[behind])) < LEAST
    }


def test_no_colour_stands_outside_the_schemes() -> None:
    rules = re.sub(r":root \{[^}]*\}", "", CSS)
    assert re.findall(r"#[0-9a-fA-F]{3,6}\b", rules) == []


def colours_of(scheme: str) -> dict[str, str]:
    roots = re.findall(r":root \{([^}]*)\}", CSS)
    light, dark, printed = (dict(re.findall(r"--([\w-]+): (#\w+);", root)) for root in roots)
    return {"light": light, "dark": {**light, **dark}, "print": {**light, **printed}}[scheme]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """As WCAG 2.2 defines it, for sRGB."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = map(linear, parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
