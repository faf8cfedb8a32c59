"""A page taken apart: it refuses HTML that is not well-formed."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link"}
Attributes = dict[str, str | None]


@dataclass
class Element:
    tag: str
    attributes: Attributes
    text: str = ""  # its own and that of what is in it


@dataclass
class Parsed(HTMLParser):
    elements: list[Element] = field(default_factory=list)
    open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"{tag} says something twice"
        element = Element(tag, dict(attrs))
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1].tag == tag, f"</{tag}> closes {self.open[-1].tag}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data

    def all(self, *tags: str) -> list[Element]:
        return [one for one in self.elements if one.tag in tags]

    def texts(self, *tags: str) -> list[str]:
        return [" ".join(one.text.split()) for one in self.all(*tags)]


def parsed(html: str) -> Parsed:
    assert html.startswith("<!doctype html>")
    page = Parsed()
    page.feed(html)
    page.close()
    assert page.open == [], "something stays open"
    return page
