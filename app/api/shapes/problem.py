"""The shape of a problem."""

from __future__ import annotations

from app.api.shapes import Shape


class Where(Shape):
    """A part that is wrong: a pointer into the body (RFC 6901), else a parameter's name."""

    pointer: str | None
    parameter: str | None
    reason: str


class Problem(Shape):
    """Why it was refused (RFC 9457). It never repeats what was sent."""

    type: str
    title: str
    status: int
    detail: str
    where: list[Where]
