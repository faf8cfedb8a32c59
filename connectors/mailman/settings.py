"""What the customer fills in to connect a Mailman."""

from __future__ import annotations

import httpx
from pydantic import BaseModel, Field, SecretStr

from core.errors import Refused

VERSION = "3.1"  # of the API; 3.0 counts its ids differently


class Settings(BaseModel):
    base_url: str = Field(
        title="Adres van de REST-API / Address of the REST API",
        examples=["https://lists.school.example/3.1"],
    )
    user: str = Field(title="Gebruikersnaam / User name", min_length=1)
    password: SecretStr = Field(title="Wachtwoord / Password", min_length=1)
    keep_refusal: bool = Field(
        default=False,
        title="Laat bij een verwijdering blokkades staan / Keep bans when erasing",
    )
    confirm: bool = Field(
        default=False,
        title="Laat de persoon per e-mail bevestigen / Have the person confirm by e-mail",
        description=(
            "Een lijst die voor bewezen adressen open staat vraagt die niets. / "
            "A list that is open to proven addresses asks those nothing."
        ),
    )


def address_of(settings: Settings) -> httpx.URL:
    try:
        url = httpx.URL(settings.base_url.strip().rstrip("/"))
    except httpx.InvalidURL:
        raise Refused("the address of Mailman's API is not a web address") from None
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo:
        raise Refused(
            "the address of Mailman's API must begin with https:// and a host, not a user"
        )
    if url.query or url.fragment or not url.path.endswith(f"/{VERSION}"):
        raise Refused(f"the address of Mailman's API must end in /{VERSION}")
    return url
