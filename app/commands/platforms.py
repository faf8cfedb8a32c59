"""What each platform does, on the command line."""

from __future__ import annotations

from typing import Any

import connectors
from app.commands.terminal import InLanguage, Json, both, in_language, tell, tell_json
from app.incoming import settings_form
from app.words.platforms import looking, on_erasure, source
from app.words.report import Language
from core.connector import Connector, Platform, Residue, Text

HEADS = {
    "erase": Text(nl="Bij verwijderen:", en="On erasure:"),
    "stays": Text(nl="Blijft achter:", en="Stays:"),
    "by_hand": Text(nl="Zelf weghalen:", en="Remove it yourself:"),
    "tasks": Text(nl="Met de hand:", en="By hand:"),
    "stored": Text(nl="Gegevens staan:", en="Data is stored:"),
    "settings": Text(nl="Instellingen:", en="Settings:"),
    "source": Text(nl="Bron:", en="Source:"),
}


def platforms(*, language: InLanguage = "en", json: Json = False) -> None:
    """Show every platform: what an erasure does there, what stays, what its settings are."""
    kinds = sorted(connectors.installed().items())
    if json:
        tell_json([of_platform(kind) for _, kind in kinds])
        return
    for name, kind in kinds:
        tell(f"{name}: {kind.platform.title}")
        for line in described(kind, language):
            tell(f"    {line}")
        tell("")


def of_platform(kind: type[Connector[Any]]) -> dict[str, Any]:
    platform = kind.platform
    return {
        "name": platform.name,
        "title": platform.title,
        "erasure": platform.erasure,
        "grace_days": platform.grace.days if platform.grace else None,
        "on_erasure": both(on_erasure(platform)),
        "residue": [of_residue(one) for one in platform.residue],
        "by_hand": {verb: both(text) for verb, text in platform.by_hand.items()},
        "can_look": platform.can_look,
        "stores_in": both(platform.stores_in),
        "in_eu": platform.in_eu,
        "docs": platform.docs,
        "checked": platform.checked,
        "settings": kind.settings_model.model_json_schema(),
    }


def of_residue(one: Residue) -> dict[str, Any]:
    return {
        "what": both(one.what),
        "lasts_days": one.lasts.days if one.lasts else None,
        "by_hand": both(one.by_hand),
        "source": one.source,
        "checked": one.checked,
    }


def described(kind: type[Connector[Any]], language: Language) -> list[str]:
    platform = kind.platform
    head = {name: in_language(text, language) for name, text in HEADS.items()}
    words = [in_language(text(platform), language) for text in (on_erasure, looking)]
    lines = [f"{head['erase']} {' '.join(words)}"]
    for one in platform.residue:
        lines.append(f"{head['stays']} {in_language(one.what, language)}")
        if one.by_hand:
            lines.append(f"    {head['by_hand']} {in_language(one.by_hand, language)}")
    if platform.by_hand:
        lines.append(f"{head['tasks']} {', '.join(platform.by_hand)}")
    lines.append(f"{head['stored']} {in_language(platform.stores_in, language)}")
    lines.append(f"{head['settings']} {settings_form.needed(kind.settings_model)}")
    lines.append(f"{head['source']} {cited(platform, language)}")
    return lines


def cited(platform: Platform, language: Language) -> str:
    return in_language(source(platform.docs, platform.checked), language)
