"""In which language a page is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.words.report import Language

LANGUAGES: Mapping[str, Language] = {"nl": "nl", "en": "en"}
OTHER: Mapping[Language, Language] = {"nl": "en", "en": "nl"}


def language(asked: str, accepts: str) -> Language:
    """What the page's own link asks, else what the browser likes best of the two, else Dutch."""
    if asked in LANGUAGES:
        return LANGUAGES[asked]
    return max(wishes(accepts), key=lambda wish: wish[1], default=("nl", 0.0))[0]


def wishes(accepts: str) -> Iterator[tuple[Language, float]]:
    """Those of the header that we speak, with their weight; of equals the first counts."""
    for part in accepts.split(","):
        tag, _, weight = part.partition(";")
        spoken = LANGUAGES.get(tag.strip().lower().partition("-")[0])
        if spoken and (weighs := weight_of(weight)) > 0:
            yield spoken, weighs


def weight_of(parameter: str) -> float:
    """0 for what cannot be read."""
    if not parameter:
        return 1.0
    name, _, value = parameter.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 0.0
    except ValueError:
        return 0.0
