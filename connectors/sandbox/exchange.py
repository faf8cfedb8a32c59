"""One HTTP exchange as the imitation sees it: a call, an answer, or a refusal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

JSON = "application/json"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    path: str
    body: str = ""
    authorization: str = ""
    origin: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: str = ""
    kind: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """The imitation will not do it; ``word`` is the stable name of the reason."""

    def __init__(self, status: int, word: str) -> None:
        super().__init__(word)
        self.status = status
        self.word = word

    def answer(self, **headers: str) -> Answer:
        return said(self.status, {"error": self.word}, **headers)


def said(status: int, body: object, **headers: str) -> Answer:
    """A JSON answer; a header's underscores become dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps(body), JSON, named)
