"""Pages to read behind a signed link: a customer's overview, what still sits where of a person."""

from __future__ import annotations

from app.pages.doors import create, pages

__all__ = ["create", "pages"]
