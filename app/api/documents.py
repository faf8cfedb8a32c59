"""Writes the pages of docs/ that come from the code: the API, its problems, the states."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from app.api.application import described
from app.api.problems import Kind, page
from app.words import states_page


def pages() -> Iterator[tuple[str, str]]:
    """Names below docs/, with what they hold."""
    document = json.dumps(described().openapi(), indent=1, ensure_ascii=False)
    yield "api/openapi.json", f"{document}\n"
    yield "states.md", states_page.page()
    yield from ((f"errors/{kind.value}.md", page(kind)) for kind in Kind)


def write(docs: Path) -> None:
    for name, text in pages():
        path = docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
