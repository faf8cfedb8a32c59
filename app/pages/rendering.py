"""The templates, which escape whatever customers called things."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from app.pages.languages import OTHER
from app.words.pages import LANGUAGES
from app.words.report import Language

STYLES = "pages.css"  # served beside the pages


class Templates:
    def __init__(self) -> None:
        self.styles = (files("app.pages") / STYLES).read_text(encoding="utf-8")
        self.environment = Environment(
            loader=PackageLoader("app.pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(self, name: str, lang: Language, **values: Any) -> str:
        return self.environment.get_template(name).render(
            lang=lang, other=OTHER[lang], languages=LANGUAGES, styles=STYLES, **values
        )
