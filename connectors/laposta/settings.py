"""What the customer fills in to connect an account at Laposta."""

from __future__ import annotations

import re
from typing import Self

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

# Laposta does not describe its keys; those it has shown are letters and digits. A key that holds
# anything else was copied wrongly, and a colon would end the user name of basic authentication.
KEY = re.compile(r"[A-Za-z0-9_-]{10,100}")
VARIABLE = r"^[A-Za-z0-9_]{1,100}$"


class Settings(BaseModel):
    api_key: SecretStr = Field(title="API-sleutel / API key")
    first_name_variable: str = Field(
        default="voornaam",
        pattern=VARIABLE,
        title="Variabele van de voornaam / Variable of the first name",
        description=(
            "Laposta noemt de variabele bij de velden van een lijst. / "
            "Laposta names the variable at the fields of a list."
        ),
        examples=["voornaam"],
    )
    last_name_variable: str = Field(
        default="achternaam",
        pattern=VARIABLE,
        title="Variabele van de achternaam / Variable of the last name",
        examples=["achternaam"],
    )
    source_url: str = Field(
        default="",
        pattern=r"^(https?://\S+)?$",
        title="Pagina waar men zich aanmeldt / Page where people sign up",
        examples=["https://school.example/aanmelden"],
    )
    bulk: bool = Field(
        default=False,
        title="Bulk gebruiken / Use bulk",
        description=(
            "Alleen als Laposta bulk voor dit account heeft aangezet, en alleen zonder dubbele "
            "opt-in: niet bekend is of bulk dan om bevestiging vraagt. / Only when Laposta "
            "turned bulk on for this account, and only without double opt-in: whether bulk "
            "then asks for a confirmation is not known."
        ),
    )
    webhook_secrets: SecretStr = Field(
        default=SecretStr(""),
        title="Geheimen van webhooks / Secrets of webhooks",
        description=(
            "Elke webhook heeft een eigen geheim; zet een spatie ertussen. / "
            "Every webhook has a secret of its own; put a space between them."
        ),
    )

    @field_validator("api_key")
    @classmethod
    def looks_like_a_key(cls, key: SecretStr) -> SecretStr:
        trimmed = key.get_secret_value().strip()
        if not KEY.fullmatch(trimmed):
            raise ValueError(
                "dit is geen API-sleutel van Laposta; kopieer hem opnieuw / "
                "this is no API key of Laposta; copy it again"
            )
        return SecretStr(trimmed)

    @model_validator(mode="after")
    def names_stay_apart(self) -> Self:
        if self.first_name_variable == self.last_name_variable:
            raise ValueError(
                "voornaam en achternaam staan in dezelfde variabele; kies er twee / "
                "first and last name are in one variable; choose two"
            )
        return self

    def variable(self, field: str) -> str:
        """Laposta's name for one of our fields; all but the names are called alike."""
        return {
            "first_name": self.first_name_variable,
            "last_name": self.last_name_variable,
        }.get(field, field)

    def field(self, variable: str) -> str:
        """Our name for one of Laposta's variables."""
        return {
            self.first_name_variable: "first_name",
            self.last_name_variable: "last_name",
        }.get(variable, variable)
