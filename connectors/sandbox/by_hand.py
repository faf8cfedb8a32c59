"""The sandbox platform that has no API: nothing to call, everything is a task for a human."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

from pydantic import BaseModel, Field

from core.connector import Account, Basis, Connector, Identity, Person, Place, Trace
from core.errors import Refused


class Note(BaseModel):
    """What the customer tells about the account; there is no way to check it."""

    title: str = Field(title="Naam van het account / Name of the account", min_length=1)


class WithoutApi(Connector[Note]):
    """
    Every verb refuses, the looking too: an empty answer would mean that nothing is there.

    The declaration lists the verbs as work by hand, so that none of them is ever called.
    """

    settings_model = Note

    @classmethod
    def base_url(cls, settings: Note) -> str:  # noqa: ARG003
        return "https://no-api.invalid"  # a name that never resolves (RFC 2606)

    def check(self) -> Account:
        """The customer's word, as there is nothing to ask."""
        return Account(self.settings.title.strip().casefold(), self.settings.title)

    def places(self) -> Sequence[Place]:
        """The account as a whole, so that the customer's lists can be mapped to it."""
        return [Place("contacts", self.settings.title)]

    def translate(self, person: Person) -> Mapping[str, str]:
        fields = {name: value or "" for name, value in person.fields.items()}
        return {"email": person.email, **fields}

    def find(self, who: Identity) -> Sequence[Trace]:  # noqa: ARG002
        refuse()

    def subscribe(self, person: Person, place: Place, basis: Basis) -> None:  # noqa: ARG002
        refuse()

    def update(self, who: Identity, new: Person) -> None:  # noqa: ARG002
        refuse()

    def unsubscribe(self, who: Identity, places: Sequence[Place]) -> None:  # noqa: ARG002
        refuse()

    def erase(self, who: Identity) -> None:  # noqa: ARG002
        refuse()


def refuse() -> NoReturn:
    raise Refused("this platform has no API; a human does it there, and tells us")
